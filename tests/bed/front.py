"""TLS before a server that speaks none: whose certificate it shows, the test says."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DAY: Final = timedelta(days=1)


class Authority:
    """Signs certificates. Its own is in the file `path`."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _called(name)
        builder = _certificate(self._name, self._name, self._key, until=datetime.now(UTC) + DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        path.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def context(self, host: str, *, until: datetime | None = None) -> ssl.SSLContext:
        """Give what a server for `host` speaks TLS with; its certificate ends tomorrow."""
        key = ec.generate_private_key(ec.SECP256R1())
        until = until or datetime.now(UTC) + DAY
        builder = _certificate(_called(host), self._name, key, until=until)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        certificate = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        both = self.path.with_name(f"server-{id(key)}.pem")
        both.write_bytes(
            certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        both.unlink()
        return context


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    until: datetime,
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=until - 30 * DAY,
        not_valid_after=until,
    )


class Front:
    """Takes connections on a free port, and hands on to `upstream` what comes through TLS.

    A context manager. `heard` is all that was said to it and could be read.
    """

    def __init__(self, upstream: tuple[str, int], context: ssl.SSLContext) -> None:
        self.context = context
        self.heard = bytearray()
        self.refused = 0
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._peers: list[socket.socket] = []
        self._thread = Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection, so that the next one shows the certificate of now."""
        while self._peers:
            with suppress(OSError):
                self._peers.pop().shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                Thread(target=self._connect, args=(peer,), daemon=True).start()

    def _connect(self, peer: socket.socket) -> None:
        with peer:
            try:
                secure = self.context.wrap_socket(peer, server_side=True)
            except OSError:
                self.refused += 1
                return
        with secure, socket.create_connection(self._upstream) as server:
            self._peers += [secure, server]
            back = Thread(target=_pump, args=(server, secure, lambda _: None), daemon=True)
            back.start()
            _pump(secure, server, self.heard.extend)
            back.join()


def _pump(source: socket.socket, sink: socket.socket, note: Callable[[bytes], object]) -> None:
    """Hand on until one of the two ends, and end the other."""
    with suppress(OSError, ValueError):
        while data := source.recv(65536):
            note(data)
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
