"""From a client certificate to what TLS connections are made with, and what a service says to it while they are made.

OpenSSL reads keys from files alone. Where the system has files in memory, that is what it gets; elsewhere a file that
nobody else may read, which is gone before anything is sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from connector_core.exceptions import ConfigError

if TYPE_CHECKING:
    from ssl import SSLContext

    from connector_core.http import ClientCertificate

__all__ = ["alert", "client_context"]

_MISMATCH = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""How OpenSSL says that a key is another certificate's."""
_WEAK = ("_TOO_SMALL", "_TOO_WEAK")
"""How it says that it takes no such certificate any more."""
_REFUSALS = frozenset({
    "ACCESS_DENIED", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED", "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN", "NO_CERTIFICATE", "UNKNOWN_CA", "UNSUPPORTED_CERTIFICATE",
})  # fmt: skip
"""The alerts by which a service judges what it was shown, or misses (RFC 8446 §6.2)."""


def client_context(certificate: ClientCertificate) -> SSLContext:
    """Trusts whom every connection trusts, and shows the certificate; raises ConfigError, which names what is wrong.

    It reads files and takes some 20 ms: call it in a thread.
    """
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    problem = _unreadable(certificate) or _unfit(certificate, context)
    if problem is not None:
        raise problem  # out here it has no __context__
    return context


def alert(error: BaseException | None) -> str | None:
    """How the service judges the client's certificate, such as `unknown ca`; None: that is not what it says."""
    reason = str(getattr(error, "reason", None) or "").rpartition("_ALERT_")[2]
    return reason.replace("_", " ").lower() if reason in _REFUSALS else None


def _unreadable(certificate: ClientCertificate) -> ConfigError | None:
    """Why the certificates are none."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate.certificate)
    except (ssl.SSLError, ValueError):
        return ConfigError(
            "this is no certificate in PEM",
            where=certificate.told_as.certificate,
            hint="a part of it may be missing; copy all of it, from -----BEGIN CERTIFICATE----- on",
            code="auth.certificate",
        )
    return None


def _unfit(certificate: ClientCertificate, context: SSLContext) -> ConfigError | None:
    """Has the certificate shown, or says why it cannot be."""
    import ssl

    asked = False

    def password() -> str:  # without one, OpenSSL would ask whoever sits at the terminal
        nonlocal asked
        asked = True
        return certificate.password or ""

    try:
        with _file(certificate.certificate) as chain, _file(certificate.key) as key:
            context.load_cert_chain(chain, key, password)
    except (ssl.SSLError, ValueError) as error:  # ValueError: a password is longer than OpenSSL takes
        return _told(certificate, getattr(error, "reason", None) or "", encrypted=asked)
    return None


def _told(certificate: ClientCertificate, reason: str, *, encrypted: bool) -> ConfigError:
    told_as, code = certificate.told_as, "auth.key"
    if reason in _MISMATCH:
        what, where = "the private key is not the client certificate's", told_as.key
        hint = "both are renewed together: bring the two that belong to each other"
    elif encrypted and certificate.password is None:
        what, where, hint = "the private key is encrypted", told_as.key, "auth.password says with what"
    elif encrypted:
        what, where, hint = "the password does not open the private key", told_as.password, "is it the key's?"
    elif reason.endswith(_WEAK):
        said = reason.replace("_", " ").lower()
        what, where, hint = f"OpenSSL takes no such certificate: {said}", told_as.certificate, "have another one issued"
        code = "auth.certificate"
    else:
        what, where = "this is no private key that TLS takes", told_as.key
        hint = "a part of it may be missing; copy all of it, from -----BEGIN … PRIVATE KEY----- on"
    return ConfigError(what, where=where, hint=hint, code=code)


@contextmanager
def _file(text: str) -> Iterator[str]:
    """The name of a file that holds the text, for as long as it is read."""
    if (create := getattr(os, "memfd_create", None)) is not None and Path("/proc/self/fd").is_dir():
        with os.fdopen(create("client"), "wb") as memory:
            memory.write(text.encode())
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
        return
    from tempfile import mkstemp

    descriptor, name = mkstemp()  # which only this user can read
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        yield name
    finally:
        Path(name).unlink()
