"""OAuth 1.0: as it is published, as oauthlib signs, and as the provider checks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connector_core.auth import Session
from connector_core.auth.oauth1 import Oauth1, _base_string, _pairs
from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.load import load
from tests.auth.test_assertions import pem

NOW = 1_318_622_958.9
SHARED = [folder / "shared" / "vectors" / "auth_vectors.json" for folder in Path(__file__).resolve().parents[3:5]]
VECTORS = next((path for path in SHARED if path.exists()), None)
SECRETS = {"id": "consumer", "key": "s3cret & key", "token": "token/1", "other": "token s3cret"}
GET = Request("GET", "https://Api.shop.example:443/v1/a%20b", (("b", "x y"), ("a", "1"), ("a", "0")), {"Accept": "a"})
FORM = replace(GET, method="POST", body=(("c", "ü+&="), ("a", "2")), encoding="form")
JSON = replace(GET, method="POST", body={"n": "ü"}, encoding="json")


def kind(**keys: Any) -> Oauth1:
    secret = {} if "private_key" in keys else {"consumer_secret": "{{ secrets.key }}"}
    given = {"consumer_key": "{{ secrets.id }}", "token": "{{ secrets.token }}", "token_secret": "{{ secrets.other }}"}
    return Oauth1.model_validate({"type": "oauth1", **secret, **given, **keys})


def session(**secrets: str) -> Session:
    return Session({"secrets": {**SECRETS, **secrets}, "config": {}}, {}, unique=lambda: "kYjzVBB8-Y0ZF")


def parameters(request: Request) -> dict[str, str]:
    """What the header says."""
    listed = request.headers["Authorization"].removeprefix("OAuth ").split(", ")
    return {name: unquote(value[1:-1]) for name, _, value in (item.partition("=") for item in listed)}


# ── published examples ────────────────────────────────────────────────────────────────────────────

TWITTER = {
    "id": "xvz1evFS4wEEPTGEFPHBog",
    "key": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
    "token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    "other": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
}


@pytest.mark.parametrize(
    "version, signature", [("1", "tnnArxj06cWHq44gCs1OSKk/jLY="), ("1.1", "hCtSmYh+iHYCEqBWrE7C7hYmtUk=")]
)
def test_the_example_of_twitter(version, signature):
    """A form and a query, signed together, as the guide to creating a signature does it for both versions."""
    here = session(**TWITTER)
    here.unique = lambda: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"
    request = Request(
        "POST",
        f"https://api.twitter.com/{version}/statuses/update.json",
        (("include_entities", "true"),),
        body=(("status", "Hello Ladies + Gentlemen, a signed OAuth request!"),),
        encoding="form",
    )
    sent = kind().sign(here, request, NOW)
    assert parameters(sent)["oauth_signature"] == signature
    assert kind().refusal(here, sent) is None


def test_the_example_of_the_rfc():
    """The photos of RFC 5849 §1.2, whose header has no version."""
    own = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"), ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"), ("oauth_timestamp", "137131202"), ("oauth_nonce", "chapoH"),
    ]  # fmt: skip
    request = Request("GET", "http://photos.example.net/photos", (("file", "vacation.jpg"), ("size", "original")))
    here = session(key="kd94hf93k423kf44", other="pfkkdhi9sl3r4s00")
    assert kind()._signature(_base_string(request, [*_pairs(request), *own]), here) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def test_the_base_string_of_the_rfc():
    """RFC 5849 §3.4.1.1, with a form, a doubled name and parameters that are empty."""
    request = Request(
        "POST",
        "http://EXAMPLE.COM:80/request",
        (("b5", "=%3D"), ("a3", "a"), ("c@", ""), ("a2", "r b")),
        body=(("c2", ""), ("a3", "2 q")),
        encoding="form",
    )
    own = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"), ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"), ("oauth_timestamp", "137131201"), ("oauth_nonce", "7d8f3e4a"),
    ]  # fmt: skip
    assert _base_string(request, [*_pairs(request), *own]) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.skipif(VECTORS is None, reason="the published vectors are not beside the checkout")
def test_the_published_vectors():
    """Every published vector of OAuth 1.0 comes out as written."""
    assert VECTORS is not None
    found = [each for each in json.loads(VECTORS.read_text("utf-8"))["vectors"] if each["kind"].startswith("oauth1")]
    assert len(found) == 3
    for vector in found:
        pairs = [(name, value) for name, value in vector["params"]]
        base = _base_string(Request(vector["method"], vector["url"]), pairs)
        here = session(key=vector["consumer_secret"], other=vector["token_secret"])
        assert kind()._signature(base, here) == vector["signature"]


# ── oauthlib ──────────────────────────────────────────────────────────────────────────────────────

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=10)
PAIRS = st.lists(st.tuples(TEXT.filter(lambda name: name and not name.startswith("oauth_")), TEXT), max_size=4)


@given(
    st.sampled_from(["GET", "POST"]),
    st.lists(TEXT.filter(lambda text: text not in (".", "..")), max_size=3),
    PAIRS,
    PAIRS,
    st.sampled_from(["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"]),
    st.tuples(TEXT, TEXT).filter(lambda secrets: all(secret.strip() for secret in secrets)),
)
@settings(max_examples=200, deadline=None)
def test_signatures_are_those_of_oauthlib(method, segments, query, form, algorithm, secrets):
    """Whatever the path, the query, the form and the secrets: another library signs the same way."""
    oauth1 = pytest.importorskip("oauthlib.oauth1", reason="oauthlib came into the dev extra later")
    url = "https://api.example:8443/" + "/".join(quote(segment, safe="~") for segment in segments)
    request = Request(method, url, tuple(query))
    if form:
        request = replace(request, body=tuple(form), encoding="form")
    sent = kind(algorithm=algorithm).sign(session(key=secrets[0], other=secrets[1]), request, NOW)
    client = oauth1.Client(
        SECRETS["id"], secrets[0], SECRETS["token"], secrets[1],
        signature_method=algorithm, nonce="kYjzVBB8Y0ZF", timestamp="1318622958",
    )  # fmt: skip
    own = [(name, value) for name, value in parameters(sent).items() if name != "oauth_signature"]
    written = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    from oauthlib.common import Request as Theirs

    theirs = Theirs(f"{url}?{written}" if written else url, method, "", {})
    theirs.oauth_params, theirs.decoded_body = own, None
    theirs.body = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in form)
    theirs.headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    assert parameters(sent)["oauth_signature"] == client.get_oauth_signature(theirs)


# ── both sides ────────────────────────────────────────────────────────────────────────────────────

WAYS: list[dict[str, Any]] = [
    {},
    {"algorithm": "HMAC-SHA256", "realm": "12345_SB1"},
    {"parameters": "query"},
    {"algorithm": "PLAINTEXT"},
    {"algorithm": "RSA-SHA1", "private_key": "{{ secrets.pem }}"},
    {"algorithm": "RSA-SHA256", "private_key": "{{ secrets.pem }}", "body_hash": True},
    {"token": "{{ secrets.nothing }}", "token_secret": "{{ secrets.nothing }}"},
]


@pytest.mark.parametrize("request_", [GET, FORM, JSON], ids=["GET", "form", "json"])
@pytest.mark.parametrize("way", WAYS, ids=repr)
def test_the_provider_checks_it(way, request_):
    """The provider accepts what is signed, and nothing that was changed on the way or signed by somebody else."""
    auth, here = kind(**way), session(pem=pem("RSA"))
    sent = auth.sign(here, request_, NOW)
    assert auth.refusal(here, sent) is None
    assert auth.sign(here, sent, NOW + 9) == auth.sign(here, request_, NOW + 9)
    assert auth.refusal(here, request_) == "there are no parameters of OAuth 1.0"
    assert auth.refusal(session(id="other", pem=pem("RSA")), sent) == "the consumer key is not known"
    if way.get("algorithm") != "PLAINTEXT":
        for changed in (
            replace(sent, method="PUT"),
            replace(sent, url=f"{sent.url}x"),
            replace(sent, query=(*sent.query, ("more", "1"))),
        ):
            assert auth.refusal(here, changed) == "the signature is wrong"
    if "private_key" not in way:
        assert auth.refusal(session(key="other"), sent) == "the signature is wrong"
    if "token" not in way:
        assert auth.refusal(session(token="other", pem=pem("RSA")), sent) == "the token is not known"
    if request_ is JSON and way.get("body_hash"):
        assert auth.refusal(here, replace(sent, body={"n": "u"})) == "the hash of the body is wrong"


def test_the_signature_in_a_form():
    """`parameters: body` puts it into the form, and says so where there is none."""
    auth = kind(parameters="body")
    sent = auth.sign(session(), FORM, NOW)
    assert sent.headers == FORM.headers
    assert dict(sent.body)["oauth_token"] == "token/1"
    assert auth.refusal(session(), sent) is None
    assert auth.sign(session(), sent, NOW) == sent
    with pytest.raises(ConfigError) as wrong:
        auth.sign(session(), JSON, NOW)
    assert str(wrong.value) == (
        "the signature has no form to go into — POST https://Api.shop.example:443/v1/a%20b — "
        "auth.parameters: body is for bodies that are forms; use header"
    )


def test_the_header_names_the_realm_first():
    """A realm goes before the parameters, and is not signed."""
    plain, named = kind().sign(session(), GET, NOW), kind(realm="a b").sign(session(), GET, NOW)
    assert named.headers["Authorization"] == plain.headers["Authorization"].replace("OAuth ", 'OAuth realm="a%20b", ')


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"algorithm": "RSA-SHA1"}, "RSA-SHA1 signs with private_key, and not with consumer_secret"),
        (
            {"private_key": "{{ secrets.key }}", "consumer_secret": "a"},
            "HMAC-SHA1 signs with consumer_secret, and not with private_key",
        ),
    ],
)
def test_each_algorithm_has_its_key(keys, message):
    """What an algorithm signs with is there, and nothing that it would not use."""
    auth = {"type": "oauth1", "consumer_key": "a", "consumer_secret": "b", **keys}
    document = {
        "connector": "1", "name": "x", "secrets": {"key": {}}, "base_url": "https://a.example", "auth": auth,
        "endpoints": {"a": {"get": "/a"}},
    }  # fmt: skip
    with pytest.raises(Exception, match=message):
        load(document)


def test_a_key_that_is_none_is_told():
    """A private key that cannot be read, or of another kind, is an error that does not show it."""
    auth = kind(algorithm="RSA-SHA1", private_key="{{ secrets.pem }}")
    for secret in ("s3cret, no key", pem("P-256")):
        with pytest.raises(ConfigError) as wrong:
            auth.sign(session(pem=secret), GET, NOW)
        assert str(wrong.value) == (
            "this is no private key that RSA-SHA1 signs with — auth.private_key: {{ secrets.pem }} — "
            "it takes an RSA key in PEM, without a password: -----BEGIN PRIVATE KEY-----"
        )


@pytest.mark.parametrize(
    "change, reason",
    [
        (("oauth_timestamp", "soon"), "there is no nonce, or no time"),
        (("oauth_nonce", ""), "there is no nonce, or no time"),
        (("oauth_signature_method", "PLAINTEXT"), "the request is not signed with HMAC-SHA1"),
        (("oauth_signature", "x"), "the signature is wrong"),
    ],
)
def test_the_provider_refuses_in_words(change, reason):
    """Whatever the parameters say, the provider says what is wrong with them."""
    said = {**parameters(kind().sign(session(), GET, NOW)), change[0]: change[1]}
    header = "OAuth " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in said.items())
    assert kind().refusal(session(), GET.with_header("Authorization", header)) == reason
