"""Keyed digests over texts of the request, in the forms that services ask for."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from msgspec.structs import replace

from connector_core.auth import Session
from connector_core.auth.hmac import Hmac
from connector_core.exceptions import ConfigError, SpecError
from connector_core.http import Request
from connector_core.load import load
from connector_core.template import MissingError

NOW = 1_700_000_000.123
SECRETS = {"id": "key-1", "key": "s3cret-key", "phrase": "words", "b64": "c2VjcmV0", "hex": "00ff10"}
GET = Request("GET", "https://api.shop.example/v1/a%20b", (("b", "x y"), ("a", "1")), {"Accept": "a"})
POST = replace(GET, method="POST", body={"n": "ü"}, encoding="json")


def kind(**keys: Any) -> Hmac:
    return Hmac.model_validate(
        {"type": "hmac", "secret": "{{ secrets.key }}", "sign": "{{ method }}", "put": "header.X-Sign", **keys}
    )


def session(**secrets: str) -> Session:
    return Session({"secrets": {**SECRETS, **secrets}, "config": {}}, {}, unique=lambda: "nonce-1")


# ── what services publish ─────────────────────────────────────────────────────────────────────────


def test_the_example_of_binance():
    """A signature over the query, which it ends; its documentation's order."""
    secrets = {
        "id": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "key": "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    }
    auth = kind(
        headers={"X-MBX-APIKEY": "{{ secrets.id }}"},
        params={"recvWindow": 5000, "timestamp": "{{ timestamp }}"},
        timestamp="epoch_milliseconds",
        sign="{{ query }}",
        put="query.signature",
    )
    order = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    pairs = tuple((name, value) for name, _, value in (pair.partition("=") for pair in order.split("&")))
    request = Request("POST", "https://api.binance.com/api/v3/order", pairs)
    sent = auth.sign(session(**secrets), request, 1499827319.559)
    assert sent.sent_query == (
        f"{order}&recvWindow=5000&timestamp=1499827319559"
        "&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )
    assert auth.refusal(session(**secrets), sent) is None


def test_the_example_of_acquia():
    """Version 2 of Acquia's HTTP HMAC: a secret in base64, a nonce, and parts of the header among what is signed."""
    auth = kind(
        secret_encoding="base64",
        encoding="base64",
        headers={"X-Authorization-Timestamp": "{{ timestamp }}"},
        sign="{{ method }}\n{{ host }}\n{{ path }}\n{{ query }}\n"
        "id={{ secrets.id }}&nonce={{ nonce }}&realm=Pipet%20service&version=2.0\n{{ timestamp }}",
        put="header.Authorization",
        value='acquia-http-hmac realm="Pipet%20service",id="{{ secrets.id }}",nonce="{{ nonce }}",version="2.0",'
        'headers="",signature="{{ signature }}"',
    )
    here = session(id="efdde334-fe7b-11e4-a322-1697f925ec7b", key="W5PeGMxSItNerkNFqQMfYiJvH14WzVJMy54CPoTAYoI=")
    here.unique = lambda: "d1954337-5319-4821-8427-115542e08d10"
    request = Request("GET", "https://example.acquiapipet.net/v1.0/task-status/133", (("limit", "10"),))
    sent = auth.sign(here, request, 1432075982)
    assert sent.headers["Authorization"].endswith('signature="MRlPr/Z1WQY2sMthcaEqETRMw4gPYXlPcTpaLWS2gcc="')
    assert auth.refusal(here, sent) is None


# ── the forms ─────────────────────────────────────────────────────────────────────────────────────

HOST_AND_HASH = "x-ms-date;host;x-ms-content-sha256"
FORMS: dict[str, dict[str, Any]] = {
    "an exchange": {
        "secret": "{{ secrets.b64 }}",
        "secret_encoding": "base64",
        "encoding": "base64",
        "headers": {"X-Key": "{{ secrets.id }}", "X-Phrase": "{{ secrets.phrase }}", "X-Time": "{{ timestamp }}"},
        "sign": "{{ timestamp }}{{ method }}{{ target }}{{ body }}",
    },
    "a cloud": {
        "encoding": "base64",
        "timestamp": "http_date",
        "headers": {"X-Ms-Date": "{{ timestamp }}", "X-Ms-Content-Sha256": "{{ body | hash('sha256', 'base64') }}"},
        "sign": "{{ method }}\n{{ target }}\n{{ timestamp }};{{ host }};{{ header['x-ms-content-sha256'] }}",
        "put": "header.Authorization",
        "value": f"HMAC-SHA256 SignedHeaders={HOST_AND_HASH}&Signature={{{{ signature }}}}",
    },
    "a password": {
        "algorithm": "sha512",
        "timestamp": "http_date",
        "headers": {"Date": "{{ timestamp }}"},
        "sign": "{{ timestamp }}\n{{ method }}\n{{ host | lower }}\n{{ path }}\n{{ sorted_query }}",
        "put": "header.Authorization",
        "value": "Basic {{ (secrets.id ~ ':' ~ signature) | base64 }}",
    },
    "a bracket": {
        "algorithm": "sha1",
        "timestamp": "%Y-%m-%dT%H:%M:%S.%fZ",
        "params": {"nonce": "{{ nonce }}"},
        "sign": "{{ url }}{{ header['Content-Type'] | default('-') }}",
        "put": "header.X-Sign",
        "value": "t={{ timestamp }},v1={{ signature }}",
    },
    "in the body": {
        "secret": "{{ secrets.hex }}", "secret_encoding": "hex", "encoding": "base64url", "algorithm": "sha384",
        "sign": "{{ method }}{{ path }}{{ secrets.id }}", "put": "header.X-Sign",
    },
}  # fmt: skip


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
@pytest.mark.parametrize("name", FORMS)
def test_the_provider_checks_it(name, request_):
    """The provider accepts what is signed, with the time and nonce that it is told, and nothing that was changed."""
    auth = kind(**FORMS[name])
    sent = auth.sign(session(), request_, NOW)
    assert auth.refusal(session(), sent) is None
    assert auth.sign(session(), sent, NOW + 5) == auth.sign(session(), request_, NOW + 5)
    assert auth.refusal(session(), replace(sent, url=sent.url + "x")) == "the signature is wrong"
    wrong = session(key="other", b64="b3RoZXI=", hex="11")
    assert auth.refusal(wrong, sent) == "the signature is wrong"
    assert str(auth.refusal(session(), request_)).endswith(" is missing")


def test_what_is_signed_is_what_is_sent():
    """The digest is over the query as it is encoded, the body's bytes and the headers as they go out."""
    auth = kind(sign="{{ method }} {{ url }} {{ host }} {{ header.Accept }} {{ header['content-type'] }} {{ body }}")
    text = "POST https://api.shop.example/v1/a%20b?b=x%20y&a=1 api.shop.example a application/json " + '{"n":"ü"}'
    digest = hmac.new(b"s3cret-key", text.encode(), hashlib.sha256).hexdigest()
    assert auth.sign(session(), POST, NOW).headers["X-Sign"] == digest


def test_a_body_that_is_no_text_can_be_hashed():
    """Bytes go into a hash as they are; inside text they have no form, and that is told."""
    request = replace(POST, body=b"\xff\x00", encoding="bytes")
    auth = kind(sign="{{ body | hash('sha256', 'base64') }}", encoding="base64")
    told = base64.b64encode(hashlib.sha256(b"\xff\x00").digest())
    digest = base64.b64encode(hmac.digest(b"s3cret-key", told, "sha256")).decode()
    assert auth.sign(session(), request, NOW).headers["X-Sign"] == digest
    with pytest.raises(ConfigError, match="the text cannot be made: body: bytes has no form as text; write it"):
        kind(sign="x{{ body }}").sign(session(), request, NOW)


@pytest.mark.parametrize(
    "written, expected",
    [
        ("epoch_seconds", "1700000000"),
        ("epoch_milliseconds", "1700000000123"),
        ("rfc3339", "2023-11-14T22:13:20Z"),
        ("http_date", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("%Y%m%dT%H%M%SZ", "20231114T221320Z"),
    ],
)
def test_how_the_time_is_written(written, expected):
    """Whole seconds, unless the format has room for more."""
    auth = kind(timestamp=written, headers={"X-Time": "{{ timestamp }}"})
    assert auth.sign(session(), GET, NOW).headers["X-Time"] == expected


def test_a_nonce_comes_with_each_attempt():
    """Every attempt has a nonce of its own; where no text reads one, none is made."""
    given = iter(["one", "two"])
    here = session()
    here.unique = lambda: next(given)
    auth = kind(headers={"X-Nonce": "{{ nonce }}"}, sign="{{ nonce }}")
    assert [auth.sign(here, GET, NOW).headers["X-Nonce"] for _ in range(2)] == ["one", "two"]
    kind().sign(here, GET, NOW)


def test_what_has_no_value_is_left_out():
    """A header or parameter whose value is missing does not go out."""
    auth = kind(headers={"X-A": "{{ config.nothing }}"}, params={"b": "{{ config.nothing }}"})
    sent = auth.sign(session(), GET, NOW)
    assert "X-A" not in sent.headers
    assert sent.query == GET.query


@pytest.mark.parametrize(
    "keys, secrets, message",
    [
        ({}, {"key": ""}, "the credential is empty — auth.secret: {{ secrets.key }} — pass the secret it reads"),
        ({"secret_encoding": "hex"}, {}, "the secret is not hex — auth.secret: {{ secrets.key }} — "),
        (
            {"sign": "{{ config.x }}/"},
            {},
            "the text cannot be made: config.x is missing — auth.sign: {{ config.x }}/",
        ),
        ({"sign": "{{ config.x }}"}, {}, "there is nothing to sign — auth.sign: {{ config.x }}"),
        (
            {"headers": {"X-A": "a{{ config.x }}"}},
            {},
            "the text cannot be made: config.x is missing — auth.headers.X-A: a{{ config.x }}",
        ),
    ],
)
def test_what_cannot_be_signed_is_told(keys, secrets, message):
    """Nothing is sent where a part of the signature is missing, and no secret is shown."""
    with pytest.raises(ConfigError) as wrong:
        kind(**keys).sign(session(**secrets), GET, NOW)
    assert str(wrong.value).startswith(message)
    assert "s3cret" not in str(wrong.value)


def test_a_time_that_the_provider_is_not_told():
    """Where the request does not say when it was signed, the provider cannot check it, and says so."""
    auth = kind(sign="{{ timestamp }}")
    with pytest.raises(MissingError, match="timestamp }} is missing"):
        auth.refusal(session(), auth.sign(session(), GET, NOW))


def test_names_are_checked_at_load():
    """A text can read the request and not the answer, and the signature only what holds it."""
    auth = {"type": "hmac", "secret": "a", "sign": "{{ signature }}{{ status }}{{ taget }}", "put": "header.X-Sign"}
    document = {"connector": "1", "name": "x", "base_url": "https://a.example", "auth": auth, "endpoints": {}}
    with pytest.raises(SpecError) as wrong:
        load(document)
    told = str(wrong.value)
    assert "auth.sign: 'signature' cannot be read here (signed); it can be read in what auth signs" in told
    assert "'status' cannot be read here (signed)" in told
    assert "unknown name 'taget', did you mean 'target'?" in told
