"""What the bytes of a line say, finding by finding."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bed.telegrams import dsmr5, written
from collector.commands.check import line
from collector.commands.check.finding import Finding, Outcome
from collector.commands.check.line import Expected, Heard, listen
from collector.errors import SourceError
from collector.p1.decryption import Keys
from collector.p1.telegram import Device, Medium, Policy
from collector.reading import clock
from collector.reading.sources import FAST, READ_SECONDS, SLOW, Address, Source, Speed
from collector.remedies import Remedy
from p1.sealing import KEY, seal, seal_untitled

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
EXPECTED = Expected((FAST, SLOW), Policy.REQUIRE, 60.0, host_is_set=True, now=NOW)
GOOD = dsmr5(NOW, "0-1:24.1.0(003)", "0-1:24.2.1(260131125500W)(01234.567*m3)")
TELEGRAMS = Path(__file__).parents[3] / "telegrams"


class Time:
    """A clock that goes on a second whenever it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Played:
    """A source that gives these pieces, and nothing after."""

    name = "played"

    def __init__(self, pieces: Sequence[bytes | Exception]) -> None:
        self._pieces = iter(pieces)

    def read(self, seconds: float = READ_SECONDS) -> bytes:
        del seconds
        piece = next(self._pieces, b"")
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        """Be closed."""


def heard(
    play: Callable[[Speed], Sequence[bytes | Exception]],
    speeds: Sequence[Speed] = (FAST, SLOW),
    keys: Keys | None = None,
) -> Heard:
    def opened(speed: Speed) -> Source:
        return Played(play(speed))

    place = Address("/dev/p1", live=True, speeds=(FAST, SLOW), open=opened)
    return listen(place, speeds, replace(EXPECTED, keys=keys), 15.0, Time())


def judged(*pieces: bytes | Exception, expected: Expected = EXPECTED) -> dict[str, Finding]:
    found = line.findings(heard(lambda _: pieces), expected)
    return {finding.link: finding for finding in found}


def outcomes(found: dict[str, Finding]) -> Iterator[Outcome]:
    return (finding.outcome for finding in found.values())


def test_a_good_line_is_good_at_every_link() -> None:
    found = judged(b"tail of one\r\n", GOOD, GOOD, GOOD)
    assert set(outcomes(found)) == {Outcome.OK}
    assert found["speed"].what == "115200 8N1"
    assert found["checksum"].what == "3 of 3 right"
    assert found["dialect"].what == "DSMR 5.0, meter E0042000000000042"
    assert found["meter's clock"].what == "0 s behind the host's"
    assert found["M-Bus"].what == "gas on channel 1, read 5 min ago"


def test_every_link_is_told_also_when_no_byte_comes() -> None:
    found = judged()
    assert list(found) == ["bytes", *line.LINKS]
    assert found["bytes"].remedy == Remedy.SILENCE.advice
    assert {found[link].outcome for link in line.LINKS} == {Outcome.SKIP}


def test_silence_is_not_listened_to_at_a_second_speed() -> None:
    tried: list[Speed] = []

    def silent(speed: Speed) -> Sequence[bytes]:
        tried.append(speed)
        return ()

    heard(silent)
    assert tried == [FAST]


def test_garbled_bytes_are_tried_at_the_next_speed() -> None:
    found = heard(lambda speed: [GOOD] if speed is SLOW else [b"\xf3\x81\x0c" * 30])
    assert found.speed is SLOW
    assert len(found.telegrams) == 1


def test_a_speed_that_the_settings_rule_out_is_told() -> None:
    found = line.speed(SLOW, (FAST,))
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.WRONG_SPEED.advice)
    assert found.what == "telegrams come at 9600 7E1, `P1_BAUD` allows 115200 8N1"


def test_a_network_reader_has_no_speed_to_set() -> None:
    assert line.speed(FAST, ()).what == "none to set: this is no serial port"


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (bytes(200), Remedy.INVERTED),
        (b"\xf3\x81\x0c\x9b" * 50, Remedy.INVERTED),
        (b"\x7e\xa0\x84\xcf\x02\x23" * 20, Remedy.HDLC),
        (b"\x68\xfa\xfa\x68" + bytes(range(200)), Remedy.MBUS),
        (b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01v\x05" * 5, Remedy.SML),
        (seal(GOOD) * 2, Remedy.ENCRYPTED),
        (b'{"power": 123}\r\n', Remedy.JSON),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", Remedy.HTTP),
        (b"login: \r\n" * 10, Remedy.TEXT),
        (b"/EGM5G35\r\n\r\n" + seal_untitled(GOOD) + b"!FE0C\r\n", Remedy.ENCRYPTED),
        (b"\x7e\xa1\x2c\x41\xe6\xe7\x00" + seal(GOOD)[:250] + b"\x7e", Remedy.HDLC),
        (b"\0\0.\x01\0\x121\0\0472*kWh)\r" * 20, Remedy.EVEN_PARITY),
    ],
    ids=[
        "zeros",
        "garbage",
        "hdlc",
        "m-bus",
        "sml",
        "encrypted",
        "json",
        "http",
        "text",
        "untitled",
        "encrypted in hdlc",
        "even parity",
    ],
)
def test_what_is_no_telegram_is_named_by_its_bytes(data: bytes, remedy: Remedy) -> None:
    found = judged(data)
    assert (found["telegrams"].outcome, found["telegrams"].remedy) == (Outcome.FAIL, remedy.advice)


def test_an_encrypted_meter_is_read_with_its_key() -> None:
    found = heard(lambda _: [seal(GOOD)] * 3, keys=Keys(KEY))
    assert len(found.telegrams) == 3


def test_a_key_that_does_not_fit_is_told() -> None:
    found = line.findings(heard(lambda _: [seal(GOOD)] * 3, keys=Keys(KEY[::-1])), EXPECTED)
    (told,) = [finding for finding in found if finding.link == "telegrams"]
    assert (told.outcome, told.remedy) == (Outcome.FAIL, Remedy.KEY_WRONG.advice)


def test_a_line_that_breaks_is_told() -> None:
    found = judged(GOOD[:40], SourceError("the line `/dev/p1` broke"))
    assert (found["bytes"].what, found["bytes"].remedy) == (
        "the line `/dev/p1` broke",
        Remedy.LINE_BROKE.advice,
    )


def test_wrong_checksums_fail_and_nothing_is_believed() -> None:
    found = judged(*[GOOD.replace(b"000123.450", b"000923.450")] * 3)
    assert found["checksum"].what == "3 of 3 wrong"
    assert found["checksum"].remedy == Remedy.CHECKSUM.advice
    assert found["dialect"].outcome is Outcome.SKIP


def test_one_wrong_checksum_fails_and_the_others_are_believed() -> None:
    found = judged(GOOD.replace(b"000123.450", b"000923.450"), GOOD, GOOD)
    assert found["checksum"].what == "1 of 3 wrong"
    assert found["dialect"].outcome is Outcome.OK


def test_a_checksum_that_a_gateway_cut_off_is_told() -> None:
    cut = (TELEGRAMS / "dsmr50-checksum-missing.txt").read_bytes()
    found = judged(cut)
    assert found["checksum"].remedy == Remedy.CHECKSUM_MISSING.advice


def test_a_meter_of_before_checksums_needs_none() -> None:
    old = (TELEGRAMS / "dsmr22-gas.txt").read_bytes()
    found = judged(old, b"")
    assert found["checksum"].outcome is Outcome.OK
    assert found["meter's clock"].what == "the telegram has no time: the host's is stored"


def test_lines_that_cannot_be_read_are_a_warning() -> None:
    found = judged((TELEGRAMS / "dsmr50-damaged-lines.txt").read_bytes())
    assert (found["dialect"].outcome, found["dialect"].remedy) == (
        Outcome.WARN,
        Remedy.BAD_LINES.advice,
    )


@pytest.mark.parametrize(
    ("ahead", "outcome", "remedy"),
    [
        (timedelta(seconds=59), Outcome.OK, None),
        (timedelta(seconds=-61), Outcome.WARN, Remedy.METER_CLOCK),
        (timedelta(days=-40), Outcome.WARN, Remedy.METER_CLOCK),
        (timedelta(hours=1), Outcome.WARN, Remedy.ZONE),
        (timedelta(hours=-1, seconds=70), Outcome.WARN, Remedy.ZONE),
    ],
)
def test_the_meters_clock_is_held_against_the_hosts(
    ahead: timedelta, outcome: Outcome, remedy: Remedy | None
) -> None:
    found = line.clock(NOW + ahead, EXPECTED)
    assert (found.outcome, found.remedy) == (outcome, remedy.advice if remedy else None)


def test_a_host_that_is_not_set_is_suspected_first() -> None:
    found = line.clock(NOW + timedelta(days=3), replace(EXPECTED, host_is_set=False))
    assert found.remedy == Remedy.HOST_CLOCK.advice


def test_a_host_that_asks_in_vain_is_told_about_its_time_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_TIMESYNCD", tmp_path / "synchronized")
    found = line.clock(NOW + timedelta(days=3), replace(EXPECTED, host_is_set=False))
    assert found.remedy == Remedy.TIME_SERVER.advice


def test_a_recording_is_not_held_against_the_clock() -> None:
    found = line.clock(NOW - timedelta(days=1000), replace(EXPECTED, now=None))
    assert found.outcome is Outcome.OK


def test_a_device_that_is_not_read_any_more_is_told() -> None:
    water = Device(2, Medium.WATER, "W1", NOW - timedelta(days=5), {})
    found = line.devices([water], NOW)
    assert found.outcome is Outcome.WARN
    assert found.what == "water on channel 2, read 5 days ago"


def test_an_electricity_meter_alone_is_no_fault() -> None:
    assert line.devices([], NOW).what == "no gas, water or heat meter"


def test_telegrams_without_a_version_or_number_are_still_told() -> None:
    found = judged(written("1-0:1.8.1(000123.450*kWh)"))
    assert found["dialect"].what == "no version, meter without a number"
