"""How it is found out whether a service is well: what a spec says, and what is told after several checks."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connector_core.health import Health, Seen, Status, judge


@pytest.mark.parametrize(
    "written, what",
    [
        ({}, "Field required"),
        ({"endpoint": "e", "every": "0s"}, "'every' and 'timeout' must be longer than nothing"),
        ({"endpoint": "e", "degraded_after": "5s"}, "'degraded_after' is not shorter than 'timeout'"),
    ],
)
def test_mistakes(written, what):
    """What makes no sense is told in words."""
    with pytest.raises(ValidationError) as refused:
        Health.model_validate(written)
    assert what in str(refused.value)


@pytest.mark.parametrize(
    "elapsed, status", [(0.5, "healthy"), (1.0, "healthy"), (1.1, "degraded"), (None, "unhealthy")]
)
def test_one_check(elapsed, status):
    """A check that took longer than it should says degraded, one that failed unhealthy."""
    assert Health.model_validate({"endpoint": "e", "degraded_after": "1s"}).found(elapsed) == status
    if elapsed is not None:
        assert Health(endpoint="e").found(elapsed) == "healthy"


@pytest.mark.parametrize(
    "checks, told",
    [
        ("h", "h"),
        ("u", "u"),
        ("hu", "hh"),
        ("huu", "hhu"),
        ("huhu", "hhhh"),
        ("huudd", "hhuud"),
        ("hud", "hhh"),
        ("uhh", "uuh"),
    ],
)
def test_standard_h1_a_change_is_seen_twice(checks, told):
    """The first check decides alone; later, two in a row have to say the same."""
    names: dict[str, Status] = {"h": "healthy", "d": "degraded", "u": "unhealthy"}
    seen: Seen | None = None
    found = ""
    for check in checks:
        seen = judge(seen, names[check])
        found += seen.told[0]
    assert found == told
