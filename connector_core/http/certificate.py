"""What this side shows of itself while a TLS connection is made: a certificate, and the key that proves it.

It is a part of a request, since it decides over which sockets the request may go.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import NamedTuple

from msgspec import Struct

__all__ = ["ClientCertificate", "ToldAs", "first_block"]

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)


class ToldAs(NamedTuple):
    """Where each part comes from, for whoever is told that it is wrong: `auth.key: {{ secrets.key }}`."""

    certificate: str
    key: str
    password: str


class ClientCertificate(Struct, frozen=True, weakref=True):
    """A certificate with its private key (RFC 8446 §4.4.2); sockets are shared only while this very object is used."""

    certificate: str
    """In PEM, the own one first, and then those that it was issued by."""
    key: str
    """In PEM; empty on the service's side, which never sees it."""
    password: str | None = None
    """What the key is encrypted with."""
    told_as: ToldAs = ToldAs("certificate", "key", "password")
    """Where each part comes from."""

    @property
    def leaf(self) -> bytes:
        """The own certificate in DER; raises ValueError where there is none."""
        return first_block(self.certificate, "CERTIFICATE")

    def __repr__(self) -> str:
        return "ClientCertificate()"


def first_block(pem: str, label: str) -> bytes:
    """What the first block of that label holds; raises ValueError where there is none, or it is not base64."""
    for found, content in _BLOCK.findall(pem):
        if found == label:
            return b64decode("".join(content.split()), validate=True)
    raise ValueError(f"no {label.lower()} is in it")
