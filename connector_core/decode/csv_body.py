"""CSV: a table as text, a row a line."""

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import StringIO
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from connector_core.address import BodyPath
from connector_core.decode.family import LIMIT, Decode, Stream, UndecodableError, run, too_large
from connector_core.decode.instead import instead
from connector_core.decode.json_body import decode_json
from connector_core.decode.plain import Encoding, Words
from connector_core.decode.provider import rows as records_of
from connector_core.decode.provider import text as text_in

__all__ = ["Csv"]


def _character(text: str) -> str:
    if len(text) != 1 or text in "\r\n":
        raise PydanticCustomError("pattern", 'must be one character; in double quotes, a tab is "\\t"')
    return text


Character = Annotated[
    str,
    AfterValidator(_character),
    WithJsonSchema({"type": "string", "pattern": r"[^\r\n]", "minLength": 1, "maxLength": 1}),
]


class Csv(Decode):
    """Comma-separated values (RFC 4180) and their relatives; the body is a list of objects whose values are text.

    Rows may end as they like, and blank lines are passed over, as is a byte order mark.

    Example: `decode: {type: csv, delimiter: ";", encoding: cp1252, empty: "null"}`
    """

    shape = "list"
    media = "text/csv"

    type: Literal["csv"] = "csv"
    delimiter: Character = ","
    """What stands between two values."""
    quote: Character | None = '"'
    """What stands around a value that holds delimiters or ends of lines; doubled, it is meant itself. `null`: nothing
    does."""
    escape: Character | None = None
    """What takes the meaning from the character after it, such as a backslash."""
    header: bool | list[str] = True
    """Whether the first row names the columns; later rows equal to it are passed over. `false`: they are c1, c2, …; or
    a list of names, where the file has none."""
    skip: Annotated[int, Field(ge=0)] = 0
    """Lines to pass over at the beginning."""
    encoding: Encoding = "utf-8"
    """How the text is written as bytes."""
    empty: Literal["keep", "null"] = "keep"
    """What becomes of an empty value: it stays empty text, or becomes null."""
    ragged: Literal["fail", "fill"] = "fail"
    """What becomes of a row with fewer or more values than columns: an error; or null for what it lacks, and `c4` for a
    fourth value."""

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        marks = [mark for mark in (self.delimiter, self.quote, self.escape) if mark is not None]
        if not _different(marks):
            raise ValueError("'delimiter', 'quote' and 'escape' must be three different characters")
        if isinstance(self.header, list) and not (self.header and all(self.header) and _different(self.header)):
            raise ValueError("the names in 'header' must all be different, and none of them empty")
        return self

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The rows as objects."""
        return run(_Table(self), content), None

    def stream(self, records: BodyPath) -> Callable[[], Stream] | None:
        """The rows, where they are the records."""
        return None if records.keys else partial(_Table, self)

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:
        """A table of every column that a record has; objects and lists in it are JSON."""
        found, written = records_of(body, "csv"), StringIO(newline="")
        named = list(dict.fromkeys(name for row in found if isinstance(row, Mapping) for name in row)) or names
        columns = self.header if isinstance(self.header, list) else named
        quoting: Any = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
        writer = csv.writer(written, delimiter=self.delimiter, quotechar=self.quote, escapechar=self.escape,
                            quoting=quoting, doublequote=self.escape is None)  # fmt: skip
        try:
            if self.header is True and columns:
                writer.writerow(columns)
            writer.writerows([text_in(row.get(name)) for name in columns] for row in found)
        except csv.Error as error:
            raise ValueError(f"decode: csv cannot hold the records: {error}") from None
        return ("simulated\r\n" * self.skip + written.getvalue()).encode(self.encoding, "replace")


def _different(texts: list[str]) -> bool:
    return len(set(texts)) == len(texts)


class _Table(Stream):
    """The text of the rows, once it is sure that the body is no HTML, XML or JSON."""

    def __init__(self, kind: Csv) -> None:
        self.rest = []
        self._needs_header = kind.header is True and not kind.skip
        self._words, self._rows = Words(kind.encoding), _Rows(kind)
        self._head: bytearray | None = bytearray()

    def feed(self, chunk: bytes) -> list[Any]:
        if self._head is not None:
            self._head += chunk
            if len(self._head) < _LOOKED_AT and _might_be_other(bytes(self._head)):
                return []
            chunk, self._head = bytes(self._head), None
            self._check(chunk)
        return self._rows.feed(self._words.feed(chunk))

    def close(self) -> list[Any]:
        left = bytes(self._head or b"")
        if self._head is not None:
            self._check(left, whole=True)
        return self._rows.feed(self._words.feed(left, final=True), final=True)

    def _check(self, head: bytes, *, whole: bool = False) -> None:
        what = instead(head, "CSV") if head.strip() or self._needs_header else None
        if what is None and whole and head.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[") and _is_json(head):
            what = "the body is JSON, where CSV is expected"
        if what is not None:
            raise UndecodableError(what)


_BOM = b"\xef\xbb\xbf"
_LOOKED_AT = 64 * 1024


def _might_be_other(head: bytes) -> bool:
    """Whether the body begins as another format does, as far as it has come."""
    return _BOM.startswith(head) or head.removeprefix(_BOM).lstrip()[:1] in (b"", b"<", b"{", b"[")


def _is_json(content: bytes) -> bool:
    try:
        decode_json(content)
    except UndecodableError:
        return False
    return True


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────


class _Rows:
    """Rows as objects, from text as it comes: the standard library's reader, given whole lines."""

    def __init__(self, kind: Csv) -> None:
        self._kind = kind
        self._format: dict[str, Any] = {"delimiter": kind.delimiter, "quotechar": kind.quote, "escapechar": kind.escape}
        if kind.quote is None:
            self._format["quoting"] = csv.QUOTE_NONE
        self._names: list[str] | None = kind.header if isinstance(kind.header, list) else None
        self._skip, self._lines = kind.skip, 0  # lines to pass over, and lines that are behind
        self._held: list[str] = []  # text without a whole row in it
        self._size = self._tried = 0  # how much that is, and how much it was when a row was last looked for in vain
        # A limit of the whole process, too small for real files; what bounds a value here is the limit of a body.
        csv.field_size_limit(max(csv.field_size_limit(), LIMIT))

    def feed(self, text: str, *, final: bool = False) -> list[dict[str, Any]]:
        """The rows that are complete with this text."""
        self._held.append(text)
        self._size += len(text)
        if not final and ("\n" not in text or self._size < 2 * self._tried):
            self._bound()
            return []  # a row of very many lines is looked for again only when it has doubled
        whole = "".join(self._held)
        end = len(whole) if final else whole.rfind("\n") + 1
        lines = self._without_skipped(list(StringIO(whole[:end], newline="")))
        rows, ends = self._parsed(lines, final=final)
        done = ends[-1] if ends else 0
        left = "".join(lines[done:]) + whole[end:]
        self._held, self._size, self._tried = [left], len(left), len(left) if lines and not rows else 0
        self._bound()
        objects = self._objects(rows, ends)
        self._lines += done
        return objects

    def _bound(self) -> None:
        if self._size > LIMIT:
            raise too_large("a row of the body", LIMIT)

    def _without_skipped(self, lines: list[str]) -> list[str]:
        skipped = min(self._skip, len(lines))
        self._skip -= skipped
        self._lines += skipped
        return lines[skipped:]

    def _parsed(self, lines: list[str], *, final: bool) -> tuple[list[list[str]], list[int]]:
        """The whole rows, and how many of the lines are behind after each."""
        rows: list[list[str]] = []
        ends: list[int] = []
        reader = csv.reader(iter(lines), strict=True, **self._format)
        try:
            for row in reader:
                rows.append(row)
                ends.append(reader.line_num)
        except csv.Error as error:
            if str(error) != "unexpected end of data":
                at = self._lines + reader.line_num
                raise UndecodableError(f"line {at} of the body is not CSV: {_in_words(error)}") from None
            if final:
                at = self._lines + (ends[-1] if ends else 0) + 1
                raise UndecodableError(f"the body breaks off in the row that begins in line {at}") from None
        return rows, ends

    def _objects(self, rows: list[list[str]], ends: list[int]) -> list[dict[str, Any]]:
        starts = [self._lines + 1 + before for before in [0, *ends[:-1]]]
        if not all(rows):  # blank lines
            starts = [start for start, row in zip(starts, rows, strict=True) if row]
            rows = [row for row in rows if row]
        if rows and self._names is None:
            self._names = self._named(rows[0], starts[0])
        names = self._names or []
        if self._kind.header is True and names in rows:
            starts = [start for start, row in zip(starts, rows, strict=True) if row != names]
            rows = [row for row in rows if row != names]
        if set(map(len, rows)) - {len(names)}:
            objects = [self._uneven(row, start) for row, start in zip(rows, starts, strict=True)]
        else:
            objects = [dict(zip(names, row, strict=True)) for row in rows]
        if self._kind.empty == "null":
            return [{name: value or None for name, value in row.items()} for row in objects]
        return objects

    def _named(self, first: list[str], line: int) -> list[str]:
        """The names of the columns, given the first row."""
        if self._kind.header is False:
            return [f"c{number}" for number in range(1, len(first) + 1)]
        where = f"line {line} of the body should name the columns, and"
        for number, name in enumerate(first, 1):
            if not name:
                raise UndecodableError(f"{where} column {number} has no name")
            if (other := first.index(name) + 1) < number:
                raise UndecodableError(f"{where} columns {other} and {number} have the same name")
        return first

    def _uneven(self, row: list[str], line: int) -> dict[str, Any]:
        names = self._names or []
        if len(row) != len(names) and self._kind.ragged == "fail":
            raise UndecodableError(f"line {line} of the body has {len(row)} values for {len(names)} columns")
        further = [f"c{number}" for number in range(len(names) + 1, len(row) + 1)]
        if not set(further).isdisjoint(names):
            raise UndecodableError(f"line {line} of the body has {len(row)} values, and c{len(row)} is another column")
        return dict.fromkeys(names) | dict(zip([*names, *further], row, strict=False))


def _in_words(error: csv.Error) -> str:
    return "a quoted value goes on after its closing quote" if "expected after" in str(error) else str(error)
