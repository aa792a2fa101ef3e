"""The standard streams of the process, where they are closed or broken."""

from __future__ import annotations

import os
import sys

__all__ = ["fill_closed_streams", "let_go"]


def fill_closed_streams() -> None:
    """Opens something in place of each standard stream that the caller has closed (`>&-`).

    Else the next file or connection would take its number. What is written to a closed standard output fails as it
    should: it is opened for reading (as gnulib's stdopen does). Messages for a closed standard error go nowhere. A
    closed standard input stays None in sys.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # which takes the lowest number that is free: this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def let_go(number: int) -> None:
    """Leaves nothing that Python would try to write once more at its end (its documentation's note on SIGPIPE)."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    except OSError:
        return
