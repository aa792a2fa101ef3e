"""Regular expressions from specs, which never run long: on any text of the declared length, within a fixed budget.

::

    body.message | regex('rate.?limit') is defined
    regions: {type: string, pattern: "^[a-z]{2}$"}

Rule 1: a pattern is Python's syntax without what looks around or back; `\\w \\d \\s \\b` are of ASCII, and `$` is the
        end of the text. It is taken apart when the spec loads and written anew for the engine that there is: RE2 where
        it is installed (the extra `regex`), else Python's. What matches does not depend on which.
Rule 2: Python's engine goes back and tries again. So a pattern is refused, with either engine, where that could take
        more than the budget: nested repeats, alternatives that begin alike inside one, repeats that can share a text
        in too many ways.

::

    syntax: the pattern as a tree     budget, loops: what it can cost     engines: the tree as text for an engine
"""

from __future__ import annotations

from connector_core.patterns.engines import LONGEST_PATTERN, Pattern

__all__ = ["LONGEST_PATTERN", "Pattern"]
