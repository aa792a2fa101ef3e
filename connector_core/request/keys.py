"""The keys of a request and how one is composed from them: method and path, params, headers, and the address.

What a template inserts into a path is one segment, percent-encoded; `.` and `..` are refused. A path that is one whole
template is a URL as it stands. A null param or header is not sent; a list repeats the name.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING
from connector_core.component import Late, Model
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.request.base_url import BaseUrl, checked_url, encoded, rendered_path
from connector_core.request.body import Body, composed, not_multipart
from connector_core.request.values import FieldName, FixedName, SentAlone, all_pairs, pairs, render
from connector_core.template import PathText, Reads, Template, Value
from connector_core.template.parts import parts_of
from connector_core.template.places import TAKEN_NAMES
from connector_core.units import DURATION, duration

__all__ = ["METHODS", "InlineRequest", "Method", "Path", "RequestKeys", "compose", "time_limit"]

Method = Literal["get", "post", "put", "patch", "delete"]
METHODS: tuple[Method, ...] = get_args(Method)


def _path(template: PathText) -> PathText:
    if not template.whole and not template.source.startswith("/"):
        raise PydanticCustomError("path", "must begin with a slash{instead}", {"instead": _instead(template.source)})
    fixed = "".join("x" if filled else text for filled, text in parts_of(template.source))
    if "?" in fixed or "#" in fixed:
        raise PydanticCustomError("path", "must not hold a query or fragment; put the query under 'params'")
    if any(char in "{}" for char in fixed):
        raise PydanticCustomError("path", "a single brace stands for nothing; a value is written {{ input.id }}")
    if any(char <= " " or char == "\\" for char in fixed.strip() if not template.whole) or fixed != fixed.strip():
        raise PydanticCustomError("path", "must not hold spaces, line breaks or backslashes; a space is written %20")
    return template


def _instead(given: str) -> str:
    """What to write in place of a path that begins with something else."""
    if found := re.match(r"(get|post|put|patch|delete)(?::\s*|\s+)/?(.*)", given, re.IGNORECASE | re.DOTALL):
        return f"; the method is the key alone: {found[1].lower()}: /{found[2]}"
    if found := re.match(r"https?://[^/?#{}]*/?(.*)", given, re.IGNORECASE | re.DOTALL):
        return f"; scheme and host stand in base_url: /{found[1]}"
    return f", or be one whole template: /{given}"


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


def _some_time(seconds: Template | float) -> Template | float:
    if seconds == 0:
        raise PydanticCustomError("timeout", "must be longer than nothing")
    return seconds


def _free_name(name: str) -> str:
    if not name.isidentifier() or not name.isascii():
        raise PydanticCustomError("pattern", "must be letters, digits and _, and not begin with a digit")
    if name in TAKEN_NAMES:
        raise PydanticCustomError("name", "hides the name {name} that templates have already", {"name": repr(name)})
    return name


Path = Annotated[PathText, AfterValidator(_path), Reads("path")]
FreeName = Annotated[
    str,
    AfterValidator(_free_name),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
]
"""A name that a spec makes up for templates."""


class RequestKeys(Model):
    """The keys of a request that the connector may set for all its endpoints."""

    base_url: BaseUrl | None = None
    """The address that paths are appended to."""
    params: dict[FixedName, SentAlone | None] | None = None
    """Query parameters by name; a list repeats the name, null leaves it out."""
    headers: dict[FieldName, SentAlone | None] | None = None
    """Header fields by name; null leaves one out."""
    body: Late[Body] | None = None
    """What is sent with post, put and patch."""
    timeout: Annotated[Template | float, DURATION, AfterValidator(_some_time), Reads("base_url")] | None = None
    """The longest that one request may take, such as `30s`."""
    safe: bool = False
    """True where sending the request twice does no harm, so that it may be sent again after a failure."""


class InlineRequest(RequestKeys):
    """A request that another key holds.

    Where it says nothing, `base_url`, `headers` and `timeout` are the endpoint's.
    """

    get: Path | None = None
    """The path that is read with GET."""
    post: Path | None = None
    """The path that is sent to with POST."""
    put: Path | None = None
    """The path that is sent to with PUT."""
    patch: Path | None = None
    """The path that is sent to with PATCH."""
    delete: Path | None = None
    """The path that is sent to with DELETE."""

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        given = [method for method in METHODS if getattr(self, method) is not None]
        if len(given) != 1:
            raise ValueError(f"must have exactly one of: {', '.join(METHODS)}")
        if given == ["get"] and self.body is not None:
            raise ValueError("get sends no body; use params, or post")
        return self

    @property
    def method(self) -> Method:
        """The method that it is sent with."""
        return next(method for method in METHODS if getattr(self, method) is not None)

    @property
    def path(self) -> PathText:
        """The path that it is sent to."""
        return getattr(self, self.method)  # type: ignore[no-any-return]

    def under(self, keys: RequestKeys) -> Self:
        """The request with what the endpoint says for all of its requests."""
        return self.model_copy(
            update={
                "base_url": self.base_url or keys.base_url,
                "headers": {**(keys.headers or {}), **(self.headers or {})},
                "timeout": self.timeout if self.timeout is not None else keys.timeout,
            }
        )


def compose(
    keys: RequestKeys,
    method: Literal["get", "post", "put", "patch", "delete"],
    path: PathText | None,
    scope: Mapping[str, Any],
) -> Request:
    """The request that the keys describe under these names, not yet paged or signed; raises ConfigError.

    Without a path it goes to `base_url` itself.
    """
    url, link = _url(keys, path, scope)
    body, encoding = composed(keys.body, scope) if keys.body is not None else (None, None)
    request = Request(
        method=method.upper(),
        url=url,
        query=all_pairs("params", keys.params or {}, scope),
        headers=_headers(keys.headers or {}, scope),
        body=body,
        encoding=encoding,
        timeout=time_limit(keys.timeout, scope),
        link=link,
    )
    if encoding == "multipart":
        _check_type(request)
    return request


def _check_type(request: Request) -> None:
    """The boundary has to be added to the type of a multipart body, so that it can be only one of those."""
    declared = next((value for name, value in request.headers.items() if name.lower() == "content-type"), None)
    if declared is not None and (wrong := not_multipart(declared)):
        raise ConfigError(f"the header Content-Type {wrong}", where="body.multipart")


def _url(keys: RequestKeys, path: PathText | None, scope: Mapping[str, Any]) -> tuple[str, str]:
    """The URL, and the query that a path which is a link brings along."""
    if path is None:
        return _based(keys, scope, "base_url"), ""
    tail, query = rendered_path(path, scope, f"the path {path.source}"), ""
    if path.whole:
        tail, _, query = tail.partition("#")[0].partition("?")
        if not tail.startswith("/"):
            return _linked(tail, path), query
    return _based(keys, scope, path.source) + encoded(tail), query


def _based(keys: RequestKeys, scope: Mapping[str, Any], where: str) -> str:
    if keys.base_url is None:
        raise ConfigError("there is no base_url to append the path to", where=where)
    return keys.base_url.render(scope)


def _linked(url: str, path: PathText) -> str:
    try:
        return checked_url(url)
    except ValueError as error:
        raise ConfigError(
            f"a path that is one template {error}", where=path.source, hint="or it begins with a slash"
        ) from None


def _headers(declared: Mapping[str, Value | None], scope: Mapping[str, Any]) -> dict[str, str]:
    """The declared fields, and Accept where it is not one of them."""
    fields = {} if any(name.lower() == "accept" for name in declared) else {"Accept": "application/json"}
    for name, value in declared.items():
        if texts := [text for _, text in pairs("headers", name, value, scope)]:
            fields[name] = ", ".join(texts)
    return fields


def time_limit(timeout: Template | float | None, scope: Mapping[str, Any]) -> float | None:
    """The declared `timeout` in seconds; None where there is none, or its template has no value."""
    if not isinstance(timeout, Template):
        return timeout
    value = render(timeout, scope, "timeout")
    if value is MISSING or value is None:
        return None
    try:
        return duration(value) or None
    except ValueError as error:
        raise ConfigError(str(error), where=f"timeout: {timeout.source}") from None
