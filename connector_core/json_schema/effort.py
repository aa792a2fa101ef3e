"""How much it may cost to judge the values that a spec itself holds.

Each part of a value may meet each part of a schema: the size of the one times the size of the other is an upper bound,
and it is known before anything is judged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connector_core.json_schema.dialect import ANNOTATIONS

__all__ = ["Effort"]

MOST = 10_000_000
"""The sum of size times size, in characters of JSON."""


class Effort:
    """What is left of the effort for one spec."""

    def __init__(self) -> None:
        self._left = MOST
        self._sizes: dict[int, int] = {}

    def allows(self, schema: Mapping[str, Any], value: Any) -> bool:
        """Whether that value may be judged by that schema too; the schema has to outlive this object."""
        if (size := self._sizes.get(id(schema))) is None:
            judging = {keyword: argument for keyword, argument in schema.items() if keyword not in ANNOTATIONS}
            size = self._sizes[id(schema)] = len(json.dumps(judging))
        self._left -= size * len(json.dumps(value))
        return self._left >= 0
