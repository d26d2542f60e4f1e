"""Encrypted frames are read out of any stream; what does not verify never comes out."""

import sys
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from collector.p1.checksum import Checksum
from collector.p1.decryption import (
    LIMIT,
    PUBLIC_AUTH_KEY,
    Decryptor,
    Keys,
    Refusal,
    read_key,
    read_keys,
)
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from p1.golden import names, stream
from p1.sealing import AUTH_KEY, KEY, TITLE, seal, seal_untitled

TELEGRAM = stream("luxembourg-3phase")
LUXEMBOURG = Keys(KEY)
AUSTRIA = Keys(KEY, AUTH_KEY)


def decrypted(data: bytes, keys: Keys | None = LUXEMBOURG) -> bytes:
    decryptor = Decryptor(keys)
    return decryptor.feed(data) + decryptor.flush()


def in_pieces(data: bytes, cuts: list[int]) -> tuple[bytes, int, int, Refusal | None]:
    decryptor = Decryptor(LUXEMBOURG)
    out = b""
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        out += decryptor.feed(data[start:end])
    return out + decryptor.flush(), decryptor.read, decryptor.refused, decryptor.refusal


def test_the_frame_is_the_one_of_the_specification() -> None:
    frame = seal(TELEGRAM, 0x01020304)
    size = (len(frame) - 13).to_bytes(2)

    assert frame[:18] == b"\xdb\x08" + TITLE + b"\x82" + size + b"\x30\x01\x02\x03\x04"
    assert len(frame) == len(TELEGRAM) + 30


@pytest.mark.parametrize(
    ("auth_key", "keys"),
    [
        pytest.param(PUBLIC_AUTH_KEY, LUXEMBOURG, id="Luxembourg, one key"),
        pytest.param(AUTH_KEY, AUSTRIA, id="Austria, two keys"),
    ],
)
def test_a_frame_is_decrypted(auth_key: bytes, keys: Keys) -> None:
    assert decrypted(seal(TELEGRAM, auth_key=auth_key), keys) == TELEGRAM


@pytest.mark.parametrize("name", names())
def test_any_telegram_is_read_as_if_it_had_not_been_encrypted(name: str) -> None:
    plain, sealed = Framer(), Framer()
    data = stream(name)

    expected = plain.feed(data + b"\n") + plain.flush()
    assert sealed.feed(decrypted(seal(data))) + sealed.flush() == expected


@pytest.mark.parametrize("name", names())
def test_what_is_not_encrypted_passes_untouched(name: str) -> None:
    assert decrypted(stream(name)) == stream(name)


def test_a_telegram_behind_junk_still_starts_a_line() -> None:
    """The junk is the end of a frame whose start was missed."""
    data = seal(TELEGRAM)[200:] + seal(TELEGRAM, 2)
    (frame,) = Framer().feed(decrypted(data))

    assert parse(frame).checksum is Checksum.OK


def test_a_telegram_without_its_last_line_end_is_complete_at_once() -> None:
    assert len(Framer().feed(decrypted(seal(TELEGRAM.rstrip())))) == 1


@pytest.mark.parametrize("lost", [1, 7, 40, 300, len(TELEGRAM)])
def test_a_frame_that_lost_bytes_does_not_take_the_next_with_it(lost: int) -> None:
    first, second = seal(TELEGRAM, 1), seal(TELEGRAM, 2)

    assert decrypted(first[:15] + first[15 + lost :] + second) == TELEGRAM


@pytest.mark.parametrize("place", [20, -13, -1])
def test_a_damaged_frame_gives_nothing(place: int) -> None:
    frame = bytearray(seal(TELEGRAM))
    frame[place] ^= 1

    assert decrypted(bytes(frame)) == b""


def test_a_frame_of_a_bit_of_another_length_gives_nothing() -> None:
    frame = bytearray(seal(TELEGRAM))
    frame[12] -= 1

    assert TELEGRAM[:20] not in decrypted(bytes(frame))


@pytest.mark.parametrize(
    ("keys", "refusal"),
    [
        (None, Refusal.NO_KEY),
        (Keys(KEY[::-1]), Refusal.WRONG_KEY),
        (Keys(KEY, AUTH_KEY), Refusal.WRONG_KEY),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_said(keys: Keys | None, refusal: Refusal) -> None:
    decryptor = Decryptor(keys)

    assert decryptor.feed(seal(TELEGRAM)) + decryptor.flush() == b""
    assert (decryptor.refusal, decryptor.read, decryptor.refused) == (refusal, 0, 1)


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    decryptor = Decryptor(LUXEMBOURG)

    assert decryptor.feed(seal(TELEGRAM)) == b""
    assert decryptor.refusal is Refusal.NO_EXTRA


def test_a_key_that_has_fitted_is_not_blamed_for_damage() -> None:
    decryptor = Decryptor(LUXEMBOURG)
    decryptor.feed(seal(TELEGRAM))
    decryptor.feed(seal(TELEGRAM, 2)[:-1] + b"?")
    assert decryptor.refusal is Refusal.DAMAGED

    decryptor.feed(seal(TELEGRAM, 3))
    assert decryptor.refusal is None


def test_each_refusal_says_something_else_and_what_to_do() -> None:
    assert len({refusal.message for refusal in Refusal}) == len(Refusal)
    assert all(refusal.hint for refusal in Refusal)


PIECES = st.one_of(
    st.integers(0, 9).map(lambda n: seal(TELEGRAM[:300], n)),
    st.integers(0, 9).map(lambda n: seal(TELEGRAM[:60], n, key=AUTH_KEY)),
    st.integers(1, 80).map(lambda n: seal(TELEGRAM[:60])[:n]),
    st.just(TELEGRAM[:200]),
    st.binary(max_size=20),
    st.sampled_from([b"\xdb", b"\xdb\x08", b"\xdb\x08" + TITLE + b"\x82\xff\xff\x30", b"\n/"]),
)


@given(st.lists(PIECES, max_size=6).map(b"".join), st.data())
def test_however_the_stream_is_cut_the_same_comes_out(data: bytes, cuts: st.DataObject) -> None:
    places = cuts.draw(st.lists(st.integers(0, len(data)), max_size=30))

    assert in_pieces(data, places) == in_pieces(data, []) == in_pieces(data, [*range(len(data))])


@given(st.binary(max_size=300).filter(lambda data: b"\xdb\x08" not in data))
def test_bytes_without_a_frame_pass_untouched(data: bytes) -> None:
    assert decrypted(data) == data


def test_memory_is_bounded_whatever_comes() -> None:
    decryptor = Decryptor(LUXEMBOURG)
    longest = b"\xdb\x08" + TITLE + b"\x82" + LIMIT.to_bytes(2) + b"\x30"
    held = []
    for chunk in (longest, b"\xdb" * 4096, b"\xdb\x08" * 2048, longest * 10) * 3:
        decryptor.feed(chunk)
        held.append(len(decryptor._buffer))

    assert max(held) <= LIMIT + 13


def test_keys_are_read_with_or_without_blanks_and_never_shown() -> None:
    text = KEY.hex(" ", 4)

    assert read_keys(text) == LUXEMBOURG
    assert read_keys(text.upper(), AUTH_KEY.hex()) == AUSTRIA
    assert read_keys(" ") is None
    assert repr(AUSTRIA) == "Keys()"


@pytest.mark.parametrize("text", ["12", KEY.hex() + "00", "x" * 32, KEY.hex()[:-1] + "٣"])
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="must be 32 hexadecimal digits") as refused:
        read_key(text)

    assert text not in str(refused.value)


# --- without a system title

POLISH = b"/EGM5G35\r\n\r\n"
LINES = b"1-0:1.8.0(000812.345*kWh)\r\n"


@pytest.mark.parametrize(("prefix", "long"), [(b"\0", 2), (b"\0", 1), (b"\0", 0), (b"\xdb\0", 2)])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_frame_without_a_title_is_read_where_zeros_fit(
    prefix: bytes, long: int, size: int
) -> None:
    sealed = POLISH + seal_untitled(LINES, prefix=prefix, long=long) + b"!FE0C\r\n"
    decryptor = Decryptor(Keys(KEY, AUTH_KEY))

    out = b"".join(decryptor.feed(sealed[n : n + size]) for n in range(0, len(sealed), size))

    assert out == POLISH + LINES + b"!FE0C\r\n"
    assert (decryptor.read, decryptor.refused) == (1, 0)


@pytest.mark.parametrize(
    ("keys", "refusal"), [(None, Refusal.NO_KEY), (Keys(KEY), Refusal.NO_TITLE)]
)
def test_a_frame_without_a_title_that_does_not_fit_is_named(
    keys: Keys | None, refusal: Refusal
) -> None:
    decryptor = Decryptor(keys)

    assert decryptor.feed(POLISH + seal_untitled(LINES) + b"!FE0C\r\n") == POLISH + b"!FE0C\r\n"
    assert decryptor.refusal is refusal


def test_a_nul_behind_a_telegram_is_no_frame() -> None:
    decryptor = Decryptor(Keys(KEY))
    data = b"!1A2B\r\n\0/XMX5LGF\r\n\0\r\n"

    assert b"".join(decryptor.feed(bytes([byte])) for byte in data) + decryptor.flush() == data
