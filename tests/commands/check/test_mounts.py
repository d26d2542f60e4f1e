"""Which file system a directory lies on."""

from pathlib import Path

from collector.commands.check.disk import Mount, mount_of, mounts

PI = r"""21 25 0:20 / /proc rw - proc proc rw
25 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw
26 25 0:24 / /run rw,nosuid shared:13 - tmpfs tmpfs rw,mode=755
27 25 8:1 / /media/usb\040stick rw - ext4 /dev/sda1 rw
"""
READ_ONLY_PI = """25 1 0:30 / / rw - overlay overlay rw,lowerdir=/lower,upperdir=/upper
26 25 0:24 / /run rw - tmpfs tmpfs rw
"""


def test_the_nearest_mount_counts() -> None:
    assert mount_of(Path("/run/p1-collector"), PI) == Mount(Path("/run"), "tmpfs", "tmpfs")
    assert mount_of(Path("/var/lib/p1-collector"), PI) == Mount(
        Path("/"), "ext4", "/dev/mmcblk0p2"
    )


def test_a_name_that_only_begins_alike_is_another_place() -> None:
    found = mount_of(Path("/runner"), PI)
    assert found is not None
    assert found.place == Path("/")


def test_a_place_with_a_space_is_read() -> None:
    found = mount_of(Path("/media/usb stick/spool"), PI)
    assert found is not None
    assert found.device == "/dev/sda1"


def test_the_read_only_mode_of_raspberry_pi_os_is_an_overlay() -> None:
    found = mount_of(Path("/var/lib/p1-collector/spool"), READ_ONLY_PI)
    assert found is not None
    assert found.kind == "overlay"


def test_what_is_mounted_over_another_counts() -> None:
    table = PI + "30 25 0:40 / /run rw - ramfs ramfs rw\n"
    found = mount_of(Path("/run/x"), table)
    assert found is not None
    assert found.kind == "ramfs"


def test_no_table_is_no_mount() -> None:
    assert mount_of(Path("/run"), "") is None


def test_this_machines_own_table_is_read() -> None:
    found = mount_of(Path("/proc"), mounts())
    assert found is not None
    assert (found.place, found.kind) == (Path("/proc"), "proc")
