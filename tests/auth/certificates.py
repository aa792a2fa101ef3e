"""Certificates of an authority that exists for one test, made as a service's operator would make them."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as text and as what further ones are issued with."""

    certificate: str
    key: str
    made: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    def encrypted(self, password: str) -> str:
        """The key, encrypted."""
        return _pem(self.private, serialization.BestAvailableEncryption(password.encode()))

    def server(
        self, folder: Path, *, asks: bool = True, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> ssl.SSLContext:
        """For a server that this one stands for, which asks for certificates of the same authority."""
        file = folder / "server.pem"
        file.write_text(self.certificate + self.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority().certificate)
        context.load_cert_chain(file)
        context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_OPTIONAL
        return context


def _pem(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, encryption: serialization.KeySerializationEncryption
) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def issued(name: str, by: Issued | None = None, held: tuple[datetime, datetime] = ALWAYS) -> Issued:
    """A new certificate; without `by`, one that vouches for itself and for others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer = subject if by is None else by.made.subject
    made = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(held[0])
        .not_valid_after(held[1])
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(key if by is None else by.private, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM).decode()
    return Issued(text, _pem(key, serialization.NoEncryption()), made, key)


@cache
def authority() -> Issued:
    """Whom the servers of these tests, and who asks them, trust."""
    return issued("authority")


@cache
def client(name: str) -> Issued:
    """A client that the authority knows."""
    return issued(name, authority())


def rsa_pair(size: int, name: str) -> tuple[str, str]:
    """A certificate of an RSA key, and the key; 1024 bits were enough twenty years ago."""
    key = rsa.generate_private_key(65537, size)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1)
    made = made.not_valid_before(ALWAYS[0]).not_valid_after(ALWAYS[1])
    text = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return text, _pem(key, serialization.NoEncryption())
