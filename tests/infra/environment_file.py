"""The text of infra/p1-collector.env, made from the settings.

`python tests/infra/environment_file.py` writes the file anew.
"""

import ast
import inspect
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Final

from collector.settings.settings import Settings, names

FILE: Final = Path(__file__).resolve().parents[2] / "infra" / "p1-collector.env"
WIDTH: Final = 98

HEAD: Final = """\
# The settings of p1-collector, each at its default. To change one, remove the `#` before it, then
# `sudo systemctl restart p1-collector`. infra/install.sh puts this file into /etc/p1-collector/.
#
# A value stands as it is, or in double quotes; a quote, a backslash or a dollar in it is not for
# this file.
"""

DEFAULTS: Final = {
    "P1_SOURCE": "/dev/p1",
    "P1_SPOOL_DIR": "/var/lib/p1-collector/spool",
    "P1_HOT_DIR": "/run/p1-collector",
}
"""What a default depends on is settled once install.sh has been run."""

SECRETS: Final = {
    "P1_INFLUX_TOKEN": "/etc/p1-collector/influx-token",
    "P1_SOURCE_TOKEN": "/etc/p1-collector/source-token",
    "P1_METER_SALT": "/etc/p1-collector/meter-salt",
    "P1_DECRYPT_KEY": "/etc/p1-collector/decrypt-key",
    "P1_DECRYPT_AUTH_KEY": "/etc/p1-collector/decrypt-auth-key",
    "P1_ENTSOE_TOKEN": "/etc/p1-collector/entsoe-token",
}
"""Files that root alone can read; the unit hands them to the service."""

NOTES: Final = {
    "P1_SOURCE": "If there is none at the start, the first of /dev/serial/by-id/ is taken"
    " that is no Zigbee or Z-Wave stick.",
    **{name: f"Not in this file but alone in {path}." for name, path in SECRETS.items()},
    "P1_SPOOL_DIR": "Another directory has to be opened for the service, with `ReadWritePaths=`"
    " in `sudo systemctl edit p1-collector`; so has another P1_HOT_DIR.",
    "P1_HOT_MIB": "`MemoryMax=` of the service must be raised with it.",
}


def descriptions() -> dict[str, str]:
    """Give what stands below each setting in its class, on one line."""
    (found,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(found, ast.ClassDef)
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in pairwise(found.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def text() -> str:
    """Give the whole file."""
    blocks = [
        _block(field, info.default, descriptions()[field])
        for field, info in Settings.model_fields.items()
    ]
    return "\n".join([HEAD, *blocks])


def _block(field: str, default: object, description: str) -> str:
    name, *_ = names(field)
    doc = description.partition(" (default:")[0]
    words = f"{doc[0].upper()}{doc[1:]}. {NOTES.get(name, '')}".strip()
    lines = textwrap.wrap(words, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    comment = "".join(f"# {line}\n" for line in lines)
    return f"{comment}#{name}={DEFAULTS.get(name, _shown(default))}\n"


def _shown(default: object) -> str:
    return (
        "" if default is None else f"{default:g}" if isinstance(default, float) else f"{default}"
    )


if __name__ == "__main__":
    FILE.write_text(text())
