"""Work in a thread of its own while a block runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def running(work: Callable[[], object], over: Event) -> Iterator[None]:
    """Do it until the block ends, which sets `over`; what it raises is raised then."""
    failures: list[Exception] = []

    def watched() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  raised again in the other thread
            failures.append(error)

    thread = Thread(target=watched, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    for failure in failures:
        raise failure
