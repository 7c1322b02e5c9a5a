# Sourced by the scripts beside this folder: finds a Python and keeps .venv ready.
# Afterwards the working directory is the checkout, its path is in $root, and programs of the
# environment are in $venv/bin. ORCH_TUI_VENV names an environment to use as it is.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
venv=${ORCH_TUI_VENV:-$root/.venv}

die() {
    printf '%s\n' "$1" >&2
    exit 1
}

# Prints the first Python of 3.11 or newer; a shim that cannot run does not count.
find_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    python=$(find_python) ||
        die "Python 3.11 or newer is missing; install it, for example: sudo apt-get install python3.11 python3.11-venv"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        die "The venv module of Python $version is missing; install it, for example: sudo apt-get install python$version-venv"
    printf 'Creating .venv with Python %s\n' "$version" >&2
    "$python" -m venv --clear "$venv"
}

# Tells whether the environment holds this checkout and the named parts; $wanted is the stamp.
holds() {
    "$venv/bin/python" -c '' 2>/dev/null || return 1
    for part in "$@"; do
        [ "$(cat "$venv/holds-$part" 2>/dev/null)" = "$wanted" ] || return 1
    done
}

# ready [EXTRA...]: makes sure that .venv holds this checkout and those extras of pyproject.toml.
# A stamp of pyproject.toml and of the checkout's place makes the second time quick.
ready() {
    if [ -n "${ORCH_TUI_VENV-}" ]; then
        return 0
    fi
    wanted="$root $(cksum <pyproject.toml)"
    if holds program "$@"; then
        return 0
    fi
    # Scripts in an environment name its path, so one from another place is made anew.
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
        ! grep -qsF "$venv" "$venv/bin/activate"; then
        make_venv
    fi
    extras=$(printf '%s' "$*" | tr ' ' ',')
    printf 'Installing orch-tui%s into .venv\n' "${extras:+ with $extras}" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --editable ".${extras:+[$extras]}" ||
        die "Installing into .venv failed; the lines above say why (a package index must be in reach)."
    for part in program "$@"; do
        printf '%s\n' "$wanted" >"$venv/holds-$part"
    done
}
