"""The config and secrets of an account that does not exist, for a spec: what is given, defaults, else made up.

Rule: a default that says where the service is, is made up too: what is opened with such an account never reaches it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from connector_core import json_schema
from connector_core.auth.family import Auth, SecretForm
from connector_core.config import SecretRef, is_required, settle, settled_secrets
from connector_core.exceptions import ConfigError
from connector_core.spec import Spec
from connector_core.testing.examples import check_makeable, example, merged

__all__ = ["account", "formed"]

_LEADING = re.compile(r"\{\{\s*config\.(\w+)")
_HOST = re.compile(r"https?://\{\{\s*config\.(\w+)\s*\}\}(?=[:/]|$)")
_SPEAKING = ("const", "enum", "examples", "format")


def account(
    spec: Spec, config: Mapping[str, Any], secrets: Mapping[str, Any], *, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Config and secrets that satisfy what the spec declares; raises ConfigError for given ones that do not.

    A secret that is given by reference is made up too: nothing but the service itself gets to see the real one.
    """
    made_up = {name for name, value in secrets.items() if isinstance(value, SecretRef) and name in spec.secrets}
    secrets = {name: value for name, value in secrets.items() if name not in made_up}
    dice = Random(f"{seed}:{spec.name}")  # noqa: S311 - an account that repeats, no secret
    homes = _homes(spec)
    made = {
        name: _setting(spec, name, schema, dice, home=name in homes)
        for name, schema in _to_make(spec.config, config, "config")
        if is_required(schema)
    }
    made |= _elsewhere(spec, homes, {**made, **config})
    keys = {name: _secret(name, schema, dice) for name, schema in _to_make(spec.secrets, secrets, "secret")}
    keys |= formed(spec, dice, keys)
    return settle(spec.config, {**made, **config}, what="config"), settled_secrets(spec.secrets, {**keys, **secrets})


def _to_make(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], what: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is not given; raises ConfigError where nothing fits its schema."""
    for name, schema in declared.items():
        if given.get(name) is None:
            try:
                check_makeable(schema, f"{what} {name}")
                yield name, merged(schema)
            except ValueError as error:
                raise ConfigError(
                    f"the account cannot be made up: {error}", hint="give that value", code="simulator.impossible"
                ) from None


def _homes(spec: Spec) -> set[str]:
    """The config values that a base_url begins with, so that each is an address."""
    return {found[1] for url in addresses(spec) if (found := _LEADING.match(url))}


def addresses(spec: Spec) -> list[str]:
    """Every base_url that the spec has, as it is written."""
    urls = [spec.base_url, *(endpoint.base_url for endpoint in spec.endpoints.values())]
    return [url.source for url in urls if url is not None]


def _elsewhere(spec: Spec, homes: set[str], known: Mapping[str, Any]) -> dict[str, str]:
    """Addresses and hosts in place of defaults, as far as the schemas let them be; others stay what they are."""
    hosts = {found[1] for url in addresses(spec) if (found := _HOST.match(url))}
    made = {**dict.fromkeys(hosts, host(spec)), **dict.fromkeys(homes, f"https://{host(spec)}")}
    return {
        name: value
        for name, value in made.items()
        if known.get(name) is None
        and "default" in spec.config.get(name, {})
        and not list(json_schema.violations(spec.config[name], value))
    }


def host(spec: Spec) -> str:
    """The name of a host that stands for the service."""
    return f"{spec.name.replace('_', '-').strip('-')}.example"


def _setting(spec: Spec, name: str, schema: Mapping[str, Any], dice: Random, *, home: bool) -> Any:
    if home or schema.get("format") in ("uri", "url"):
        return f"https://{host(spec)}"
    if schema.get("type", "string") != "string" or any(key in schema for key in _SPEAKING):
        return example(schema, name, dice)
    return _fitted(name.lower().replace("_", "-").strip("-"), schema)


def _secret(name: str, schema: Mapping[str, Any], dice: Random) -> Any:
    if schema.get("type", "string") != "string" or any(key in schema for key in _SPEAKING):
        return example(schema, name, dice)
    return _fitted(f"simulated-{name}", schema)


def ways_in(spec: Spec) -> list[Auth]:
    """Every `auth` of the spec, the connector's first; where one offers several ways, each of these."""
    auths = [spec.auth, *(endpoint.auth for endpoint in spec.endpoints.values())]
    return [one for auth in auths if auth is not None for one in auth.each()]


def formed(spec: Spec, dice: Random, wanted: Collection[str]) -> dict[str, str]:
    """Those of the secrets that cannot be any text, as the sign-ins say that read them."""
    forms = {name: form for auth in ways_in(spec) for name, form in auth.secret_forms().items()}
    return in_form(forms, dice, wanted)


def in_form(forms: Mapping[str, SecretForm], dice: Random, wanted: Collection[str]) -> dict[str, str]:
    """Those of the secrets that have a form, made up in it."""
    return {name: _written(form, dice) for name, form in forms.items() if name in wanted}


def _written(form: SecretForm, dice: Random) -> str:
    match form:
        case "hex":
            return dice.randbytes(32).hex()
        case "base64":
            return base64.b64encode(dice.randbytes(32)).decode()
        case "certificate":
            return _certificate()
    return _private_key(form)


@cache
def _certificate() -> str:
    """One for all accounts of this process, and its key, which is that of `P-256`; nobody vouches for it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(_private_key("P-256").encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - as the form says
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "simulated")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = made.not_valid_before(datetime(1970, 1, 1, tzinfo=UTC)).not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode() + _private_key("P-256")


@cache
def _private_key(form: SecretForm) -> str:
    """One for all accounts of this process; it cannot be made again."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if form == "RSA":
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(ec.SECP256R1() if form == "P-256" else ec.SECP384R1())
    private, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, private, plain).decode()


def _fitted(text: str, schema: Mapping[str, Any]) -> str:
    return text.ljust(schema.get("minLength", 0), "0")[: schema.get("maxLength")]
