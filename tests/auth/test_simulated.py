"""Each sign-in that signs requests, from a spec over a socket to the simulator's check of it."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core import Connector
from connector_core.engine.effects import Effects
from connector_core.exceptions import AuthenticationError
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
