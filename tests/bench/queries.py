"""How long each query of the dashboards takes, on a year of a telegram every ten seconds.

    ./tests/run queries                   fill an InfluxDB of its own, and ask everything
    ./tests/run queries --only history    one dashboard
    ./tests/run queries --bucket NAME     a bucket that an earlier call filled

It prints Markdown: a table a dashboard and language, the slowest first. A panel's queries are
asked one after the other and count together. *first* is the first time that they are asked after
the server was started; *median* and *best* are of the three after that. *raw* is the same question
asked of every telegram, the measurement `electricity`, in place of `readings`: what a dashboard
does that knows no better.

With `P1_TEST_INFLUXDB_URL` and `P1_TEST_INFLUXDB_TOKEN` another server is asked: on a Raspberry
Pi, say. What is in its bucket `p1-bench` stays there, and serves the next call.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from multiprocessing import get_context
from typing import Final
from urllib import error, request

from bed.influxd import Database, Influxd, at
from bed.influxdb import Server, find
from bench.year import NOW, SITE, body, days
from dashboards.cells import DASHBOARDS, PRICES, cells, written
from dashboards.shipped import Json, Range, dashboards, defaults, panels, range_of, sent

BUCKET: Final = "p1-bench"
YEAR: Final = timedelta(days=365)
LONG: Final = ("history", "cost")
"""What is asked over a year; the others over the time that they show at first."""

ROUNDS: Final = 3
PATIENCE: Final = 30.0
TARGET: Final = 1.0
PIXELS: Final = 1000
STEPS: Final = (10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 10800, 21600, 43200, 86400, 604800)
RAW: Final = {
    'FROM "readings"': 'FROM "electricity"',
    'r._measurement == "readings"': 'r._measurement == "electricity"',
}


@dataclass(frozen=True, slots=True)
class Question:
    """All that one panel or cell asks: paths and bodies of requests."""

    title: str
    requests: Sequence[tuple[str, bytes | None]]
    raw: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; `raw` is None where nothing asks for readings, infinite if it was given up."""

    title: str
    first: float
    median: float
    best: float
    raw: float | None

    def row(self) -> str:
        raw = "" if self.raw is None else f"{self.raw:.2f}"
        times = "" if self.raw is None else f"{self.raw / self.median:.0f} times"
        if self.raw == math.inf:
            raw, times = f"over {PATIENCE:.0f}", f"over {PATIENCE / self.median:.0f} times"
        cells = (self.title, f"{self.first:.2f}", f"{self.median:.2f}", f"{self.best:.2f}")
        return f"| {' | '.join((*cells, raw, times))} |"


class Client:
    """Sends requests, and waits for all of the answer."""

    def __init__(self, influxd: Database) -> None:
        self._influxd = influxd

    def seconds(self, requests: Sequence[tuple[str, bytes | None]], patience: float) -> float:
        began = time.monotonic()
        for path, data in requests:
            self._answer(path, data, patience)
        return time.monotonic() - began

    def _answer(self, path: str, data: bytes | None, patience: float) -> None:
        asked = request.Request(self._influxd.url + path, data)  # noqa: S310  http is meant
        asked.add_header("Authorization", f"Token {self._influxd.token}")
        asked.add_header("Content-Type", "application/json")
        asked.add_header("Accept-Encoding", "gzip")
        with request.urlopen(asked, timeout=patience) as reply:  # noqa: S310  as above
            reply.read()


def fill(influxd: Database, bucket: str) -> None:
    """Write the year; one process makes the lines while the server takes the ones before."""
    began, telegrams = time.monotonic(), 0
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for count, data in pool.map(body, days()):
            telegrams += count
            answer = influxd.request(
                "POST",
                at("/api/v2/write", org=influxd.org, bucket=bucket, precision="s"),
                data,
                headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"},
            )
            if answer.status != HTTPStatus.NO_CONTENT:
                sys.exit(f"error: the server answered {answer}")
    say(f"{telegrams:,} telegrams written in {time.monotonic() - began:.0f} s\n")


def of_grafana(name: str, bucket: str) -> Iterator[Question]:
    """What Grafana sends for each panel of a dashboard."""
    made = dashboards()[name]
    known = {**defaults(made), "site": SITE}
    for panel in panels(made):
        span = range_of(panel, made, NOW)
        if name in LONG and not panel.get("timeFrom"):
            span = Range(NOW - YEAR, NOW)
        texts = [
            sent(target["query"], span, known, _interval(panel, span))
            for target in panel["targets"]
        ]
        requests = [(at("/query", db=bucket, q=text, epoch="ms"), None) for text in texts]
        raw = [(at("/query", db=bucket, q=_raw(text), epoch="ms"), None) for text in texts]
        yield Question(panel["title"], requests, raw if raw != requests else ())


def _interval(panel: Json, span: Range) -> str:
    """As Grafana chooses it: a point a pixel, and no finer than the panel allows."""
    least = {"10s": 10, "1m": 60, "15m": 900}.get(panel.get("interval", ""), 1)
    wanted = max(least, (span.end - span.begin).total_seconds() / PIXELS)
    return f"{next(step for step in STEPS if step >= wanted)}s"


def of_the_ui(name: str, bucket: str, org: str) -> Iterator[Question]:
    """What InfluxDB's own UI sends for each cell of a dashboard."""
    start = dashboards()[name]["time"]["from"].removeprefix("now").removesuffix("/d")
    start = "-365d" if name in LONG else start
    texts = {"bucket": bucket, "site": SITE, **PRICES}
    known = ", ".join(f"{key}: {json.dumps(text)}" for key, text in texts.items())
    stop = written(NOW)
    window = "1m" if start == "-6h" else "4m"
    for cell in cells(name):
        (query,) = cell["queries"]
        imports, rest = _split(query["query"])
        span = f"timeRangeStart: {start}, timeRangeStop: {stop}, windowPeriod: {window}"
        text = f"{imports}option v = {{{span}, {known}}}\n{rest}"
        raw = _raw(text)
        yield Question(cell["name"], [_flux(text, org)], [_flux(raw, org)] if raw != text else ())


def _split(query: str) -> tuple[str, str]:
    """Imports come before everything else."""
    lines = query.splitlines(keepends=True)
    imports = [line for line in lines if line.startswith("import ")]
    return "".join(imports), "".join(line for line in lines if line not in imports)


def _flux(text: str, org: str) -> tuple[str, bytes]:
    content = {"query": text, "now": written(NOW), "dialect": {"annotations": []}}
    return at("/api/v2/query", org=org), json.dumps(content).encode()


def _raw(text: str) -> str:
    for ours, theirs in RAW.items():
        text = text.replace(ours, theirs)
    return text


def timed(client: Client, question: Question) -> Times:
    first, *rounds = (client.seconds(question.requests, 10 * PATIENCE) for _ in range(1 + ROUNDS))
    raw = None
    if question.raw:
        try:
            raw = client.seconds(question.raw, PATIENCE)
        except (TimeoutError, error.URLError):
            raw = math.inf
    return Times(question.title, first, statistics.median(rounds), min(rounds), raw)


def table(title: str, times: Sequence[Times]) -> None:
    say(f"\n### {title}\n\n| panel | first | median | best | raw | |")
    say("| --- | ---: | ---: | ---: | ---: | ---: |")
    for each in sorted(times, key=lambda each: each.median, reverse=True):
        say(each.row())


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def filled(bucket: str) -> Iterator[Database]:
    """Give a server with the year in it; one of our own has just been started."""
    found = find()
    if isinstance(found, Server):
        named = Database(found.url, found.token, found.org)
        buckets = named.request("GET", at("/api/v2/buckets", limit="100")).json["buckets"]
        if bucket not in {each["name"] for each in buckets}:
            fill(named, named.new_bucket(bucket))
        yield named
        return
    with Influxd(found) as own:
        fill(own, own.new_bucket(bucket))
        own.stop()
        own.start()
        yield own


def main() -> int:
    arguments = argparse.ArgumentParser(description="how long the dashboards' queries take")
    arguments.add_argument("--only", choices=sorted(DASHBOARDS), help="one dashboard")
    arguments.add_argument("--bucket", default=BUCKET, help="the bucket's name (%(default)s)")
    options = arguments.parse_args()
    slow = []
    with filled(options.bucket) as influxd:
        client = Client(influxd)
        for name in [options.only] if options.only else DASHBOARDS:
            span = "over a year" if name in LONG else "over the time that it shows at first"
            for language, questions in (
                ("InfluxQL, Grafana", of_grafana(name, options.bucket)),
                ("Flux, InfluxDB's own UI", of_the_ui(name, options.bucket, influxd.org)),
            ):
                times = []
                for question in questions:
                    sys.stderr.write(f"{name}: {question.title}\n")
                    times.append(timed(client, question))
                table(f"{name}: {language}, {span}", times)
                if name == "history":
                    slow += [each for each in times if each.best > TARGET]
    for each in slow:
        say(f"\nover {TARGET} s: {each.title}, {each.best:.2f} s")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
