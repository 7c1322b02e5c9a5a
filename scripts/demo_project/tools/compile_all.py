"""Compile every Python file of some folders and report each error as a compiler does."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


def complaint(path: Path) -> str | None:
    """Return what is wrong with one file, or None."""
    source = path.read_text()
    try:
        compile(source, str(path), "exec")
    except SyntaxError as error:
        line, column = error.lineno or 1, max(error.offset or 1, 1)
        text = (source.splitlines()[line - 1 : line] or [""])[0]
        return (
            f"{path}:{line}:{column}: error: {error.msg}\n"
            f"{line:5d} | {text}\n"
            f"      | {' ' * (column - 1)}^\n"
        )
    return None


def main() -> int:
    """Compile the folders named on the command line; 1 if anything is wrong."""
    warnings.simplefilter("ignore", SyntaxWarning)
    paths = sorted(path for folder in sys.argv[1:] for path in Path(folder).rglob("*.py"))
    wrong = 0
    for number, path in enumerate(paths, 1):
        print(f"[{number:3d}/{len(paths)}] compiling {path}", flush=True)
        if text := complaint(path):
            wrong += 1
            print(text, end="", file=sys.stderr, flush=True)
    if wrong:
        print(f"{wrong} errors in {len(paths)} files", file=sys.stderr)
        return 1
    print(f"{len(paths)} files are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
