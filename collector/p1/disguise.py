"""Telegrams fit to be published: whose they are is replaced, everything else is as it was.

Equipment numbers, EANs and messages are replaced by invented ones of the same length and form,
letters by letters, digits by digits, what was in hexadecimal in hexadecimal again; the same number
becomes the same wherever it stands. The lines that the field table does not know are searched too:
in them only plain measurements, times, codes and what is too short to name anybody stays. The
layout is untouched and the checksum computed anew; one that did not fit still does not.

What is invented hangs on a salt, so that nobody can compute it the other way round.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from collector.p1.checksum import reprinted
from collector.p1.framing import Frame
from collector.p1.lines import OBIS, lay_out, put_together
from collector.p1.obis import BY_CODE, Kind
from collector.p1.values import identifier, identity, message, printable

_NUMBERS: Final = (Kind.METER, Kind.DEVICE_METER)
_MESSAGES: Final = (Kind.MESSAGE, Kind.MESSAGE_CODE)

# What may stay between brackets, in lines that are known and in lines that are not.
_TIME: Final = r"[0-9]{12}[SWswT]"
_NUMBER: Final = r"[+-]?[ \t]*[0-9]{1,20}(?:\.[0-9]{0,20})?"
_UNIT: Final = r"[ \t]*\*[ \t]*[A-Za-z°][A-Za-z0-9³/]{0,5}"
_DATE: Final = r"(?:20)?[0-9]{2}[-/.]?[0-9]{2}[-/.]?[0-9]{2}(?:[ T][0-9]{2}:?[0-9]{2}:?[0-9]{2})?"
_WORD: Final = r"[A-Za-z]{1,10}[ _-]?[0-9]{1,2}"
_SHORT: Final = r"\W*(?:\w\W*){0,4}"
_HARMLESS: Final = re.compile(
    rf"[ \t\0]*(?:{_TIME}|{_NUMBER}(?:{_UNIT}|\*)?|{_DATE}|{OBIS.pattern}|{_WORD}|{_SHORT})"
    r"[ \t\0]*"
)
_PLAINLY_HARMLESS: Final = re.compile(
    rf"[ \t\0]*(?:{_TIME}|{_NUMBER}{_UNIT}|{OBIS.pattern}|{_SHORT})[ \t\0]*"
)
_CODELIKE: Final = re.compile(
    r"[0-9A-Za-z]{1,3}(?:(?:[-:.*&]|[ \t]*[\r\n]+[ \t]*)[0-9A-Za-z]{1,3})+"
)

_RUNS: Final = re.compile(r"[0-9A-Za-z]+|[^\W_]")
_LONG_DIGITS: Final = re.compile(r"[0-9]{4,}")
_IN_HEADER: Final = re.compile(r"[0-9]{5,}")
_FLAG: Final = 5  # `/XXX5`, which says who made the meter
_BRACKETS: Final = re.compile(r"([()\r\n]+)")
_LINE_ENDS: Final = re.compile(r"[\r\n]+")
_FILLING: Final = b"\0\xff"
_CHECKSUM: Final = re.compile(rb" *[0-9A-Fa-f]{1,4}")
_TRIES: Final = 1000

# Beyond ASCII a character gives way to one that takes as many bytes.
_BEYOND: Final = {1: "\xe9", 2: "\xe9", 3: "\u20ac", 4: "\N{SLIGHTLY SMILING FACE}"}
_CLASSES: Final = ("0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

# Between telegrams: line ends, NULs, blanks and idle bytes stay.
_KEPT_BETWEEN: Final = b"\r\n\0 \t\xff"
_BETWEEN: Final = bytes(
    byte if byte in _KEPT_BETWEEN else ord("0") if byte in b"0123456789" else ord("x")
    for byte in range(256)
)


def between(data: bytes) -> bytes:
    """Make bytes that belong to no telegram say nothing: digits become 0, all else x."""
    return data.translate(_BETWEEN)


class Disguise:
    """One invention: the same numbers become the same ones for as long as the salt is kept."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def disguised(self, frame: Frame) -> Frame:
        """Give the telegram with everything replaced that says whose it is."""
        header, lines = lay_out(frame.data)
        name = _IN_HEADER.sub(lambda digits: self._word(digits[0]), header[_FLAG:])
        disguised = [line.saying(self._body(line.code, line.body)) for line in lines]
        data = put_together(header[:_FLAG] + name, disguised)
        printed = reprinted(frame.data, frame.checksum, data)
        return Frame(data, printed if _CHECKSUM.fullmatch(printed) else between(printed))

    def _body(self, code: str, body: str) -> str:
        if not code:  # or a damaged one
            first, bracket, rest = body.partition("(")
            if not _CODELIKE.fullmatch(first.strip()):
                first = self._letters(first, "latin-1", 0)
            return first + bracket + self._between_brackets(rest, _PLAINLY_HARMLESS)
        kind = BY_CODE[code][0].kind if code in BY_CODE else None
        if kind in _MESSAGES:
            return self._over_line_ends(body, self._message)
        if kind in _NUMBERS:
            return self._over_line_ends(body, self._number)
        harmless = _PLAINLY_HARMLESS if kind in (None, Kind.ABOUT) else _HARMLESS
        return self._between_brackets(body, harmless)

    def _between_brackets(self, body: str, harmless: re.Pattern[str]) -> str:
        parts = _BRACKETS.split(body)
        return "".join(
            part if n % 2 or harmless.fullmatch(part) else self._number(part)
            for n, part in enumerate(parts)
        )

    def _over_line_ends(self, body: str, replaced: Callable[[str], str]) -> str:
        """Replace in a text that may run over several lines, and leave the line ends in place."""
        ends = list(_LINE_ENDS.finditer(body))
        text = replaced(_LINE_ENDS.sub("", body))
        for end in ends:
            text = text[: end.start()] + end[0] + text[end.start() :]
        return text

    def _number(self, text: str) -> str:
        return text if identity(text) is None else self._alike(text, self._words, identifier)

    def _message(self, text: str) -> str:
        return text if message(text) is None else self._alike(text, self._letters, printable)

    def _alike(
        self, text: str, invent: Callable[[str, str, int], str], read: Callable[[str], str]
    ) -> str:
        """Replace what `text` spells: plain stays plain, hexadecimal stays hexadecimal."""
        spelt, codec = read(text), "latin-1"
        written: Callable[[str], str] = str
        if spelt != text:
            octets = bytes.fromhex(text)
            filled = octets.strip(_FILLING)
            before, _, behind = octets.partition(filled)
            codec = "utf-8" if filled == spelt.encode() else "latin-1"

            def written(said: str) -> str:
                new = (before + said.encode(codec) + behind).hex()
                return new.upper() if text == text.upper() else new

        for attempt in range(_TRIES):
            said = invent(spelt, codec, attempt)
            new = written(said)
            # It is to be read as that, and as something that is there at all.
            if read(new) == said and identity(new) is not None and message(new) is not None:
                return new
        return text

    def _words(self, text: str, codec: str, attempt: int) -> str:
        return _RUNS.sub(lambda run: self._word(run[0], codec, attempt), text)

    def _letters(self, text: str, codec: str, attempt: int) -> str:
        """Replace each letter and digit, as the whole text decides: no word betrays itself."""
        dice = self._dice(text, attempt)
        return _RUNS.sub(lambda run: "".join(_other(c, dice, codec) for c in run[0]), text)

    def _word(self, word: str, codec: str = "latin-1", attempt: int = 0) -> str:
        """Replace a word; a long number within it becomes the same as elsewhere."""
        dice = self._dice(word, attempt)
        new = [_other(char, dice, codec) for char in word]
        for digits in _LONG_DIGITS.finditer(word):
            own = self._dice(digits[0], attempt)
            new[digits.start() : digits.end()] = [_other(c, own, codec) for c in digits[0]]
        return "".join(new)

    def _dice(self, text: str, attempt: int) -> Iterator[int]:
        """Give numbers below 2^16 for ever, the same for the same text."""
        what = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._salt).digest()
        count = 0
        while True:
            block = hashlib.sha256(what + b"%d/%d" % (attempt, count)).digest()
            yield from memoryview(block).cast("H")
            count += 1


def _other(char: str, dice: Iterator[int], codec: str) -> str:
    for letters in _CLASSES:
        if char in letters:
            return letters[next(dice) % len(letters)]
    return _BEYOND[len(char.encode(codec))]
