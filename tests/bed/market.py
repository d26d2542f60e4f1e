"""A stand-in for both sources of day-ahead prices: it answers as their documentation says.

energy-charts.info: `/price?bzn=NL&start=2026-01-01&end=2026-01-02`, JSON of seconds and €/MWh.
ENTSO-E: `/api?documentType=A44&…`, XML in which a price that is the one before it is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final, Self, cast
from urllib.parse import parse_qsl, urlsplit

from collector.simulate.localtime import midnight

TOKEN: Final = "an-invented-token"  # noqa: S105  invented
DOMAIN: Final = "10YNL----------L"
_RESOLUTIONS: Final = {900: "PT15M", 3600: "PT60M"}
_XMLNS: Final = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"
_NONE: Final = (
    '<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg1:451-1:acknowledgement:8:1">'
    "<Reason><code>999</code><text>No matching data found</text></Reason>"
    "</Acknowledgement_MarketDocument>"
)


@dataclass
class MarketServer:
    """Has `prices`, by the second at which each begins to hold for `step` seconds.

    `spoilt` are answers of the first source that are given before its own: a status and a body.
    """

    prices: Mapping[int, float | None]
    step: int = 900
    spoilt: list[tuple[int, bytes]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.market = self
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        self.requests.append((path, query))
        if path == "/api":
            return (200, self._entsoe(query)) if query["securityToken"] == TOKEN else (401, b"")
        return self.spoilt.pop(0) if self.spoilt else (200, self._energy_charts(query))

    def _energy_charts(self, query: dict[str, str]) -> bytes:
        start = midnight(date.fromisoformat(query["start"])).timestamp()
        end = midnight(date.fromisoformat(query["end"]) + timedelta(days=1)).timestamp()
        shown = [time for time in sorted(self.prices) if start <= time < end]
        return json.dumps(
            {
                "license_info": "an invented licence",
                "unix_seconds": shown,
                "price": [self.prices[time] for time in shown],
                "unit": "EUR / MWh",
                "deprecated": False,
            }
        ).encode()

    def _entsoe(self, query: dict[str, str]) -> bytes:
        start, end = (
            datetime.strptime(query[name], "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()
            for name in ("periodStart", "periodEnd")
        )
        shown = [t for t in sorted(self.prices) if start <= t < end]
        if not shown or query["in_Domain"] != DOMAIN:
            return _NONE.encode()
        other = self._series(shown, 2, 999.0)
        text = self._series(shown, 1) + other
        return (
            f'<?xml version="1.0" encoding="utf-8"?><Publication_MarketDocument xmlns="{_XMLNS}">'
            f"{text}</Publication_MarketDocument>"
        ).encode()

    def _series(self, times: list[int], sequence: int, more: float = 0.0) -> str:
        points, before = "", None
        for time in times:
            price = self.prices[time]
            if price is not None and price != before:
                position = (time - times[0]) // self.step + 1
                points += f"<Point><position>{position}</position>"
                points += f"<price.amount>{price + more}</price.amount></Point>"
                before = price
        edges = [
            datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%MZ")
            for t in (times[0], times[-1] + self.step)
        ]
        return (
            "<TimeSeries><currency_Unit.name>EUR</currency_Unit.name>"
            "<price_Measure_Unit.name>MWH</price_Measure_Unit.name>"
            "<classificationSequence_AttributeInstanceComponent.position>"
            f"{sequence}</classificationSequence_AttributeInstanceComponent.position>"
            "<contract_MarketAgreement.type>A01</contract_MarketAgreement.type>"
            "<curveType>A03</curveType><Period><timeInterval>"
            f"<start>{edges[0]}</start><end>{edges[1]}</end></timeInterval>"
            f"<resolution>{_RESOLUTIONS[self.step]}</resolution>{points}</Period></TimeSeries>"
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    market: MarketServer


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        market = cast("_Server", self.server).market
        status, body = market.answer(parts.path, dict(parse_qsl(parts.query)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""
