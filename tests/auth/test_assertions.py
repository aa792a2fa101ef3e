"""Claims that a key signs, read again by another library."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from connector_core.auth import Session
from connector_core.auth.assertions import Assertion
from connector_core.exceptions import ConfigError

NOW = 1_700_000_000.6


@cache
def pem(kind: str) -> str:
    """A private key, made once for all tests."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
    private = ec.generate_private_key(curves[kind]) if kind in curves else rsa.generate_private_key(65537, 2048)
    written = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return written.decode()


def session(**secrets: str) -> Session:
    return Session({"secrets": secrets, "config": {"scopes": ["a", "b"]}, "uuid": "u-1"})


def assertion(**keys: Any) -> Assertion:
    return Assertion.model_validate({"key": "{{ secrets.key }}", **keys})


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unchecked."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    return header, claims


@pytest.mark.parametrize(
    "algorithm, key",
    [
        *((f"HS{size}", "a secret that both sides know, long enough") for size in (256, 384, 512)),
        *((algorithm, "RSA") for algorithm in ("RS256", "RS384", "RS512", "PS256")),
        ("ES256", "P-256"),
        ("ES384", "P-384"),
    ],
)
def test_another_library_accepts_the_token(algorithm, key):
    """Each algorithm's signature is one that joserfc verifies with the other side's key."""
    secret = key if algorithm.startswith("HS") else pem(key)
    made = assertion(algorithm=algorithm, issuer="shop", key_id="k1").made(session(key=secret), NOW, "auth")
    kind: Any = {"H": OctKey, "E": ECKey}.get(algorithm[0], RSAKey)
    found = jwt.decode(made, kind.import_key(secret), algorithms=[algorithm])
    assert found.header == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    assert found.claims == {"iat": 1_700_000_000, "exp": 1_700_000_300, "iss": "shop"}


def test_the_example_of_rfc_7515():
    """The HMAC of RFC 7515 A.1.1 comes out as it is printed there."""
    content = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    signature = assertion(algorithm="HS256", key_encoding="base64")._signature(content, session(key=key), "auth.key")
    assert base64.urlsafe_b64encode(signature) == b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk="


def test_what_it_says():
    """Claims and header are what the spec says, of any type; what it does not say is left to the caller, then to us."""
    block = assertion(
        algorithm="HS256",
        subject="ann",
        audience=["https://a.example", "b"],
        claims={"scopes": "{{ config.scopes }}", "jti": "{{ uuid }}", "iat": None, "n": 1, "none": "{{ config.x }}"},
        headers={"x5t": "abc", "typ": None},
        lifetime="1h",
    )
    header, claims = parts(block.made(session(key="k" * 32), NOW, "auth", {"iss": "client", "sub": "client"}))
    assert header == {"alg": "HS256", "x5t": "abc"}
    assert claims == {
        "exp": 1_700_003_600,
        "iss": "client",
        "sub": "ann",
        "aud": ["https://a.example", "b"],
        "scopes": ["a", "b"],
        "jti": "u-1",
        "n": 1,
    }


def test_keys_as_services_give_them():
    """A secret may be hex or either base64, and a key in PEM may have come through an environment variable."""
    plain = b"\xfb\xff\xfe a key of 20 bytes"
    signed = assertion(algorithm="HS256", key_encoding="hex").made(session(key=plain.hex()), NOW, "auth")
    for written in (base64.b64encode(plain), base64.urlsafe_b64encode(plain).rstrip(b"=")):
        block = assertion(algorithm="HS256", key_encoding="base64")
        assert block.made(session(key=written.decode()), NOW, "auth") == signed
    one_line = pem("P-256").replace("\n", "\\n")
    made = assertion(algorithm="ES256").made(session(key=one_line), NOW, "auth")
    assert jwt.decode(made, ECKey.import_key(pem("P-256")), algorithms=["ES256"]).claims["iat"] == int(NOW)


PUBLIC = "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    "keys, secret, message",
    [
        (
            {"algorithm": "RS256"},
            "s3cret, no key",
            (
                "this is no private key that RS256 signs with — auth.jwt.key: {{ secrets.key }} — "
                "it takes an RSA key in PEM, without a password: -----BEGIN PRIVATE KEY-----"
            ),
        ),
        (
            {"algorithm": "ES256"},
            "RSA",
            (
                "this is no private key that ES256 signs with — auth.jwt.key: {{ secrets.key }} — it takes "
                "a key of the curve P-256 in PEM, without a password: -----BEGIN PRIVATE KEY-----"
            ),
        ),
        ({"algorithm": "ES256"}, "P-384", "this is no private key that ES256 signs with — "),
        ({"algorithm": "RS256"}, "public", "this is no private key that RS256 signs with — "),
        (
            {"algorithm": "HS256", "key_encoding": "hex"},
            "s3cret",
            (
                "the secret is not hex — auth.jwt.key: {{ secrets.key }} — copy it as the service shows it, or leave "
                "out the encoding that the spec gives it"
            ),
        ),
        ({"algorithm": "HS256", "key_encoding": "base64"}, "s3cret ü", "the secret is not base64 — "),
        ({"algorithm": "HS256"}, "", "the credential is empty — auth.jwt.key: {{ secrets.key }} — pass the secret"),
        (
            {"algorithm": "HS256", "claims": {"a": "x{{ config.nothing }}"}},
            "s3cret",
            "the claim cannot be made: config.nothing is missing — auth.jwt.claims.a: x{{ config.nothing }}",
        ),
        ({"algorithm": "HS256", "issuer": "{{ config.nothing }}"}, "s3cret", "the credential is empty — auth.jwt.iss"),
    ],
)
def test_what_cannot_be_signed_is_told(keys, secret, message):
    """A key that is none and a claim that has no value are errors in words, and never show the secret."""
    if secret == "public":
        private = serialization.load_pem_private_key(pem("RSA").encode(), None)
        written = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        secret = written.decode()
    secret = pem(secret) if secret in ("RSA", "P-384") else secret
    with pytest.raises(ConfigError) as wrong:
        assertion(**keys).made(session(key=secret), NOW, "auth.jwt")
    assert str(wrong.value).startswith(message)
    assert "s3cret" not in str(wrong.value)


def test_private_keys_need_the_extra_and_secrets_do_not():
    """Without joserfc a token by HS256 is made all the same; the error for RS256 says what to install."""
    script = (
        "import sys; sys.modules['joserfc'] = sys.modules['joserfc.errors'] = None\n"
        "from connector_core.auth import Session\n"
        "from connector_core.auth.assertions import Assertion\n"
        "from connector_core.exceptions import ConfigError\n"
        "session = Session({'secrets': {'key': 'k'}})\n"
        "for name in ('HS256', 'RS256'):\n"
        "    block = Assertion.model_validate({'algorithm': name, 'key': '{{ secrets.key }}'})\n"
        "    try: print(block.made(session, 0, 'auth').count('.'))\n"
        "    except ConfigError as error: print(error.code, error)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout == (
        "2\nextra.missing RS256 needs the extra jwt — auth.key: {{ secrets.key }} — pip install 'connector-core[jwt]'\n"
    )
