"""Who imports as root leaves files that the service may read and remove."""

import os
from pathlib import Path

import pytest

from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.record import Record, RecordId
from collector.spool.spool import Directories

SERVICE_USER = 65_534  # nobody

pytestmark = [
    pytest.mark.may_skip,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away"),
]


def test_what_root_puts_in_belongs_to_the_services_user(tmp_path: Path) -> None:
    directories = Directories(tmp_path / "spool")
    directories.spool.mkdir()
    os.chown(directories.spool, SERVICE_USER, SERVICE_USER)
    inbox = Inbox(directories, Disk(), free=0)
    inbox.put([Record(RecordId("0" * 12, 1), b"a b=1 1\n")], lambda: None)
    (segment,) = directories.inbox.iterdir()
    assert {path.stat().st_uid for path in (directories.inbox, segment)} == {SERVICE_USER}
