"""A spec as one account signs in: of the several ways that an `auth` offers, the one that the account takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector_core.auth import Auth
from connector_core.auth.any_of import AnyOf
from connector_core.component import suggestion
from connector_core.config import is_required
from connector_core.exceptions import ConfigError
from connector_core.secret import Secret
from connector_core.spec import Spec
from connector_core.template import templates

__all__ = ["Choice", "choose", "optional_secrets", "ways", "with_choice"]

Choice = Mapping[str, str]
"""The option that is taken, by where the `auth` stands: `{"auth": "token"}`; empty where there is nothing to choose."""


def choose(spec: Spec, wanted: str | None, secrets: Mapping[str, Any]) -> Choice:
    """What an account takes that has these secrets, and says which way it `wanted`, if it does.

    Raises ConfigError where nothing has that name, or where it has the secrets of no option.
    """
    offered = dict(_offered(spec))
    if not offered and wanted in spec.choice.values():
        return {}  # it has been chosen
    names = {name for auth in offered.values() for name in auth.options}
    if wanted is not None and wanted not in names:
        what = f"{spec.name} has no sign-in {wanted!r}{suggestion(wanted, names)}"
        hint = "" if names else "there is one way alone: leave the choice out"
        raise ConfigError(what, where="sign_in", hint=hint, code="sign_in.unknown")
    return {
        place: wanted if wanted is not None and wanted in auth.options else _first(spec, place, auth, secrets)
        for place, auth in offered.items()
    }


def ways(spec: Spec) -> list[str]:
    """The names of the sign-ins that an account may take, in the order of the spec; empty where there is one alone."""
    return list(dict.fromkeys(name for _, auth in _offered(spec) for name in auth.options))


def _offered(spec: Spec) -> Iterator[tuple[str, AnyOf]]:
    """The sign-ins that offer several ways; one that endpoints inherit is the connector's."""
    if isinstance(spec.auth, AnyOf):
        yield "auth", spec.auth
    for name, endpoint in spec.endpoints.items():
        if isinstance(endpoint.auth, AnyOf) and endpoint.auth != spec.auth:
            yield f"endpoints.{name}.auth", endpoint.auth


def _first(spec: Spec, place: str, auth: AnyOf, secrets: Mapping[str, Any]) -> str:
    """The first whose secrets are all given."""
    lacking: dict[str, list[str]] = {}
    for name, option in auth.options.items():
        lacking[name] = [needed for needed in _needed(spec, option) if _revealed(secrets.get(needed)) in (None, "")]
        if not lacking[name]:
            return name
    ways = "; ".join(f"{name} needs {', '.join(lacks)}" for name, lacks in lacking.items())
    raise ConfigError(
        f"no sign-in has all its secrets: {ways}",
        where=f"{spec.name}: {place}",
        hint="pass those of one of them",
        code="sign_in.incomplete",
    )


def _needed(spec: Spec, part: Any) -> list[str]:
    """The secrets that a part of the spec reads and that somebody has to give, as they are declared."""
    read = _read(part)
    return [name for name, schema in spec.secrets.items() if name in read and is_required(schema)]


def _revealed(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _read(part: Any) -> set[str]:
    return {path[1] for _, found in templates(part) for path in found.reads if path[0] == "secrets" and path[1:]}


def with_choice(spec: Spec, choice: Choice) -> Spec:
    """The spec whose every `auth` is what was chosen; secrets that only the others read are optional."""
    if not choice:
        return spec

    def taken(place: str, auth: Auth | None) -> Auth | None:
        if not isinstance(auth, AnyOf):
            return auth
        return auth.options[choice["auth" if auth == spec.auth else place]]

    endpoints = {
        name: endpoint.model_copy(update={"auth": taken(f"endpoints.{name}.auth", endpoint.auth)})
        for name, endpoint in spec.endpoints.items()
    }
    made = spec.model_copy(update={"auth": taken("auth", spec.auth), "endpoints": endpoints})
    left = _read_by_options(spec) - _read(made)
    return made.model_copy(update={"secrets": _without(spec, left)}).signing_in(choice)


def optional_secrets(spec: Spec) -> dict[str, Any]:
    """The secrets as they are declared, where nothing is chosen yet: those that options alone read are optional."""
    if not any(_offered(spec)):
        return spec.secrets
    bare = [
        value.model_copy(update={"auth": None}) if isinstance(value.auth, AnyOf) else value
        for value in (spec.model_copy(update={"endpoints": {}}), *spec.endpoints.values())
    ]
    return _without(spec, _read_by_options(spec) - _read(bare))


def _read_by_options(spec: Spec) -> set[str]:
    return {name for _, auth in _offered(spec) for option in auth.options.values() for name in _read(option)}


def _without(spec: Spec, left: set[str]) -> dict[str, Any]:
    return {
        name: {**schema, "optional": True} if name in left and is_required(schema) else schema
        for name, schema in spec.secrets.items()
    }
