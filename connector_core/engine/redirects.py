"""Where a redirect leads, and whether it is followed."""

from __future__ import annotations

from urllib.parse import urljoin

from msgspec.structs import replace

from connector_core.engine.wire import target
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.http import Request, Response, as_sent
from connector_core.plan import Plan
from connector_core.template.segments import climbs

__all__ = ["MAX_REDIRECTS", "REDIRECTS", "check_address", "redirected"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10


def redirected(request: Request, response: Response, plan: Plan) -> Request:
    """The request that a redirect leads to; a POST is never quietly turned into a GET, except by 303."""
    try:
        moved = request.followed(urljoin(response.request.url, as_sent(response.headers["Location"])))
    except ValueError:
        raise _no_address(response, plan) from None
    if request.method == "GET" or response.status in (307, 308):
        return moved
    if response.status == 303:  # noqa: PLR2004 - RFC 9110 §15.4.4: the answer is found there with GET
        kept = {name: value for name, value in moved.headers.items() if name.lower() != "content-type"}
        return replace(moved, method="GET", headers=kept, body=None, encoding=None)
    check_address(moved, response, plan)  # it is about to be shown
    raise ResponseError(
        f"{plan.connector} answers {request.method} with a redirect ({response.status}) to {moved.url}",
        where=f"{plan.endpoint}: {request.method} {request.url}",
        hint="a redirect would drop what was sent; write the new address into the spec",
        code="redirect.write",
    )


def check_address(moved: Request, response: Response, plan: Plan) -> None:
    """Raises where a redirect leads to what can't be sent: that is the service's mistake, and not the user's."""
    try:
        target(moved)
    except ConfigError as error:
        raise _no_address(response, plan, f": {error.what}") from None
    if climbs(moved.sent_path):
        raise _no_address(response, plan, ": a segment of its path is . or ..")


def _no_address(response: Response, plan: Plan, why: str = "") -> ResponseError:
    request = response.request
    return ResponseError(
        f"{plan.connector} redirects to what is no address{why}",
        where=f"{plan.endpoint}: {request.method} {request.url}",
        hint="write the address that works into the spec, or tell the service's operator",
        code="redirect.invalid",
    )
