"""JSON values, one a line."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from connector_core.address import BodyPath
from connector_core.decode.family import LIMIT, Decode, Stream, UndecodableError, run, too_large
from connector_core.decode.instead import html
from connector_core.decode.json_body import decode_json
from connector_core.decode.provider import rows

__all__ = ["Ndjson"]


class Ndjson(Decode):
    """JSON values, one a line (NDJSON, JSON Lines); the body is the list of them. Blank lines are passed over.

    Example: `decode: ndjson`
    """

    shape = "list"
    media = "application/x-ndjson"

    type: Literal["ndjson"] = "ndjson"

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The list of values."""
        lines = _Lines()
        return run(lines, content), lines.repair

    def stream(self, records: BodyPath) -> Callable[[], Stream] | None:
        """The values themselves, where they are the records."""
        return None if records.keys else _Lines

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - not a table
        """A line for each record."""
        return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in rows(body, "ndjson")).encode()


class _Lines(Stream):
    def __init__(self) -> None:
        self.rest = []
        self._begun = bytearray()  # the line that has not ended yet
        self._count = 0
        self._repairs: dict[str, None] = {}

    def feed(self, chunk: bytes) -> list[Any]:
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._begun += chunk
            if len(self._begun) > LIMIT:
                raise too_large("a line of the body", LIMIT)
            return []
        whole, self._begun = bytes(self._begun) + chunk[:end], bytearray(chunk[end:])
        return self._values(whole[:-1])

    def close(self) -> list[Any]:
        values = self._values(bytes(self._begun))
        self.repair = ", ".join(self._repairs) or None
        return values

    def _values(self, whole: bytes) -> list[Any]:
        lines, values = whole.split(b"\n"), []
        for number, line in enumerate(lines, self._count + 1):
            if line and not line.isspace():
                try:
                    value, repair = decode_json(line)
                except UndecodableError as error:
                    raise UndecodableError(_told(str(error), line, number)) from None
                values.append(value)
                if repair:
                    self._repairs[repair] = None
        self._count += len(lines)
        return values


def _told(what: str, line: bytes, number: int) -> str:
    """What is wrong with a line; a page of HTML has no lines to speak of."""
    if number == 1 and (page := html(line)):
        return f"the body is {page}, where NDJSON is expected"
    return f"line {number} of {what.replace('(line 1, column', '(column')}"
