"""What backends share that ask a service: where it is, and from its answer to the one secret that a reference means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from connector_core.exceptions import ConfigError, IntegrationError, UnavailableError
from connector_core.http import Response

__all__ = ["address", "away", "decoded", "fields_in", "picked"]

_PASSES = frozenset({408, 429})
_SERVER = 500


def address(given: str, name: str) -> str:
    """The address without a slash at its end; raises ConfigError where it is none. `name`: the variable's."""
    if re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", given) is None:
        raise ConfigError(
            f"{name} is no address", hint="such as https://secrets.example:8200", code="secret.backend"
        )  # which may hold a password: not repeated
    return given.rstrip("/")


def decoded(response: Response, who: str) -> Any:
    """The body's JSON; raises ConfigError where it is none."""
    try:
        return msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        raise ConfigError(
            f"what answers in {who}'s place sends no JSON", hint=f"is the address {who}'s?", code="secret.backend"
        ) from None


def away(response: Response, who: str) -> IntegrationError:
    """The error for an answer that holds no secret: waiting may help where the status says so."""
    if response.status in _PASSES or response.status >= _SERVER:
        return UnavailableError(
            f"{who} answered {response.status}", hint="is it up?", code="secret.unavailable", retryable=True
        )
    return ConfigError(f"{who} answered {response.status}", hint=f"is the address {who}'s?", code="secret.backend")


def fields_in(text: str) -> Mapping[str, Any] | None:
    """The fields of a secret that is an object in JSON; None: it is something else."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def picked(fields: Mapping[str, Any] | None, field: str, shown: str) -> str:
    """The field as text, what is none as JSON; raises ConfigError where it is not there. `shown`: whose it is."""
    if fields is None or fields.get(field) is None:
        raise ConfigError(
            f"{shown} has no field {field}",
            hint=f"its fields are {', '.join(sorted(fields))}" if fields else "it has no fields",
            code="secret.missing",
        )
    value = fields[field]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
