"""Every file that is shipped, by its name below `dashboards/`."""

import json
from collections.abc import Iterable
from dataclasses import replace

from dashboards.build.cost import COST
from dashboards.build.dashboard import Dashboard
from dashboards.build.history import HISTORY
from dashboards.build.now import NOW
from dashboards.build.own import OWN
from dashboards.build.peak import PEAK
from dashboards.build.quality import QUALITY
from dashboards.build.template import template

GRAFANA = (NOW, HISTORY, COST, PEAK, QUALITY, OWN)


def files() -> dict[str, str]:
    grafana = {f"grafana/{name}": text for name, text in _grafana(GRAFANA).items()}
    return {**grafana, "influxdb/p1-collector.json": _text(template(GRAFANA))}


def for_the_cloud() -> dict[str, str]:
    """Grafana's, for a database whose every query is paid for: none is asked by itself."""
    return _grafana([replace(made, refresh="") for made in GRAFANA])


def _grafana(dashboards: Iterable[Dashboard]) -> dict[str, str]:
    return {f"{made.name}.json": _text(made.json()) for made in dashboards}


def _text(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
