"""A server that speaks TLS, with a certificate that nobody knows."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed.answers import Answers


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    public, both = tmp_path / "public.pem", tmp_path / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", both, "-out", public, "-days", "30"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    with both.open("ab") as file:
        file.write(public.read_bytes())
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[Answers]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Answers(tls=context) as answers:
        yield answers
