"""What comes out of a source in a while: the facts that the findings on the line are made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.errors import SourceError
from collector.p1.decryption import Decryptor, Keys, Refusal
from collector.p1.framing import Framer
from collector.p1.telegram import Policy, Telegram, acceptable, parse
from collector.reading.sources import Address, Source, Speed

ENOUGH: Final = 3
"""So many telegrams tell what a line is like."""

_SAMPLE: Final = 8192


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
        """Give the telegrams that the service would store."""
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
            data = source.read()
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
