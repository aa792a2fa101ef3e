"""The kind where a token stands in the Authorization header."""

from collections.abc import Mapping
from typing import Literal

from connector_core.auth.credentials import compared, credential, expected, fields
from connector_core.auth.family import Auth, Session, Text
from connector_core.http import Request

__all__ = ["Bearer"]


class Bearer(Auth):
    """A token in the Authorization header (RFC 6750).

    Example: `auth: {type: bearer, token: "{{ secrets.token }}"}`
    """

    type: Literal["bearer"] = "bearer"
    token: Text
    """The token, without the word Bearer."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - tokens are timeless here
        """The token put into the Authorization header."""
        return request.with_header("Authorization", f"Bearer {credential(self.token, session, 'auth.token')}")

    def refusal(self, session: Session, request: Request) -> str | None:
        """Compares the header's token."""
        wanted = f"Bearer {expected(self.token, session)}"
        return compared(fields(request, "authorization"), wanted, "the Authorization header")

    def challenge(self, session: Session, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        """Names the scheme."""
        return {"WWW-Authenticate": 'Bearer realm="simulated"'}
