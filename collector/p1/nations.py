"""Whose meanings the codes of a telegram have, where two nations differ (`collector.p1.obis`).

Lithuania: units in kilo (kV, kA, kHz), the fields that only its lists have, or the header `/ESO`
(ESO, P1 lists: standard, extended and maximal). Poland: both 0-0:96.1.0 and 0-0:96.1.1 (Stoen, P1
object model 2.0).

What one checked telegram of a source has told holds for the next ones: a line that is lost must
not change a name or a tag.
"""

import re
from collections.abc import Iterable
from typing import Final

from collector.p1.obis import BY_CODE, FIELDS, Nation
from collector.p1.sheet import Sheet

_OWNERS_NUMBER: Final = FIELDS.index(BY_CODE["0-0:96.1.1"][0])
_MAKERS_NUMBER: Final = FIELDS.index(BY_CODE["0-0:96.1.0"][0])
_NOT_IN_POLAND: Final = ("0-0:17.0.0(", "0-0:96.13.0(")
_LIMITERS: Final = tuple(row.name for row in BY_CODE["0-0:17.0.0"])

_KILO: Final = re.compile(rb"\*[ \t]*k(?:V|A|Hz)[ \t]*\)")
_L1, _L2, _L3 = (f"fuse_l{phase}_a" for phase in (1, 2, 3))
_ONLY_IN_LITHUANIA: Final = (
    *("1-0:1.24.", "1-0:15.24.", "1-0:16.24.", "1-0:32.24.", "1-0:0.8.2"),
    *("1-0:3.4.", "1-0:4.4.", "1-0:9.4.", "1-0:10.4."),
)
_LITHUANIAN: Final = frozenset(f.name for f in FIELDS if f.code.startswith(_ONLY_IN_LITHUANIA))

# What a field is called where its code means something else.
_RENAMED: Final = {
    nation: {BY_CODE[f.code][0].name: f.name for f in FIELDS if f.nation is nation}
    for nation in Nation
}


def nation_of(sheet: Sheet, header: str, data: bytes) -> Nation | None:
    """Tell whose meanings the codes have, where that makes a difference."""
    if _OWNERS_NUMBER in sheet.meters and _MAKERS_NUMBER in sheet.meters:
        return Nation.POLAND
    fields = sheet.electricity
    if not (_L1 in fields or _L2 in fields or _L3 in fields):
        return None
    lithuanian = (
        header.startswith("ESO")
        or not _LITHUANIAN.isdisjoint(sheet.electricity)
        or _KILO.search(data)
    )
    return Nation.LITHUANIA if lithuanian else None


def mean(sheet: Sheet, nation: Nation, lines: Iterable[str]) -> None:
    """Take what was read for what it means in this nation."""
    for usual, name in _RENAMED[nation].items():
        if usual in sheet.electricity:
            sheet.electricity[name] = sheet.electricity.pop(usual)
    if nation is not Nation.POLAND:
        return
    if kind := sheet.meters.pop(_OWNERS_NUMBER, None):
        sheet.about["type"] = kind
    for name in _LIMITERS:
        sheet.electricity.pop(name, None)
    sheet.texts.pop("0-0:96.13.0", None)
    strange = [line for line in lines if line.startswith(_NOT_IN_POLAND)]
    sheet.unknown += [line for line in strange if line not in sheet.unknown]
    sheet.errors[:] = [error for error in sheet.errors if error.line not in strange]
