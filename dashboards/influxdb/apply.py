#!/usr/bin/env python3
"""Put the dashboards into InfluxDB 2's own UI, bring them up to date, or take them away again.

    INFLUX_TOKEN=... python3 apply.py --url http://localhost:8086 --org home --bucket p1
    INFLUX_TOKEN=... python3 apply.py --url http://localhost:8086 --org home --remove

It needs nothing but Python. All that it makes belongs to a stack named `p1-collector`, which is
found by that name: applied again, it changes what is there and adds nothing. No bucket belongs to
it, so `--remove` costs no reading. The token must be one that may do everything in the
organisation ("All Access").
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib import error, parse, request

NAME = "p1-collector"
TEMPLATE = Path(__file__).with_name("p1-collector.json")
BUCKET = "p1"
LONG_TERM = "p1-long"
SECONDS = 600  # a Raspberry Pi reads eighty queries for a minute or more


class ApplyError(Exception):
    """What went wrong, in words."""


class InfluxDB:
    """The parts of InfluxDB's API that are needed here."""

    def __init__(self, url: str, token: str, org: str) -> None:
        self._url = url.rstrip("/")
        self._token = token
        (found,) = self._ask("GET", "/api/v2/orgs", org=org)["orgs"]
        self._org = found["id"]

    def apply(self, bucket: str) -> None:
        """Make the resources, or change those that an earlier call made."""
        self._need_bucket(LONG_TERM)
        text = TEMPLATE.read_text(encoding="utf-8").replace(
            f'from(bucket: \\"{BUCKET}\\")', f'from(bucket: \\"{bucket}\\")'
        )
        stack = self._stack() or self._made("/api/v2/stacks", {"name": NAME})
        template = {"contents": json.loads(text)}
        self._made("/api/v2/templates/apply", {"stackID": stack, "template": template})

    def remove(self) -> None:
        stack = self._stack()
        if stack is None:
            raise ApplyError(f"there is no stack `{NAME}`: nothing to remove")
        self._ask("POST", f"/api/v2/stacks/{stack}/uninstall", {}, orgID=self._org)
        self._ask("DELETE", f"/api/v2/stacks/{stack}", orgID=self._org)

    def _stack(self) -> str | None:
        """Find the stack that an earlier call made; one that was uninstalled is none."""
        stacks = self._ask("GET", "/api/v2/stacks", orgID=self._org, name=NAME)["stacks"]
        for stack in stacks:
            events = stack.get("events") or [{}]
            if events[-1].get("eventType") != "uninstall":
                identifier: str = stack["id"]
                return identifier
        return None

    def _need_bucket(self, name: str) -> None:
        found = self._ask("GET", "/api/v2/buckets", orgID=self._org, limit="100")["buckets"]
        if name not in {bucket["name"] for bucket in found}:
            self._made("/api/v2/buckets", {"name": name, "retentionRules": []})

    def _made(self, path: str, body: dict[str, Any]) -> Any:
        return self._ask("POST", path, {"orgID": self._org, **body}).get("id")

    def _ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        url = f"{self._url}{path}" + (f"?{parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        asked = request.Request(url, data, method=method)  # noqa: S310  what the person named
        asked.add_header("Authorization", f"Token {self._token}")
        asked.add_header("Content-Type", "application/json")
        try:
            with request.urlopen(asked, timeout=SECONDS) as reply:  # noqa: S310  as above
                return json.loads(reply.read() or b"{}")
        except error.HTTPError as reply:
            with reply:
                words = reply.read().decode(errors="replace")
            raise ApplyError(
                f"InfluxDB answered {reply.code} to {method} {path}: {words}"
            ) from None
        except OSError as reason:
            raise ApplyError(f"nothing answers at {self._url}: {_words(reason)}") from None


def _words(error: OSError) -> str:
    """Give the cause that urllib wraps, in its words: `connection refused`."""
    cause = getattr(error, "reason", error)
    words = str(getattr(cause, "strerror", None) or cause)
    return words[:1].lower() + words[1:]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", default="http://localhost:8086", help="where InfluxDB is")
    parser.add_argument("--org", required=True, help="the organisation's name")
    parser.add_argument(
        "--bucket", default=BUCKET, help="what the collector writes to (%(default)s)"
    )
    parser.add_argument("--remove", action="store_true", help="take everything away but readings")
    arguments = parser.parse_args()
    token = os.environ.get("INFLUX_TOKEN")
    if not token:
        parser.error("the environment has no INFLUX_TOKEN")
    try:
        influxdb = InfluxDB(arguments.url, token, arguments.org)
        if arguments.remove:
            influxdb.remove()
        else:
            influxdb.apply(arguments.bucket)
    except ApplyError as reason:
        print(f"error: {reason}", file=sys.stderr)  # noqa: T201  a command
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
