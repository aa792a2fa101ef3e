"""The kind where a key stands at a place of the service's choosing."""

from collections.abc import Sequence
from typing import Any, Literal

from connector_core.address import Put
from connector_core.auth.credentials import compared, credential, expected, fields
from connector_core.auth.family import Auth, Session, Text
from connector_core.http import Multipart, Request

__all__ = ["ApiKey"]


class ApiKey(Auth):
    """A key at a place of the service's choosing.

    Example: `auth: {type: api_key, put: header.X-Api-Key, value: "{{ secrets.key }}"}`
    """

    type: Literal["api_key"] = "api_key"
    put: Put
    """Where the key goes: a header, a query parameter or a cookie."""
    value: Text
    """The key with what belongs around it, such as `Token {{ secrets.key }}`."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - keys are timeless
        """The key put where it belongs."""
        return self.put.put(request, credential(self.value, session, "auth.value"))

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares what stands at the place with the rendered value."""
        name = self.put.keys[0]
        match self.put.root:
            case "query":
                found = [value for key, value in request.query if key == name]
            case "header":
                found = fields(request, name)
            case "cookie":
                pairs = [pair.partition("=") for jar in fields(request, "cookie") for pair in jar.split("; ")]
                found = [value for key, _, value in pairs if key == name]
            case _:
                found = _in_body(request.body, self.put.keys)
        return compared(found, expected(self.value, session), str(self.put))


def _in_body(body: Any, keys: Sequence[str]) -> list[str]:
    if isinstance(body, Multipart):
        return [part.value for part in body.parts if part.name == keys[0] and isinstance(part.value, str)]
    if isinstance(body, (tuple, list)):  # a form: pairs
        return [value for key, value in body if key == keys[0]]
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return [] if body is None else [str(body)]
