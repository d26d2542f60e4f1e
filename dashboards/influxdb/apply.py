#!/usr/bin/env python3
"""Put the dashboards into InfluxDB 2's own UI, bring them up to date, or take them away again.

    INFLUX_TOKEN=... python3 apply.py --url http://localhost:8086 --org home --bucket p1
    INFLUX_TOKEN=... python3 apply.py --url http://localhost:8086 --org home --remove

It needs nothing but Python. All that it makes belongs to a stack named `p1-collector`, which is
found by that name: applied again, it changes what is there and adds nothing. No bucket belongs to
it, so `--remove` costs no reading. The token must be one that may do everything in the
organisation ("All Access").
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("error: Python 3.11 or later is needed, and this is " + sys.version.split()[0])

import argparse
import json
import os
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib import error, parse, request

NAME = "p1-collector"
TEMPLATE = Path(__file__).with_name("p1-collector.json")
BUCKET = "p1"
LONG_TERM = "p1-long"
SECONDS = 600  # a Raspberry Pi reads eighty queries for a minute or more
SHOWN = 200  # characters of what the server said
MADE = {
    "dashboards": "dashboards",
    "variables": "variables",
    "checks": "checks",
    "summaryTask": "task",
}
"""What the server's summary calls each kind, and what a person does."""

ALL_ACCESS = "make one under Load Data, API Tokens, All Access"
ONLY_2 = (
    "the dashboards here are for the UI of InfluxDB 2 and its cloud; "
    "InfluxDB 1 and 3 have Grafana's, see dashboards/README.md"
)


class ApplyError(Exception):
    """What went wrong, and what to do, in words."""


class NotFoundError(ApplyError):
    """The server has no such thing, or no such address."""


class InfluxDB:
    """The parts of InfluxDB's API that are needed here."""

    def __init__(self, url: str, token: str, org: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._name = org
        self._org = self._organisation()

    def apply(self, bucket: str) -> str:
        """Make the resources, or change those that an earlier call made; say which."""
        self._need(bucket)
        also = self._made_long_term()
        text = TEMPLATE.read_text(encoding="utf-8").replace(
            f'from(bucket: \\"{BUCKET}\\")', f'from(bucket: \\"{bucket}\\")'
        )
        old = self._stack()
        stack = old or self._posted("/api/v2/stacks", {"name": NAME})["id"]
        template = json.loads(text)
        body = {"stackID": stack, "template": {"contents": template}}
        summary = self._posted("/api/v2/templates/apply", body).get("summary", {})
        self._bound(template, summary)
        made = ", ".join(f"{len(summary.get(kind) or [])} {word}" for kind, word in MADE.items())
        return (
            f"{'brought up to date' if old else 'made'} in {self._name}: {made}{also}\n"
            f"open {self._url}, Dashboards, `P1 · Now`, and choose the bucket {bucket} there"
        )

    def _bound(self, template: list[Any], summary: Mapping[str, Any]) -> None:
        """Set what the axes have at least: the server takes it, but not from a template."""
        wanted = {
            (resource["spec"]["name"], chart["name"]): axis["bounds"]
            for resource in template
            for chart in resource["spec"].get("charts", [])
            for axis in chart.get("axes", [])
            if any(axis.get("bounds", []))
        }
        for made in summary.get("dashboards") or []:
            # Here alone the server writes an identifier as a number.
            dashboard = f"/api/v2/dashboards/{int(made['id']):016x}"
            for cell in self._ask("GET", dashboard)["cells"]:
                path = f"{dashboard}/cells/{cell['id']}/view"
                view = self._ask("GET", path)
                bounds = wanted.get((made["name"], view["name"]))
                if bounds and "axes" in view["properties"]:
                    view["properties"]["axes"]["y"]["bounds"] = bounds
                    self._ask("PATCH", path, view)

    def remove(self) -> str:
        stack = self._stack()
        if stack is None:
            raise ApplyError(f"there is no stack `{NAME}` in {self._name}: nothing to remove")
        self._ask("POST", f"/api/v2/stacks/{stack}/uninstall", {}, orgID=self._org)
        self._ask("DELETE", f"/api/v2/stacks/{stack}", orgID=self._org)
        return f"took away all that {NAME} had made in {self._name}; buckets and readings stayed"

    def _organisation(self) -> str:
        try:
            found = self._listed("orgs", org=self._name)
        except NotFoundError as reason:
            if "organization" not in str(reason):
                raise ApplyError(f"{reason}: {ONLY_2}") from None
            found = []
        if not found:
            raise ApplyError(
                f"there is no organisation `{self._name}` that this token may see: give --org its "
                f"name in InfluxDB's UI; if that is right, the token is not, {ALL_ACCESS}"
            )
        identifier: str = found[0]["id"]
        return identifier

    def _need(self, bucket: str) -> None:
        """The dashboards of a bucket that is not there would be made, and stay empty."""
        if self._has(bucket):
            return
        found = self._listed("buckets", orgID=self._org, limit="100")
        names = [each["name"] for each in found if not each["name"].startswith("_")]
        raise ApplyError(
            f"there is no bucket `{bucket}` in {self._name}, which has "
            f"{', '.join(names) or 'none that this token may see'}: "
            "give --bucket what the collector has as P1_INFLUX_BUCKET"
        )

    def _made_long_term(self) -> str:
        if self._has(LONG_TERM):
            return ""
        self._posted("/api/v2/buckets", {"name": LONG_TERM, "retentionRules": []})
        return f", the bucket {LONG_TERM}"

    def _has(self, bucket: str) -> bool:
        try:
            return bool(self._listed("buckets", orgID=self._org, name=bucket))
        except NotFoundError:
            return False

    def _stack(self) -> str | None:
        """Find the stack that an earlier call made; one that was uninstalled is none."""
        for stack in self._listed("stacks", orgID=self._org, name=NAME):
            events = stack.get("events") or [{}]
            if events[-1].get("eventType") != "uninstall":
                identifier: str = stack["id"]
                return identifier
        return None

    def _listed(self, kind: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", f"/api/v2/{kind}", **query).get(kind) or []
        return found

    def _posted(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, {"orgID": self._org, **body})

    def _ask(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        url = f"{self._url}{path}" + (f"?{parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {self._token}", "Content-Type": "application/json"}
        try:
            asked = request.Request(url, data, headers, method=method)  # noqa: S310  the person's
            with request.urlopen(asked, timeout=SECONDS) as reply:  # noqa: S310  as above
                return self._read(reply.read())
        except error.HTTPError as reply:
            with reply:
                said = reply.read()
            raise self._refused(reply.code, f"{method} {path}", said) from None
        except (OSError, HTTPException) as reason:
            raise ApplyError(f"nothing answers at {self._url}: {_cause(reason)}") from None

    def _read(self, said: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(said or b"{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ApplyError(
                f"what answers at {self._url} is not InfluxDB's API but a page or a proxy: "
                "give --url what the collector has as P1_INFLUX_URL"
            )
        return answer

    def _refused(self, code: int, what: str, said: bytes) -> ApplyError:
        words = _message(said)
        if code in {401, 403}:
            return ApplyError(
                f"the token may not do that ({code} to {what}: {words}): {ALL_ACCESS}"
            )
        kind = NotFoundError if code == 404 else ApplyError  # noqa: PLR2004  HTTP's
        return kind(f"{self._url} answered {code} to {what}: {words}")


def _message(said: bytes) -> str:
    """Give InfluxDB's own words of an error, or the beginning of what else came."""
    text = said.decode(errors="replace")
    try:
        text = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        text = " ".join(text.split())
    return text[:SHOWN] or "no words"


def _cause(error: Exception) -> str:
    """Give the cause that urllib wraps, in its words: `connection refused`."""
    cause = getattr(error, "reason", error)
    words = str(getattr(cause, "strerror", None) or cause)
    return words[:1].lower() + words[1:]


def _address(text: str) -> str:
    if not parse.urlsplit(text).hostname or not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"`{text}` is no address like http://localhost:8086")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--url", type=_address, default="http://localhost:8086", help="where InfluxDB is"
    )
    parser.add_argument("--org", required=True, help="the organisation's name")
    parser.add_argument(
        "--bucket", default=BUCKET, help="what the collector writes to (%(default)s)"
    )
    parser.add_argument("--remove", action="store_true", help="take everything away but readings")
    arguments = parser.parse_args()
    token = os.environ.get("INFLUX_TOKEN")
    if not token:
        parser.error("the environment has no INFLUX_TOKEN")
    if sys.stdout.isatty():
        print(f"asking {arguments.url}, for some seconds", flush=True)  # noqa: T201  a command
    try:
        influxdb = InfluxDB(arguments.url, token, arguments.org)
        done = influxdb.remove() if arguments.remove else influxdb.apply(arguments.bucket)
    except ApplyError as reason:
        print(f"error: {reason}", file=sys.stderr)  # noqa: T201  as above
        return 1
    print(done)  # noqa: T201  as above
    return 0


if __name__ == "__main__":
    sys.exit(main())
