"""The service's side of a login, for the simulator: it knows who may log in, and the sessions that it has given.

A request is one of the login where all that the spec says of it outright is the same; whether it is let in, the values
decide that the client has put in. Each session is another, and ends after its lifetime, else after an hour.
"""

from __future__ import annotations

import copy
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector_core.address import MISSING, Put, as_text
from connector_core.auth.credentials import compared, expected, fields, found_at
from connector_core.auth.family import Session
from connector_core.http import Headers, Request, Response
from connector_core.template import MissingError, TemplateError, templates

if TYPE_CHECKING:
    from connector_core.auth.session.fields import Fields, LoginRequest
    from connector_core.request import Body

__all__ = ["refusal", "serve"]

LIVES = 3600.0
"""Seconds for which a session holds where the spec does not say."""
MOST = 1000
"""Sessions that are remembered."""


def refusal(kind: Fields, session: Session, request: Request) -> str | None:
    """Why the request is not let in; None: it is."""
    found = found_at(kind.put, request)
    if len(found) != 1:
        return compared(found, "", str(kind.put))
    for given in session.learnt.get("given", ()):
        scope = {**session.scope, "token": given["names"]}
        if not hmac.compare_digest(expected(kind.value, Session(scope)).encode(), found[0].encode()):
            continue
        shown = _shown_cookies(request)
        wrong = [name for name in kind.cookies if shown.get(name) != given["cookies"][name]]
        return f"cookie.{wrong[0]} is wrong" if wrong else None
    return "the session is unknown, or it has ended"


def serve(kind: Fields, session: Session, request: Request, now: float) -> Response | None:
    """The answer to what logs in; None: the request is for somebody else. Forgets what has ended, whoever asks."""
    given = session.learnt.setdefault("given", [])
    given[:] = [one for one in given if now < one["ends"]][-MOST:]
    scope, refused = dict(session.scope), None
    for at, step in enumerate(kind.requests):
        if request.method == step.method.upper() and request.url == _address(step, session, scope):
            wrong, headers = _wrong(step, session, scope, request)
            if wrong is None:
                last = step is kind.requests[-1]
                return _let_in(kind, session, request, now) if last else _answered(request, **_answer(kind, at))
            if wrong:
                refused = _answered(request, {"message": wrong}, headers, status=401)
        if step.as_ is not None:
            scope[step.as_] = _answer(kind, at)
    return None if refused is None or refusal(kind, session, request) is None else refused


def _address(step: LoginRequest, session: Session, scope: Mapping[str, Any]) -> str:
    """Where the request goes; empty where that cannot be known."""
    base = step.base_url or session.base_url
    try:
        path = str(step.path.text(scope))
        return path if base is None or not path.startswith("/") else base.render(scope) + path
    except (MissingError, TemplateError):
        return ""


def _wrong(
    step: LoginRequest, session: Session, scope: Mapping[str, Any], request: Request
) -> tuple[str | None, Mapping[str, str]]:
    """What the client has put in wrongly, and what it is told besides; None: nothing; empty: it is another request."""
    found = ""
    try:
        for where, fixed, wanted, got in _leaves(step, scope, request):
            if wanted != got and fixed:
                return "", {}
            if wanted != got or wanted in (None, "", [], MISSING):
                found = found or f"{where} is wrong"
        if not found and step.auth is not None and (why := step.auth.refusal(session, request)) is not None:
            return why, step.auth.challenge(session, request)
    except (MissingError, TemplateError) as error:
        return str(error), {}
    return found or None, {}


Leaf = tuple[str, bool, Any, Any]
"""Where it stands, whether the spec says it outright, what is expected, and what has come."""


def _leaves(step: LoginRequest, scope: Mapping[str, Any], request: Request) -> Iterator[Leaf]:
    """Everything that the request holds."""
    for name, value in (step.params or {}).items():
        if value is not None:
            yield f"params.{name}", value.literal, _texts(value.value(scope)), found_at(Put(f'query."{name}"'), request)
    for name, value in (step.headers or {}).items():
        if value is not None:
            yield f"headers.{name}", value.literal, _texts(value.value(scope)), fields(request, name)
    if step.body is not None:
        yield from _in_body(step.body, scope, request)


def _in_body(body: Body, scope: Mapping[str, Any], request: Request) -> Iterator[Leaf]:
    match body.form_name:
        case "form":
            for name, value in body.form.items():
                sent = [text for key, text in request.body if key == name] if request.encoding == "form" else []
                yield f"body.form.{name}", value.literal, _texts(value.value(scope)), sent
        case "json" if body.json_ is not None:
            yield from _in_json("body.json", body.json_.raw, body.json_.value(scope), request.body)
        case "xml" if body.xml is not None:
            yield from _in_json("body.xml", body.xml.raw, body.xml.value(scope), request.body)
        case "text" if body.text is not None:
            yield "body.text", body.text.literal, body.text.text(scope), request.body
        case "multipart":
            for name, declared in body.multipart.items():
                texts = [one.text for one in (declared if isinstance(declared, list) else [declared]) if one.text]
                wanted = [text for one in texts for text in _texts(one.value(scope))]
                yield f"body.multipart.{name}", False, wanted, found_at(Put(f'body."{name}"'), request)


def _in_json(where: str, raw: Any, wanted: Any, got: Any) -> Iterator[Leaf]:
    """The leaves of a structure; a part of it that is not there is MISSING."""
    if isinstance(raw, dict) and isinstance(wanted, dict):
        for key, inner in raw.items():
            found = got.get(key, MISSING) if isinstance(got, dict) else MISSING
            yield from _in_json(f"{where}.{key}", inner, wanted.get(key, MISSING), found)
    elif isinstance(raw, list) and isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for at, (inner, one, found) in enumerate(zip(raw, wanted, got, strict=False)):
            yield from _in_json(f"{where}.{at}", inner, one, found)
    else:
        yield where, not (isinstance(raw, str) and "{{" in raw), wanted, got


def _texts(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [as_text(one) for one in found if one is not None and one is not MISSING]


# ── what is given ─────────────────────────────────────────────────────────────────────────────────


def _answered(
    request: Request, body: Any, header: Mapping[str, str] = {}, cookie: Mapping[str, str] = {}, status: int = 200
) -> Response:
    sent = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *header.items()]
    sent += [("Set-Cookie", f"{name}={value}; Path=/; HttpOnly") for name, value in cookie.items()]
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(status, Headers(sent), content, request)


def _answer(kind: Fields, at: int) -> dict[str, Any]:
    """What a step that is not the last gives: all that later ones read of it, and the same each time."""
    made: dict[str, Any] = {"body": {}, "header": {}, "cookie": {}, "status": 200}
    for step in kind.requests[at + 1 :]:
        for _, template in templates(step):
            for root, *below in template.reads:
                if root == kind.requests[at].as_ and len(below) > 1 and "*" not in below and below[0] != "status":
                    _place(made, tuple(below), f"simulated-{below[-1]}")
    return made


def _place(made: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    *above, last = keys
    for key in above:
        made = made.setdefault(key, {})
    made[last] = value


def _let_in(kind: Fields, session: Session, request: Request, now: float) -> Response:
    """The last answer, with a new session, its parts where the client looks for them."""
    number = session.learnt["number"] = session.learnt.get("number", 0) + 1
    access, lives = f"simulated-session-{number:06d}", kind.token.lifetime or LIVES
    cookies = {name: f"simulated-{number:06d}-{at}" for at, name in enumerate(kind.cookies)}
    made: dict[str, Any] = {"body": copy.deepcopy(session.learnt.get("facts", {})), "header": {}, "cookie": {**cookies}}
    for root, *below in sorted(kind.value.reads):
        if root == "token" and below and below[0] not in ("access", "cookies"):
            made["body"].setdefault(below[0], f"simulated-{below[0]}")
    if (end := kind.token.expires) is not None and end.take.root in made:
        left = lives if end.format.kind == "duration" else datetime.fromtimestamp(now + lives, UTC)
        _place(made, (end.take.root, *end.take.keys), end.format.write(left))
    place = kind.token.access
    if place.root == "cookie" and place.keys[0] in cookies:
        access = cookies[place.keys[0]]
    _place(made, (place.root, *place.keys), access)
    body = made["body"]
    names = {**(body if isinstance(body, dict) else {}), "access": access, "cookies": cookies}
    session.learnt["given"].append({"names": names, "cookies": cookies, "ends": now + lives})
    return _answered(request, body, {name: str(value) for name, value in made["header"].items()}, made["cookie"])


def _shown_cookies(request: Request) -> dict[str, str]:
    pairs = [pair.partition("=") for line in fields(request, "cookie") for pair in line.split(";")]
    return {name.strip(): value.strip() for name, _, value in pairs}
