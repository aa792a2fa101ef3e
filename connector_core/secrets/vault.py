"""Secrets in Vault's key-value engine, version 2: `vault:secret/shop#token`, the field `token` of `shop` in `secret/`.

Source: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin

from msgspec.structs import replace

from connector_core.exceptions import ConfigError
from connector_core.http import Request, Response, origin
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.service import address, away, decoded, picked

__all__ = ["Vault"]

_ANSWERED = 200
_MOVED = frozenset({307, 308})
_GONE, _REFUSED = 404, frozenset({401, 403})
_HINT = "such as vault:secret/shop#token: the engine's mount, the path, and the field"


class Vault(Backend):
    """A field of a secret in Vault, or OpenBao, by `VAULT_ADDR` and `VAULT_TOKEN` where it is given no others."""

    scheme = "vault"

    def __init__(self, *, address: str | None = None, token: str | None = None, namespace: str | None = None) -> None:
        """What is left out is taken from `VAULT_ADDR`, `VAULT_TOKEN` and `VAULT_NAMESPACE`, each time anew."""
        self._given = {"VAULT_ADDR": address, "VAULT_TOKEN": token, "VAULT_NAMESPACE": namespace}

    def __repr__(self) -> str:
        return "Vault()"

    def check(self, rest: str) -> None:
        """Raises ConfigError where it is none of Vault's, or nothing says where that is."""
        self._request(rest)

    async def fetch(self, rest: str, world: World) -> str:
        """The field of the latest version; one redirect is followed, from a node that stands by to the active one."""
        fields, _metadata = await self._version(rest, world)
        return picked(fields, rest.partition("#")[2], f"Vault's {rest.partition('#')[0]}")

    async def since(self, rest: str, world: World) -> float | None:
        """When the latest version was made, whichever of its fields that was for."""
        _fields, metadata = await self._version(rest, world)
        made = metadata.get("created_time") if isinstance(metadata, Mapping) else None
        return datetime.fromisoformat(made).timestamp() if isinstance(made, str) else None

    async def _version(self, rest: str, world: World) -> tuple[Mapping[str, Any], Any]:
        """The fields of the latest version, and what is told of it."""
        request, shown = self._request(rest), rest.partition("#")[0]
        response = await world.send(request)
        if response.status in _MOVED and "Location" in response.headers:
            response = await world.send(_redirected(request, response))
        if response.status != _ANSWERED:
            raise _refusal(response, shown)
        match decoded(response, "Vault"):
            case {"data": {"data": {} as fields, **told}}:
                return fields, told.get("metadata")
            case _:
                raise ConfigError(
                    f"Vault's {shown} is no secret of a key-value engine of version 2",
                    hint=_HINT,
                    code="secret.unreadable",
                )

    def _setting(self, name: str) -> str:
        given = self._given[name]
        return (os.environ.get(name) or "") if given is None else given

    def _needed(self, name: str) -> str:
        if not (found := self._setting(name)):
            raise ConfigError(
                f"Vault is not known here: {name} is not set", hint=f"export {name} first", code="secret.backend"
            )
        return found

    def _request(self, rest: str) -> Request:
        home = address(self._needed("VAULT_ADDR"), "VAULT_ADDR")
        headers = {"X-Vault-Request": "true", "X-Vault-Token": self._needed("VAULT_TOKEN")}
        if namespace := self._setting("VAULT_NAMESPACE"):
            headers["X-Vault-Namespace"] = namespace
        return Request("GET", f"{home}/v1/{_path(rest)}", headers=headers)


def _path(rest: str) -> str:
    """The path in the API, which has `data` behind the mount; one that has it already may have a longer mount."""
    path, _, field = rest.partition("#")
    steps = path.split("/")
    if not field or len(steps) < 2 or any(step in ("", ".", "..") for step in steps):  # noqa: PLR2004 - mount, path
        raise ConfigError(
            "the reference does not say which field of which secret of Vault's", hint=_HINT, code="secret.reference"
        )
    if "data" not in steps[1:-1]:
        steps.insert(1, "data")
    return "/".join(quote(step, safe="") for step in steps)


def _redirected(request: Request, response: Response) -> Request:
    url = urljoin(request.url, response.headers["Location"])
    try:
        safe = origin(url).startswith("https:") or origin(request.url).startswith("http:")
    except ValueError:
        safe = False
    if not safe:
        raise ConfigError(
            "Vault redirects to where its token would not be safe",
            hint="set VAULT_ADDR to the active node",
            code="secret.backend",
        )
    return replace(request, url=url.partition("?")[0])


def _refusal(response: Response, shown: str) -> Exception:
    match response.status:
        case status if status == _GONE:
            return ConfigError(f"Vault has no {shown}", hint="put it there first", code="secret.missing")
        case status if status in _REFUSED:
            return ConfigError(
                f"Vault does not let its token read {shown}",
                hint="does VAULT_TOKEN hold, and does one of its policies allow that?",
                code="secret.refused",
            )
        case _:
            return away(response, "Vault")
