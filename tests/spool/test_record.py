"""Records come back byte for byte, from any bytes, and nothing else ever does."""

import zlib
from itertools import permutations
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from collector import spool
from collector.spool import record as record_module
from collector.spool.record import Record, RecordId, decode, new_run, numbering
from spool.machine import encoded, record, records

TWENTY = records(20)
SEGMENT = encoded(TWENTY)
KNOWN = set(TWENTY)

runs = st.text("0123456789abcdef", min_size=12, max_size=12)
lines = st.binary(max_size=40).map(lambda data: b"m " + data.replace(b"\n", b" ") + b" 1\n")
bodies = st.lists(lines, min_size=1, max_size=4).map(b"".join)
any_records = st.builds(
    Record, st.builds(RecordId, runs, st.integers(0, 10**18 - 1)), bodies
)  # fmt: skip
fragments = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"\0" * 50, b"# p1 ", b"\n", b"# a comment\n", SEGMENT[:200], SEGMENT[150:]]),
)


@given(st.lists(any_records, max_size=8))
def test_what_was_written_is_read(written: list[Record]) -> None:
    contents = decode(encoded(written))

    assert list(contents.records) == written
    assert contents.damage == ()
    assert contents.end == len(encoded(written))


def test_a_record_is_the_lines_and_a_comment() -> None:
    """The bytes of the format, so that older files stay readable."""
    one = Record(RecordId("5f0c9e2ab417", 42), b"electricity,site=home power=0.321 1700000000\n")

    assert one.encode() == (
        b"electricity,site=home power=0.321 1700000000\n# p1 5f0c9e2ab417 42 45 0147732a\n"
    )


def test_the_record_in_the_specification_is_one() -> None:
    lines = [line.strip().partition("\\n")[0] for line in (spool.__doc__ or "").splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("electricity,site=home"))
    data = "".join(f"{line}\n" for line in lines[first : first + 3]).encode()

    assert decode(data).ids == [("5f0c9e2ab417", 42)]
    assert decode(data).damage == ()


@given(st.lists(fragments, max_size=12).map(b"".join))
def test_no_bytes_make_it_raise_or_invent(data: bytes) -> None:
    contents = decode(data)

    assert set(contents.records) <= KNOWN
    assert contents.end <= len(data)


@given(st.lists(fragments, max_size=6), st.lists(any_records, max_size=5), st.randoms())
def test_every_byte_is_a_record_damage_or_harmless(
    noise: list[bytes], written: list[Record], random: object
) -> None:
    parts = [*noise, *(one.encode() for one in written)]
    random.shuffle(parts)  # type: ignore[attr-defined]  # a Random, by another name
    data = b"".join(parts)

    contents = decode(data)

    spans = [(damage.offset, damage.data) for damage in contents.damage]
    place = 0
    for one in contents.records:
        place = data.index(one.encode(), place)
        spans.append((place, one.encode()))
        place += len(one.encode())
    rest, end = b"", 0
    for start, span in sorted(spans):
        assert data[start : start + len(span)] == span
        rest += data[end:start]
        end = start + len(span)
    assert all(line.startswith(b"# ") for line in (rest + data[end:]).rstrip(b"\0").splitlines())


def test_a_segment_cut_at_any_byte_keeps_what_is_before_the_cut() -> None:
    ends = {len(encoded(TWENTY[:count])): count for count in range(21)}
    whole = 0
    for size in range(len(SEGMENT) + 1):
        whole = ends.get(size, whole)

        contents = decode(SEGMENT[:size])

        assert list(contents.records) == TWENTY[:whole]
        assert [d.data for d in contents.damage] == ([] if size in ends else [
            SEGMENT[contents.end : size]
        ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_any_bit_flipped_costs_one_record_and_is_reported() -> None:
    ends = [len(encoded(TWENTY[:count])) for count in range(21)]
    for place in range(len(SEGMENT)):
        hit = next(n for n in range(20) if place < ends[n + 1])
        for bit in range(8):
            data = bytearray(SEGMENT)
            data[place] ^= 1 << bit

            contents = decode(bytes(data))

            assert list(contents.records) == TWENTY[:hit] + TWENTY[hit + 1 :]
            assert [d.data for d in contents.damage] == [bytes(data[ends[hit] : ends[hit + 1]])]
            assert sum(d.records for d in contents.damage) == 1


@pytest.mark.slow
@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\n", b"#", b"x"])
def test_foreign_bytes_behind_a_segment_cost_nothing(filler: bytes) -> None:
    for length in range(1, 4097):
        tail = filler * length

        contents = decode(SEGMENT + tail)

        assert list(contents.records) == TWENTY
        assert contents.end == len(SEGMENT)
        assert [d.data for d in contents.damage] == ([] if filler == b"\0" else [tail])


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"electricity,site=home power=0.1 1\n"])
@pytest.mark.parametrize("length", [1, 100, 4096])
def test_foreign_bytes_between_records_are_damage(filler: bytes, length: int) -> None:
    middle = (filler * length)[:length]

    contents = decode(encoded(TWENTY[:10]) + middle + encoded(TWENTY[10:]))

    assert list(contents.records) == TWENTY
    assert [d.data for d in contents.damage] == [middle]


@pytest.mark.parametrize("filler", [b"\0", b"\xaa"])
@pytest.mark.parametrize("size", [1, 64, 512])
def test_blocks_overwritten_cost_what_they_touch(filler: bytes, size: int) -> None:
    ends = [len(encoded(TWENTY[:count])) for count in range(21)]
    for start in range(0, len(SEGMENT) - size, 61):
        touched = {n for n in range(20) if ends[n] < start + size and start < ends[n + 1]}
        data = SEGMENT[:start] + filler * size + SEGMENT[start + size :]

        contents = decode(data)

        assert list(contents.records) == [r for n, r in enumerate(TWENTY) if n not in touched]
        assert contents.damage or filler == b"\0"


def test_a_record_that_became_nothing_but_zeros_is_reported() -> None:
    """Zeros between good records are no unsynced tail."""
    gap = bytes(len(TWENTY[5].encode()))

    contents = decode(encoded(TWENTY[:5]) + gap + encoded(TWENTY[6:]))

    assert list(contents.records) == TWENTY[:5] + TWENTY[6:]
    assert [(d.data, d.records) for d in contents.damage] == [(gap, 1)]


@pytest.mark.parametrize("size", [97, 512, 1024])
def test_blocks_swapped_or_repeated_give_nothing_that_was_not_written(size: int) -> None:
    blocks = [SEGMENT[at : at + size] for at in range(0, len(SEGMENT), size)]
    orders = list(permutations(range(min(len(blocks), 5))))
    for order in orders:
        front = b"".join(blocks[n] for n in order)
        data = front + b"".join(blocks[len(order) :])

        contents = decode(data)

        assert set(contents.records) <= KNOWN
        untouched = [r for r in TWENTY if r.encode() in data]
        assert [r for r in TWENTY if r in contents.records] == untouched
    repeated = decode(blocks[0] + blocks[0] + b"".join(blocks[1:]))
    assert [r for r in TWENTY if r not in repeated.records] == []


@pytest.mark.parametrize(
    "text",
    [
        "# p1 5f0c9e2ab417 42 125 8d1f03c2",
        '"# p1 5f0c9e2ab417 42 1 00000000',
        TWENTY[0].encode().decode().splitlines()[-1],
    ],
)
def test_a_text_message_like_a_trailer_is_a_text(text: str) -> None:
    tricky = Record(RecordId("0123456789ab", 1), f'message text="{text}" 1700000000\n'.encode())

    contents = decode(tricky.encode() + TWENTY[1].encode())

    assert contents.records == (tricky, TWENTY[1])
    assert contents.damage == ()


def test_a_damaged_text_like_a_trailer_is_one_damaged_record() -> None:
    tricky = Record(RecordId("0123456789ab", 1), b'message text="# p1 5f0c" 1700000000\n')

    contents = decode(tricky.encode().replace(b"text", b"tExt") + TWENTY[1].encode())

    assert [damage.records for damage in contents.damage] == [1]


def test_comments_between_records_mean_nothing() -> None:
    """The server's words stand there, and they may repeat a meter's text."""
    words = b"# rejected: answer 400: unable to parse 'text=\"# p1 5f0c\"'\n"

    contents = decode(words + TWENTY[0].encode() + b"# more\n" + TWENTY[1].encode())

    assert list(contents.records) == TWENTY[:2]
    assert contents.damage == ()


@pytest.mark.parametrize(
    "trailer",
    [
        pytest.param(b"# p1 0123456789ab 1 %d 00000000\n", id="checksum"),
        pytest.param(b"# p1 0123456789AB 1 %d 00000000\n", id="capitals"),
        pytest.param(b"# p1 0123456789ab 01 %d 00000000\n", id="leading zero"),
        pytest.param(b"# p2 0123456789ab 1 %d 00000000\n", id="another kind"),
        pytest.param(b"# p1 0123456789ab 1 999999999 00000000\n", id="longer than the file"),
    ],
)
def test_lines_without_a_trailer_that_fits_are_not_given(trailer: bytes) -> None:
    lines = b"electricity,site=home power=0.1 1700000000\n"
    data = lines + (trailer % len(lines) if b"%d" in trailer else trailer)

    contents = decode(data + TWENTY[0].encode())

    assert list(contents.records) == TWENTY[:1]
    assert [damage.data for damage in contents.damage] == [data]


def test_the_identity_is_covered_by_the_checksum() -> None:
    """A number that changed on the disk would hide a record behind another one."""
    data = record(7).encode().replace(b" 7 ", b" 8 ")

    assert decode(data).records == ()


def test_a_file_made_to_be_slow_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trailer claims all that is before it: looked at naively, that is quadratic."""
    trailers = [b"# p1 0123456789ab 1 %d 00000000\n" % (40 * n) for n in range(1, 10_000)]
    data = b"x\n" + b"".join(trailers)
    looked_at = []

    def counted(data: bytes, value: int = 0) -> int:
        looked_at.append(len(data))
        return zlib.crc32(data, value)

    monkeypatch.setattr(record_module, "zlib", SimpleNamespace(crc32=counted))
    contents = decode(data)

    assert contents.records == ()
    assert sum(looked_at) < 2 * len(data)


def test_a_trailer_behind_the_rest_of_a_torn_line_is_no_body() -> None:
    """It fits the next one, but in a file of its own it would be a trailer, and no record."""
    inner = b"# p1 0123456789ab 1 32 fbf70710\n"
    record = Record(RecordId("0123456789ab", 2), inner)
    torn = b"electricity,site=ho" + record.encode()

    contents = decode(torn + TWENTY[0].encode())

    assert list(contents.records) == TWENTY[:1]
    assert [damage.data for damage in contents.damage] == [torn]


def test_runs_are_drawn_and_numbers_count_from_one() -> None:
    run = new_run()
    identities = numbering(run)

    assert [next(identities) for _ in range(3)] == [(run, 1), (run, 2), (run, 3)]
    assert new_run() != run
    assert decode(Record(RecordId(run, 1), b"m f=1 1\n").encode()).ids == [(run, 1)]


def test_a_tail_of_zeros_is_no_damage() -> None:
    """The file system leaves it of an append that was never synced."""
    contents = decode(SEGMENT + b"\0" * 4096)

    assert contents.damage == ()
    assert contents.end == len(SEGMENT)


def test_damage_is_as_many_records_as_it_had_trailers() -> None:
    spoilt = encoded(TWENTY[:3]).replace(b"power", b"pover")

    assert [damage.records for damage in decode(spoilt).damage] == [3]


def test_a_body_that_reaches_back_over_a_record_is_none() -> None:
    """Its checksum is right, but what it holds would be there twice."""
    first = TWENTY[0]
    around = Record(RecordId("feedfeedfeed", 1), first.encode() + b"m f=1 1\n")

    assert decode(around.encode()).ids == [first.id]


def test_the_programs_own_state_is_no_telegram() -> None:
    assert [RecordId("feedfeedfeed", n).counted for n in (0, 1, 2)] == [False, True, True]
