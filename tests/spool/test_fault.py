"""Whoever has a failing disk is told what to do about it."""

import errno
import os

import pytest

from collector.spool.fault import advice, words


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EROFS, "remount,rw"),
        (errno.EIO, "replace it"),
        (errno.EACCES, "belong to the user of the service"),
        (errno.EPERM, "lsattr"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ENOENT, "the collector's alone"),
        (errno.EXDEV, "p1-collector check"),
    ],
)
def test_each_error_has_its_advice(number: int, wanted: str) -> None:
    error = OSError(number, os.strerror(number), "/var/lib/p1-collector/spool")
    assert wanted in advice(error)
    assert words(error) == os.strerror(number)


def test_an_error_without_a_number_has_words_and_advice_too() -> None:
    error = OSError("out of reach")
    assert words(error) == "out of reach"
    assert "p1-collector check" in advice(error)
