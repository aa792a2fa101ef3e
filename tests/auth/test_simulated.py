"""Each sign-in that signs requests, from a spec over a socket to the simulator's check of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from connector_core import Connector
from connector_core.auth import Session
from connector_core.engine.effects import Effects
from connector_core.exceptions import AuthenticationError
from connector_core.http import Request
from connector_core.load import load
from connector_core.testing import Simulator, simulated
from tests.auth.test_assertions import pem

AWS = {"type": "aws_sigv4", "service": "s3", "access_key": "{{ secrets.id }}", "secret_key": "{{ secrets.key }}"}
OAUTH1 = {
    "type": "oauth1", "consumer_key": "{{ secrets.id }}", "consumer_secret": "{{ secrets.key }}",
    "token": "{{ secrets.token }}", "token_secret": "{{ secrets.token }}", "realm": "1234",
}  # fmt: skip
SIGN_INS: dict[str, dict[str, Any]] = {
    "aws_sigv4": AWS,
    "aws_sigv4 of others": {**AWS, "service": "execute-api"},
    "aws_sigv4 in the query": {**AWS, "query": True},
    "aws_sigv4 for a session": {**AWS, "session_token": "{{ secrets.token }}"},
    "hmac": {
        "type": "hmac", "secret": "{{ secrets.key }}", "put": "header.X-Sign", "timestamp": "epoch_milliseconds",
        "headers": {"X-Time": "{{ timestamp }}", "X-Nonce": "{{ nonce }}", "X-Key": "{{ secrets.id }}"},
        "sign": "{{ timestamp }}{{ nonce }}{{ method }}{{ url }}{{ header['content-type'] | default('') }}{{ body }}",
    },
    "hmac in the query": {
        "type": "hmac", "secret": "{{ secrets.key }}", "put": "query.signature",
        "params": {"timestamp": "{{ timestamp }}"}, "sign": "{{ query }}{{ body }}",
    },
    "hmac in base64": {
        "type": "hmac", "secret": "{{ secrets.key }}", "secret_encoding": "base64", "encoding": "base64",
        "put": "header.Authorization", "value": "HMAC {{ secrets.id }}:{{ signature }}",
        "sign": "{{ target }}{{ body }}",
    },
    "oauth1": OAUTH1,
    "oauth1 in the query": {**OAUTH1, "parameters": "query"},
    "oauth1 by a private key": {
        "type": "oauth1", "consumer_key": "{{ secrets.id }}", "private_key": "{{ secrets.pem }}",
        "algorithm": "RSA-SHA256", "body_hash": True,
    },
    "jwt by a private key": {"type": "jwt", "algorithm": "ES256", "key": "{{ secrets.pem }}"},
    "jwt": {"type": "jwt", "algorithm": "HS256", "key": "{{ secrets.key }}", "issuer": "{{ secrets.id }}"},
}  # fmt: skip


ANOTHER = "YW5vdGhlciBzZWNyZXQ="


def document(auth: dict[str, Any]) -> dict[str, Any]:
    schema = {"id": {"type": "integer"}, "name": {"type": "string"}}
    paged = {"type": "next_url", "take": "body.next", "size": {"put": "query.size", "value": 20}}
    body = {"order": {"@kind": "ü & ö", "line": ["{{ input.name }}", "b"]}}
    endpoints = {
        "orders": {
            "get": "/orders%20in/'x'(1)", "params": {"q": "a b+c,d:e", "list-type": 2}, "records": "body.data",
            "primary_key": "id", "schema": schema, "pagination": paged,
        },
        "by_json": {"post": "/things", "input": {"name": {"type": "string"}}, "body": {"json": body}},
        "by_form": {
            "post": "/forms", "input": {"name": {"type": "string"}},
            "body": {"form": {"name": "{{ input.name }}", "b": "x+y"}},
        },
        "by_xml": {"post": "/documents", "input": {"name": {"type": "string"}}, "body": {"xml": body}},
        "by_text": {"post": "/texts", "input": {"name": {"type": "string"}}, "body": {"text": "{{ input.name }}\r\n"}},
        "by_parts": {
            "post": "/parts", "input": {"name": {"type": "string"}},
            "body": {"multipart": {"name": "{{ input.name }}", "n": "1"}},
        },
        "removed": {"delete": "/things/{{ input.name }}", "input": {"name": {"type": "string"}}, "schema": schema},
    }  # fmt: skip
    return {
        "connector": "1",
        "name": "shop",
        "secrets": {"id": {}, "key": {}, "token": {}, "pem": {}},
        "base_url": "https://api.shop.example/v1",
        "auth": auth,
        "endpoints": endpoints,
    }


@pytest.mark.parametrize("name", SIGN_INS)
async def test_what_goes_over_the_wire_is_what_was_signed(name):
    """Pages that follow links, and bodies of every form, pass the provider's check byte for byte."""
    async with simulated(document(SIGN_INS[name]), records=50) as shop:
        assert len([record async for record in shop.read("orders")]) == 50
        for endpoint in ("by_json", "by_form", "by_xml", "by_text", "by_parts", "removed"):
            await shop.call(endpoint, input={"name": "Zoë & <Co> 100% + 'x'"})


@pytest.mark.parametrize("name", SIGN_INS)
async def test_another_secret_does_not_get_in(name):
    """A client that has another secret is refused, and nobody is shown either."""
    spec = load(document(SIGN_INS[name]))
    async with Simulator(spec) as service:
        wrong = {**service.secrets, "key": ANOTHER, "pem": pem("RSA" if "oauth1" in name else "P-256")}
        effects = Effects(transport=service.transport)
        async with Connector.open(spec, config=service.config, secrets=wrong, effects=effects) as shop:
            with pytest.raises(AuthenticationError, match="signature is wrong") as refused:
                await shop.call("removed", input={"name": "x"})
    assert ANOTHER not in str(refused.value)
    assert service.secrets["key"] not in str(refused.value)


ASSERTION = {"algorithm": "ES256", "key": "{{ secrets.pem }}", "issuer": "{{ secrets.id }}"}
TIMED = {
    "hmac": SIGN_INS["hmac"], "oauth1": OAUTH1, "jwt": SIGN_INS["jwt"],
    "oauth2": {"type": "oauth2", "token_url": "https://id.shop.example/t", "grant": "jwt_bearer", "jwt": ASSERTION},
}  # fmt: skip


NOW = 1_700_000_000.0


@pytest.mark.parametrize("ahead", [600, -600])
@pytest.mark.parametrize("name", TIMED)
async def test_attack_10_a_clock_that_is_ten_minutes_off(name, ahead):
    """What is old, or not yet, is refused in words that tell by how much; nobody gets in by what was once signed."""
    spec = load(document(TIMED[name]))
    async with Simulator(spec, now=lambda: NOW + ahead) as service:
        effects = Effects(transport=service.transport, now=lambda: NOW)
        async with Connector.open(spec, config=service.config, secrets=service.secrets, effects=effects) as shop:
            with pytest.raises(AuthenticationError, match=r"was signed 600 s|ended 300 s ago|begins to hold in 600 s"):
                await shop.call("removed", input={"name": "x"})


@pytest.mark.parametrize("name", ["hmac", "oauth1", "oauth1 in the query"])
def test_attack_10_a_request_that_comes_again(name):
    """A request that was copied is refused, for as long as its time would do; another nonce gets in."""
    auth = load(document(SIGN_INS[name])).auth
    assert auth is not None
    now, numbers = NOW, iter(range(9))
    scope = {"config": {}, "secrets": {"id": "i", "key": "k3y", "token": "t"}}
    ours = Session(scope, unique=lambda: f"nonce{next(numbers)}")
    theirs = Session(scope, now=now)
    request = Request("GET", "https://api.shop.example/v1/x")
    signed = auth.sign(ours, request, now)
    assert auth.refusal(theirs, signed) is None
    for later in (0, 299):
        assert auth.refusal(replace(theirs, now=now + later), signed) == "the nonce has served already"
    assert auth.refusal(replace(theirs, now=now + 301), signed) == "the request was signed 301 s ago"
    assert auth.refusal(theirs, auth.sign(ours, request, now)) is None
    assert auth.refusal(theirs, auth.sign(ours, request, now + 301)) == "the request was signed 301 s from now"
