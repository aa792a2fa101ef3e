"""The kinds of Acme keep what every kind must keep."""

import pytest
from acme_connectors import Badge, Letters, Pairs

from connector_core.testing import contracts


@pytest.mark.parametrize("claim", contracts.claims(Letters, {"type": "letters", "put": "query.page"}), ids=str)
def test_letters(claim: contracts.Claim) -> None:
    """Each claim as a test of its own."""
    claim()


@pytest.mark.parametrize("kind", [Badge, Pairs])
def test_the_other_kinds(kind: type[Badge | Pairs]) -> None:
    """All claims at once."""
    contracts.check(kind)
