"""Sets of records, small however many there are: a run's records in order take one range."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from collector.spool.record import RecordId

Spans = tuple[tuple[str, int, int], ...]
"""A set of few ranges, smaller still: run, first number, the number behind the last."""


class Identities:
    """A set of records: for each of `runs` the bounds of its ranges (from, up to, from, up to).

    An odd place in the bounds is within a range, or at its end.
    """

    __slots__ = ("runs",)

    def __init__(self, records: Iterable[RecordId] = ()) -> None:
        self.runs: dict[str, list[int]] = {}
        for record in sorted(records):
            self.add(record)

    def add(self, record: RecordId) -> bool:
        """Put one in; whether it was not in yet."""
        bounds = self.runs.setdefault(record.run, [])
        if bounds and bounds[-1] == record.number:
            bounds[-1] += 1
            return True
        if record in self:
            return False
        _put_in(bounds, record.number, record.number + 1)
        return True

    def update(self, others: "Identities") -> None:
        for run, start, stop in others.spans():
            _put_in(self.runs.setdefault(run, []), start, stop)

    def remove(self, others: "Identities") -> None:
        for run, start, stop in others.spans():
            bounds = self.runs.get(run, [])
            first, last = bisect_left(bounds, start), bisect_right(bounds, stop)
            bounds[first:last] = [start] * (first % 2) + [stop] * (last % 2)

    def common(self, others: "Identities") -> "Identities":
        """Give those that are in both; fast if this set is the small one."""
        both = Identities()
        for run, start, stop in self.spans():
            bounds = others.runs.get(run, [])
            first, last = bisect_right(bounds, start), bisect_left(bounds, stop)
            ranges = [start] * (first % 2) + bounds[first:last] + [stop] * (last % 2)
            both.runs.setdefault(run, []).extend(ranges)
        return both

    def __contains__(self, record: RecordId) -> bool:
        return bisect_right(self.runs.get(record.run, []), record.number) % 2 == 1

    def __iter__(self) -> Iterator[RecordId]:
        for run, start, stop in self.spans():
            yield from (RecordId(run, number) for number in range(start, stop))

    def __len__(self) -> int:
        return sum(stop - start for _, start, stop in self.spans())

    @property
    def ranges(self) -> int:
        """How many ranges it takes: what it costs in memory."""
        return sum(len(bounds) // 2 for bounds in self.runs.values())

    def spans(self) -> Iterator[tuple[str, int, int]]:
        """Give the ranges: run, first number, the number behind the last."""
        for run, bounds in self.runs.items():
            for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
                yield run, start, stop


def _put_in(bounds: list[int], start: int, stop: int) -> None:
    first, last = bisect_left(bounds, start), bisect_right(bounds, stop)
    bounds[first:last] = [start] * (first % 2 == 0) + [stop] * (last % 2 == 0)
