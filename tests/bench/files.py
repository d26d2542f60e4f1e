"""A backlog of many small files, as `once` by a timer makes it: how fast it drains.

    ./tests/run files [10 1000 …]

Each file has one record. Keeper and sender are the service's own, on a real disk, and the server
is a real one that takes every request: seconds to look at all of it at the start, files a second
from then on, and the most memory.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Final

from collector.delivery.answer import Target
from collector.delivery.influx import Influx
from collector.delivery.sender import Sender
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.errands import PATIENCE_SECONDS, Errands
from collector.spool.handoff import Handoff
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Record, RecordId, new_run
from collector.spool.segment import closed_name
from collector.spool.spool import Directories, Spool

NUMBERS: Final = (10, 1_000, 10_000, 100_000)
START: Final = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of so many files."""

    files: int
    first_look: float
    seconds: float
    requests: int
    memory: int


class Taking(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def server() -> Iterator[str]:
    """Give the address of a server that takes everything."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as taking:
        Thread(target=taking.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{taking.server_port}"
        taking.shutdown()


def fill(directories: Directories, number: int) -> None:
    for directory in (*directories.kept, directories.inbox):
        directory.mkdir(parents=True, exist_ok=True)
    for n in range(1, number + 1):
        body = b"electricity,site=home,meter=E1 power_import_kw=0.321 %d\n" % (START + n)
        path = directories.inbox / closed_name(n)
        path.write_bytes(Record(RecordId(new_run(), 1), body).encode())


def drain(home: Path, url: str, number: int) -> Drained:
    directories, account, handoff, stopping = Directories(home), Account(), Handoff(), Event()
    fill(directories, number)
    spool = Spool(directories, account, Disk())
    keeper = Keeper(
        spool, handoff, Limits(1 << 40, 0, 0), keep_seconds=10, monotonic=time.monotonic
    )
    influx = Influx(Target(url, "org", "bucket", "token"), deadline=30)
    sender = Sender(
        influx,
        spool,
        handoff,
        account,
        keeper,
        stopping=stopping,
        monotonic=time.monotonic,
        place=url,
        errands=Errands(PATIENCE_SECONDS),
    )
    influx.meanwhile = sender.backlog.look
    began = time.monotonic()
    spool.look()
    looked = time.monotonic()
    threads = [Thread(target=sender.run), Thread(target=_keep, args=(keeper, stopping))]
    for thread in threads:
        thread.start()
    while account.totals().delivered < number:
        time.sleep(0.01)
    took = time.monotonic() - looked
    stopping.set()
    for thread in threads:
        thread.join()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Drained(number, looked - began, took, sender.delivery.requests, most)


def _keep(keeper: Keeper, stopping: Event) -> None:
    while not stopping.wait(0.25):
        keeper.tick()


def main(numbers: Sequence[int]) -> None:
    say("   files  first look     drained  a second  requests      most")
    for number in numbers:
        with server() as url, tempfile.TemporaryDirectory() as home:
            done = drain(Path(home), url, number)
        say(
            f"{done.files:>8} {done.first_look:>9.3f} s {done.seconds:>9.2f} s"
            f" {done.files / done.seconds:>9.0f} {done.requests:>9}"
            f" {done.memory / 1e6:>6.0f} MB"
        )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  whoever measures wants to see it


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or NUMBERS)
