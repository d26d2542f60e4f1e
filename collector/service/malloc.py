"""The C library's memory: what a segment of the backlog took is to be given back.

glibc hands out large blocks from the kernel, and gives them back when they are free. Once it has
seen that, it takes blocks of that size from the heaps of its threads instead, where they stay: at
the end of a month's backlog, 8 MiB more are resident than at its start.
"""

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # malloc.h
LARGE: Final = 128 * 1024  # bytes: glibc's own bound at the start, which a call keeps from moving


def give_back_large_blocks() -> bool:
    """Have every large block given back at once. False if this C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, LARGE) == 1
