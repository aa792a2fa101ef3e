"""A secret where others may see it: in what a service quotes, a repr, an event, a log, a file, a command's output."""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import re
import signal
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connector_core import Connector, Engine, Secret
from connector_core.config import SecretRef
from connector_core.events import Event
from connector_core.exceptions import IntegrationError
from connector_core.http import ClientCertificate, Request, Response
from connector_core.http.credentials import HEADERS, PARAMETERS
from connector_core.logs import OperationLog
from connector_core.metrics import Metrics
from connector_core.secrets.store import SecretStore
from connector_core.testing import FakeTransport, effects, respond
from tests.attacks.service import HOME, PLACEMENTS, SECRETS, document
from tests.attacks.test_errors import chain, holds_a_secret, told
from tests.cli.conftest import folder, live, program, run, service  # noqa: F401 - fixtures
from tests.engine.servers import answer, serving

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "in JSON": lambda text: json.dumps({"received": text}),
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "in HTML": lambda text: f"<pre>{html.escape(text)}</pre>",
    "percent-encoded": lambda text: quote(text, safe=""),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(b"-" + text.encode()).decode(),
}
DERIVED = {
    "digest": r'response="(\w+)"',
    "jwt": r"Bearer (\S+)",
    "signed header": r"X-Sign: (\w+)",
    "signed query": r"sign=(\w+)",
    "oauth1 header": r'oauth_signature="([^"]+)"',
    "oauth1 query": r"oauth_signature=([^&\s]+)",
    "aws header": r"Signature=(\w+)",
    "aws query": r"X-Amz-Signature=(\w+)",
}
"""Where what is made from a secret stands in a request, by its placement."""


def written(request: Request) -> str:
    """A request as a service may quote it, with its headers."""
    lines = [f"{request.method} {request.target}", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\n".join(lines)


def quoting(placement: str, put: Callable[[str], Response]) -> FakeTransport:
    """A service that quotes every request in what it answers."""

    def answered(request: Request) -> Response:
        if request.url == f"{HOME}/token":
            return respond(json={"access_token": "issued-canary", "token_type": "Bearer"})
        if placement == "digest" and "Authorization" not in request.headers:
            return respond(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, content=b"")
        return put(written(request))

    return FakeTransport(answered)


def as_message(text: str) -> Response:
    return respond(400, json={"message": text})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_a_service_that_quotes_the_request(placement, form, caplog):
    """No error, event, log or counter shows the secret that a service sends back, in whatever form."""
    caplog.set_level(logging.DEBUG)
    transport = quoting(placement, lambda text: as_message(FORMS[form](text)))
    heard: list[Event] = []
    metrics = Metrics()
    made = effects(transport, listeners=[heard.append, metrics, OperationLog()])
    spec = document({"retry": {"attempts": 1}}, **PLACEMENTS[placement])
    async with Connector.open(spec, secrets=SECRETS, effects=made) as demo:
        with pytest.raises(IntegrationError, match="answered 400") as caught:
            await demo.call("thing")
        shown = [told(caught.value), repr(heard), caplog.text, repr(demo), repr(demo._connection)]
        shown += [json.dumps(counters.as_dict()) for counters in metrics.all().values()]
    assert len(heard) >= 3
    assert not holds_a_secret("\n".join(shown))
    assert not holds_a_secret(repr(transport.requests))


@pytest.mark.parametrize("form", ["as it is", "in JSON", "in HTML", "percent-encoded"])
@pytest.mark.parametrize("placement", DERIVED)
async def test_what_is_made_from_a_secret(placement, form):
    """A signature or a token that holds for minutes is not shown either, where its name stands before it."""
    transport = quoting(placement, lambda text: as_message(FORMS[form](text)))
    spec = document({"retry": {"attempts": 1}}, **PLACEMENTS[placement])
    async with Connector.open(spec, secrets=SECRETS, effects=effects(transport)) as demo:
        with pytest.raises(IntegrationError, match="answered 400") as caught:
            await demo.call("thing")
    found = re.search(DERIVED[placement], written(transport.requests[-1]))
    assert found is not None
    assert found[1] not in str(caught.value)
    assert quote(found[1], safe="") not in str(caught.value)
    assert "***" in str(caught.value)


SIGN_INS: dict[str, dict[str, Any]] = {
    "client_secret in the body": {**PLACEMENTS["oauth2"]["auth"], "client_auth": "post"},
    "client_secret in Basic": {**PLACEMENTS["oauth2"]["auth"], "client_auth": "basic"},
    "a login": {
        "type": "session",
        "login": {
            "post": "/token",
            "body": {"json": {"user": "{{ secrets.user }}", "password": "{{ secrets.token }}"}},
        },
        "token": {"access": "body.token"},
        "put": "header.X-Token",
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sign_in", SIGN_INS)
async def test_a_sign_in_that_quotes_the_request(sign_in, form, caplog):
    """Where a token is asked for, and what was asked with comes back, no error, event or log shows it."""
    caplog.set_level(logging.DEBUG)
    heard: list[Event] = []
    sent: list[Request] = []

    def refused(request: Request) -> Response:
        sent.append(request)
        quoted = FORMS[form](f"{written(request)}\n\n{(request.content or b'').decode()}")
        return respond(400, json={"error": "invalid_request", "error_description": quoted})

    made = effects(refused, listeners=[heard.append, OperationLog()])
    async with Connector.open(document(auth=SIGN_INS[sign_in]), secrets=SECRETS, effects=made) as demo:
        with pytest.raises(IntegrationError, match=r"400|invalid_request") as caught:
            await demo.call("thing")
    assert {request.url for request in sent} == {f"{HOME}/token"}
    assert not holds_a_secret("\n".join([told(caught.value), repr(heard), caplog.text]))


async def test_an_address_that_somebody_signed():
    """A service that quotes an address which is open to whoever knows it shows nobody its signature."""
    link = "https://files.example/a?X-Amz-Credential=AKIA/1&X-Amz-Signature=5ca1ab1e&size=7"
    async with Connector.open(
        document(), secrets=SECRETS, effects=effects(lambda _: as_message(f"see {link}"))
    ) as demo:
        with pytest.raises(IntegrationError) as caught:
            await demo.call("thing")
    assert "see https://files.example/a?X-Amz-Credential=***&X-Amz-Signature=***&size=7" in str(caught.value)


@pytest.mark.parametrize(
    "head",
    [
        {"status": "400 no such token: t0ken-canary"},
        {"status": "400 Bad", "field": "WWW-Authenticate: Bearer error_description=t0ken-canary"},
        {"status": "302 Found", "field": "Location: /there/t0ken-canary?key=t0ken-canary"},
        {"status": "302 Found", "field": "Location: https://evil.example/t0ken-canary"},
        {"status": "302 Found", "field": "Location: http://[t0ken-canary"},
    ],
    ids=["reason", "header", "redirect", "redirect abroad", "no address"],
)
async def test_a_service_that_quotes_it_in_the_head(head, caplog):
    """The reason phrase, a header and a redirect bring it into no error, event or log: over a real socket.

    Variables beside the traceback are not looked at: what a service sends stands in them.
    """
    caplog.set_level(logging.DEBUG)
    heard: list[Event] = []
    reply = answer(b"{}", *([head["field"]] if "field" in head else []), status=head["status"])
    async with serving(reply) as server:
        spec = document({"retry": {"attempts": 1}}, base_url=server.url, **PLACEMENTS["bearer"])
        opening: Any = Connector.open(spec, secrets=SECRETS, network="loopback", listeners=[heard.append])
        async with opening as demo:
            with pytest.raises(IntegrationError) as caught:
                await demo.call("thing")
    texts = [f"{one} {one!r} {vars(one)} {''.join(traceback.format_exception(one))}" for one in chain(caught.value)]
    assert not holds_a_secret("\n".join([*texts, repr(heard), caplog.text]))


async def test_no_repr(tmp_path):
    """Nothing that an app holds shows a secret where it is printed."""
    key = tmp_path.parent / f"{tmp_path.name}.key"
    key.write_text(base64.b64encode(os.urandom(32)).decode())
    key.chmod(0o600)
    async with SecretStore(f"sqlite:///{tmp_path}/secrets.db", key=f"file:{key}") as store:
        await store.put("demo", "token", SECRETS["token"])
        made = effects(lambda _: respond(json={"id": 1}))
        given = {**SECRETS, "token": SecretRef("store:demo/token"), "user": Secret(SECRETS["user"])}
        async with (
            Engine(secret_store=store, effects=made) as engine,
            engine.open(document(**PLACEMENTS["basic"]), secrets=given) as demo,
        ):
            result = await demo.call("thing")
            held: list[Any] = [engine, demo, demo._connection, demo.spec, store, result, made, demo._connection.gate]
            held += [given["token"], given["user"], demo._connection.referred, demo._connection._masks]
            held += [ClientCertificate("cert", key=SECRETS["key"])]
            shown = [f"{one!r} {one}" for one in held]
        assert not holds_a_secret("\n".join(shown))


# ── the command line ──────────────────────────────────────────────────────────────────────────────

TOKEN = "t0p-secret"
LOUD = ("--debug", "--trace")
REFUSED = b'{"message": "no such token: Bearer t0p-secret (dDBwLXNlY3JldA==, t0p%2Dsecret)"}'


@pytest.mark.parametrize(
    "words",
    [
        ("read", "shop", "orders", *LOUD, "--metrics", "--save-trace", "trace.jsonl"),
        ("read", "shop", "orders", *LOUD, "--json"),
        ("call", "shop", "orders", *LOUD, "--metrics"),
        ("check", "shop", *LOUD),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("status", [400, 401, 500])
def test_commands_whose_service_quotes_it(words, status, live, folder):  # noqa: F811 - a fixture
    """Neither what a command writes, with all that it can tell, nor a file that it leaves holds the secret."""
    done = live(status, REFUSED, *words)
    assert done.exit_code == 1, done.output
    assert "Traceback" in done.output
    left = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert (folder / "trace.jsonl" in left) == ("--save-trace" in words)
    for text in (done.output, repr(done.exception), *(found.decode("utf-8", "replace") for found in left.values())):
        assert TOKEN not in text
        assert "dDBwLXNlY3JldA" not in text
        assert "t0p%2Dsecret" not in text


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "shop", "orders"),
        ("plan", "shop", "orders", "--dry-run", "--config", "shop_url=https://shop.example"),
        ("docs", "shop"),
        ("types", "shop"),
        ("validate", "shop"),
        ("lint", "shop"),
        ("connections",),
        ("secrets", "list"),
    ],
    ids=" ".join,
)
def test_commands_that_need_no_secret(words, run, folder):  # noqa: F811 - a fixture
    """One that stands in the environment, and one that is kept, are in nothing that they write."""
    variables = {"CONNECTOR_SHOP_TOKEN": TOKEN}
    (folder / "connections.yaml").write_text(
        "connections: {acme: {connector: specs/shop.yaml, secrets: {token: store:acme/token}}}\n", "utf-8"
    )
    kept = run("secrets", "set", "acme", "token", input=TOKEN, env=variables)
    assert kept.exit_code == 0, kept.output
    done = run(*words, env=variables)
    assert done.exit_code == 0, done.output
    left = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert TOKEN not in kept.output + done.output
    assert TOKEN.encode() not in b"".join(left)


@pytest.mark.parametrize("signalled", [signal.SIGABRT, signal.SIGSEGV, signal.SIGTERM], ids=lambda one: one.name)
def test_a_process_that_is_killed(signalled, program, folder):  # noqa: F811 - a fixture
    """What is written of a process that dies while it waits for an answer names its places, and no secret."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        options = ("--config", f"shop_url=http://127.0.0.1:{server.getsockname()[1]}", "--network", "loopback")
        process = program(
            *("read", "shop", "orders", *LOUD, *options),
            env={"CONNECTOR_SHOP_TOKEN": TOKEN, "PYTHONFAULTHANDLER": "1"},
            preexec_fn=without_a_core,
        )
        server.settimeout(60)
        accepted, _ = server.accept()
        with accepted:
            accepted.settimeout(60)
            assert TOKEN.encode() in accepted.recv(65_536)
            process.send_signal(signalled)
            out, err = process.communicate(timeout=60)
    assert process.returncode == -signalled
    assert ("most recent call first" in err) == (signalled != signal.SIGTERM)
    assert TOKEN not in out + err
    assert not any(TOKEN.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def without_a_core() -> None:
    """No core dump is left on the machine that tests."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# ── the page that says so ─────────────────────────────────────────────────────────────────────────

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "explanation" / "security.md"


def test_the_page_names_what_there_is():
    """Each module of tests that a promise names is there, and the names that are masked are those of the code."""
    page = PAGE.read_text("utf-8")
    named = re.findall(r"`((?:tests/)?(?:\w+/)*\w+\.py)`", page)
    assert len(named) >= 10
    for name in named:
        whole = TESTS.parent / name if name.startswith("tests/") else TESTS / "attacks" / name
        assert whole.is_file(), name
    lists = page.partition("### By its name")[2].partition("##")[0]
    assert {name.lower() for name in re.findall(r"`([\w-]+)`", lists.partition("* headers")[2])} == HEADERS | PARAMETERS
