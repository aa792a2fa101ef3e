"""A spec's own types as a Python module: what its records, inputs, config and secrets hold, and a protocol over them.

::

    connector types shop --output shop_types.py

    from shop_types import Shop

    async def sync(shop: Shop) -> None:
        async for order in shop.read("orders"):      # an OrdersRecord
            ...

Rule 1: the module is made from the spec alone, and the same each time, so that a diff shows what changed in the spec.
Rule 2: nothing of the spec is written into it but as a checked identifier, an escaped text, or a docstring of printable
        characters; none of it becomes a comment, which tools take orders from.
Rule 3: what runs is not refused: where the spec says nothing, or more than types can, the type is wider.

::

    names: identifiers, texts and docstrings     layout: how long lines are broken
    shapes: a JSON Schema as a type              protocol: the connector's methods
"""

from __future__ import annotations

from connector_core.types.protocol import written

__all__ = ["written"]
