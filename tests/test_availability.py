"""When an integration may be used: what a spec says about it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connector_core.availability import Availability, Maintenance


def test_times_are_seconds():
    """A maintenance begins and ends at times with an offset, which are seconds since 1970."""
    found = Maintenance.model_validate({"from": "1970-01-01T00:00:10Z", "to": "1970-01-01T01:00:20+01:00"})
    assert (found.begins, found.ends, found.message) == (10.0, 20.0, "")


@pytest.mark.parametrize(
    "written, what",
    [
        ({"flag": ""}, "at least 1 character"),
        ({"maintenance": [{"from": "2030-01-01T00:00:00Z"}]}, "Field required"),
        (
            {"maintenance": [{"from": "soon", "to": "2030-01-01T00:00:00Z"}]},
            "is not a time such as 2024",
        ),
        (
            {"maintenance": [{"from": "2030-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}]},
            "is over before it begins: 'to' must be later than 'from'",
        ),
    ],
)
def test_mistakes(written, what):
    """What makes no sense is told in words."""
    with pytest.raises(ValidationError) as refused:
        Availability.model_validate(written)
    assert what in str(refused.value)
