"""Encrypted telegrams for tests, sealed by another implementation than the one under test."""

from Crypto.Cipher import AES

from collector.p1.decryption import PUBLIC_AUTH_KEY

KEY = bytes(range(0x10, 0x20))
AUTH_KEY = bytes(range(0xA0, 0xB0))
TITLE = b"SAG\x67\x00\x00\x12\x34"


def seal(
    text: bytes,
    counter: int = 1,
    *,
    key: bytes = KEY,
    auth_key: bytes = PUBLIC_AUTH_KEY,
    title: bytes = TITLE,
) -> bytes:
    """Put a telegram into a frame, as Luxembourg's specification says (Smarty P1, 3.2.5)."""
    number = counter.to_bytes(4, "big")
    cipher = AES.new(key, AES.MODE_GCM, nonce=title + number, mac_len=12)
    cipher.update(b"\x30" + auth_key)
    ciphertext, tag = cipher.encrypt_and_digest(text)
    sealed = b"\x30" + number + ciphertext + tag
    return b"\xdb\x08" + title + b"\x82" + len(sealed).to_bytes(2, "big") + sealed


def seal_untitled(text: bytes, counter: int = 1, *, prefix: bytes = b"\0", long: int = 2) -> bytes:
    """Put a telegram's lines into a frame without a title; the nonce begins with zeros."""
    number = counter.to_bytes(4, "big")
    cipher = AES.new(KEY, AES.MODE_GCM, nonce=bytes(8) + number, mac_len=12)
    cipher.update(b"\x30" + AUTH_KEY)
    ciphertext, tag = cipher.encrypt_and_digest(text)
    sealed = b"\x30" + number + ciphertext + tag
    length = bytes([0x80 + long] if long else []) + len(sealed).to_bytes(max(long, 1), "big")
    return prefix + length + sealed
