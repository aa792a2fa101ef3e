"""What is sent: method and path, params, headers, body, and the address that they are sent to.

::

    base_url: "{{ config.shop_url }}/api/v1"
    headers: {Accept: application/json}
    endpoints:
      orders:
        get: /customers/{{ input.customer }}/orders
        params: {status: open, tag: [a, b]}

What a template inserts into a path is one segment, percent-encoded; `.` and `..` are refused. A path that is one whole
template is a URL as it stands. A null param or header is not sent; a list repeats the name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING, as_text
from connector_core.base_url import BaseUrl, checked_url, encoded, render, rendered_path
from connector_core.component import Model
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.template import PathText, Reads, Template, Value
from connector_core.template.parts import parts_of
from connector_core.template.places import TAKEN_NAMES
from connector_core.units import DURATION, duration

__all__ = ["METHODS", "Body", "InlineRequest", "Method", "RequestKeys", "compose"]

Method = Literal["get", "post", "put", "patch", "delete"]
METHODS: tuple[Method, ...] = get_args(Method)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2


def _path(template: PathText) -> PathText:
    if not template.whole and not template.source.startswith("/"):
        raise PydanticCustomError(
            "path", "must begin with a slash, or be one whole template: /{given}", {"given": template.source}
        )
    fixed = "".join("x" if filled else text for filled, text in parts_of(template.source))
    if "?" in fixed or "#" in fixed:
        raise PydanticCustomError("path", "must not hold a query or fragment; put the query under 'params'")
    if any(char in "{}" for char in fixed):
        raise PydanticCustomError("path", "a single brace stands for nothing; a value is written {{ input.id }}")
    if any(char <= " " or char == "\\" for char in fixed.strip() if not template.whole) or fixed != fixed.strip():
        raise PydanticCustomError("path", "must not hold spaces, line breaks or backslashes; a space is written %20")
    return template


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────


def _fixed(name: str) -> str:
    if "{{" in name:
        raise PydanticCustomError("name", "holds a template; only values can")
    return name


def _field_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise PydanticCustomError("name", "cannot be the name of a header: use letters, digits and hyphens")
    return name


def _some_time(seconds: Template | float) -> Template | float:
    if seconds == 0:
        raise PydanticCustomError("timeout", "must be longer than nothing")
    return seconds


def _free_name(name: str) -> str:
    if not name.isidentifier() or not name.isascii():
        raise PydanticCustomError("name", "must be letters, digits and _, and not begin with a digit")
    if name in TAKEN_NAMES:
        raise PydanticCustomError("name", "hides the name {name} that templates have already", {"name": repr(name)})
    return name


Path = Annotated[PathText, AfterValidator(_path), Reads("path")]
Sent = Annotated[Value, Reads("request")]
FixedName = Annotated[str, AfterValidator(_fixed)]
FreeName = Annotated[str, AfterValidator(_free_name)]
"""A name that a spec makes up for templates."""
FieldName = Annotated[str, AfterValidator(_field_name)]


class Body(Model):
    """The body, in exactly one form."""

    json_: Sent | None = Field(default=None, alias="json")
    """Sent as JSON; a template that is the whole value keeps its type, and drops its key where it is missing."""
    form: dict[FixedName, Sent] = {}
    """Sent as a form, as browsers do."""

    @model_validator(mode="after")
    def _one_form(self) -> Body:
        if len(self.model_fields_set) != 1:
            raise ValueError("must have exactly one of: json, form")
        return self


class RequestKeys(Model):
    """The keys of a request that the connector may set for all its endpoints."""

    base_url: BaseUrl | None = None
    """The address that paths are appended to."""
    params: dict[FixedName, Sent | None] | None = None
    """Query parameters by name; a list repeats the name, null leaves it out."""
    headers: dict[FieldName, Sent | None] | None = None
    """Header fields by name; null leaves one out."""
    body: Body | None = None
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
    def _one_method(self) -> InlineRequest:
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

    def under(self, keys: RequestKeys) -> InlineRequest:
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
    body, encoding = _body(keys.body, scope)
    return Request(
        method=method.upper(),
        url=url,
        query=tuple(
            pair for name, value in (keys.params or {}).items() for pair in _pairs("params", name, value, scope)
        ),
        headers=_headers(keys.headers or {}, scope),
        body=body,
        encoding=encoding,
        timeout=_timeout(keys.timeout, scope),
        link=link,
    )


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


def _pairs(where: str, name: str, value: Value | None, scope: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The name with each of its values; none where the value is null or missing."""
    found = render(value, scope, f"{where}.{name}") if value is not None else None
    items = found if isinstance(found, list) else [found]
    if any(isinstance(item, (dict, list)) for item in items):
        raise ConfigError(
            f"{where}.{name} is an object or a list of lists, and only text and numbers can be sent there",
            hint=f"name its parts one by one: {name}[key]: …, or write it as JSON: | json",
        )
    texts = [as_text(item) for item in items if item is not None and item is not MISSING]
    for text in texts:
        _encodable(text, f"{where}.{name}")
    return [(name, text) for text in texts]


def _all_pairs(
    where: str, declared: Mapping[str, Value | None], scope: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    return tuple(pair for name, value in declared.items() for pair in _pairs(where, name, value, scope))


def _headers(declared: Mapping[str, Value | None], scope: Mapping[str, Any]) -> dict[str, str]:
    """The declared fields, and Accept where it is not one of them."""
    fields = {} if any(name.lower() == "accept" for name in declared) else {"Accept": "application/json"}
    for name, value in declared.items():
        if texts := [text for _, text in _pairs("headers", name, value, scope)]:
            fields[name] = ", ".join(texts)
    return fields


def _body(body: Body | None, scope: Mapping[str, Any]) -> tuple[Any, Literal["json", "form"] | None]:
    if body is None:
        return None, None
    if "form" in body.model_fields_set:
        return _all_pairs("body.form", body.form, scope), "form"
    content = render(body.json_, scope, "body.json") if body.json_ is not None else None
    if content is MISSING:
        return None, None
    try:
        _encodable(json.dumps(content, ensure_ascii=False, allow_nan=False), "body.json")
    except (TypeError, ValueError, RecursionError):
        raise ConfigError("body.json holds what JSON has no form for", hint=_JSON_VALUES) from None
    return content, "json"


_JSON_VALUES = "pass text, finite numbers, true, false, None, lists and dicts"


def _encodable(text: str, where: str) -> None:
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{where} holds half a character (a lone surrogate), which UTF-8 has no form for", hint="pass whole text"
        ) from None


def _timeout(timeout: Template | float | None, scope: Mapping[str, Any]) -> float | None:
    if not isinstance(timeout, Template):
        return timeout
    value = render(timeout, scope, "timeout")
    if value is MISSING or value is None:
        return None
    try:
        return duration(value) or None
    except ValueError as error:
        raise ConfigError(str(error), where=f"timeout: {timeout.source}") from None
