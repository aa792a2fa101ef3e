"""The standard streams of the process, where they are closed or broken."""

from __future__ import annotations

import os
import sys

__all__ = ["fill_closed_streams", "let_go"]


def fill_closed_streams() -> None:
    """Opens something in place of each standard stream that the caller has closed (`>&-`).

    Else the next file or connection would take its number, and sys would hold None. What is written to a closed output,
    or read from a closed input, fails as it should: these are opened the other way round (as gnulib's stdopen does).
    Messages for a closed standard error go nowhere.
    """
    for number, name, mode, flags in (
        (0, "stdin", "r", os.O_WRONLY),
        (1, "stdout", "w", os.O_RDONLY),
        (2, "stderr", "w", os.O_WRONLY),
    ):
        try:
            os.fstat(number)
        except OSError:
            if os.open(os.devnull, flags) == number:
                setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))


def let_go(number: int) -> None:
    """Leaves nothing that Python would try to write once more at its end (its documentation's note on SIGPIPE)."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    except OSError:
        return
