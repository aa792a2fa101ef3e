"""Bodies that are taken as they are: text and bytes."""

from codecs import getincrementaldecoder
from collections.abc import Sequence
from typing import Any, Literal

from connector_core.decode.family import Decode, UndecodableError
from connector_core.decode.provider import text as written

__all__ = ["Bytes", "Encoding", "Text", "Words"]

Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "latin-1", "iso-8859-2", "iso-8859-15",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp437", "cp850", "koi8-r",
    "mac-roman", "shift_jis", "cp932", "euc-jp", "euc-kr", "gb18030", "big5",
]  # fmt: skip
"""How text is written as bytes, each by one name."""


class Words:
    """Bytes to text as they come; a byte order mark at the beginning is passed over."""

    def __init__(self, encoding: str) -> None:
        self._encoding, self._passed, self._begun = encoding, 0, False
        self._decoder = getincrementaldecoder(encoding)()

    def feed(self, chunk: bytes, *, final: bool = False) -> str:
        """The text of these bytes, without a character that is not complete yet; raises UndecodableError."""
        held = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            at = self._passed - held + error.start
            raise UndecodableError(f"the body is not {self._encoding.upper()} (byte {at})") from None
        except UnicodeError:
            raise UndecodableError(f"the body is not {self._encoding.upper()}: it has no byte order mark") from None
        self._passed += len(chunk)
        if text and not self._begun:
            self._begun, text = True, text.removeprefix("\ufeff")
        return text


class Text(Decode):
    """Text, as it is; a byte order mark at its beginning is passed over.

    Example: `decode: {type: text, encoding: latin-1}`
    """

    shape = "scalar"
    media = "text/plain"

    type: Literal["text"] = "text"
    encoding: Encoding = "utf-8"
    """How the text is written as bytes."""

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The text."""
        return Words(self.encoding).feed(content, final=True), None

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - not a table
        """Text as it is, anything else as JSON."""
        return written(body).encode(self.encoding, "replace")


class Bytes(Decode):
    """The bytes themselves, for a call that downloads something; they have no records.

    Example: `endpoints: {invoice: {get: "/invoices/{{ input.id }}.pdf", input: {id: {}}, decode: bytes}}`
    """

    shape = "bytes"

    type: Literal["bytes"] = "bytes"

    def read(self, content: bytes) -> tuple[Any, str | None]:
        """The bytes."""
        return content, None

    def write(self, body: Any, names: Sequence[str] = ()) -> bytes:  # noqa: ARG002 - not a table
        """Bytes as they are, anything else as UTF-8 text."""
        return body if isinstance(body, bytes) else written(body).encode()
