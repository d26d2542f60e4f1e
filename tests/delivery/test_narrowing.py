"""Each good line has its own 204, each bad one its own refusal, in few requests."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, strategies as st

from collector.delivery.answer import Answer
from collector.delivery.narrowing import MOST_REQUESTS, Interrupted, Line, Narrowing, lines_of
from collector.spool.record import Record, RecordId
from collector.spool.segment import MAX_LINES

RUN: Final = "0123456789ab"
START: Final = 1_700_000_000
STORED: Final = Answer(204, "")
UNPARSABLE: Final = Answer(400, "unable to parse 'gas,': missing fields")
LIMIT: Final = Answer(413, "<h1>Too large</h1>", is_page=True)
AWAY: Final = Answer(0, "Connection refused")


def line(number: int, measurement: str = "electricity", *, time: int | None = None) -> bytes:
    second = START + number if time is None else time
    return b"%s,site=home v=%d %d\n" % (measurement.encode(), number, second)


def segment(lines: Sequence[bytes]) -> list[Line]:
    """Give a segment of one record a line."""
    return lines_of(Record(RecordId(RUN, n), text) for n, text in enumerate(lines, 1))


@dataclass
class Server:
    """Says what it says of a request with any of these lines, keeps the others, and counts."""

    verdict: Callable[[list[bytes]], Answer]
    stored: Counter[bytes] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)
    broken: Callable[[int], bool] = lambda _: False

    @property
    def requests(self) -> int:
        return len(self.sizes)

    def post(self, body: bytes) -> Answer:
        self.sizes.append(body.count(b"\n"))
        assert body, "an empty request"
        if self.broken(self.requests):
            return AWAY
        lines = body.splitlines(keepends=True)
        answer = self.verdict(lines)
        if answer.status == 204:
            self.stored.update(lines)
        return answer


def bad(lines: Sequence[bytes], answer: Answer = UNPARSABLE) -> Callable[[list[bytes]], Answer]:
    return lambda sent: answer if set(sent) & set(lines) else STORED


def too_large(bytes_: int) -> Callable[[list[bytes]], Answer]:
    return lambda sent: LIMIT if sum(map(len, sent)) > bytes_ else STORED


def retention(oldest: int) -> Callable[[list[bytes]], Answer]:
    """Refuse what is older, in the words of InfluxDB 2.7."""

    def verdict(sent: list[bytes]) -> Answer:
        dropped = [text for text in sent if int(text.split()[-1]) < oldest]
        if not dropped:
            return STORED
        words = (
            "failure writing points to database: partial write: dropped %d points outside"
            " retention policy of duration 720h0m0s - oldest point electricity,site=home at"
            " 2023-11-14T22:13:20Z dropped because it violates a Retention Policy Lower Bound at"
            " 2023-11-14T22:13:21Z, newest point electricity,site=home at 2023-11-14T22:13:20Z"
            " dropped because it violates a Retention Policy Lower Bound at 2023-11-14T22:13:21Z"
            " dropped=%d for database: 0123456789abcdef for retention policy: autogen"
        )
        return Answer(422, words % (len(dropped), len(dropped)))

    return verdict


def conflict(measurement: str) -> Answer:
    return Answer(
        422,
        "failure writing points to database: partial write: field type conflict: input field"
        f' "v" on measurement "{measurement}" is type float, already exists as type integer'
        " dropped=1",
    )


def nothing_paused(_: str) -> bool:
    return False


def go_on(
    narrowing: Narrowing,
    server: Server,
    *,
    paused: Callable[[str], bool] = nothing_paused,
    conflicts: list[tuple[str, Answer]] | None = None,
    most_lines: int = MAX_LINES,
    turn: Callable[[], bool] = lambda: False,
    others_pass: Callable[[], bool] = lambda: True,
) -> Narrowing:
    heard = [] if conflicts is None else conflicts
    narrowing.go_on(
        server.post,
        paused=paused,
        conflict=lambda *told: heard.append(told),
        most_lines=lambda: most_lines,
        turn=turn,
        others_pass=others_pass,
    )
    return narrowing


def refused(narrowing: Narrowing) -> list[bytes]:
    return [line.text for line, _ in narrowing.refused]


def test_one_bad_line_in_five_thousand_costs_27_requests() -> None:
    lines = [line(n) for n in range(5000)]
    server = Server(bad([lines[3210]]))
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    assert narrowing.finished
    assert refused(narrowing) == [lines[3210]]
    assert server.stored == Counter(lines) - Counter([lines[3210]])
    assert server.requests <= 27


def test_what_the_whole_was_told_is_not_asked_again() -> None:
    lines = [line(n) for n in range(2)]
    server = Server(bad(lines[:1]))
    go_on(Narrowing(deque([segment(lines)]), known=UNPARSABLE), server)
    assert server.requests == 2


def test_an_answer_that_decides_nothing_is_handed_on() -> None:
    server = Server(bad([line(2)]), broken=lambda number: number == 2)
    with pytest.raises(Interrupted) as caught:
        go_on(Narrowing(deque([segment([line(1), line(2)])])), server)
    assert caught.value.answer == AWAY


def test_a_refusal_keeps_the_words_of_the_line_itself() -> None:
    lines = [line(n) for n in range(4)]

    def verdict(sent: list[bytes]) -> Answer:
        wrong = [text for text in sent if text in lines[1:3]]
        return Answer(400, f"{len(wrong)} of {len(sent)} are bad") if wrong else STORED

    narrowing = go_on(Narrowing(deque([segment(lines)])), Server(verdict))
    assert [reason for _, reason in narrowing.refused] == ["answer 400: 1 of 1 are bad"] * 2


def test_refused_lines_are_records_by_their_reason() -> None:
    body = line(1) + line(2, "gas") + line(3, "gas")
    records = [Record(RecordId(RUN, 7), body), Record(RecordId(RUN, 8), line(4, "gas"))]
    narrowing = Narrowing(deque([lines_of(records)]))
    go_on(narrowing, Server(bad([line(n, "gas") for n in (2, 3, 4)])))
    assert narrowing.refused_records() == {
        "answer 400: unable to parse 'gas,': missing fields": [
            Record(RecordId(RUN, 7), line(2, "gas") + line(3, "gas")),
            Record(RecordId(RUN, 8), line(4, "gas")),
        ]
    }


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))),
    st.sampled_from([UNPARSABLE, conflict("electricity"), Answer(422, "shard 5 is pending")]),
    st.sets(st.integers(1, 200), max_size=20),
)
def test_any_bad_lines_are_found_through_any_interruptions(
    case: tuple[int, set[int]], answer: Answer, breaks: set[int]
) -> None:
    number, wrong = case
    lines = [line(n) for n in range(number)]
    server = Server(bad([lines[n] for n in wrong], answer), broken=lambda n: n in breaks)
    narrowing = Narrowing(deque([segment(lines)]))
    while not narrowing.finished:
        with suppress(Interrupted):
            go_on(narrowing, server)
    assert sorted(refused(narrowing)) == sorted(lines[n] for n in wrong)
    assert server.stored == Counter(lines) - Counter(refused(narrowing))


@pytest.mark.parametrize("old", [0, 1, 2, 1234, 2500, 4999, 5000])
def test_retention_refusals_take_some_twelve_requests(old: int) -> None:
    lines = [line(n, time=START + n // 3) for n in range(5000)]
    oldest = START + (old + 2) // 3
    server = Server(retention(oldest))
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    too_old = [text for text in lines if int(text.split()[-1]) < oldest]
    assert narrowing.finished
    assert refused(narrowing) == too_old
    assert Counter(lines) - server.stored == Counter(too_old)
    assert server.requests <= 14
    assert all("outside retention policy" in reason for _, reason in narrowing.refused)


@given(st.permutations(range(30)), st.integers(0, 30))
def test_retention_needs_no_order_in_the_segment(order: list[int], old: int) -> None:
    lines = [line(n) for n in order]
    server = Server(retention(START + old))
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    assert Counter(refused(narrowing)) == Counter(line(n) for n in range(old))
    assert Counter(lines) - server.stored == Counter(refused(narrowing))
    assert server.requests <= 7


@given(st.integers(0, 40), st.sets(st.integers(0, 39), max_size=4), st.sets(st.integers(0, 60)))
def test_retention_and_other_faults_are_told_apart(
    old: int, wrong: set[int], breaks: set[int]
) -> None:
    lines = [line(n) for n in range(40)]
    by_age, by_fault = retention(START + old), bad([lines[n] for n in wrong])

    def verdict(sent: list[bytes]) -> Answer:
        fault = by_fault(sent)
        return by_age(sent) if fault is STORED else fault

    server = Server(verdict, broken=lambda n: n in breaks)
    narrowing = Narrowing(deque([segment(lines)]))
    while not narrowing.finished:
        with suppress(Interrupted):
            go_on(narrowing, server)
    gone = Counter(line(n) for n in {*range(old), *wrong})
    assert Counter(refused(narrowing)) == gone
    assert Counter(lines) - server.stored == gone


def test_words_that_only_mention_retention_are_halved() -> None:
    """Every refusal of some versions ends so; to believe it would refuse the good ones too."""
    lines = [line(n) for n in range(64)]
    words = 'partial write: field type conflict: x dropped=1 for retention policy: "autogen"'
    server = Server(bad([lines[40]], Answer(422, words)))
    assert refused(go_on(Narrowing(deque([segment(lines)])), server)) == [lines[40]]


def test_a_message_with_the_words_of_retention_is_halved() -> None:
    lines = [line(n) for n in range(64)]
    words = """unable to parse 'message text="outside retention policy"': bad timestamp"""
    server = Server(bad([lines[40]], Answer(400, words)))
    assert refused(go_on(Narrowing(deque([segment(lines)])), server)) == [lines[40]]


def test_what_lies_in_the_future_is_halved() -> None:
    lines = [line(n) for n in range(64)]
    words = (
        "dropped 0 points outside retention policy of duration 1h - oldest point a at b dropped"
        " because it violates a Write Window Upper Bound at c, newest point d"
    )
    server = Server(bad(lines[60:], Answer(422, words)))
    assert refused(go_on(Narrowing(deque([segment(lines)])), server)) == lines[60:]


def test_lines_without_a_time_are_halved() -> None:
    lines = [*(line(n) for n in range(8)), b"gas volume_m3=1\n"]

    def verdict(sent: list[bytes]) -> Answer:
        return retention(START + 2)([text for text in sent if text != lines[8]])

    narrowing = go_on(Narrowing(deque([segment(lines)])), Server(verdict))
    assert Counter(refused(narrowing)) == Counter(lines[:2])


@pytest.mark.parametrize("limit", [10_000, 5_000, 100])
def test_too_large_is_halved_until_it_fits(limit: int) -> None:
    lines = [line(n) for n in range(500)]
    server = Server(too_large(limit))
    narrowing = Narrowing(deque([segment(lines)]))
    while not narrowing.finished:
        go_on(narrowing, server)
    assert server.stored == Counter(lines)
    assert narrowing.refused == []


def test_a_single_line_that_is_too_large_is_refused() -> None:
    lines = [line(1), b"message,site=home text=%s 1\n" % (b"x" * 500), line(2)]
    server = Server(too_large(200))
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    assert refused(narrowing) == [lines[1]]
    assert server.stored == Counter([line(1), line(2)])


def test_it_stops_after_64_requests_and_goes_on_later() -> None:
    lines = [line(n) for n in range(100)]
    server = Server(bad(lines))
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    assert server.requests == MOST_REQUESTS == 64
    assert not narrowing.finished
    found = len(narrowing.refused)
    assert found > 20
    go_on(narrowing, server)
    assert server.requests == 128
    assert len(narrowing.refused) > found
    while not narrowing.finished:
        go_on(narrowing, server)
    assert Counter(refused(narrowing)) == Counter(lines)
    assert server.requests == 199  # as if it had never stopped


def test_what_has_more_lines_than_it_may_goes_in_pieces() -> None:
    lines = [line(n) for n in range(1000)]
    narrowing = Narrowing(deque([segment(lines[:990]), segment(lines[990:])]), known=UNPARSABLE)
    server = Server(bad([]))
    go_on(narrowing, server, most_lines=300)
    assert server.sizes == [300, 300, 300, 90, 10]  # the whole was refused, but no piece of it
    assert server.stored == Counter(lines)


def test_what_is_small_enough_goes_as_it_is() -> None:
    narrowing = Narrowing(deque([segment([line(1), line(2)])]), known=UNPARSABLE)
    server = Server(bad([line(1)]))
    go_on(narrowing, server, most_lines=2)
    assert server.requests == 2


def test_when_it_is_the_turn_of_others_it_goes_on_later() -> None:
    lines = [line(n) for n in range(10)]
    narrowing = Narrowing(deque([segment(lines)]))
    server = Server(bad([line(3)]))
    goes = 0
    while not narrowing.finished:
        go_on(narrowing, server, turn=lambda: True)
        goes += 1
        assert narrowing.may_go_on == (not narrowing.finished)
        assert server.requests == goes
    assert server.stored == Counter(lines) - Counter([line(3)])
    assert refused(narrowing) == [line(3)]


def test_answers_that_say_nothing_of_its_lines_do_not_make_it_wait_for_an_hour() -> None:
    lines = [line(n) for n in range(40)]
    narrowing = Narrowing(deque([segment(lines)]))
    server = Server(bad([]), broken=lambda n: n % 4 != 0)
    while not narrowing.finished:
        with suppress(Interrupted):
            go_on(narrowing, server, most_lines=1)
            assert narrowing.finished
    assert server.requests > 2 * MOST_REQUESTS
    assert server.stored == Counter(lines)


def test_the_turns_of_others_give_it_no_more_requests() -> None:
    narrowing = Narrowing(deque([segment([line(n) for n in range(100)])]))
    server = Server(lambda _: UNPARSABLE)
    go_on(narrowing, server, turn=lambda: True)
    while narrowing.may_go_on:
        go_on(narrowing, server, turn=lambda: True)
    assert server.requests == MOST_REQUESTS
    assert not narrowing.finished


def test_only_what_would_cost_requests_is_worth_remembering() -> None:
    part = segment([line(1)])
    assert Narrowing(deque([part])).has_learnt
    assert Narrowing(deque(), refused=[(part[0], "no")]).has_learnt
    assert not Narrowing(deque(), held=part).has_learnt


def test_each_type_conflict_is_told_once() -> None:
    lines = [line(n, "gas" if n % 2 else "electricity") for n in range(8)]
    told: list[tuple[str, Answer]] = []
    server = Server(bad(lines[1::2], conflict("gas")))
    go_on(Narrowing(deque([segment(lines)])), server, conflicts=told)
    assert told == [("gas", conflict("gas"))] * 4


UNCLEAR: Final = Answer(400, "the schema is not what it was")


@pytest.mark.parametrize("measurements", [["gas"], ["gas", "electricity", "collector"]])
def test_while_nothing_passes_an_unclear_refusal_costs_a_few_requests_and_decides_nothing(
    measurements: list[str],
) -> None:
    lines = [line(n, measurements[n % len(measurements)]) for n in range(300)]
    server = Server(lambda _: UNCLEAR)
    narrowing = Narrowing(deque([segment(lines)]))
    for _ in range(3):
        with pytest.raises(Interrupted) as caught:
            go_on(narrowing, server, others_pass=lambda: False)
        assert caught.value.answer == UNCLEAR
    assert narrowing.refused == []
    assert server.requests <= 3 * 6
    server.verdict = bad([])
    go_on(narrowing, server, others_pass=lambda: False)
    assert narrowing.finished
    assert server.stored == Counter(lines)


@given(st.sets(st.integers(0, 39), max_size=38))
def test_an_unclear_refusal_is_the_lines_fault_once_one_of_them_passes(wrong: set[int]) -> None:
    lines = [line(n) for n in range(40)]
    server = Server(bad([lines[n] for n in wrong - {0}], UNCLEAR))
    narrowing = Narrowing(deque([segment(lines)]))
    go_on(narrowing, server, others_pass=lambda: bool(server.stored))
    while not narrowing.finished:
        go_on(narrowing, server, others_pass=lambda: bool(server.stored))
    assert Counter(refused(narrowing)) == Counter(lines[n] for n in wrong - {0})
    assert server.stored == Counter(lines) - Counter(refused(narrowing))


@pytest.mark.parametrize("by_number", [True, False])
def test_lines_that_were_told_stand_alone_at_once_and_are_asked_all_the_same(
    by_number: bool,  # noqa: FBT001  a case
) -> None:
    lines = [line(n) for n in range(5000)]
    wrong = {lines[n] for n in (7, 2500, 4999)}

    def verdict(sent: list[bytes]) -> Answer:
        places = [n for n, text in enumerate(sent, 1) if text in wrong]
        told = places if by_number else [sent[n - 1].decode().strip() for n in places]
        return Answer(400, "unable to parse", told=tuple(told)) if places else STORED

    server = Server(verdict)
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    assert Counter(refused(narrowing)) == Counter(wrong)
    assert server.requests == 1 + 1 + 3
    assert server.stored == Counter(lines) - Counter(wrong)


def test_lines_that_were_told_and_are_good_are_stored() -> None:
    lines = [line(n) for n in range(64)]
    lie = Answer(400, "unable to parse", told=(1, 2, 99, "nonsense"))
    server = Server(bad([lines[40]], lie))
    narrowing = go_on(Narrowing(deque([segment(lines)])), server)
    assert refused(narrowing) == [lines[40]]
    assert server.stored == Counter(lines) - Counter([lines[40]])


def test_lines_of_a_paused_measurement_wait() -> None:
    lines = [line(n, "gas" if n % 2 else "electricity") for n in range(8)]
    server = Server(bad([]))
    narrowing = go_on(
        Narrowing(deque([segment(lines)])), server, paused=lambda name: name == "gas"
    )
    assert server.stored == Counter(lines[::2])
    assert not narrowing.finished
    assert narrowing.refused == []
    go_on(narrowing, server)
    assert narrowing.finished
    assert server.stored == Counter(lines)


def test_nothing_is_asked_while_all_of_it_waits() -> None:
    server = Server(bad([]))
    narrowing = go_on(Narrowing(deque([segment([line(1, "gas")])])), server, paused=lambda _: True)
    assert server.requests == 0
    assert not narrowing.finished


@pytest.mark.parametrize(
    ("text", "measurement", "time"),
    [
        (b"gas,site=home v=1 12\n", "gas", 12),
        (b"gas v=1 12", "gas", 12),
        (rb"my\ gas\,x,site=home v=1 -5", r"my\ gas\,x", -5),
        (b"gas,site=home v=1\n", "gas", None),
        (b"g\xe4s,site=home v=1 1 \r\n", "g\ufffds", 1),
        (b"\n", "\n", None),
        (b"", "", None),
        (b"gas v=1 99999999999999999999\n", "gas", None),
    ],
)
def test_any_line_has_a_measurement_and_perhaps_a_time(
    text: bytes, measurement: str, time: int | None
) -> None:
    taken = Line(text, RecordId(RUN, 1))
    assert (taken.measurement, taken.time) == (measurement, time)


@given(st.lists(st.binary(min_size=1).map(lambda text: text.replace(b"\n", b"") or b"x")))
def test_lines_are_cut_at_line_feeds_alone(texts: list[bytes]) -> None:
    record = Record(RecordId(RUN, 1), b"".join(text + b"\n" for text in texts))
    assert [part.text for part in lines_of([record])] == [text + b"\n" for text in texts]
