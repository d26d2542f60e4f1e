"""Encrypted telegrams: bytes in, the same bytes out with every encrypted frame decrypted.

Luxembourg's meters, and some of Austria's, put each telegram into one binary frame (Smarty P1
1.1.3, 3.2.5; the general-glo-ciphering of DLMS, IEC 62056-5-3):

    │ DB │ 08 │ system title 8 │ 82 │ length 2 │ 30 │ counter 4 │ ciphertext │ tag 12 │
                                               └──────────── length bytes ───────────┘

AES-128-GCM; the nonce is title and counter, the additional data `30` and the authentication key.
In Luxembourg that key is the same for everybody and printed in the specification; in Austria it is
the second of two keys (GUEK encrypts, GAK authenticates).

    feed(bytes)   what can be read of the stream by now; however it is cut, the same comes out
    flush()       the stream has ended: what was held back as the possible start of a frame

Poland's (GAMA 350, Kaifa MA309M) print the header of a telegram in plain, and then on a new line a
frame whose title is empty: `00`, or `DB 00`, the length in one, two (81) or three (82) bytes, and
the rest as above. The nonce needs a title, and which one is published nowhere: eight zeros are
tried, which the tag proves or not, and `Refusal.NO_TITLE` says so.

What is not in such a frame passes untouched. A decrypted telegram comes out on lines of its own. A
frame whose tag does not fit gives nothing at all, and the search goes on within it, because bytes
may be missing; `refusal` says why the last frame was not read. At most one frame is held back.

Reading takes the package `cryptography`, which is the extra `p1-collector[decrypt]`; it is
imported for the first encrypted frame.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

# Printed in the specification of Luxembourg, so it keeps no secret: it only must be the same.
PUBLIC_AUTH_KEY: Final = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
# A telegram of 32 KiB is the longest that is framed.
LIMIT: Final = 33 * 1024

_KEY: Final = re.compile(r"[0-9A-Fa-f]{32}")
_AUTHENTICATED_AND_ENCRYPTED: Final = b"\x30"
_START: Final = re.compile(
    rb"\xdb\x08(?P<title>.{8})\x82(?P<size>..)(?=\x30)(?P<counted>.(?P<counter>.{4}))", re.DOTALL
)
_UNTITLED: Final = re.compile(
    rb"\xdb?\x00(?:\x82(?=..)|\x81(?=.))?(?P<size>(?<=\x82)..|(?<=\x81).|(?<=\x00)[\x11-\x7f])"
    rb"(?=\x30)(?P<counted>.(?P<counter>.{4}))",
    re.DOTALL,
)
_BEGIN: Final = re.compile(rb"[\xdb\x00]")
_NO_TITLE: Final = bytes(8)
# An opening of each kind: a frame may start where the rest of one would complete it.
_OPENINGS: Final = (
    b"\xdb\x08" + _NO_TITLE + b"\x82\0\0\x30" + bytes(4),
    *(
        begin + length + b"\x30" + bytes(4)
        for begin in (b"\0", b"\xdb\0")
        for length in (b"\x11", b"\x81\0", b"\x82\0\0")
    ),
)
_TAG: Final = 12
_LEAST: Final = 1 + 4 + _TAG
_LINE_ENDS: Final = (b"\n", b"\r")


class Refusal(Enum):
    """Why an encrypted telegram was not read: a sentence, and what to do about it."""

    NO_KEY = (
        "the meter encrypts its telegrams, and no key is set",
        (
            "ask the grid operator for the key of this meter's P1 port and set `P1_DECRYPT_KEY`"
            " (where it gives two, in Austria and Poland, also `P1_DECRYPT_AUTH_KEY`)"
        ),
    )
    NO_EXTRA = (
        "the meter encrypts its telegrams, and the package that decrypts them is not installed",
        "install `p1-collector[decrypt]`",
    )
    WRONG_KEY = (
        "the key does not fit the meter's encrypted telegrams",
        (
            "compare `P1_DECRYPT_KEY` with what the grid operator gave for this meter; if that was"
            " two keys (Austria), the second is `P1_DECRYPT_AUTH_KEY`"
        ),
    )
    NO_TITLE = (
        "the meter encrypts its telegrams, and no key fits without the system title it leaves out",
        (
            "ask the grid operator for P1 without encryption, or for the system title; both keys"
            " (`P1_DECRYPT_KEY`, `P1_DECRYPT_AUTH_KEY`) are tried with a title of zeros"
        ),
    )
    DAMAGED = (
        "an encrypted telegram was damaged on its way; the key has fitted others",
        "now and then that happens; often means a bad cable",
    )

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Keys:
    """What the grid operator gives: 16 bytes that decrypt and 16 that authenticate."""

    key: bytes = field(repr=False)
    auth_key: bytes = field(default=PUBLIC_AUTH_KEY, repr=False)


def read_keys(key: str, auth_key: str = "") -> Keys | None:
    """Read keys of 32 hexadecimal digits; None if there is no key. Raises ValueError."""
    if not key.strip():
        return None
    return Keys(read_key(key), read_key(auth_key) if auth_key.strip() else PUBLIC_AUTH_KEY)


def read_key(text: str) -> bytes:
    """Read one key, which may have blanks in it. Raises ValueError, without saying the key."""
    digits = "".join(text.split())
    if not _KEY.fullmatch(digits):
        raise ValueError("must be 32 hexadecimal digits")
    return bytes.fromhex(digits)


class Decryptor:
    """Reads the encrypted frames of a stream. See the module's docstring for the rules."""

    def __init__(self, keys: Keys | None = None) -> None:
        self.refusal: Refusal | None = None
        self.read = 0
        self.refused = 0
        self._keys = keys
        self.reset()

    def reset(self) -> None:
        """Forget a frame that has begun: the line was interrupted."""
        self._buffer = b""
        self._at = 0  # what lies before has been dealt with
        self._lost = 0  # what lies before is of a frame that was refused
        self._on_new_line = True  # what was given ends in a line end
        self._line_began = True  # the byte before `_at` is one

    @property
    def pending(self) -> int:
        """How many bytes are held back as a frame that has begun."""
        return len(self._buffer)

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream and return what can be read by now."""
        if not self._buffer and b"\xdb" not in data and b"\0" not in data:
            self._line_began = data.endswith(_LINE_ENDS) if data else self._line_began
            return self._passed(data)
        self._buffer += data
        pieces = []
        while (piece := self._next()) is not None:
            pieces.append(piece)
        self._buffer = self._buffer[self._at :]
        self._lost = max(0, self._lost - self._at)
        self._at = 0
        return b"".join(pieces)

    def flush(self) -> bytes:
        """Return what was held back; a frame that has not ended by now gives nothing."""
        begun = self._opening(self._buffer)
        rest = b"" if begun else self._until(len(self._buffer))
        self.reset()
        return rest

    def _next(self) -> bytes | None:
        """Deal with what comes next in the buffer; None if more bytes are needed."""
        begin = _BEGIN.search(self._buffer, self._at)
        place = begin.start() if begin else len(self._buffer)
        if place != self._at:
            return self._until(place)
        if place == len(self._buffer):
            return None
        opening = self._opening(self._buffer, place)
        if opening is None:
            data = self._buffer[place:][: len(_OPENINGS[0])]
            waiting = any(self._opening(data + whole[len(data) :]) for whole in _OPENINGS)
            return None if waiting else self._until(place + 1)
        size = int.from_bytes(opening["size"], "big")
        if not _LEAST <= size <= LIMIT:
            return self._until(place + 1)
        end = opening.start("counted") + size
        return None if len(self._buffer) < end else self._frame(opening, end)

    def _opening(self, data: bytes, place: int = 0) -> re.Match[bytes] | None:
        """Find the opening of a frame there, if it is all there."""
        untitled = self._line_began and _UNTITLED.match(data, place)
        return untitled or _START.match(data, place)

    def _until(self, place: int) -> bytes:
        """Go on to `place`, passing on what does not belong to a refused frame."""
        begin, self._at = max(self._at, min(self._lost, place)), place
        self._line_began = self._buffer[:place].endswith(_LINE_ENDS)
        return self._passed(self._buffer[begin:place])

    def _frame(self, opening: re.Match[bytes], end: int) -> bytes:
        titled = opening.re is _START
        title = opening["title"] if titled else _NO_TITLE
        sealed = self._buffer[opening.end() : end]
        read = _decrypt(self._keys, title + opening["counter"], sealed)
        if isinstance(read, Refusal):
            self._lost = max(self._lost, end)
            self.refused += 1
            self.refusal = read
            if read is Refusal.WRONG_KEY and self.read > 0:
                self.refusal = Refusal.DAMAGED
            elif read is Refusal.WRONG_KEY and not titled:
                self.refusal = Refusal.NO_TITLE
            return self._until(opening.start() + 1)
        self._at = end
        self._line_began = False
        self.read += 1
        self.refusal = None
        before = b"" if self._on_new_line else b"\n"
        return before + self._passed(read if read.endswith(_LINE_ENDS) else read + b"\n")

    def _passed(self, data: bytes) -> bytes:
        if data:
            self._on_new_line = data.endswith(_LINE_ENDS)
        return data


def _decrypt(keys: Keys | None, nonce: bytes, sealed: bytes) -> bytes | Refusal:
    """Decrypt and verify; nothing that does not verify is ever given out."""
    if keys is None:
        return Refusal.NO_KEY
    try:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  an extra, costs 50 ms
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.modes import GCM  # noqa: PLC0415
    except ImportError:
        return Refusal.NO_EXTRA
    mode = GCM(nonce, sealed[-_TAG:], min_tag_length=_TAG)
    decryptor = Cipher(AES(keys.key), mode).decryptor()
    decryptor.authenticate_additional_data(_AUTHENTICATED_AND_ENCRYPTED + keys.auth_key)
    try:
        return decryptor.update(sealed[:-_TAG]) + decryptor.finalize()
    except InvalidTag:
        return Refusal.WRONG_KEY
