"""curl, posting ready-made requests one after the other."""

import gzip
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bed.influxd import Database, at

_REQUEST: Final = """\
url = "{url}"
header = "Authorization: Token {token}"
header = "Content-Encoding: gzip"
header = "Content-Type: text/plain; charset=utf-8"
data-binary = "@{path}"
write-out = "%{{http_code}}\\n"
output = "/dev/null"
silent
"""


def packed(body: bytes) -> bytes:
    """Compress as the service does, so that both send the same bytes."""
    return gzip.compress(body, compresslevel=6, mtime=0)


def post(database: Database, bucket: str, files: Sequence[Path]) -> float:
    """Post compressed files, all over one connection. Gives the seconds that it took."""
    began = time.monotonic()
    _curl(_request(database, bucket, path) for path in files)
    return time.monotonic() - began


def post_each(database: Database, bucket: str, files: Sequence[Path]) -> float:
    """Post compressed files, each with a curl of its own, as a shell's loop does."""
    began = time.monotonic()
    for path in files:
        _curl([_request(database, bucket, path)])
    return time.monotonic() - began


def _request(database: Database, bucket: str, path: Path) -> str:
    url = database.url + at("/api/v2/write", org=database.org, bucket=bucket, precision="s")
    return _REQUEST.format(url=url, token=database.token, path=path)


def _curl(requests: Iterable[str]) -> None:
    done = subprocess.run(
        ["curl", "--config", "-"],
        input="next\n".join(requests),
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(done.stdout.split()) == {"204"}, done.stdout
