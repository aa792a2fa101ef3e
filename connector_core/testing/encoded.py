"""A body as the provider writes it, in the form that `decode` declares; apart from the code that reads it."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZIP_DEFLATED, ZipFile

from connector_core.compression import zstd
from connector_core.decode import Decode, Json
from connector_core.decode.containers import Gzip, Zstd
from connector_core.decode.csv_body import Csv
from connector_core.decode.ndjson import Ndjson
from connector_core.decode.plain import Bytes, Text
from connector_core.decode.xml_body import Xml
from connector_core.decode.zip_archive import Zip
from connector_core.testing.dataset import text_of

__all__ = ["encoded"]


def encoded(body: Any, decode: Decode | list[Decode], names: Sequence[str]) -> tuple[bytes, str]:
    """The bytes of a body and their media type; raises ValueError where that form cannot hold it.

    `names`: the columns of a table without rows.
    """
    *containers, decoder = decode if isinstance(decode, list) else [decode]
    content, media = _written(body, decoder, names)
    for container in reversed(containers):
        content, media = _packed(content, container)
    return content, media


def _written(body: Any, decoder: Decode, names: Sequence[str]) -> tuple[bytes, str]:
    match decoder:
        case Json():
            return json.dumps(body, ensure_ascii=False).encode(), "application/json"
        case Ndjson():
            lines = [json.dumps(item, ensure_ascii=False) for item in _rows(body, "ndjson")]
            return "".join(f"{line}\n" for line in lines).encode(), "application/x-ndjson"
        case Csv():
            return _table(_rows(body, "csv"), decoder, names).encode(decoder.encoding, "replace"), "text/csv"
        case Xml():
            return ET.tostring(_root(body), encoding="utf-8", xml_declaration=True), "application/xml"
        case Text():
            return _text(body).encode(decoder.encoding, "replace"), "text/plain"
        case Bytes():
            return _text(body).encode(), "application/octet-stream"
    raise ValueError(f"decode: {decoder.kind()} is not simulated")


def _packed(content: bytes, container: Decode) -> tuple[bytes, str]:
    match container:
        case Gzip():
            return gzip.compress(content, 1, mtime=0), "application/gzip"
        case Zip():
            packed = BytesIO()
            with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
                if container.member is not None:
                    archive.writestr("__left_out__/README", "not what was asked for\n")
                archive.writestr(re.sub(r"[*?]", "1", container.member or "1"), content)
            return packed.getvalue(), "application/zip"
        case Zstd():
            if (library := zstd()) is None:
                raise ValueError("decode: zstd needs the extra 'speed'")
            return library.compress(content), "application/zstd"
    raise ValueError(f"decode: {container.kind()} is not simulated")


def _rows(body: Any, name: str) -> Sequence[Any]:
    if not isinstance(body, list):
        raise ValueError(f"decode: {name} is a list of records, and nothing stands beside them")  # noqa: TRY004 - see above
    return body


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else text_of(value)


# ── csv ───────────────────────────────────────────────────────────────────────────────────────────


def _table(rows: Sequence[Any], form: Csv, names: Sequence[str]) -> str:
    written = StringIO(newline="")
    names = list(dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row)) or names
    columns = form.header if isinstance(form.header, list) else names
    quoting: Any = csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE
    writer = csv.writer(written, delimiter=form.delimiter, quotechar=form.quote, escapechar=form.escape,
                        quoting=quoting, doublequote=form.escape is None)  # fmt: skip
    try:
        if form.header is True and columns:
            writer.writerow(columns)
        writer.writerows([_text(row.get(name)) for name in columns] for row in rows)
    except csv.Error as error:
        raise ValueError(f"decode: csv cannot hold the records: {error}") from None
    return "simulated\r\n" * form.skip + written.getvalue()


# ── xml ───────────────────────────────────────────────────────────────────────────────────────────


def _root(body: Any) -> ET.Element:
    if not isinstance(body, dict) or len(body) != 1:
        raise ValueError("decode: xml has one outermost element; records and all else stand below it, as body.a.item")
    [(name, value)] = body.items()
    if isinstance(value, list):
        raise ValueError(f"decode: xml has one outermost element, so no list stands at body.{name}")  # noqa: TRY004
    return _element(name, value)


def _element(name: str, value: Any) -> ET.Element:
    element = ET.Element(name)
    if not isinstance(value, dict):
        element.text = text_of(value)
        return element
    for key, inner in value.items():
        if key.startswith("@"):
            element.set(key[1:], text_of(inner))
        elif key == "#text":
            element.text = text_of(inner)
        else:
            element.extend(_element(key, item) for item in (inner if isinstance(inner, list) else [inner]))
    return element
