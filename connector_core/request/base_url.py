"""Where a service is: an origin with an optional path.

::

    base_url: "{{ config.shop_url }}/api/v1"          # the user's own, with a path after it
    base_url: https://{{ config.team }}.shop.example  # a value in a host name is one label

It holds no name and password, no query and no fragment. A trailing slash does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from connector_core.address import MISSING
from connector_core.exceptions import ConfigError
from connector_core.request.values import render
from connector_core.template import MissingError, PathText, Template, TemplateError
from connector_core.template.parts import parts_of
from connector_core.template.segments import checked_path, climbs

__all__ = ["BaseUrl", "checked_url", "encoded", "rendered_path"]

_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_HOST = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]+"
)  # labels, or what stands in an IPv6's brackets


class BaseUrl:
    """An origin with an optional path, such as `{{ config.url }}/v1` or `https://{{ config.team }}.shop.example`."""

    place: ClassVar[str] = "base_url"
    what: ClassVar[str] = "base_url"
    """What messages call it."""

    def __init__(self, source: str) -> None:
        """Raises ValueError where it can't become the address of a service."""
        self.source: str = source
        self.template: Template = Template(source)
        home, path = _split(source)
        self._path = PathText(path) if path else None
        self._leading = Template(home) if home.startswith("{{") else None
        self._host = [Template(_braced(text)) if filled else text for filled, text in parts_of(home)]
        if self._leading is None and not re.match(r"https?://", home, re.IGNORECASE):
            raise ValueError("must begin with https://, http:// or one whole template")
        stand_in = (
            "https://1" if self._leading else "".join(part if isinstance(part, str) else "1" for part in self._host)
        )
        checked_url(stand_in + "".join("1" if filled else text for filled, text in parts_of(path)))

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
        path = rendered_path(self._path, scope, self.what) if self._path is not None else ""
        return self._checked(home + path).rstrip("/")

    def _home(self, scope: Mapping[str, Any]) -> str:
        if self._leading is None:
            return "".join(part if isinstance(part, str) else self._label(part, scope) for part in self._host)
        leading = render(self._leading, scope, self.what)
        if leading is MISSING or leading is None:
            raise ConfigError(
                f"{self.what} has no value", where=self.source, hint="give it where the connector is opened"
            )
        return self._checked(leading if isinstance(leading, str) else "").rstrip("/")

    def _label(self, part: Template, scope: Mapping[str, Any]) -> str:
        value = render(part, scope, self.what)
        label = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(label, str) or not _HOST_LABEL.fullmatch(label):
            raise ConfigError(
                f"{part.source} must be one label of a host name: letters, digits and hyphens",
                where=f"{self.what}: {self.source}",
                hint="pass only the part that stands for it, without dots, slashes or scheme",
            )
        return label

    def _checked(self, url: str) -> str:
        """The URL in its normal form; it is never shown, as a user may have put a password into it."""
        try:
            return checked_url(url)
        except ValueError as error:
            raise ConfigError(
                f"{self.what} {error}", where=self.source, hint="it is an address such as https://api.example.com/v1"
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


def checked_url(url: str) -> str:
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
    unsafe = any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in url)  # noqa: PLR2004
    if unsafe or port == 0 or parts.netloc.endswith(":"):
        raise ValueError("is not a URL: there is a space, control character, backslash or bad port in it")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError("must have a host of letters, digits, hyphens and dots (other scripts are written xn--…)")
    if climbs(parts.path):
        raise ValueError("must not hold . or .. segments")
    return f"{parts.scheme}://{parts.netloc.lower()}{encoded(parts.path)}"


def encoded(path: str) -> str:
    """The path with what no URL may hold percent-encoded; what is encoded already stays."""
    return path if path.isascii() and path.isalnum() else quote(path, safe="/:@!$&'()*+,;=~%")


def rendered_path(path: PathText, scope: Mapping[str, Any], where: str) -> str:
    """The path with its values in it; raises ConfigError that says where in the spec it stands."""
    try:
        text = path.text(scope)
        return checked_path(text) if text.startswith("/") else text
    except (MissingError, TemplateError) as error:
        raise ConfigError(str(error), where=where, hint="it must have a value that can stand in a path") from None
