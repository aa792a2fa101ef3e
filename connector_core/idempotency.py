"""A key by which the service knows a request that it has acted on already, so that sending it again does no harm.

::

    create_order:
      post: /orders
      idempotency: {put: header.Idempotency-Key}

One request keeps its key through all of its attempts; another request, and each of a `batch`, has one of its own.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from connector_core.address import MISSING, Put, as_text
from connector_core.component import Model
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.request import render
from connector_core.template import Reads, Template

__all__ = ["Idempotency"]


class Idempotency(Model):
    """The key, and where it goes.

    Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    """

    put: Put
    """Where it goes, such as `header.Idempotency-Key`."""
    format: Literal["raw", "structured"] = "raw"
    """How it is written: as it is, which most services expect, or in quotes, as the IETF's draft has it."""
    value: Annotated[Template | None, Reads("call")] = None
    """What it is, such as `{{ input.order_number }}`, where an app that starts again must not act twice; left out: a
    new UUID for every request."""

    def keyed(self, request: Request, scope: Mapping[str, Any], uuid: str) -> Request:
        """The request with its key; `uuid` is one that was never used. Raises ConfigError where there is no key."""
        found = uuid if self.value is None else render(self.value, scope, "idempotency.value")
        if found is MISSING or found is None or found == "":
            raise ConfigError(
                "the idempotency key is empty",
                where=f"idempotency.value: {self.value.source if self.value is not None else ''}",
                hint="without one the request could be acted on twice",
                code="idempotency.missing",
            )
        return self.put.put(request, self._written(as_text(found)))

    def _written(self, key: str) -> str:
        if self.format == "raw":
            return key
        if not (key.isascii() and key.isprintable()):  # RFC 9651 §3.3.3
            raise ConfigError(
                "the idempotency key has characters that its form has no room for",
                where="idempotency.format: structured",
                hint="it may hold printable ASCII",
                code="idempotency.invalid",
            )
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
