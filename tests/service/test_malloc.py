"""Large blocks go back to the kernel, however many came and went before."""

import subprocess
import sys
from typing import Final

import pytest

# Frees a block, so that glibc would take the next of its size from the heap; then counts what
# stays resident of one that is freed below another.
PROGRAM: Final = """
import ctypes, sys
from pathlib import Path
from collector.service.malloc import give_back_large_blocks
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
SIZE = 4 << 20

def block():
    address = libc.malloc(SIZE)
    ctypes.memset(address, 1, SIZE)
    return address

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "given back":
    assert give_back_large_blocks()
libc.free(block())
before = resident()
lower, upper = block(), libc.malloc(65_536)
libc.free(lower)
print(round((resident() - before) / SIZE))
"""


def kept(how: str) -> int:
    """Give how many blocks stay resident after they were freed."""
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_a_large_block_that_is_free_is_not_kept() -> None:
    assert kept("given back") == 0
    assert kept("left alone") == 1
