"""The kind where a key stands at a place of the service's choosing."""

from typing import Literal

from connector_core.address import Put
from connector_core.auth.credentials import compared, credential, expected, found_at
from connector_core.auth.family import Auth, Session, Text
from connector_core.http import Request

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
        return compared(found_at(self.put, request), expected(self.value, session), str(self.put))
