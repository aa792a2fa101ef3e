"""How fast a service may be asked."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connector_core.rate_limit import ExactWindow, RateLimit


def test_the_kind_may_be_left_out():
    """`rate_limit: {concurrency: 8}` means the family's default kind."""
    limit = RateLimit.resolve({"concurrency": 8})
    assert (type(limit), limit.concurrency) == (ExactWindow, 8)
    assert RateLimit.resolve("exact_window") == ExactWindow()


@pytest.mark.parametrize("number", [0, -1, 1001, 1.5, "8", True])
def test_a_number_that_makes_no_sense_is_refused(number):
    """Concurrency is a whole number from 1 to 1000."""
    with pytest.raises(ValidationError):
        RateLimit.resolve({"concurrency": number})
