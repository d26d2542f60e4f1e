"""What the tests of `check` share: a server that speaks TLS."""

from bed.tls import certificate, secure

__all__ = ["certificate", "secure"]
