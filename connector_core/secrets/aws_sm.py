"""Secrets in AWS Secrets Manager: `aws-sm:prod/shop#token` is the field `token` of the JSON that `prod/shop` holds.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from typing import Any

from connector_core.auth import Session
from connector_core.auth.aws_sigv4 import AwsSigv4
from connector_core.exceptions import ConfigError, IntegrationError, UnavailableError
from connector_core.http import Request, Response
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.service import address, away, decoded, fields_in, picked

__all__ = ["AwsSm"]

_ANSWERED, _REFUSED = 200, frozenset({401, 403})
_ARN = re.compile(r"arn:[\w-]+:secretsmanager:([\w-]+):")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_PASSES = frozenset({"InternalServiceError", "InternalFailure", "ServiceUnavailable", "ThrottlingException"})
_MISSING = frozenset({"InvalidRequestException", "ResourceNotFoundException"})
"""What is told of a secret that was never there, and of one that is being deleted."""


class AwsSm(Backend):
    """A secret of AWS Secrets Manager, or a field of one, by the keys and the region that `AWS_…` variables hold.

    Where it is given no others: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; the region is that
    of an ARN, `AWS_REGION` or `AWS_DEFAULT_REGION`.
    """

    scheme = "aws-sm"

    def __init__(
        self, *, region: str | None = None, access_key: str | None = None, secret_key: str | None = None,
        session_token: str | None = None, endpoint: str | None = None,
    ) -> None:  # fmt: skip
        """What is left out is taken from the environment, each time anew."""
        self._given = {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_SESSION_TOKEN": session_token,
            "AWS_REGION": region,
            "AWS_ENDPOINT_URL": endpoint,
        }

    def __repr__(self) -> str:
        return "AwsSm()"

    def check(self, rest: str) -> None:
        """Raises ConfigError where it names no secret, or the region or the keys are not known."""
        if not rest.partition("#")[0]:
            raise ConfigError(
                "the reference names no secret of AWS", hint="such as aws-sm:prod/shop#token", code="secret.reference"
            )
        self._address(self._region(rest))
        for name in _KEYS:
            if not self._setting(name):
                raise _unknown(name)

    async def fetch(self, rest: str, world: World) -> str:
        """The secret's current version, or a field of it."""
        name, _, field = rest.partition("#")
        match await self._version(rest, name, world):
            case {"SecretString": str(text)}:
                pass
            case {"SecretBinary": str(encoded)}:
                text = _text(encoded, name)
            case _:
                raise ConfigError(f"AWS has no value for {name}", hint="put one there first", code="secret.missing")
        return picked(fields_in(text), field, f"AWS's {name}") if field else text

    async def since(self, rest: str, world: World) -> float | None:
        """When the current version was made, whichever of its fields that was for."""
        match await self._version(rest, rest.partition("#")[0], world):
            case {"CreatedDate": int() | float() as made}:
                return float(made)
        return None

    async def _version(self, rest: str, name: str, world: World) -> Any:
        """The current version with what is told of it."""
        self.check(rest)
        response = await world.send(self._signed(rest, name, world.now()))
        if response.status != _ANSWERED:
            raise _refusal(response, name)
        return decoded(response, "AWS")

    def _signed(self, rest: str, name: str, now: float) -> Request:
        region = self._region(rest)
        target = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1"}
        request = Request(
            "POST", self._address(region), headers=target, body={"SecretId": name}, encoding="json"
        )  # fmt: skip
        access, secret = map(self._setting, _KEYS)
        keys = {"id": access, "key": secret, "token": self._setting("AWS_SESSION_TOKEN")}
        return _AUTH.sign(Session({"secrets": keys, "config": {"region": region}}), request, now)

    def _setting(self, name: str) -> str:
        given = self._given.get(name)
        return (os.environ.get(name) or "") if given is None else given

    def _region(self, rest: str) -> str:
        arn = _ARN.match(rest)
        region = arn[1] if arn else self._setting("AWS_REGION") or self._setting("AWS_DEFAULT_REGION")
        if not re.fullmatch(r"[a-z0-9-]+", region):
            raise _unknown("AWS_REGION")
        return region

    def _address(self, region: str) -> str:
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        for name in ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"):
            if given := self._setting(name):
                return f"{address(given, name)}/"
        return f"https://secretsmanager.{region}.{domain}/"


_AUTH = AwsSigv4.model_validate(
    {
        "service": "secretsmanager",
        "region": "{{ config.region }}",
        "access_key": "{{ secrets.id }}",
        "secret_key": "{{ secrets.key }}",
        "session_token": "{{ secrets.token }}",
    }
)


def _unknown(name: str) -> ConfigError:
    return ConfigError(
        f"AWS is not known here: {name} is not set, or is none", hint=f"export {name} first", code="secret.backend"
    )


def _text(encoded: str, name: str) -> str:
    try:
        return b64decode(encoded).decode()
    except ValueError:
        raise ConfigError(
            f"AWS's {name} is no text", hint="keep it as a SecretString", code="secret.unreadable"
        ) from None


def _refusal(response: Response, name: str) -> IntegrationError:
    told = fields_in(response.content.decode("utf-8", "replace")) or {}
    kind = re.sub(r"\W.*", "", str(told.get("__type", "")).rpartition("#")[2])
    if kind in _MISSING:
        return ConfigError(f"AWS has no {name}", hint="put it there first", code="secret.missing")
    if kind in _PASSES:
        return UnavailableError(f"AWS answered {kind}", hint="try later", code="secret.unavailable", retryable=True)
    if kind or response.status in _REFUSED:
        return ConfigError(
            f"AWS does not give {name}: {kind[:100] or response.status}",
            hint="are the keys and the region right, and may they read it?",
            code="secret.refused",
        )
    return away(response, "AWS")
