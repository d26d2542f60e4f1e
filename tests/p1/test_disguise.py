"""A disguised telegram says the same, but not whose it is."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from collector.p1.checksum import judge
from collector.p1.disguise import Disguise, between
from collector.p1.framing import Frame, Framer
from collector.p1.telegram import Telegram, parse
from collector.p1.values import printable
from p1.golden import frames, names

DISGUISE = Disguise(b"a salt")
SECRETS = (":96.1.0", ":96.1.1", ":96.1.2", ":42.0.0", "-0:0.0.0", ":96.13.")


def disguised(body: str) -> str:
    data = f"/XXX5\r\n\r\n{body}\r\n!".encode("latin-1")
    return DISGUISE.disguised(Frame(data, b"")).data[9:-3].decode("latin-1")


def value(line: str) -> str:
    return line[line.index("(") + 1 : -1]


def impersonal(telegram: Telegram) -> Telegram:
    """Leave out what a disguise changes."""
    return telegram._replace(
        header="",
        meter=telegram.meter and "",
        devices=tuple(d._replace(meter=d.meter and "") for d in telegram.devices),
        text=telegram.text and "",
        code=telegram.code and "",
        about=dict.fromkeys(telegram.about, ""),
        unknown=("",) * len(telegram.unknown),
        errors=tuple(replace(e, line="") for e in telegram.errors),
    )


@pytest.mark.parametrize("name", names())
def test_everything_impersonal_is_as_it_was(name: str) -> None:
    """Also the layout: the same length, the same line ends, a checksum of the same verdict."""
    for frame in frames(name):
        new = DISGUISE.disguised(frame)

        assert impersonal(parse(new)) == impersonal(parse(frame))
        assert judge(new.data, new.checksum) == judge(frame.data, frame.checksum)
        assert [(n, c) for n, c in enumerate(new.data) if c in b"\r\n()!*"] == [
            (n, c) for n, c in enumerate(frame.data) if c in b"\r\n()!*"
        ]
        assert len(new.data) == len(frame.data)


@pytest.mark.parametrize("name", names())
def test_no_number_and_no_message_is_left(name: str) -> None:
    for frame in frames(name):
        new = DISGUISE.disguised(frame).data.decode("latin-1")
        before = parse(frame)
        personal = [before.meter, before.text, *(device.meter for device in before.devices)]
        long = [text for text in personal if text and len(text) > 4]

        assert [t for t in long if t in new or t.encode().hex() in new.lower()] == []
        assert [
            line for line in new.split("\r\n") if is_secret(line) and line in lines(frame)
        ] == []


def is_secret(line: str) -> bool:
    said = printable(value(line)) if "(" in line else ""
    return any(code in line for code in SECRETS) and len(said.strip("-0\xff")) > 4


def lines(frame: Frame) -> list[str]:
    return frame.data.decode("latin-1").split("\r\n")


def test_a_number_becomes_the_same_wherever_it_stands() -> None:
    plain, hexed, unknown, part = disguised(
        "0-0:96.1.1(E0012345678)\r\n0-1:96.1.0(4530303132333435363738)\r\n"
        "0-0:96.1.255(E0012345678)\r\n0-0:42.0.0(ABC0012345678)"
    ).split("\r\n")

    assert value(plain) == value(unknown) == printable(value(hexed))
    assert value(plain)[1:] == value(part)[3:]
    assert value(plain)[1:] != "0012345678"


def test_another_salt_gives_another_number() -> None:
    frame = Frame(b"/XXX5\r\n0-0:96.1.1(E0012345678)\r\n!", b"")

    assert Disguise(b"one").disguised(frame) != Disguise(b"two").disguised(frame)
    assert Disguise(b"one").disguised(frame) == Disguise(b"one").disguised(frame)


@pytest.mark.parametrize(
    "line",
    [
        "1-0:1.8.0(000123.456*kWh)",
        "1-0:1.8.0(000000.000*)",
        "0-0:96.14.0(TARIFF 1)",
        "0-0:96.50.68(ON)",
        "0-0:1.0.0(230601120000S)",
        "1-0:0.9.1(2023-06-01 12:00:00)",
        "0-1:24.3.0(121030140000)(08)(60)(1)(0-1:24.2.1)(m3)\r\n(00432.109)",
        "1-0:99.97.0(1)(0-0:96.7.19)(230301120000W)(0000000001*s)",
        "1-0:0.2.0((ER11))",
        "1-0:94.32.1(400)",
        "0-2:96.1.1()",
        "0-2:96.1.1(0000000000)",
        "0-2:96.1.2(2D2D2D2D2D2D)",
        "0-0:96.13.0(\xff\xff\xff\xff)",
        "1-0:199.7.0(12.3*kW)",
        "1-0:199.7.0(230601120000S)(12.3*kW)",
    ],
)
def test_what_names_nobody_stays(line: str) -> None:
    assert disguised(line) == line


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("1-0:199.7.0(12345678)", "1-0:199.7.0("),
        ("0-0:96.1.255*255(1ESY1160000049)", "0-0:96.1.255*255("),
        ("C.1.0(12345678)", "C.1.0("),
        ("1-0:1.8.0(E0012345678)", "1-0:1.8.0("),
        ("1-O:96.1.1(E0012345678)", "1-O:96.1.1("),
        ("0-0:96.1.1(E0012345678", "0-0:96.1.1("),
        ("Ms Jansen, 12 High Street", ""),
        ("0-0:96.13.0(the house of\r\nMs Jansen", "0-0:96.13.0("),
    ],
)
def test_what_may_name_somebody_goes(line: str, kept: str) -> None:
    new = disguised(line)

    assert new.startswith(kept)
    assert new != line
    for word in ("12345678", "1160000049", "Jansen", "Street"):
        assert word not in new


@pytest.mark.parametrize("text", ["één café", "\u20ac 5 für Łódź", "ΓΕΙΑ"])
def test_letters_beyond_ascii_keep_their_width(text: str) -> None:
    line = f"0-0:96.13.0({text.encode().hex().upper()})"
    new = disguised(line)

    assert len(new) == len(line)
    assert new != line
    assert bytes.fromhex(value(new)).decode().isprintable()


def test_the_long_numbers_of_a_header_go_and_the_model_stays() -> None:
    frame = Frame(b"/Ene5\\T211 ESMR 5.0 253000041_A\r\n\r\n!", b"")
    header = DISGUISE.disguised(frame).data.split(b"\r\n")[0]

    assert header.startswith(b"/Ene5\\T211 ESMR 5.0 ")
    assert header.endswith(b"_A")
    assert b"253000041" not in header


def test_what_stands_between_telegrams_says_nothing() -> None:
    assert between(b"\0 25803103 abc\xff\xff\r\n\x01\xe9") == b"\0 00000000 xxx\xff\xff\r\nxx"


@given(st.binary(max_size=200))
def test_any_telegram_can_be_disguised(body: bytes) -> None:
    framer = Framer()
    for frame in framer.feed(b"/XXX5\r\n" + body + b"\r\n!\r\n"):
        new = DISGUISE.disguised(frame)

        assert len(new.data) == len(frame.data)
