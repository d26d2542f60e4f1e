"""CRC-16/ARC, the checksum of a P1 telegram.

P = x^16 + x^15 + x^2 + 1, reflected, starting at zero, nothing XORed at the end; over the bytes
from `/` up to and including `!` (DSMR 4.0 P1, 5.2 and every later version).

A table and a loop over the bytes would be the most expensive thing done with a telegram, so the
division is done on the telegram as one integer, in some twenty operations. Over GF(2)

    P = (x + 1) Q   with   Q = x^15 + x + 1

- Modulo Q, x^15 is x + 1. Squaring keeps that true term by term: with s = 2^k, x^15s is x^s + 1.
  So what lies above bit 15s is folded down by two shifts and XORs, from the largest s to 1.
- Modulo x + 1, a polynomial is the parity of its bits.
- Q has three terms, which is odd: adding Q to a remainder modulo Q changes nothing but the parity.
  That makes it the remainder modulo P.
"""

from typing import Final

_Q: Final = 1 << 15 | 1 << 1 | 1
# "Reflected": the first bit on the line is the lowest of the byte.
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC of `data`, 0 to 0xFFFF."""
    polynomial = int.from_bytes(data.translate(_REVERSED), "big") << 16
    parity = polynomial.bit_count()
    step = 1 << max(polynomial.bit_length() // 15, 1).bit_length()
    while step:
        above = polynomial >> 15 * step
        if above:
            polynomial ^= above << 15 * step ^ above << step ^ above
        else:
            step >>= 1
    if (polynomial.bit_count() ^ parity) & 1:
        polynomial ^= _Q
    return int.from_bytes(polynomial.to_bytes(2, "big").translate(_REVERSED), "little")
