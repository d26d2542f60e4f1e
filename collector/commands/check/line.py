"""What the bytes on the line say: speed, framing, checksum, dialect, clock, M-Bus devices."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from collector.commands.check.finding import Finding, fail, ok, skip, warn
from collector.errors import SourceError
from collector.p1.checksum import Checksum
from collector.p1.decryption import Decryptor, Keys, Refusal
from collector.p1.diagnosis import Kind, is_foreign, kind_of
from collector.p1.framing import Framer
from collector.p1.telegram import Device, Policy, Telegram, acceptable, parse
from collector.p1.time import BASE_OFFSET_HOURS
from collector.reading.clock import asks_for_the_time
from collector.reading.sources import READ_SECONDS, Address, Source, Speed
from collector.remedies import Remedy

ENOUGH: Final = 3  # so many telegrams tell what a line is like
_SAMPLE: Final = 8192
_Monotonic = Callable[[], float]
LINKS: Final = ("speed", "telegrams", "checksum", "dialect", "meter's clock", "M-Bus")
STALE: Final = timedelta(days=2)  # Belgian water meters are read once a day, others more often
_HOUR: Final = 3600.0
_NEARLY: Final = 120.0
_BY_KIND: Final = {
    Kind.HDLC: Remedy.HDLC,
    Kind.MBUS: Remedy.MBUS,
    Kind.SML: Remedy.SML,
    Kind.ENCRYPTED: Remedy.ENCRYPTED,
    Kind.ENCRYPTED_UNTITLED: Remedy.ENCRYPTED_UNTITLED,
    Kind.HTTP: Remedy.HTTP,
    Kind.JSON: Remedy.JSON,
    Kind.ZEROS: Remedy.INVERTED,
    Kind.NOISE: Remedy.INVERTED,
    Kind.SEVEN_BITS: Remedy.WRONG_SPEED,
    Kind.EVEN_PARITY: Remedy.EVEN_PARITY,
    Kind.TEXT: Remedy.TEXT,
}
_BY_REFUSAL: Final = {
    Refusal.NO_KEY: Remedy.ENCRYPTED,
    Refusal.NO_EXTRA: Remedy.NO_DECRYPTION,
    Refusal.WRONG_KEY: Remedy.KEY_WRONG,
    Refusal.NO_TITLE: Remedy.ENCRYPTED_UNTITLED,
    Refusal.DAMAGED: Remedy.CHECKSUM,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the settings say of the meter: `speeds` of a serial port, none for other sources.

    `now` is the host's time, None for a recording.
    """

    speeds: Sequence[Speed]
    policy: Policy
    tolerance_seconds: float
    host_is_set: bool
    now: datetime | None
    utc_offset_hours: int = BASE_OFFSET_HOURS
    keys: Keys | None = None


@dataclass(slots=True)
class Heard:
    """What came at one speed. `first` and `seconds` are seconds from the opening of the port.

    `good` are the telegrams that would be stored; `refusal` is why encrypted ones were not read.
    """

    speed: Speed
    size: int = 0
    sample: bytes = b""
    telegrams: list[Telegram] = field(default_factory=list)
    good: list[Telegram] = field(default_factory=list)
    noise: int = 0
    refusal: Refusal | None = None
    first: float = 0.0
    seconds: float = 0.0
    broke: SourceError | None = None


def listen(
    address: Address,
    speeds: Sequence[Speed],
    expected: Expected,
    seconds: float,
    monotonic: _Monotonic,
) -> Heard:
    """Listen so long at one speed after the other, until telegrams come. Raises `SourceError`.

    Silence is silence at any speed, so only what comes garbled is tried at the next one.
    """
    tried: list[Heard] = []
    for speed in speeds:
        tried.append(heard := Heard(speed))
        with closing(address.open(speed)) as source:
            _hear(heard, source, expected, seconds, monotonic)
        if heard.good or not heard.size:
            break
    return max(tried, key=lambda heard: (bool(heard.good), len(heard.telegrams)))


def _hear(
    heard: Heard, source: Source, expected: Expected, seconds: float, monotonic: _Monotonic
) -> None:
    framer, decryptor, began = Framer(), Decryptor(expected.keys), monotonic()
    while heard.seconds < seconds and len(heard.telegrams) < ENOUGH:
        try:
            data = source.read(min(READ_SECONDS, seconds - heard.seconds))
        except (SourceError, EOFError) as error:
            heard.broke = error if isinstance(error, SourceError) else None
            break
        heard.seconds = monotonic() - began
        if not heard.size:
            heard.first = heard.seconds
        heard.size += len(data)
        heard.sample = (heard.sample + data)[-_SAMPLE:]
        for frame in framer.feed(decryptor.feed(data)):
            heard.telegrams.append(parse(frame, utc_offset_hours=expected.utc_offset_hours))
    heard.good = [one for one in heard.telegrams if acceptable(one, expected.policy)]
    heard.noise, heard.refusal = framer.noise, decryptor.refusal


def findings(heard: Heard, expected: Expected) -> Iterator[Finding]:
    """Judge what was heard, link by link; what an earlier one makes impossible is left out."""
    if heard.broke is not None:
        yield fail("bytes", str(heard.broke), Remedy.LINE_BROKE)
    elif heard.size:
        what = f"{heard.size} in {heard.seconds:.0f} s, the first after {heard.first:.1f} s"
        yield ok("bytes", what)
    else:
        silence = Remedy.SILENCE if expected.speeds else Remedy.NETWORK_SILENCE
        yield fail("bytes", f"none in {heard.seconds:.0f} s", silence)
    if not heard.telegrams or (heard.refusal and not heard.good):
        yield from _no_telegram(heard)
        return
    yield speed(heard.speed, expected.speeds)
    noise = f", {heard.noise} bytes around them" if heard.noise else ""
    yield ok("telegrams", f"{len(heard.telegrams)} in {heard.seconds:.0f} s{noise}")
    yield checksum(heard.telegrams, expected.policy)
    if not heard.good:
        yield from (skip(link, "no telegram can be trusted") for link in LINKS[3:])
        return
    last = heard.good[-1]
    yield dialect(last)
    yield clock(last.time, expected)
    yield devices(last.devices, last.time or expected.now)


def _no_telegram(heard: Heard) -> Iterator[Finding]:
    if not heard.size:
        yield from (skip(link, "no byte came") for link in LINKS)
        return
    remedy = Remedy.NO_TELEGRAM
    if heard.refusal is not None and not is_foreign(heard.sample):
        words, remedy = heard.refusal.message, _BY_REFUSAL[heard.refusal]
    elif kind := kind_of(heard.sample):
        words, remedy = kind, _BY_KIND.get(kind, remedy)
    else:
        words = "parts of telegrams, none whole"
    yield skip("speed", "no telegram came")
    yield fail("telegrams", f"none: {words}", remedy)
    yield from (skip(link, "no telegram came") for link in LINKS[2:])


def speed(found: Speed, allowed: Sequence[Speed]) -> Finding:
    if not allowed:
        return ok("speed", "none to set: this is no serial port")
    if found in allowed:
        return ok("speed", str(found))
    what = f"telegrams come at {found}, `P1_BAUD` allows {', '.join(map(str, allowed))}"
    return fail("speed", what, Remedy.WRONG_SPEED)


def checksum(telegrams: Sequence[Telegram], policy: Policy) -> Finding:
    number = len(telegrams)
    bad = sum(telegram.checksum is Checksum.BAD for telegram in telegrams)
    absent = [telegram for telegram in telegrams if telegram.checksum is Checksum.ABSENT]
    if bad and policy is not Policy.IGNORE:
        return fail("checksum", f"{bad} of {number} wrong", Remedy.CHECKSUM)
    if any(telegram.version for telegram in absent) and policy is Policy.REQUIRE:
        return fail("checksum", f"{len(absent)} of {number} missing", Remedy.CHECKSUM_MISSING)
    if bad:
        return ok("checksum", f"{bad} of {number} wrong, ignored (`P1_CRC`)")
    if absent:
        return ok("checksum", "none, as is right for this version, or accepted (`P1_CRC`)")
    return ok("checksum", f"{number} of {number} right")


def dialect(telegram: Telegram) -> Finding:
    what = f"{telegram.dialect}, meter {telegram.meter or 'without a number'}"
    if telegram.unknown:
        what += f", {len(telegram.unknown)} lines that this program does not know"
    if telegram.errors:
        words = telegram.errors[0].message
        what += f", {len(telegram.errors)} lines that cannot be read ({words})"
        return warn("dialect", what, Remedy.BAD_LINES)
    return ok("dialect", what)


def clock(time: datetime | None, expected: Expected) -> Finding:
    if time is None:
        return ok("meter's clock", "the telegram has no time: the host's is stored")
    if expected.now is None:
        return ok("meter's clock", f"{time:%Y-%m-%d %H:%M:%S} UTC, a recording")
    ahead = (time - expected.now).total_seconds()
    what = f"{_span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the host's"
    if abs(ahead) <= expected.tolerance_seconds:
        return ok("meter's clock", what)
    if not expected.host_is_set:
        return warn("meter's clock", f"{what}, which may itself be wrong", unset_clock())
    hours = round(ahead / _HOUR)
    near = abs(ahead - hours * _HOUR) < _NEARLY
    remedy = Remedy.ZONE if near and 0 < abs(hours) < 4 else Remedy.METER_CLOCK  # noqa: PLR2004
    return warn("meter's clock", what, remedy)


def unset_clock() -> Remedy:
    return Remedy.TIME_SERVER if asks_for_the_time() else Remedy.HOST_CLOCK


def devices(found: Iterable[Device], now: datetime | None) -> Finding:
    listed, stale = [], False
    for device in found:
        words = f"{device.medium} on channel {device.channel}"
        if now and device.time:
            age = now - device.time
            stale = stale or age > STALE
            words += f", read {_span(age.total_seconds())} ago"
        listed.append(words)
    what = "; ".join(listed) or "no gas, water or heat meter"
    return warn("M-Bus", what, Remedy.DEVICE_STALE) if stale else ok("M-Bus", what)


def _span(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
