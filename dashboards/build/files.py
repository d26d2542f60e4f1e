"""Every file that is shipped, by its name below `dashboards/`."""

import json

from dashboards.build.cost import COST
from dashboards.build.history import HISTORY
from dashboards.build.now import NOW
from dashboards.build.own import OWN
from dashboards.build.peak import PEAK
from dashboards.build.quality import QUALITY
from dashboards.build.template import template

GRAFANA = (NOW, HISTORY, COST, PEAK, QUALITY, OWN)


def files() -> dict[str, str]:
    grafana = {f"grafana/{made.name}.json": _text(made.json()) for made in GRAFANA}
    return {**grafana, "influxdb/p1-collector.json": _text(template(GRAFANA))}


def _text(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
