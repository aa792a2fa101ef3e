"""The provider's side of a cache: answers have an ETag, and one that is known to the client is not sent again."""

from __future__ import annotations

import hashlib
import json

from msgspec.structs import replace

from connector_core.http import Request
from connector_core.spec import Endpoint
from connector_core.testing.reply import Reply

__all__ = ["validated"]

OK, NOT_MODIFIED = 200, 304


def validated(endpoint: Endpoint, request: Request, reply: Reply) -> Reply:
    """The reply with its ETag, or 304 without a body where the request names it (RFC 9110 §13.1.2).

    Only for endpoints that say `cache`: others have no use for it.
    """
    if endpoint.cache is None or endpoint.cache.kind() == "none" or not endpoint.harmless or reply.status != OK:
        return reply
    content = reply.content if reply.content is not None else json.dumps(reply.body, ensure_ascii=False).encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    asked = next((value for name, value in request.headers.items() if name.lower() == "if-none-match"), "")
    known = [each.strip().removeprefix("W/") for each in asked.split(",")]
    if request.method == "GET" and (tag in known or "*" in known):
        return Reply(NOT_MODIFIED, None, {"ETag": tag})
    return replace(reply, headers={**reply.headers, "ETag": tag})
