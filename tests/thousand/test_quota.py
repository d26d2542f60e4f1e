"""Under a quota the new readings go first too, and the backlog gets what they leave."""

from pathlib import Path

import pytest

from thousand.quota import WINDOW, run


@pytest.mark.slow
def test_live_readings_are_young_and_the_backlog_uses_what_they_leave(tmp_path: Path) -> None:
    course = run(tmp_path, 40)
    windows = sorted(course.backlog)
    middle, most = course.lag(since=course.refusals[-1] + WINDOW)
    assert (middle <= 15, most <= 60) == (True, True)
    assert course.share(range(windows[3], windows[-1])) >= 0.9
    assert len(course.refusals) <= 3  # the quota is learnt, and then kept
