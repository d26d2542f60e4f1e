"""What asks InfluxDB for the readings: which product it is, Grafana's way in, how long it keeps.

The service's token need not read, and then little of this is known. Where it may, a few questions
are asked, as Grafana asks; nothing is changed but by `map_bucket`, which a person asks for.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import urllib3

from collector.commands.check.finding import Finding, fail, ok, skip, warn
from collector.delivery.answer import Target
from collector.delivery.causes import explain
from collector.remedies import Remedy

LINKS: Final = ("product", "reading", "keeps")
SECONDS: Final = 10.0
DAY: Final = 86_400
SHORTEST: Final = 365 * DAY  # dashboards compare years
_OK: Final = 200
_MAY_NOT: Final = (401, 403)
_MADE: Final = 201
_UNITS: Final = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; status 0 if nothing did, and then `text` says why."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What InfluxQL found."""
        results = self.json.get("results") or [{}]
        return [
            dict(zip(series["columns"], values, strict=False))
            for series in results[0].get("series") or []
            for values in series.get("values") or []
        ]


Ask = Callable[..., Reply]
"""Asks for a path; what is named beside it is its query, a `body` is posted."""


def asker(target: Target) -> Ask:
    pool = urllib3.PoolManager(timeout=SECONDS, retries=False, ca_certs=target.ca_file)
    head = {"Authorization": f"Token {target.token}", "Content-Type": "application/json"}

    def ask(path: str, body: Mapping[str, Any] | None = None, **query: str) -> Reply:
        url = f"{target.url}{path}{'?' if query else ''}{urlencode(query)}"
        text = None if body is None else json.dumps(body)
        try:
            reply = pool.request("GET" if body is None else "POST", url, body=text, headers=head)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Reply(0, explain(error, target.url), {})
        return Reply(reply.status, reply.data.decode("utf-8", "replace"), reply.headers)

    return ask


def findings(ask: Ask, target: Target) -> Iterator[Finding]:
    ping = ask("/ping")
    version = ping.headers.get("X-Influxdb-Version") or ping.json.get("version") or "unknown"
    build = ping.headers.get("X-Influxdb-Build")
    product = f"InfluxDB, version {version}" + (f" ({build})" if build else "")
    yield ok("product", product) if ping.status else skip("product", ping.text)
    # Version 1 may have a retention policy behind the database's name.
    database, _, policy = target.bucket.partition("/")
    bucket = _bucket(ask, target)
    asked = ask("/query", db=database, q="SHOW MEASUREMENTS")
    if asked.rows or (bucket and asked.status == _OK and _is_mapped(ask, target)):
        yield ok("reading", f"Grafana can ask `{target.bucket}` in InfluxQL with this token")
    elif bucket and asked.status not in _MAY_NOT:
        what = f"no database of InfluxQL leads to the bucket `{target.bucket}`"
        yield warn("reading", what, Remedy.MAPPING)
    else:
        yield skip("reading", "this token reads nothing there, and need not")
    if bucket:
        rules = bucket.get("retentionRules") or [{}]
        yield keeps(int(rules[0].get("everySeconds", 0)))
        return
    policies = ask("/query", db=database, q=f'SHOW RETENTION POLICIES ON "{database}"').rows
    wanted = [row["duration"] for row in policies if row.get("name") == (policy or "autogen")]
    yield keeps(_seconds(str(wanted[0]))) if wanted else skip("keeps", "the token may not ask")


def _bucket(ask: Ask, target: Target) -> dict[str, Any] | None:
    listed = ask("/api/v2/buckets", name=target.bucket, org=target.org).json.get("buckets") or []
    names = (target.bucket, f"{target.bucket}/autogen")  # version 1 names the policy as well
    return next((one for one in listed if one.get("name") in names), None)


def _is_mapped(ask: Ask, target: Target) -> bool:
    found = ask("/api/v2/dbrps", db=target.bucket, org=target.org)
    return found.status != _OK or bool(found.json.get("content"))


def map_bucket(ask: Ask, target: Target) -> Finding:
    """Let a database of InfluxQL, of the bucket's name, lead to the bucket."""
    bucket = _bucket(ask, target)
    if bucket is None:
        what = f"the bucket `{target.bucket}` is not shown to this token"
        return fail("mapping", what, Remedy.MAPPING_TOKEN)
    if _is_mapped(ask, target):
        return ok("mapping", f"the database `{target.bucket}` leads to the bucket already")
    wanted = {
        "bucketID": bucket["id"],
        "orgID": bucket["orgID"],
        "database": target.bucket,
        "retention_policy": "autogen",
        "default": True,
    }
    made = ask("/api/v2/dbrps", wanted)
    if made.status == _MADE:
        return ok("mapping", f"made: the database `{target.bucket}` leads to the bucket")
    return fail("mapping", f"answer {made.status}: {made.text[:200]}", Remedy.MAPPING_TOKEN)


def keeps(seconds: int) -> Finding:
    """Whether the bucket keeps points for as long as the dashboards look back; 0 is for ever."""
    if not seconds:
        return ok("keeps", "points are kept for ever")
    what = f"points are kept for {seconds / DAY:g} days"
    return ok("keeps", what) if seconds >= SHORTEST else warn("keeps", what, Remedy.KEEPS)


def _seconds(duration: str) -> int:
    """Read a duration as version 1 prints it, `720h0m0s`."""
    return sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([hms])", duration))
