"""Client certificates: what is made of secrets, and to whom they are shown; for their sockets see engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector_core import Connector
from connector_core.auth import Auth, Session
from connector_core.auth.mtls import Mtls
from connector_core.auth.validity import validity
from connector_core.engine.effects import Effects
from connector_core.exceptions import AuthenticationError, ConfigError, SpecError
from connector_core.http import ClientCertificate, Request
from connector_core.load import load
from connector_core.testing import Simulator, simulated
from connector_core.testing.fakes import FakeTransport, effects, respond
from tests.auth.certificates import authority, client, issued

NOW = 1_790_000_000.0
REQUEST = Request("GET", "https://a.example/x")
FIELDS = {"type": "mtls", "certificate": "{{ secrets.certificate }}", "key": "{{ secrets.key }}"}
KIND = Mtls.model_validate({**FIELDS, "password": "{{ secrets.password }}"})
BEARER = Mtls.model_validate({**FIELDS, "auth": {"type": "bearer", "token": "{{ secrets.token }}"}})


def session(name: str = "ann", **secrets: str) -> Session:
    known = {"certificate": client(name).certificate, "key": client(name).key, "token": "t0k3n"}
    return Session({"secrets": {**known, **secrets}}, {})


def refused(**secrets: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        KIND.sign(session(**secrets), REQUEST, NOW)
    return caught.value


def document(**more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "bank",
        "secrets": {"certificate": {}, "key": {}, "token": {"optional": True}},
        "base_url": "https://bank.example",
        "auth": FIELDS,
        "endpoints": {"accounts": {"get": "/accounts", "records": "body.data"}},
        **more,
    }


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────


def test_it_is_one_object_while_the_secrets_are_the_same():
    """Sockets are shared by the object: two requests of one session have the same, those of another have another."""
    here, there = session(), session()
    first, second = (KIND.sign(here, REQUEST, NOW).certificate for _ in "ab")
    assert first is not None
    assert first is second
    other = KIND.sign(there, REQUEST, NOW).certificate
    assert other == first
    assert other is not first


def test_another_secret_makes_another():
    """What was renewed is shown from the next request on."""
    here = session()
    first = KIND.sign(here, REQUEST, NOW).certificate
    here.scope = session("bob").scope
    second = KIND.sign(here, REQUEST, NOW).certificate
    assert first is not None
    assert second is not None
    assert (first.key, second.key) == (client("ann").key, client("bob").key)


def test_lines_in_one():
    """An environment variable may hold the lines of a PEM in one."""
    flat = {
        "certificate": client("ann").certificate.replace("\n", "\\n"),
        "key": client("ann").key.replace("\n", "\\n"),
    }
    assert KIND.sign(session(**flat), REQUEST, NOW) == KIND.sign(session(), REQUEST, NOW)


def test_one_secret_for_both():
    """Certificate and key may stand in one text."""
    both = client("ann").certificate + client("ann").key
    request = KIND.sign(session(certificate=both, key=both), REQUEST, NOW)
    assert KIND.refusal(session(), request) is None


def test_a_sign_in_on_top():
    """A token goes out beside the certificate, and the provider looks at both."""
    request = BEARER.sign(session(), REQUEST, NOW)
    assert request.headers["Authorization"] == "Bearer t0k3n"
    assert request.certificate is not None
    assert BEARER.refusal(session(), request) is None
    assert BEARER.refusal(session(token="another"), request) == "the Authorization header is wrong"
    assert BEARER.refusal(session("bob"), request) == "the client certificate is wrong"


def test_what_is_on_top_is_asked_for_everything():
    """Whatever a kind of sign-in can be asked, mtls has an answer of its own to, which is that of what is on top."""
    asked = {name for name in vars(Auth) if not name.startswith(("_", "model_"))} - {"key", "kinds", "default"}
    assert {"revoke", "serve", "tokened", "ways"} <= asked
    assert asked - vars(Mtls).keys() == set()


def test_nothing_is_shown_to_people():
    """Neither the certificate nor what holds it says what it is."""
    here = session()
    request = KIND.sign(here, REQUEST, NOW)
    shown = f"{request!r} {request.certificate!r} {here!r} {here.learnt!r} {KIND!r}"
    assert "BEGIN" not in shown
    assert "PRIVATE" not in shown


# ── what is refused before anything is sent ───────────────────────────────────────────────────────


def test_plain_http():
    """Where nothing can be shown, nothing is sent."""
    with pytest.raises(ConfigError) as caught:
        KIND.sign(session(), Request("GET", "http://a.example/x"), NOW)
    assert str(caught.value) == (
        "a client certificate is shown over https alone — auth: GET http://a.example/x — "
        "write https into the address, or leave mtls to the endpoints that need it"
    )
    assert caught.value.code == "auth.certificate"


def test_no_certificate():
    """A key in place of the certificate is told, by the name of the secret."""
    error = refused(certificate=client("ann").key)
    assert (error.what, error.where) == (
        "this is no certificate in PEM",
        "auth.certificate: {{ secrets.certificate }}",
    )
    assert error.code == "auth.certificate"


def test_no_key():
    """A certificate in place of the key is told too."""
    error = refused(key=client("ann").certificate)
    assert (error.what, error.where) == ("this is no private key in PEM", "auth.key: {{ secrets.key }}")
    assert error.code == "auth.key"


@pytest.mark.parametrize(
    "held, what",
    [
        (
            (datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 5, 6, tzinfo=UTC)),
            "the client certificate expired on 2024-05-06",
        ),
        (
            (datetime(2049, 1, 1, tzinfo=UTC), datetime(2055, 1, 1, tzinfo=UTC)),
            "the client certificate holds from 2049-01-01 on",
        ),
    ],
)
def test_its_time(held, what):
    """One that has expired, or does not hold yet, is said to be so."""
    late = issued("late", authority(), held)
    error = refused(certificate=late.certificate, key=late.key)
    assert (error.what, error.where) == (what, "auth.certificate: {{ secrets.certificate }}")


def test_validity_is_that_of_another_library():
    """What is read of the DER is what cryptography reads, for years in two digits and in four; junk is None."""
    for year in (1950, 1999, 2000, 2049, 2050, 9999):
        held = datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(year, 11, 12, 13, 14, 15, tzinfo=UTC)
        made = issued("x", held=held)
        leaf = ClientCertificate(made.certificate, "").leaf
        assert validity(leaf) == tuple(moment.timestamp() for moment in held)
    for junk in (b"", b"\x30", b"\x30\x03\x02\x01\x01", leaf[:100], leaf[1:], bytes(200), b"\x30\xff" * 9):
        assert validity(junk) is None


def test_it_does_not_stand_in_itself(tmp_path):
    """One connection shows one certificate."""
    with pytest.raises(SpecError, match="one connection shows one certificate: mtls stands inside of mtls"):
        load(document(auth={**FIELDS, "auth": FIELDS}))


def test_none_on_top():
    """`auth: null` is refused with what to do."""
    with pytest.raises(SpecError, match="leave it out where the certificate is all"):
        load(document(auth={**FIELDS, "auth": None}))


# ── in the engine ─────────────────────────────────────────────────────────────────────────────────


async def test_only_the_hosts_of_the_service_see_it():
    """A redirect to another host that the spec allows carries no certificate; neither does an endpoint without auth."""

    def answer(request: Request) -> Any:
        if request.url == "https://bank.example/accounts":
            return respond(302, headers={"Location": "https://files.example/a.json"})
        return respond(json={"data": [{"id": 1}]})

    transport = FakeTransport(answer)
    spec = document(hosts=["files.example"])
    spec["endpoints"]["news"] = {"get": "/news", "auth": "none", "records": "body.data"}
    secrets = {"certificate": client("ann").certificate, "key": client("ann").key}
    async with Connector.open(spec, secrets=secrets, effects=effects(transport)) as bank:
        assert [record async for record in bank.read("accounts")] == [{"id": 1}]
        await bank.call("news")
    assert [(one.url, one.certificate is not None) for one in transport.requests] == [
        ("https://bank.example/accounts", True),
        ("https://files.example/a.json", False),
        ("https://bank.example/news", False),
    ]


async def test_a_token_is_asked_for_with_the_certificate():
    """RFC 8705: the token endpoint and the service see the same one, and the client needs no secret."""
    auth = {
        "type": "oauth2",
        "grant": "client_credentials",
        "token_url": "https://id.example/token",
        "client_id": "shop",
        "client_auth": "none",
    }
    transport = FakeTransport(
        lambda request: respond(json={"access_token": "bound", "expires_in": 60} if request.method == "POST" else [])
    )
    spec = document(auth={**FIELDS, "auth": auth}, records="body")
    del spec["endpoints"]["accounts"]["records"]
    secrets = {"certificate": client("ann").certificate, "key": client("ann").key}
    async with Connector.open(spec, secrets=secrets, effects=effects(transport)) as bank:
        await bank.call("accounts")
    asked, sent = transport.requests
    assert (asked.url, dict(asked.body)["client_id"]) == ("https://id.example/token", "shop")
    assert sent.headers["Authorization"] == "Bearer bound"
    assert asked.certificate is not None
    assert asked.certificate is sent.certificate


# ── in the simulator ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "inner",
    [
        None,
        {"type": "bearer", "token": "{{ secrets.token }}"},
        {"type": "digest", "username": "u", "password": "{{ secrets.token }}"},
        {
            "type": "oauth2",
            "grant": "client_credentials",
            "token_url": "https://id.example/token",
            "client_id": "shop",
            "client_auth": "none",
        },
        {
            "type": "oauth2",
            "grant": "authorization_code",
            "token_url": "https://id.example/token",
            "authorize_url": "https://id.example/authorize",
            "client_id": "shop",
            "client_secret": "{{ secrets.token }}",
        },
    ],
    ids=["alone", "bearer", "digest", "client_credentials", "authorization_code"],
)
async def test_simulated(inner):
    """The simulator sees the certificate of made up secrets, and what stands on top of it."""
    spec = document(
        auth={**FIELDS, **({} if inner is None else {"auth": inner})},
        secrets={"certificate": {}, "key": {}, "token": {}},
    )
    async with simulated(spec, records=3) as bank:
        assert len([record async for record in bank.read("accounts")]) == 3


@pytest.mark.parametrize(
    "auth, why",
    [
        ("none", "no client certificate was shown"),
        (FIELDS, "the client certificate is wrong"),
    ],
)
async def test_the_simulator_refuses(auth, why):
    """Who shows none, or another, is told so; a header that says it was shown is not believed."""
    async with Simulator(document()) as service:
        secrets = {"certificate": client("ann").certificate, "key": client("ann").key}
        stranger = document(auth=auth, headers={"Client-Cert": ":MIIB:"})
        opening = Connector.open(stranger, secrets=secrets, effects=Effects(transport=service.transport))
        async with opening as bank:
            with pytest.raises(AuthenticationError, match=why):
                await bank.call("accounts")
