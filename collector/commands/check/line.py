"""What the bytes on the line say: speed, framing, checksum, dialect, clock, M-Bus devices."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from collector.reading.clock import asks_for_the_time
from collector.reading.sources import READ_SECONDS, Address, Source, Speed
from collector.remedies import Remedy

ENOUGH: Final = 3
"""So many telegrams tell what a line is like."""

_SAMPLE: Final = 8192
LINKS: Final = ("speed", "telegrams", "checksum", "dialect", "meter's clock", "M-Bus")
STALE: Final = timedelta(days=2)
"""Belgian water meters are read once a day, the others every hour or five minutes."""

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


@dataclass(slots=True)
class Heard:
    """What came at one speed. `first` and `seconds` are seconds from the opening of the port.

    `refusal` is why encrypted telegrams were not read.
    """

    speed: Speed
    size: int = 0
    sample: bytes = b""
    telegrams: list[Telegram] = field(default_factory=list)
    noise: int = 0
    refusal: Refusal | None = None
    first: float | None = None
    seconds: float = 0.0
    broke: SourceError | None = None

    def good(self, policy: Policy) -> list[Telegram]:
        return [telegram for telegram in self.telegrams if acceptable(telegram, policy)]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to listen, in seconds at each speed, and what is stored of what comes."""

    seconds: float
    policy: Policy
    utc_offset_hours: int
    keys: Keys | None = None


def listen(
    address: Address, speeds: Sequence[Speed], patience: Patience, monotonic: Callable[[], float]
) -> Heard:
    """Listen at one speed after the other, until telegrams come. Raises `SourceError`.

    Silence is silence at any speed, so only what comes garbled is tried at the next one.
    """
    best: Heard | None = None
    for speed in speeds:
        heard = _listen(address, speed, patience, monotonic)
        if heard.good(patience.policy) or not heard.size:
            return heard if heard.size or best is None else best
        if best is None or len(heard.telegrams) > len(best.telegrams):
            best = heard
    assert best is not None, "there is a speed to listen at"  # noqa: S101  `speeds` is never empty
    return best


def _listen(
    address: Address, speed: Speed, patience: Patience, monotonic: Callable[[], float]
) -> Heard:
    source = address.open(speed)
    try:
        return _heard(source, speed, patience, monotonic)
    finally:
        source.close()


def _heard(
    source: Source, speed: Speed, patience: Patience, monotonic: Callable[[], float]
) -> Heard:
    heard, framer, decryptor = Heard(speed), Framer(), Decryptor(patience.keys)
    began = monotonic()
    while heard.seconds < patience.seconds and len(heard.telegrams) < ENOUGH:
        try:
            data = source.read(min(READ_SECONDS, patience.seconds - heard.seconds))
        except (SourceError, EOFError) as error:
            heard.broke = error if isinstance(error, SourceError) else None
            break
        heard.seconds = monotonic() - began
        if data and heard.first is None:
            heard.first = heard.seconds
        heard.size += len(data)
        heard.sample = (heard.sample + data)[-_SAMPLE:]
        frames = framer.feed(decryptor.feed(data))
        heard.telegrams += [parse(f, utc_offset_hours=patience.utc_offset_hours) for f in frames]
    heard.noise, heard.refusal = framer.noise, decryptor.refusal
    return heard


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


def findings(heard: Heard, expected: Expected) -> Iterator[Finding]:
    """Judge what was heard, link by link; what an earlier one makes impossible is left out."""
    yield from _bytes(heard, expected)
    if not heard.telegrams or (heard.refusal and not heard.good(expected.policy)):
        yield from _no_telegram(heard)
        return
    yield speed(heard.speed, expected.speeds)
    yield _telegrams(heard)
    yield checksum(heard.telegrams, expected.policy)
    good = heard.good(expected.policy)
    if not good:
        yield from (skip(link, "no telegram can be trusted") for link in LINKS[3:])
        return
    yield dialect(good[-1])
    yield clock(good[-1].time, expected)
    yield devices(good[-1].devices, good[-1].time or expected.now)


def _bytes(heard: Heard, expected: Expected) -> Iterator[Finding]:
    if heard.broke is not None:
        yield fail("bytes", str(heard.broke), Remedy.LINE_BROKE)
    elif not heard.size:
        silence = Remedy.SILENCE if expected.speeds else Remedy.NETWORK_SILENCE
        yield fail("bytes", f"none in {heard.seconds:.0f} s", silence)
    else:
        yield ok("bytes", f"{heard.size} in {heard.seconds:.0f} s, {_first(heard)}")


def _first(heard: Heard) -> str:
    return f"the first after {heard.first or 0.0:.1f} s"


def _no_telegram(heard: Heard) -> Iterator[Finding]:
    if not heard.size:
        yield from (skip(link, "no byte came") for link in LINKS)
        return
    if heard.refusal is not None and not is_foreign(heard.sample):
        words, remedy = heard.refusal.message, _BY_REFUSAL[heard.refusal]
    else:
        kind = kind_of(heard.sample)
        words = kind or "parts of telegrams, none whole"
        remedy = _BY_KIND.get(kind, Remedy.NO_TELEGRAM) if kind else Remedy.NO_TELEGRAM
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


def _telegrams(heard: Heard) -> Finding:
    noise = f", {heard.noise} bytes around them" if heard.noise else ""
    return ok("telegrams", f"{len(heard.telegrams)} in {heard.seconds:.0f} s{noise}")


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
        what = "the telegram has no time: the host's is stored"
        return ok("meter's clock", what)
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
        age = now - device.time if now and device.time else None
        stale = stale or (age is not None and age > STALE)
        read = f", read {_span(age.total_seconds())} ago" if age is not None else ""
        listed.append(f"{device.medium} on channel {device.channel}{read}")
    what = "; ".join(listed) or "no gas, water or heat meter"
    return warn("M-Bus", what, Remedy.DEVICE_STALE) if stale else ok("M-Bus", what)


def _span(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
