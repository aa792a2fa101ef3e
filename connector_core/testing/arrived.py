"""What arrived at the simulated service, read from its bytes; it shares no code with the side that writes them.

What cannot be read is a ValueError, which the service answers with 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from connector_core.http import Multipart, Part
from connector_core.http.messages import Encoding

__all__ = ["body_of", "fields_of", "from_json"]

_PARAMETER = re.compile(rb';\s*([\w*]+)="([^"]*)"')
_SURROGATES = re.compile("[\ud800-\udfff]")
_ENTITIES = re.compile(rb"<!DOCTYPE", re.IGNORECASE)
DEEPEST = 100
"""Levels that a body may be nested in, so that whatever is made of it can be walked through."""


def body_of(content: bytes, content_type: str) -> tuple[Any, Encoding | None]:
    """The body as a request has it, and its encoding; raises ValueError, in words, where it is broken."""
    body, encoding = _read(content, content_type)
    _check(body, "the body")
    return body, encoding


def _read(content: bytes, content_type: str) -> tuple[Any, Encoding | None]:
    told = Message()
    told["Content-Type"] = content_type or "application/octet-stream"
    kind = told.get_content_type()
    if not content:
        return None, None
    if kind.endswith("json"):
        return _json(content, "the body"), "json"
    if kind == "application/x-www-form-urlencoded":
        return tuple(parse_qsl(_decoded(content, "utf-8"), keep_blank_values=True)), "form"
    if kind.startswith("multipart/"):
        return Multipart(tuple(_parts(content, _parameter(told, "boundary")))), "multipart"
    if kind.endswith(("/xml", "+xml")):
        return _xml(content), "xml"
    if kind.startswith("text/"):
        return _decoded(content, _parameter(told, "charset") or "utf-8"), "text"
    return content, "bytes"


def _parameter(told: Message, name: str) -> str:
    return collapse_rfc2231_value(told.get_param(name, ""))


def _check(value: Any, what: str) -> None:
    """Raises ValueError for what no answer could repeat: it is nested too deeply, no number, or no text."""
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for item in level:
            match item:
                case dict():
                    below += [*item, *item.values()]
                case list() | tuple():
                    below += item
                case Multipart():
                    below += [text for part in item.parts for text in (part.name, part.value, part.filename, part.type)]
                case str() if not item.isascii() and _SURROGATES.search(item):
                    raise ValueError(f"{what} holds half a character (a lone surrogate), which is no text")
                case float() if not isfinite(item):
                    raise ValueError(f"{what} holds {item}, which is no number")
        if not below:
            return
        level = below
    raise ValueError(f"{what} is nested too deeply")


def fields_of(body: Any, encoding: Encoding | None) -> dict[str, Any]:
    """The values by name, as a record would hold them; of a file, what it is called and how large it is."""
    match encoding:
        case "form":
            return dict(body)
        case "multipart":
            return {part.name: _shown(part) for part in body.parts}
        case "xml":
            [root] = body.values()
            return {name: value for name, value in root.items() if name != "#text"} if isinstance(root, dict) else {}
    return dict(body) if isinstance(body, dict) else {}


def _shown(part: Part) -> Any:
    if part.filename is None:
        return from_json(part.value) if part.type == "application/json" else part.value
    return {"filename": part.filename, "type": part.type, "size": len(part.value)}


def from_json(text: str | bytes) -> Any:
    """The value of a part that holds JSON; as it is where it does not."""
    try:
        value = _json(text, "the part")
        _check(value, "the part")
    except ValueError:
        return text
    return value


def _json(content: str | bytes, what: str) -> Any:
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{what} is not JSON: {error}") from None


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset)
    except (UnicodeDecodeError, LookupError):
        raise ValueError(f"the body is not {charset}") from None


# ── multipart: RFC 2046 §5.1, RFC 7578 ────────────────────────────────────────────────────────────


def _parts(content: bytes, boundary: str) -> Iterator[Part]:
    if not boundary:
        raise ValueError("the body is multipart, and its type names no boundary")
    _, *pieces = (b"\r\n" + content).split(b"\r\n--" + boundary.encode())
    if not pieces or not pieces[-1].startswith(b"--"):
        raise ValueError("the multipart body has no end")
    for piece in pieces[:-1]:
        head, found, value = piece.partition(b"\r\n\r\n")
        if not found or not head.startswith(b"\r\n"):
            raise ValueError("a part of the multipart body has no head")
        yield _part(head, value)


def _part(head: bytes, value: bytes) -> Part:
    fields = {
        name.strip().lower(): told.strip()
        for name, _, told in (line.partition(b":") for line in head.strip().split(b"\r\n"))
    }
    given = {name: _unescaped(told) for name, told in _PARAMETER.findall(fields.get(b"content-disposition", b""))}
    if b"name" not in given:
        raise ValueError("a part of the multipart body has no name")
    filename, type_ = given.get(b"filename"), fields.get(b"content-type")
    return Part(
        given[b"name"],
        _decoded(value, "utf-8") if filename is None else value,
        filename,
        None if type_ is None else _decoded(type_, "utf-8"),
    )


def _unescaped(told: bytes) -> str:
    text = _decoded(told, "utf-8")
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


# ── XML ───────────────────────────────────────────────────────────────────────────────────────────


def _xml(content: bytes) -> dict[str, Any]:
    if _ENTITIES.search(content[:1000]):
        raise ValueError("the body is XML with a DOCTYPE, which is refused")
    try:
        root = ET.fromstring(content)  # noqa: S314 - no DOCTYPE, so no entities
    except (ET.ParseError, LookupError, ValueError) as error:
        raise ValueError(f"the body is not XML: {error}") from None
    try:
        return {_name(root.tag): _element(root)}
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None


def _element(element: ET.Element) -> Any:
    """A text, or an object of attributes and elements; a name that comes again makes a list."""
    found: dict[str, Any] = {f"@{_name(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = _name(child.tag), _element(child)
        if name in found:
            before = found[name]
            found[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[name] = value
    text = element.text if not len(element) else (element.text or "").strip()
    if not found:
        return text
    return {**found, "#text": text} if text else found


def _name(tag: str) -> str:
    """Without its namespace."""
    return tag.rpartition("}")[2]
