"""Which file systems tell of changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator_tui.watch.mounts import remote_kind

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:31 / /home rw,relatime shared:5 - nfs4 server:/home rw
41 40 8:2 / /home/dev/local\\040disk rw - xfs /dev/sdb1 rw
42 22 0:40 / /mnt/ssh rw - fuse.sshfs host: rw
43 22 0:41 / /mnt/over rw - nfs a:/x rw
44 43 0:42 / /mnt/over rw - tmpfs tmpfs rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/repo/.runs", None),
        ("/home/dev/app/.runs", "nfs4"),
        ("/home/dev/local disk/.runs", None),
        ("/homestead", None),
        ("/mnt/ssh", "fuse.sshfs"),
        ("/mnt/over/app", None),
    ],
)
def test_the_nearest_mount_above_a_path_decides(
    tmp_path: Path, path: str, kind: str | None
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    assert remote_kind(Path(path), table) == kind


def test_without_a_mount_table_a_path_counts_as_local(tmp_path: Path) -> None:
    assert remote_kind(tmp_path, tmp_path / "absent") is None


def test_the_table_of_this_machine_can_be_read(tmp_path: Path) -> None:
    assert remote_kind(tmp_path) is None
