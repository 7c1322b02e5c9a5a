"""Confinement: the same verdict on every attack, by openat2 and by walking the components."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator_tui.primitives import opening
from orchestrator_tui.primitives.files import UnsuitableFile, read_bytes, read_range, read_tail
from orchestrator_tui.primitives.opening import open_beneath

SECRET = b"secret"


@pytest.fixture(params=["openat2", "walking"])
def mechanism(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test once with the kernel's own confinement and once without."""
    chosen: str = request.param
    if chosen == "walking":
        monkeypatch.setattr(opening, "_has_openat2", False)
    return chosen


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Make a folder full of traps, with one good file in it and a secret beside it."""
    root = tmp_path / "root"
    (root / "inner" / "deep").mkdir(parents=True)
    (root / "inner" / "deep" / "good").write_bytes(b"good")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    (root / "to_folder").symlink_to("inner")
    (root / "to_file").symlink_to("inner/deep/good")
    (root / "to_secret").symlink_to(tmp_path / "outside" / "secret")
    (root / "to_outside").symlink_to("../outside")
    (root / "dangling").symlink_to("nothing")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        previous = Path.cwd()
        os.chdir(root)  # a socket's address is short, a test's folder is not
        listener.bind("socket")
        os.chdir(previous)
        yield root


ATTACKS = [
    "inner/../inner/deep/good",
    "../outside/secret",
    "inner/../../outside/secret",
    "to_folder/deep/good",
    "to_file",
    "to_secret",
    "to_outside/secret",
    "dangling",
    "loop",
    "loop/good",
    "pipe",
    "socket",
    "inner",
    ".",
    "inner/deep/good/more",
    "inner/deep/good\0.json",
    "inner/deep/\ud800",
]


@pytest.mark.usefixtures("mechanism")
@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_attack_is_refused_with_path_and_reason(root: Path, attack: str) -> None:
    with pytest.raises(UnsuitableFile) as refusal:
        read_bytes(root / attack, limit_bytes=100, root=root)
    assert str(refusal.value).endswith(refusal.value.reason)
    assert str(root) in str(refusal.value)


@pytest.mark.usefixtures("mechanism")
def test_an_absolute_path_elsewhere_is_refused(root: Path) -> None:
    secret = root.parent / "outside" / "secret"
    with pytest.raises(UnsuitableFile, match="lies outside"):
        read_tail(secret, 100, root=root)
    with pytest.raises(UnsuitableFile, match="lies outside"):
        read_range(secret, 0, 100, root=root)
    with pytest.raises(UnsuitableFile, match="lies outside"):
        read_bytes(Path("/etc/hostname"), limit_bytes=100, root=root)


@pytest.mark.usefixtures("mechanism")
@pytest.mark.parametrize("magic", ["root/etc/hostname", "cwd/pyproject.toml", "exe", "fd/0"])
def test_a_magic_link_is_refused(magic: str) -> None:
    proc = Path("/proc/self")
    with pytest.raises(UnsuitableFile):
        read_bytes(proc / magic, limit_bytes=100, root=proc)


@pytest.mark.usefixtures("mechanism")
@pytest.mark.parametrize("device", ["null", "zero", "tty"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(UnsuitableFile, match="not a regular file"):
        read_bytes(Path("/dev", device), limit_bytes=100, root=Path("/dev"))


@pytest.mark.usefixtures("mechanism")
def test_a_good_file_is_read_and_a_missing_one_is_missing(root: Path) -> None:
    good = root / "inner" / "deep" / "good"
    assert read_bytes(good, limit_bytes=4, root=root) == b"good"
    assert read_tail(good, 2, root=root)[1:] == (2, b"od")
    for missing in ("inner/none", "none/at/all"):
        with pytest.raises(FileNotFoundError) as error:
            read_bytes(root / missing, limit_bytes=4, root=root)
        assert error.value.filename == str(root / missing)


@pytest.mark.usefixtures("mechanism")
def test_a_root_may_itself_be_reached_through_a_link(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert read_bytes(link / "inner/deep/good", limit_bytes=4, root=link) == b"good"


@pytest.mark.usefixtures("mechanism")
def test_a_folder_swapped_for_a_link_during_the_opening_never_escapes(root: Path) -> None:
    (root.parent / "outside" / "good").write_bytes(SECRET)
    victim, spare = root / "victim", root / "spare"
    victim.mkdir()
    (victim / "good").write_bytes(b"good")
    spare.symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        third = root / "third"
        while not stop.is_set():
            victim.rename(third)
            spare.rename(victim)
            third.rename(spare)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen: set[bytes] = set()
    try:
        for _ in range(2000):
            try:
                seen.add(read_bytes(victim / "good", limit_bytes=100, root=root))
            except OSError:  # refused, or absent just then
                continue
    finally:
        stop.set()
        swapper.join()
    assert SECRET not in seen


def test_no_descriptor_is_left_by_any_refusal(root: Path, mechanism: str) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for attack in ATTACKS:
        with pytest.raises(UnsuitableFile):
            open_beneath(root, root / attack)
    assert len([*Path("/proc/self/fd").iterdir()]) == before, mechanism


@pytest.mark.parametrize("attack", ["pipe", "socket", "inner", "loop", "x\0y"])
def test_without_a_root_links_are_followed_and_nothing_else_is_new(root: Path, attack: str) -> None:
    assert read_bytes(root / "to_file", limit_bytes=100) == b"good"
    with pytest.raises(UnsuitableFile):
        read_bytes(root / attack, limit_bytes=100)


def test_a_kernel_that_lacks_openat2_is_asked_only_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_has_openat2", True)
    monkeypatch.setattr(opening, "_SYS_OPENAT2", 100_000)  # no such call: ENOSYS
    assert read_bytes(root / "inner/deep/good", limit_bytes=4, root=root) == b"good"
    assert opening._has_openat2 is False
