"""What the bundled specs' calls send, and what their services' errors become."""

from __future__ import annotations

import pytest

from connector_core.connector import Connector
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConfigError,
    ConflictError,
    NotFoundError,
    RateLimitError,
    ValidationError,
)
from connector_core.testing import FakeTransport, effects, respond, simulated

ACCOUNTS = {
    "shop": ({"shop_url": "https://shop.example"}, {"token": "t"}),
    "github": ({"owner": "acme", "repository": "core"}, {"token": "t"}),
    "stripe": ({}, {"key": "sk_test_1"}),
}


async def test_shop_creates_what_it_reads():
    """An order that is placed is there when orders are read."""
    async with simulated("shop", records=3) as shop:
        placed = await shop.call("create_order", {"customer_id": 1, "items": [{"sku": "TEA-1", "quantity": 2}]})
        fetched = await shop.call("order", {"id": placed.data["id"]})
        orders = [order async for order in shop.read("orders")]
    assert fetched.data == placed.data == orders[-1]
    assert orders[-1]["items"] == [{"sku": "TEA-1", "quantity": 2}]


async def test_shop_refuses_an_empty_order():
    """Input is checked before anything is sent."""
    async with simulated("shop", records=3) as shop:
        with pytest.raises(ConfigError, match="input items"):
            await shop.call("create_order", {"customer_id": 1, "items": []})


async def test_github_closes_an_issue():
    """A closed issue is read as closed."""
    async with simulated("github", config={"repository": "core"}, records=3) as github:
        await github.call("close_issue", {"number": 2})
        issues = [issue async for issue in github.read("issues")]
    assert issues[1]["state"] == "closed"


async def test_stripe_sends_a_form():
    """Nested names stand in brackets, what is left out is not sent, and the key that makes repeating safe is there."""
    transport = FakeTransport(lambda _request: respond(json={"id": "cus_1"}))
    async with Connector.open("stripe", secrets={"key": "sk_test_1"}, effects=effects(transport)) as stripe:
        await stripe.call("create_customer", {"email": "a@shop.example", "city": "Bonn"})
    [request] = transport.requests
    assert request.encoding == "form"
    assert request.body == (("email", "a@shop.example"), ("address[city]", "Bonn"))
    assert request.headers["Idempotency-Key"]
    assert request.headers["Stripe-Version"] == "2024-06-20"
    assert "Stripe-Account" not in request.headers


async def test_stripe_repeats_with_the_same_key():
    """A creation whose answer failed is sent again, with the same key, so that it is done once."""
    answers = iter([respond(500, json={}), respond(json={"id": "cus_1"})])
    transport = FakeTransport(lambda _request: next(answers))
    async with Connector.open("stripe", secrets={"key": "sk_test_1"}, effects=effects(transport)) as stripe:
        created = await stripe.call("create_customer", {"email": "a@shop.example"})
    first, second = (request.headers["Idempotency-Key"] for request in transport.requests)
    assert first == second
    assert created.attempts == 2


@pytest.mark.parametrize(
    "name, endpoint, status, headers, body, error, words",
    [
        ("shop", "orders", 403, {}, {"message": "no rate limit left"}, RateLimitError, None),
        ("shop", "orders", 200, {}, {"ok": False, "error": "token_expired"}, AuthenticationError, None),
        ("shop", "orders", 200, {}, {"ok": False, "error": "closed"}, ValidationError, "Shop says: closed"),
        ("github", "issues", 403, {"X-RateLimit-Remaining": "0"}, {"message": "API rate limit"}, RateLimitError, None),
        ("github", "issues", 429, {}, {"message": "You exceeded a secondary rate limit"}, RateLimitError, None),
        ("github", "issues", 403, {}, {"message": "Must have admin rights"}, AuthorizationError, "Must have admin"),
        ("github", "issues", 404, {}, {"message": "Not Found"}, NotFoundError, "may not see it"),
        ("github", "issues", 422, {}, {"message": "Validation Failed"}, ValidationError, "Validation Failed"),
        ("stripe", "charges", 402, {}, {"error": {"message": "declined"}}, ValidationError, "declined"),
        ("stripe", "charges", 409, {}, {"error": {"message": "in use"}}, ConflictError, "in use"),
        ("stripe", "charges", 401, {}, {"error": {"message": "Invalid key"}}, AuthenticationError, "Invalid key"),
    ],
)
async def test_errors(name, endpoint, status, headers, body, error, words):
    """What the service says is the exception that its documentation describes, in its own words where it has any."""
    config, secrets = ACCOUNTS[name]
    answering = effects(lambda _request: respond(status, json=body, headers=headers))
    async with Connector.open(name, config=config, secrets=secrets, effects=answering) as connector:
        with pytest.raises(error, match=words):
            [record async for record in connector.read(endpoint)]


@pytest.mark.parametrize("endpoint, status", [("issues", 410), ("commits", 409)])
async def test_github_has_nothing_there(endpoint, status):
    """A repository without issues, or without any commit, is read as empty."""
    config, secrets = ACCOUNTS["github"]
    answering = effects(lambda _request: respond(status, json={"message": "there is nothing"}))
    async with Connector.open("github", config=config, secrets=secrets, effects=answering) as github:
        assert [record async for record in github.read(endpoint)] == []


async def test_github_leaves_pull_requests_out():
    """GitHub lists pull requests among the issues; they are not read as issues."""
    config, secrets = ACCOUNTS["github"]
    listed = [{"id": 1}, {"id": 2, "pull_request": {"url": "https://api.github.com/repos/acme/core/pulls/2"}}]
    async with Connector.open(
        "github", config=config, secrets=secrets, effects=effects(lambda _request: respond(json=listed))
    ) as github:
        assert [record async for record in github.read("issues")] == [{"id": 1}]


async def test_github_enterprise():
    """In the enterprise environment, requests and the token go to that server."""
    transport = FakeTransport(lambda _request: respond(json=[]))
    config = {"owner": "acme", "enterprise_url": "https://git.acme.example"}
    async with Connector.open(
        "github", config=config, secrets={"token": "t"}, environment="enterprise", effects=effects(transport)
    ) as github:
        assert [record async for record in github.read("repositories")] == []
    [request] = transport.requests
    assert request.url == "https://git.acme.example/api/v3/orgs/acme/repos"
    assert request.headers["Authorization"] == "Bearer t"
