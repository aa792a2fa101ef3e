"""Client certificates that OpenSSL takes or does not, and what services say to them."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from connector_core.engine.client_tls import alert, client_context
from connector_core.engine.transport import AiohttpTransport
from connector_core.exceptions import ConfigError, ConnectionError
from connector_core.http import ClientCertificate, Request
from connector_core.http.certificate import ToldAs
from tests.auth.certificates import Issued, authority, client, issued, rsa_pair

TOLD_AS = ToldAs("auth.certificate: {{ secrets.c }}", "auth.key: {{ secrets.k }}", "auth.password: {{ secrets.p }}")
ANN = client("ann")


def shown(certificate: str = ANN.certificate, key: str = ANN.key, password: str | None = None) -> ClientCertificate:
    return ClientCertificate(certificate, key, password, TOLD_AS)


# ── what OpenSSL takes ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "certificate",
    [
        shown(),
        shown(ANN.certificate + authority().certificate),
        shown(ANN.certificate + ANN.key, ANN.certificate + ANN.key),
        shown(key=ANN.encrypted("pässword"), password="pässword"),
        shown(password="one that is not needed"),
    ],
    ids=["plain", "a chain", "one text", "encrypted", "no need of a password"],
)
def test_taken(certificate):
    """A chain, one text for both, and keys with and without a password; whoever is trusted anyway is trusted here."""
    context = client_context(certificate)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats() == ssl.create_default_context().cert_store_stats()


CUT = ANN.certificate.replace(ANN.certificate.splitlines()[3], "")
CUT_KEY = ANN.key.replace(ANN.key.splitlines()[2], "")
COPY = "; copy all of it, from -----BEGIN"


@pytest.mark.parametrize(
    "certificate, told",
    [
        (
            shown(key=client("bob").key),
            (
                "the private key is not the client certificate's — auth.key: {{ secrets.k }} — "
                "both are renewed together: bring the two that belong to each other"
            ),
        ),
        (
            shown(rsa_pair(2048, "ann")[0]),
            (
                "the private key is not the client certificate's — auth.key: {{ secrets.k }} — "
                "both are renewed together: bring the two that belong to each other"
            ),
        ),
        (
            shown(key=ANN.encrypted("right")),
            "the private key is encrypted — auth.key: {{ secrets.k }} — auth.password says with what",
        ),
        (
            shown(key=ANN.encrypted("right"), password="wr0ng"),
            "the password does not open the private key — auth.password: {{ secrets.p }} — is it the key's?",
        ),
        (
            shown(key=ANN.encrypted("right"), password="wr0ng" * 1000),
            "the password does not open the private key — auth.password: {{ secrets.p }} — is it the key's?",
        ),
        (
            shown(CUT),
            (
                "this is no certificate in PEM — auth.certificate: {{ secrets.c }} — "
                f"a part of it may be missing{COPY} CERTIFICATE----- on"
            ),
        ),
        (
            shown(ANN.certificate + CUT),
            (
                "this is no certificate in PEM — auth.certificate: {{ secrets.c }} — "
                f"a part of it may be missing{COPY} CERTIFICATE----- on"
            ),
        ),
        (
            shown(key=CUT_KEY),
            (
                "this is no private key that TLS takes — auth.key: {{ secrets.k }} — "
                f"a part of it may be missing{COPY} … PRIVATE KEY----- on"
            ),
        ),
    ],
    ids=[
        "another's",
        "of another sort",
        "encrypted",
        "wrong password",
        "long password",
        "certificate cut",
        "chain cut",
        "key cut",
    ],
)
def test_told(certificate, told):
    """What is wrong is told by the name of its secret, without a word of it, and without OpenSSL's own words."""
    with pytest.raises(ConfigError) as caught:
        client_context(certificate)
    assert str(caught.value) == told
    assert caught.value.__context__ is None
    assert caught.value.code == ("auth.certificate" if "auth.certificate" in told else "auth.key")


def test_a_key_that_is_too_small():
    """What OpenSSL takes no more is told as the certificate's fault."""
    small = rsa_pair(1024, "ann")
    with pytest.raises(ConfigError) as caught:
        client_context(shown(*small))
    assert str(caught.value) == (
        "OpenSSL takes no such certificate: ee key too small — auth.certificate: {{ secrets.c }} — "
        "have another one issued"
    )


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_file_stays(monkeypatch, tmp_path, in_memory):
    """The key is in memory; where the system has no such files, in one that only its owner reads, and that goes."""
    if in_memory and not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    modes: list[int] = []
    make = tempfile.mkstemp

    def noted() -> tuple[int, str]:
        made = make(dir=tmp_path)
        modes.append(stat.S_IMODE(Path(made[1]).stat().st_mode))
        return made

    monkeypatch.setattr(tempfile, "mkstemp", noted)
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    client_context(shown())
    with pytest.raises(ConfigError):
        client_context(shown(key=client("bob").key))
    assert modes == ([] if in_memory else [0o600] * 4)
    assert list(tmp_path.iterdir()) == []
    assert not before or len(list(Path("/proc/self/fd").iterdir())) == before


# ── what a service says ───────────────────────────────────────────────────────────────────────────


@contextmanager
def asking(folder: Path, version: ssl.TLSVersion) -> Iterator[int]:
    """A service that wants a certificate of its authority, and says by an alert what it thinks of another."""
    context = issued("service", authority()).server(folder, version=version)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                one, _ = listener.accept()
                with one.dup() as below:
                    try:
                        with context.wrap_socket(one, server_side=True) as secured:
                            if secured.recv(65536):
                                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    except OSError:
                        below.shutdown(socket.SHUT_WR)
                        below.settimeout(5)
                        while below.recv(65536):  # what is left unread has the alert thrown away
                            pass

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@VERSIONS
async def test_accepted(trusted, tmp_path, version):
    """The certificate that the service knows is shown, in both versions of TLS that are in use."""
    transport = AiohttpTransport(network="loopback")
    with asking(tmp_path, version) as port:
        request = Request("GET", f"https://127.0.0.1:{port}/", certificate=shown())
        assert (await transport.send(request)).content == b"ok"
        await transport.aclose()


@VERSIONS
async def test_a_stranger(trusted, tmp_path, version):
    """One that it does not know is refused, and told as that; nothing is sent again, and nothing was acted on."""
    unknown: Issued = issued("unknown")
    error = await refusal(tmp_path, version, shown(unknown.certificate, unknown.key))
    assert error.what.endswith(" refuses the client certificate: unknown ca")
    assert error.hint == "is it the one that the service knows?"
    assert (error.code, error.phase, error.retryable) == ("connection.client_certificate", "unsent", False)


async def test_nobody(trusted, tmp_path):
    """Where none is shown and one is wanted, the error says what the spec lacks."""
    error = await refusal(tmp_path, ssl.TLSVersion.TLSv1_3, None)
    assert error.what.endswith(" asks for a client certificate")
    assert error.hint == "the spec says which: auth: {type: mtls, …}"
    assert (error.code, error.phase, error.retryable) == ("connection.client_certificate", "unsent", False)


async def refusal(folder: Path, version: ssl.TLSVersion, certificate: ClientCertificate | None) -> ConnectionError:
    transport = AiohttpTransport(network="loopback")
    with asking(folder, version) as port:
        request = Request("GET", f"https://127.0.0.1:{port}/", certificate=certificate)
        with pytest.raises(ConnectionError) as caught:
            await transport.send(request)
        await transport.aclose()
    return caught.value


@pytest.mark.parametrize(
    "reason, judged",
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate required"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate expired"),
        ("SSL/TLS_ALERT_BAD_CERTIFICATE", "bad certificate"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", None),
        ("CERTIFICATE_VERIFY_FAILED", None),
        (None, None),
    ],
)
def test_alerts(reason, judged):
    """Alerts about the certificate are told from others, however OpenSSL's versions name the protocol before them."""
    error = ssl.SSLError(1, "x")
    error.reason = reason
    assert alert(error) == judged
    assert alert(None) is None
