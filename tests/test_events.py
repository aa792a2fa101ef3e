"""What the engine announces."""

from __future__ import annotations

import pytest

from connector_core import events
from connector_core.events import Event, PageRead

KINDS = [kind for name in events.__all__ if isinstance(kind := getattr(events, name), type) and issubclass(kind, Event)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_is_a_frozen_value(kind):
    """Every event is made by keywords, has connection and endpoint, compares by value and cannot be changed."""
    about = dict(zip(kind.__struct_fields__, kind.__struct_fields__, strict=True))
    event = kind(**about)
    assert {"connection", "endpoint"} <= about.keys()
    assert event == kind(**about)
    with pytest.raises(AttributeError):
        event.connection = "other"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_event_says_what_it_means(kind):
    """Every event has a docstring of its own."""
    assert kind.__doc__
    assert kind is Event or kind.__doc__ != Event.__doc__


def test_events_show_themselves():
    """The repr is readable in a log."""
    event = PageRead(connection="shop", endpoint="orders", page=1, records=2, received=3)
    about = "connection='shop', endpoint='orders', page=1, records=2, received=3, partition=None"
    assert repr(event) == f"PageRead({about})"
