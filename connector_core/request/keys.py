"""The keys of a request and how one is composed from them: method and path, params, headers, and the address.

What a template inserts into a path is one segment, percent-encoded; `.` and `..` are refused. A path that is one whole
template is a URL as it stands. A null param or header is not sent; a list repeats the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.address import MISSING
from connector_core.component import Model
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.request.body import Body, composed, not_multipart
from connector_core.request.values import FieldName, FixedName, Sent, all_pairs, pairs, render
from connector_core.template import MissingError, PathText, Reads, Template, TemplateError, Value
from connector_core.template.parts import parts_of
from connector_core.template.segments import checked_path
from connector_core.units import DURATION, duration

__all__ = ["METHODS", "BaseUrl", "Method", "Path", "RequestKeys", "compose"]

Method = Literal["get", "post", "put", "patch", "delete"]
METHODS: tuple[Method, ...] = get_args(Method)

_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_HOST = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]+"
)  # labels, or what stands in an IPv6's brackets


# ── where to ──────────────────────────────────────────────────────────────────────────────────────


class BaseUrl:
    """An origin with an optional path, such as `{{ config.url }}/v1` or `https://{{ config.team }}.shop.example`."""

    place = "base_url"

    def __init__(self, source: str) -> None:
        """Raises ValueError where it can't become the address of a service."""
        self.source, self.template = source, Template(source)
        home, path = _split(source)
        self._path = PathText(path) if path else None
        self._leading = Template(home) if home.startswith("{{") else None
        self._host = [Template(_braced(text)) if filled else text for filled, text in parts_of(home)]
        if self._leading is None and not re.match(r"https?://", home, re.IGNORECASE):
            raise ValueError("must begin with https://, http:// or one whole template")
        stand_in = (
            "https://1" if self._leading else "".join(part if isinstance(part, str) else "1" for part in self._host)
        )
        _checked_url(stand_in + "".join("1" if filled else text for filled, text in parts_of(path)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseUrl) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"BaseUrl({self.source!r})"

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The name paths that it reads."""
        return self.template.reads

    def render(self, scope: Mapping[str, Any]) -> str:
        """The absolute URL without a trailing slash; raises ConfigError where it is none."""
        home = self._home(scope)
        path = _rendered_path(self._path, scope, "base_url") if self._path is not None else ""
        return self._checked(home + path).rstrip("/")

    def _home(self, scope: Mapping[str, Any]) -> str:
        if self._leading is None:
            return "".join(part if isinstance(part, str) else self._label(part, scope) for part in self._host)
        leading = render(self._leading, scope, "base_url")
        if leading is MISSING or leading is None:
            raise ConfigError("base_url has no value", where=self.source, hint="give it where the connector is opened")
        return self._checked(leading if isinstance(leading, str) else "").rstrip("/")

    def _label(self, part: Template, scope: Mapping[str, Any]) -> str:
        value = render(part, scope, "base_url")
        label = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(label, str) or not _HOST_LABEL.fullmatch(label):
            raise ConfigError(
                f"{part.source} must be one label of a host name: letters, digits and hyphens",
                where=f"base_url: {self.source}",
                hint="pass only the part that stands for it, without dots, slashes or scheme",
            )
        return label

    def _checked(self, url: str) -> str:
        """The URL in its normal form; it is never shown, as a user may have put a password into it."""
        try:
            return _checked_url(url)
        except ValueError as error:
            raise ConfigError(
                f"base_url {error}", where=self.source, hint="it is an address such as https://api.example.com/v1"
            ) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(strict=True))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "examples": ["https://api.shop.example/v1"]}


def _braced(expression: str) -> str:
    return f"{{{{ {expression.strip()} }}}}"


def _split(source: str) -> tuple[str, str]:
    """What renders to scheme and host, and the path after it."""
    home = path = ""
    for filled, text in parts_of(source):
        piece = _braced(text) if filled else text
        if path or home.startswith("{{"):
            path += piece
        elif not filled and (slash := (home + piece).find("/", (home + piece).find("://") + 3)) >= 0:
            home, path = (home + piece)[:slash], (home + piece)[slash:]
        else:
            home += piece
    if path and not path.startswith("/"):
        raise ValueError("must be one whole template, or have a slash after it")
    return home, path


def _checked_url(url: str) -> str:
    """The URL with scheme and host in lower case and its path encoded; raises ValueError unless that is all it has."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute URL that begins with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password; sign in with `auth`")
    if "?" in url or "#" in url:
        raise ValueError("must not hold a query or fragment; fixed parameters stand under `params`")
    if any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in url) or port == 0:  # noqa: PLR2004
        raise ValueError("is not a URL: there is a space, control character, backslash or bad port in it")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError("must have a host of letters, digits, hyphens and dots (other scripts are written xn--…)")
    if any(segment in (".", "..") for segment in parts.path.lower().replace("%2e", ".").split("/")):
        raise ValueError("must not hold . or .. segments")
    return f"{parts.scheme}://{parts.netloc.lower()}{_encoded(parts.path)}"


def _encoded(path: str) -> str:
    """The path with what no URL may hold percent-encoded; what is encoded already stays."""
    return path if path.isascii() and path.isalnum() else quote(path, safe="/:@!$&'()*+,;=~%")


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


def _some_time(seconds: Template | float) -> Template | float:
    if seconds == 0:
        raise PydanticCustomError("timeout", "must be longer than nothing")
    return seconds


Path = Annotated[PathText, AfterValidator(_path), Reads("path")]


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


def compose(
    keys: RequestKeys,
    method: Literal["get", "post", "put", "patch", "delete"],
    path: PathText,
    scope: Mapping[str, Any],
) -> Request:
    """The request that the keys describe under these names, not yet paged or signed; raises ConfigError."""
    url, link = _url(keys, path, scope)
    body, encoding = composed(keys.body, scope) if keys.body is not None else (None, None)
    request = Request(
        method=method.upper(),
        url=url,
        query=all_pairs("params", keys.params or {}, scope),
        headers=_headers(keys.headers or {}, scope),
        body=body,
        encoding=encoding,
        timeout=_timeout(keys.timeout, scope),
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


def _url(keys: RequestKeys, path: PathText, scope: Mapping[str, Any]) -> tuple[str, str]:
    """The URL, and the query that a path which is a link brings along."""
    tail, query = _rendered_path(path, scope, f"the path {path.source}"), ""
    if path.whole:
        tail, _, query = tail.partition("#")[0].partition("?")
        if not tail.startswith("/"):
            return _linked(tail, path), query
    if keys.base_url is None:
        raise ConfigError("there is no base_url to append the path to", where=path.source)
    return keys.base_url.render(scope) + _encoded(tail), query


def _linked(url: str, path: PathText) -> str:
    try:
        return _checked_url(url)
    except ValueError as error:
        raise ConfigError(
            f"a path that is one template {error}", where=path.source, hint="or it begins with a slash"
        ) from None


def _rendered_path(path: PathText, scope: Mapping[str, Any], where: str) -> str:
    try:
        text = path.text(scope)
        return checked_path(text) if text.startswith("/") else text
    except (MissingError, TemplateError) as error:
        raise ConfigError(str(error), where=where, hint="it must have a value that can stand in a path") from None


def _headers(declared: Mapping[str, Value | None], scope: Mapping[str, Any]) -> dict[str, str]:
    """The declared fields, and Accept where it is not one of them."""
    fields = {} if any(name.lower() == "accept" for name in declared) else {"Accept": "application/json"}
    for name, value in declared.items():
        if texts := [text for _, text in pairs("headers", name, value, scope)]:
            fields[name] = ", ".join(texts)
    return fields


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
