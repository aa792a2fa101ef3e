"""Methods of a vendor's SDK, as endpoints: their path on a client that a plug-in brings, and what they are given.

::

    sdk: {client: stripe}
    secrets: {key: {description: API key}}
    records: body
    endpoints:
      customers: {sdk: customers.list, args: {limit: 100}}
      create_customer:
        sdk: customers.create
        input: {email: {type: string}}
        args: {email: "{{ input.email }}"}
        output: body.id

Rule: a call of a method is a request like any other, sent to `sdk://CLIENT/PATH` with the arguments as its body; so
      everything that holds for requests holds for it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING
from connector_core.component import Model, without_extensions
from connector_core.http import Request
from connector_core.request import RequestKeys, Sent, render, time_limit

__all__ = ["SCHEME", "Sdk", "SdkKeys", "home", "invocation"]

SCHEME = "sdk://"
"""What the addresses of methods begin with."""

_CLIENT = r"^[a-z][a-z0-9-]{0,62}$"
_METHOD = r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"
_ARGUMENT = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _client(name: str) -> str:
    if not (name[:1].isalpha() and name.isascii() and name.islower() and name.replace("-", "").isalnum()):
        raise PydanticCustomError("pattern", "must be lower-case letters, digits and -, and begin with a letter")
    return name


def _method(path: str) -> str:
    for name in path.split("."):
        if name.startswith("_"):
            raise PydanticCustomError("sdk", "{name} is private to the SDK: name a public method", {"name": repr(name)})
        if not (name.isidentifier() and name.isascii()):
            raise PydanticCustomError("sdk", "must be a method's path on the client, without brackets: customers.list")
    return path


def _argument(name: str) -> str:
    if not (name.isidentifier() and name.isascii()):
        raise PydanticCustomError("pattern", "cannot be the name of an argument: letters, digits and _ alone")
    return name


Argument = Annotated[str, AfterValidator(_argument), WithJsonSchema({"type": "string", "pattern": _ARGUMENT})]


class Sdk(Model):
    """The client whose methods the endpoints are."""

    client: Annotated[str, AfterValidator(_client), WithJsonSchema({"type": "string", "pattern": _CLIENT})]
    """The name under which a plug-in brings it, by the hook `register_clients`."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 1
    """How many plain methods may run side by side, each in a thread; coroutines are bound by `rate_limit` alone."""


class SdkKeys(Model):
    """What an endpoint says that is a method of an SDK."""

    sdk: Annotated[str, AfterValidator(_method), WithJsonSchema({"type": "string", "pattern": _METHOD})] | None = None
    """The path of a method on the client of the connector's `sdk`, such as `customers.list`."""
    args: Annotated[dict[Argument, Sent | None] | None, BeforeValidator(without_extensions)] = None
    """The arguments that the method is given, by name; one that is a missing template is left out."""


def home(client: str) -> str:
    """The address that the paths of the client's methods are appended to."""
    return f"{SCHEME}{client}/"


def invocation(client: str, endpoint: Any, scope: Mapping[str, Any]) -> Request:
    """The request that calls the endpoint's method under these names; raises ConfigError."""
    keys: SdkKeys = endpoint
    common: RequestKeys = endpoint
    given = {
        name: render(value, scope, f"args.{name}") if value is not None else None
        for name, value in (keys.args or {}).items()
    }
    body = {name: value for name, value in given.items() if value is not MISSING}
    timeout = time_limit(common.timeout, scope)
    return Request("POST", f"{home(client)}{keys.sdk}", body=body, encoding="json", timeout=timeout)
