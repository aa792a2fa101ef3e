"""A body as the provider writes it, in the form that `decode` declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector_core.decode import Container, Decode

__all__ = ["encoded"]


def encoded(body: Any, decode: Decode | list[Decode], names: Sequence[str]) -> tuple[bytes, str]:
    """The bytes of a body and their media type; raises ValueError where that form cannot hold it.

    `names`: the columns of a table without rows.
    """
    *containers, decoder = decode if isinstance(decode, list) else [decode]
    content, media = decoder.write(body, names), decoder.media
    for container in reversed(containers):
        if isinstance(container, Container):  # all of them: see Steps
            content, media = container.pack(content), container.media
    return content, media
