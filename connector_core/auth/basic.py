"""The kind where a name and a password stand in the Authorization header."""

import base64
from collections.abc import Mapping
from typing import Literal

from connector_core.auth.credentials import compared, credential, expected, fields
from connector_core.auth.family import Auth, Session, Text
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.template import Template

__all__ = ["Basic"]


class Basic(Auth):
    """A name and a password in the Authorization header (RFC 7617).

    Example: `auth: {type: basic, username: "{{ secrets.key }}"}`
    """

    type: Literal["basic"] = "basic"
    username: Text
    """The name; some services take a key here and no password."""
    password: Text = Template("")
    """The password; empty where left out."""

    def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002 - passwords are timeless
        """`Authorization: Basic …`, both parts as UTF-8."""
        username = credential(self.username, session, "auth.username")
        if ":" in username:
            raise ConfigError(
                "the user name for basic sign-in has a colon in it", hint="RFC 7617 has no way to send one; use another"
            )
        password = "" if self.password.source == "" else credential(self.password, session, "auth.password")
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return request.with_header("Authorization", f"Basic {pair}")

    def refusal(self, session: Session, request: Request) -> str | None:
        """Decodes the header and compares name and password."""
        sent = fields(request, "authorization")
        if len(sent) != 1:
            return compared(sent, "", "the Authorization header")
        scheme, _, encoded = sent[0].partition(" ")
        if scheme.lower() != "basic":
            return "the Authorization header is not Basic"
        try:
            found = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            return "the Authorization header is not base64"
        password = expected(self.password, session) if self.password.source else ""
        return compared([found], f"{expected(self.username, session)}:{password}", "the Authorization header")

    def challenge(self, session: Session, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        """Names the scheme."""
        return {"WWW-Authenticate": 'Basic realm="simulated", charset="UTF-8"'}
