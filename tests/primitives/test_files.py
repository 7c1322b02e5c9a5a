"""Files: reading within bounds, looking without following, names made and removed."""

from __future__ import annotations

import errno
import os
import stat
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import EntryKind, FolderEntry, UnsuitableFile
from orchestrator_tui.primitives.steps import Step
from tests.fault_plans import Failing, FailingStep, Watching, installed


def test_a_file_larger_than_the_limit_is_refused_unread(tmp_path: Path) -> None:
    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(1 << 30)
    plan = Watching()
    with installed(plan), pytest.raises(UnsuitableFile, match=r"1,073,741,824 bytes.*2,048"):
        files.read_bytes(big, limit_bytes=2048)
    assert Step.READ not in [step for step, _ in plan.seen]


def test_a_file_that_claims_to_be_empty_is_read_up_to_the_limit() -> None:
    status = Path("/proc/self/status")  # the kernel tells its size as 0
    assert files.read_bytes(status, limit_bytes=100_000).startswith(b"Name:")
    with pytest.raises(UnsuitableFile, match="grew beyond"):
        files.read_bytes(status, limit_bytes=10)


def test_a_range_and_a_tail_tell_what_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(bytes(range(200)))
    signature, middle = files.read_range(path, 50, 20)
    assert middle == bytes(range(50, 70))
    assert signature == files.signature(path)
    assert signature.size == 200
    assert files.read_range(path, 500, 20)[1] == b""
    assert files.read_tail(path, 3)[1:] == (197, bytes([197, 198, 199]))
    assert files.read_tail(path, 1000)[1:] == (0, bytes(range(200)))


def test_reading_goes_on_after_short_reads(tmp_path: Path) -> None:
    path = tmp_path / "long"
    content = os.urandom(300_000)
    path.write_bytes(content)
    assert files.read_bytes(path, limit_bytes=300_000) == content
    assert files.read_range(path, 1, 299_000)[1] == content[1:299_001]


def test_signatures_are_of_regular_files_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert files.signature(tmp_path / "file") is not None
    for other in ("link", "none", "file/below", "impossible\0"):
        assert files.signature(tmp_path / other) is None
    assert files.signature(tmp_path) is None


def test_a_signature_changes_with_every_replacement(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    seen = set()
    for number in range(200):
        files.write_atomic(path, b"%03d" % number)
        seen.add(files.signature(path))
    assert len(seen) == 200


@pytest.mark.parametrize(
    ("mtime_ns", "year"), [(0, 1970), (10**18, 2001), (2**62, 2116), (-(10**18), 1938)]
)
def test_a_time_of_change_is_utc(mtime_ns: int, year: int) -> None:
    moment = files.FileSignature(1, 2, 3, mtime_ns, 5).modified_at
    assert (moment.year, moment.tzinfo) == (year, UTC)


@pytest.mark.parametrize("seconds", [10**12, 253_402_300_799])
def test_a_time_of_change_beyond_the_calendar_is_a_late_one_in_every_zone(seconds: int) -> None:
    for zone in (timezone(timedelta(hours=-23)), timezone(timedelta(hours=23))):
        late = files.FileSignature(1, 2, 3, seconds * 10**9, 5).modified_at
        early = files.FileSignature(1, 2, 3, -seconds * 10**9, 5).modified_at
        assert late.astimezone(zone).year >= 9998
        assert early.astimezone(zone).year <= 2


def test_looking_at_folders_follows_links_and_finds_only_folders(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    assert files.is_folder(folder)
    assert files.is_folder(tmp_path / "link")
    assert files.folder_signature(folder) == files.folder_signature(tmp_path / "link")
    for other in ("file", "loop", "none"):
        assert not files.is_folder(tmp_path / other)
    assert files.exists(tmp_path / "loop")
    assert not files.exists(tmp_path / "none")


def test_what_the_system_will_not_tell_is_an_error_and_not_an_absence(tmp_path: Path) -> None:
    with installed(FailingStep(Step.STAT, errno.EACCES)):
        for look in (files.signature, files.folder_signature, files.is_folder, files.exists):
            with pytest.raises(PermissionError) as error:
                look(tmp_path / "x")
            assert error.value.filename == str(tmp_path / "x")


def test_a_folder_is_listed_by_name_with_what_each_entry_is(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    (tmp_path / "a").mkdir()
    (tmp_path / "c").symlink_to("a")
    os.mkfifo(tmp_path / "d")
    assert files.list_folder(tmp_path) == (
        FolderEntry("a", EntryKind.FOLDER),
        FolderEntry("b", EntryKind.FILE),
        FolderEntry("c", EntryKind.LINK),
        FolderEntry("d", EntryKind.OTHER),
    )
    with pytest.raises(FileNotFoundError):
        files.list_folder(tmp_path / "none")
    with pytest.raises(NotADirectoryError):
        files.list_folder(tmp_path / "b")


def test_a_link_says_where_it_leads(tmp_path: Path) -> None:
    files.make_symlink(tmp_path / "link", "../elsewhere")
    (tmp_path / "file").touch()
    assert files.read_link(tmp_path / "link") == "../elsewhere"
    for other in ("file", "none", "file/below", "impossible\0"):
        assert files.read_link(tmp_path / other) is None
    with pytest.raises(FileExistsError):
        files.make_symlink(tmp_path / "link", "again")


def test_a_path_is_resolved_only_if_it_stays_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "in").symlink_to("a/file")
    (root / "out").symlink_to("../elsewhere")
    (root / "dangling").symlink_to("none")
    assert files.resolve_inside(root, root / "in") == (root / "a" / "file").resolve()
    assert files.resolve_inside(root, root / "dangling") == root.resolve() / "none"
    assert files.resolve_inside(root, root / "a" / ".." / "a") == (root / "a").resolve()
    for escape in ("out", "a/../../elsewhere", "x\0"):
        assert files.resolve_inside(root, root / escape) is None
    assert files.resolve_inside(root, Path("/etc")) is None


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    files.make_folder(deep)
    files.make_folder(deep)
    assert deep.is_dir()
    with pytest.raises(FileExistsError):
        files.make_folder(deep, exclusive=True)
    files.make_folder(tmp_path / "x" / "private", exclusive=True, mode=0o700)
    assert stat.S_IMODE((tmp_path / "x" / "private").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        files.make_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        files.make_folder(tmp_path / "file" / "below")


def test_removing_tells_whether_there_was_anything(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("none")
    assert files.remove(tmp_path / "file")
    assert files.remove(tmp_path / "link")
    assert not files.remove(tmp_path / "file")
    with pytest.raises(OSError, match=str(tmp_path)):
        files.remove(tmp_path)


def test_a_file_gets_another_name(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    files.rename(tmp_path / "old", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_permission_bits_are_set_on_files_and_never_through_links(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    files.set_mode(path, 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(UnsuitableFile, match="symbolic link"):
        files.set_mode(tmp_path / "link", 0o666)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_descriptor_for_locks_is_of_a_regular_file_only(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.open_descriptor(tmp_path / "lock", create=False)
    descriptor = files.open_descriptor(tmp_path / "lock", create=True)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
    (tmp_path / "link").symlink_to("lock")
    os.mkfifo(tmp_path / "pipe")
    for other in ("link", "pipe", "."):
        with pytest.raises(UnsuitableFile):
            files.open_descriptor(tmp_path / other, create=True)


def test_a_file_server_that_forgot_a_file_is_asked_once_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with installed(Failing(1, errno.ESTALE)):
        assert files.read_bytes(tmp_path / "file", limit_bytes=1, root=tmp_path) == b"x"
    with (
        installed(Failing(1, errno.ESTALE, lasting=True)),
        pytest.raises(OSError, match="Stale") as error,
    ):
        files.read_bytes(tmp_path / "file", limit_bytes=1, root=tmp_path)
    assert error.value.filename == str(tmp_path / "file")


def test_a_file_of_the_kernel_that_has_no_size_is_read_whole() -> None:
    path = Path("/proc/sys/kernel/pid_max")
    content = files.read_bytes(path, limit_bytes=64)
    assert content == path.read_bytes()
    assert len(content) > 1


def test_a_folder_of_ones_own_is_made_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    files.make_own_folder(folder)
    files.make_own_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_where_others_may_write_is_not_ones_own(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UnsuitableFile, match="another user may write there"):
        files.make_own_folder(folder)


def test_a_link_is_not_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there")
    with pytest.raises(UnsuitableFile):
        files.make_own_folder(link)
