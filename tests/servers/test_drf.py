"""Django REST framework's own paginators: pages, offsets and cursors over 1,234 tickets."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector_core import Connector
from connector_core.exceptions import AuthenticationError, NotFoundError
from connector_core.importers.openapi import imported
from connector_core.source import read

pytestmark = pytest.mark.servers("drf", 18002)

SPEC = Path(__file__).parent / "tickets.yaml"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def tickets(token: str = TOKEN):
    return Connector.open(SPEC, secrets={"token": token}, network="loopback")


@pytest.mark.parametrize(
    "endpoint",
    ["by_page", "by_page_side_by_side", "by_offset", "by_offset_clamped", "by_cursor", "by_link_of_pages"],
)
async def test_every_ticket_comes_once(endpoint):
    """Whatever the paginator, all 1,234 tickets come, each once."""
    async with tickets() as connector:
        ids = [ticket["id"] async for ticket in connector.read(endpoint)]
    assert len(ids) == 1234
    assert sorted(ids) == list(range(1, 1235))


async def test_side_by_side_keeps_the_order():
    """Pages that are asked for side by side come in the order of one by one."""
    async with tickets() as connector:
        one_by_one = [ticket["id"] async for ticket in connector.read("by_page")]
        side_by_side = [ticket["id"] async for ticket in connector.read("by_page_side_by_side")]
    assert side_by_side == one_by_one


async def test_a_reading_goes_on_where_it_was_left():
    """The position after a page starts a later reading with the rest."""
    async with tickets() as connector:
        async with connector.pages("by_cursor") as pages:
            first = await anext(pages)
        later = connector.pages("by_cursor", position=first.following)
        rest = [ticket async for page in later for ticket in page.records]
    assert len(first.records) + len(rest) == 1234
    assert {t["id"] for t in first.records}.isdisjoint(t["id"] for t in rest)


async def test_a_filter_is_applied_here():
    """A service that cannot filter is filtered on this side."""
    async with tickets() as connector:
        assert sorted([ticket["id"] async for ticket in connector.read("first_ten")]) == list(range(1, 11))


async def test_a_wrong_token_is_refused_in_words():
    """The service's own words come through, the token does not."""
    async with tickets("not-the-token") as connector:
        with pytest.raises(AuthenticationError) as refused:
            await anext(connector.read("by_page"))
    assert str(refused.value) == (
        "tickets answered 401: Invalid token. — by_page: GET http://127.0.0.1:18002/api/page/ — "
        "check the secrets that were passed"
    )
    assert refused.value.context["status"] == 401


async def test_a_page_that_is_not_there_is_an_error():
    """Past the end the service says 404, and so do we."""
    async with tickets() as connector:
        with pytest.raises(NotFoundError, match=r"tickets answered 404: Invalid page\."):
            await anext(connector.read("missing_page"))


async def test_an_imported_spec_reads_everything():
    """The spec that is made from the service's own OpenAPI document reads every list to its end, as it was guessed."""
    path = SPEC.parent.parent / "importers" / "documents" / "tickets.json"  # as the framework writes it
    made = imported(path.read_bytes(), path.name, "imported", "Tickets")
    signing = {"type": "api_key", "put": "header.Authorization", "value": "Token {{ secrets.token }}"}
    spec = {**read(made.text, "imported.yaml").data, "secrets": {"token": {}}, "auth": signing}
    address = {"base_url": "http://127.0.0.1:18002"}
    async with Connector.open(spec, config=address, secrets={"token": TOKEN}, network="loopback") as connector:
        for endpoint in made.reads:
            assert sorted([ticket["id"] async for ticket in connector.read(endpoint)]) == list(range(1, 1235))
    assert len(made.reads) == 4
