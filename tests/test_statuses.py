"""Statuses as specs write them."""

from __future__ import annotations

import pytest

from connector_core.statuses import span


@pytest.mark.parametrize(
    "item, found",
    [
        (404, range(404, 405)), ("5xx", range(500, 600)), (100, range(100, 101)), (599, range(599, 600)),
        (range(3, 4), range(3, 4)),
        (99, None), (600, None), (True, None), ("404", None), ("6xx", None), ("5XX", None), ("xx", None), (None, None),
    ],
)  # fmt: skip
def test_a_status_or_a_class(item, found):
    """Numbers from 100 to 599 and the five classes are statuses; nothing else is."""
    assert span(item) == found
