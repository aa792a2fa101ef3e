"""Django REST framework's own paginators: pages, offsets and cursors over 1,234 tickets."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from connector_core import Connector
from connector_core.engine.effects import Effects
from connector_core.events import Event, TokenRefreshed
from connector_core.exceptions import AuthenticationError, AuthorizationError, NotFoundError
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


def by_oauth2(heard: list[bool], ahead: list[float], **auth: str):
    """The tickets, by a token of the service's own; `heard`: which token came, a first one or another."""

    def hear(event: Event) -> None:
        heard.extend([event.first] if isinstance(event, TokenRefreshed) else [])

    client = {"client_id": "{{ secrets.id }}", "client_secret": "{{ secrets.key }}"}
    spec = {
        "connector": "1", "name": "tickets", "secrets": {"id": {}, "key": {}, "password": {"optional": True}},
        "base_url": "http://127.0.0.1:18002/api",
        "auth": {"type": "oauth2", "token_url": "http://127.0.0.1:18002/o/token/", **client, **auth},
        "endpoints": {"tickets": {"get": "/page/", "records": "body.results"}},
    }  # fmt: skip
    name = "pw" if auth["grant"] == "password" else "cc"
    secrets = {"id": f"{name}-client", "key": f"{name}-secret", "password": "botpass"}
    effects = Effects(now=lambda: time.time() + ahead[0], listeners=[hear])
    return Connector.open(spec, secrets=secrets, network="loopback", effects=effects)


@pytest.mark.parametrize("client_auth", ["basic", "post"])
async def test_a_password_and_rotating_refresh_tokens(client_auth):
    """Twenty callers share a token, which is renewed once each time that it has ended, and nobody is refused."""
    heard: list[bool] = []
    ahead = [0.0]
    auth = {"grant": "password", "username": "bot", "password": "{{ secrets.password }}", "client_auth": client_auth}
    async with by_oauth2(heard, ahead, **auth) as connector:
        for _ in range(3):
            answers = await asyncio.gather(*(connector.call("tickets") for _ in range(20)))
            assert {len(answer.data) for answer in answers} == {50}
            ahead[0] += 30  # more than a token's life
    assert heard == [True, False, False]


async def test_what_a_client_may_not_do_is_no_reason_to_renew():
    """The client's own token belongs to nobody here: 403 is told as that, and the token is kept."""
    heard: list[bool] = []
    async with by_oauth2(heard, [0.0], grant="client_credentials") as connector:
        for _ in range(2):
            with pytest.raises(AuthorizationError, match="You do not have permission"):
                await connector.call("tickets")
    assert heard == [True]
