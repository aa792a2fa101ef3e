"""The service's side of OAuth 2.0, for the simulator: it gives tokens, and knows those that it gave."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from connector_core.auth.credentials import found_at
from connector_core.auth.family import Session
from connector_core.http import Request
from connector_core.template import MissingError, TemplateError

if TYPE_CHECKING:
    from connector_core.auth.oauth2.fields import Fields

__all__ = ["refusal"]


def refusal(kind: Fields, session: Session, request: Request) -> str | None:
    """Why the request is not let in; None: it is."""
    found = found_at(kind.put, request)
    if len(found) != 1:
        return f"{kind.put} {f'is there {len(found)} times' if found else 'is missing'}"
    for answer in _given(session):
        scope = {**session.scope, "token": {**answer, "access": answer["access_token"]}, "redirect": {}}
        try:
            expected = kind.value.text(scope)
        except (MissingError, TemplateError):
            continue
        if hmac.compare_digest(str(expected).encode(), found[0].encode()):
            return None
    return "the token is unknown, or it has ended"


def _given(session: Session) -> list[dict[str, Any]]:
    """The answers with tokens that hold."""
    given: list[dict[str, Any]] = session.learnt.get("given", [])
    return given
