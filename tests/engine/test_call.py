"""One request seen through: retries, redirects, decoding, classification; no socket and no real time."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connector_core import Connector, Engine
from connector_core.events import (
    AnswerRepaired,
    Event,
    OperationFinished,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    RetryScheduled,
)
from connector_core.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConflictError,
    ConnectionError,
    IntegrationError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ValidationError,
)
from connector_core.http import Request, Response
from connector_core.testing import FakeTransport, VirtualClock, effects, respond


def spec(endpoint: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    thing = {"get": "/thing", "output": "body"} | (endpoint or {})
    return {"connector": "1", "name": "demo", "base_url": "https://api.example", "endpoints": {"thing": thing}} | more


def post(**more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "demo",
        "base_url": "https://api.example",
        "endpoints": {"thing": {"post": "/thing"} | more},
    }


def opened(document: dict[str, Any], answer: Any, **more: Any):
    secrets = more.pop("secrets", {})
    return Connector.open(document, secrets=secrets, effects=effects(answer, **more))


def in_turn(*answers: Response | Exception):
    """Answers one after the other; the last one again and again."""
    left = list(answers)

    def answer(_: Request) -> Response:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    return answer


def cut(phase: str) -> ConnectionError:
    return ConnectionError("cut", phase=phase, retryable=True, code="connection.reset")


# ── retries ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "document, failure, attempts",
    [
        (spec(), cut("unsent"), 4),
        (spec(), cut("sent"), 4),
        (spec(), respond(503), 4),
        (spec(), respond(500), 4),
        (spec(), respond(429), 4),
        (spec(), respond(404), 1),
        (spec(), respond(401), 1),
        (post(), cut("unsent"), 4),
        (post(), cut("sent"), 1),
        (post(), cut("answered"), 1),
        (post(), respond(500), 1),
        (post(), respond(503), 1),
        (post(), respond(503, headers={"Retry-After": "1"}), 4),
        (post(), respond(429), 4),
        (post(safe=True), cut("sent"), 4),
        (post(safe=True), respond(500), 4),
        (post(errors=[{"status": 409, "then": "retry"}]), respond(409), 4),
    ],
)
async def test_only_what_is_harmless_is_sent_again(document, failure, attempts):
    """A write is repeated only where the service cannot have acted; a read wherever that may help."""
    transport = FakeTransport(in_turn(failure))
    async with opened(document, transport) as demo:
        with pytest.raises(IntegrationError) as failed:
            await demo.call("thing")
    assert len(transport.requests) == attempts
    assert failed.value.context["attempts"] == attempts
    assert ("gave up after 4 attempts" in str(failed.value)) == (attempts == 4)


async def test_a_failure_that_passes_is_not_seen():
    """After two failures the answer comes, and the result says how many attempts it took."""
    async with opened(spec(), in_turn(respond(502), cut("sent"), respond(json={"ok": 1}))) as demo:
        result = await demo.call("thing")
    assert (result.data, result.attempts, result.degraded) == ({"ok": 1}, 3, None)


async def test_retry_after_is_the_least_that_is_waited():
    """The service's own wait is kept, and little is added to it."""
    clock = VirtualClock()
    async with opened(
        spec(), in_turn(respond(429, headers={"Retry-After": "7"}), respond(json=1)), clock=clock
    ) as demo:
        await demo.call("thing")
    assert len(clock.slept) == 1
    assert 7 <= clock.slept[0] <= 7.7


async def test_a_wait_that_is_too_long_is_left_to_the_caller():
    """A Retry-After beyond two minutes fails now, with the seconds in the error."""
    async with opened(spec(), in_turn(respond(429, headers={"Retry-After": "3600"}))) as demo:
        with pytest.raises(RateLimitError) as limited:
            await demo.call("thing")
    assert (limited.value.retry_after, limited.value.retryable) == (3600, True)


async def test_a_rules_own_wait_is_kept():
    """`retry_after` in a rule says where the seconds stand."""
    clock = VirtualClock()
    rules = [{"when": "body.ok == false", "category": "rate_limit", "retry_after": "body.wait"}]
    answers = in_turn(respond(json={"ok": False, "wait": 3}), respond(json={"ok": True}))
    async with opened(spec(errors=rules), answers, clock=clock) as demo:
        assert (await demo.call("thing")).data == {"ok": True}
    assert 3 <= clock.slept[0] <= 3.3


async def test_cancellation_gives_the_permit_back():
    """A cancelled request frees its place for the next one."""
    gate = asyncio.Event()

    async def answer(_: Request) -> Response:
        await gate.wait()
        return respond(json=1)

    async with opened(spec(rate_limit={"concurrency": 1}), answer) as demo:
        first = asyncio.create_task(demo.call("thing"))
        await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.set()
        assert (await asyncio.wait_for(demo.call("thing"), 1)).data == 1


@pytest.mark.parametrize("connector, endpoint, most", [(2, None, 2), (None, 3, 3), (5, 2, 2), (2, 5, 2)])
async def test_concurrency_is_kept_by_connector_and_endpoint(connector, endpoint, most):
    """At most the declared number is under way, whichever of the two declares less."""
    clock, under_way, seen = VirtualClock(), 0, 0

    async def answer(_: Request) -> Response:
        nonlocal under_way, seen
        under_way += 1
        seen = max(seen, under_way)
        await clock.sleep(1)
        under_way -= 1
        return respond(json=1)

    document = spec({"rate_limit": {"concurrency": endpoint}} if endpoint else None)
    document |= {"rate_limit": {"concurrency": connector}} if connector else {}
    async with opened(document, answer, clock=clock) as demo:
        await asyncio.gather(*(demo.call("thing") for _ in range(20)))
    assert seen == most


# ── what answers mean ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "status, kind",
    [
        (400, ValidationError), (401, AuthenticationError), (403, AuthorizationError), (404, NotFoundError),
        (409, ConflictError), (422, ValidationError), (429, RateLimitError), (500, ServerError), (503, ServerError),
    ],
)  # fmt: skip
async def test_a_status_becomes_its_exception(status, kind):
    """Without rules, HTTP says which exception it is."""
    async with opened(spec(), in_turn(respond(status, json={"message": "no"}))) as demo:
        with pytest.raises(kind, match=f"demo answered {status}: no") as failed:
            await demo.call("thing")
    assert failed.value.context["status"] == status
    assert failed.value.code == f"http.{status}"


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Say please"}, {"error": {"message": "Say please"}}, {"errors": [{"detail": "Say please"}]},
        {"error": "x", "error_description": "Say please"}, {"title": "Say please", "type": "about:blank"},
    ],
)  # fmt: skip
async def test_the_services_own_words_come_through(body):
    """What the service says about an error is part of the message, wherever services usually say it."""
    async with opened(spec(), in_turn(respond(400, json=body))) as demo:
        with pytest.raises(ValidationError) as failed:
            await demo.call("thing")
    assert str(failed.value) == "demo answered 400: Say please — thing: GET https://api.example/thing"


async def test_the_services_words_are_made_harmless():
    """Control characters, overlong words and our own secrets do not come through."""
    said = "bad\r\n\x1b[31mtoken s3cr3t-token " + "x" * 1000
    document = spec(secrets={"token": {}}, auth={"type": "bearer", "token": "{{ secrets.token }}"})
    async with opened(
        document, in_turn(respond(401, json={"message": said})), secrets={"token": "s3cr3t-token"}
    ) as demo:
        with pytest.raises(AuthenticationError) as failed:
            await demo.call("thing")
    text = str(failed.value)
    assert "s3cr3t" not in text
    assert "\x1b" not in text
    assert "\n" not in text
    assert len(text) < 500


async def test_a_rule_speaks_first():
    """A rule's category, code and message stand in the exception."""
    rules = [
        {
            "when": "body.ok == false",
            "category": "validation",
            "code": "body.error",
            "message": "Shop says: {{ body.error }}",
        }
    ]
    async with opened(spec(errors=rules), in_turn(respond(json={"ok": False, "error": "no_stock"}))) as demo:
        with pytest.raises(ValidationError, match="Shop says: no_stock") as failed:
            await demo.call("thing")
    assert failed.value.code == "no_stock"


async def test_reauthenticate_without_a_flow_is_an_authentication_error():
    """Fixed credentials cannot be renewed, so the rule becomes an AuthenticationError."""
    rules = [{"when": "body.ok == false", "then": "reauthenticate"}]
    async with opened(spec(errors=rules), in_turn(respond(json={"ok": False}))) as demo:
        with pytest.raises(AuthenticationError):
            await demo.call("thing")


@pytest.mark.parametrize(
    "content, what",
    [
        (
            b"<!DOCTYPE html><html><head><title>Sign in</title>",
            "the body is an HTML page (its title: Sign in), where JSON is expected",
        ),
        (b'{"a": [1, 2', "the body is JSON that breaks off"),
        (b'{"a": "\xff\xfe"}', "the body is not UTF-8 (byte 7)"),
        (b"<?xml version='1.0'?><a/>", "the body is XML, where JSON is expected"),
    ],
)  # fmt: skip
async def test_a_good_status_with_a_bad_body_says_what_came(content, what):
    """A 200 that is not JSON is told as what it is instead."""
    async with opened(spec(), in_turn(respond(content=content))) as demo:
        with pytest.raises(ResponseError) as failed:
            await demo.call("thing")
    assert str(failed.value) == (
        f"demo answered 200: {what} — thing: GET https://api.example/thing — "
        "compare the spec with what the service sends"
    )


async def test_a_repaired_body_is_told():
    """NaN becomes null, and an event says so."""
    events: list[Event] = []
    async with opened(spec(), in_turn(respond(content=b'{"a": NaN}')), listeners=[events.append]) as demo:
        assert (await demo.call("thing")).data == {"a": None}
    assert AnswerRepaired(connection="demo", endpoint="thing", repair="NaN became null") in events


async def test_an_empty_answer_to_a_call_is_none():
    """204 and an empty 200 give None."""
    for answer in (respond(204, content=b""), respond(200, content=b"")):
        async with opened(post(), in_turn(answer)) as demo:
            assert (await demo.call("thing")).data is None


# ── where requests go ─────────────────────────────────────────────────────────────────────────────


def guarded(**more: Any) -> dict[str, Any]:
    return spec(
        secrets={"token": {}}, auth={"type": "bearer", "token": "{{ secrets.token }}"},
        headers={"X-Team": "{{ secrets.token }}", "Accept": "application/json"}, **more,
    )  # fmt: skip


def moved(status: int, to: str):
    def answer(request: Request) -> Response:
        here = request.url == "https://api.example/thing"
        return respond(status, headers={"Location": to}, content=b"") if here else respond(json=dict(request.headers))

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_at_home_is_followed_with_credentials(status):
    """On the service's own origin a redirect is followed and signed anew."""
    async with opened(guarded(), moved(status, "/elsewhere"), secrets={"token": "t0ken"}) as demo:
        assert (await demo.call("thing")).data["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/", "//evil.example/", "http://api.example/", "https://api.example:444/",
        "https://api.example.evil.example/", "https://169.254.169.254/",
    ],
)  # fmt: skip
async def test_a_redirect_abroad_is_refused(status, to):
    """Another host, scheme or port is refused before anything is sent there."""
    transport = FakeTransport(moved(status, to))
    async with opened(guarded(), transport, secrets={"token": "t0ken"}) as demo:
        with pytest.raises(ResponseError, match=r"demo was led to .*, which is not one of its hosts"):
            await demo.call("thing")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("to", ["https://api.example@evil.example/", "https://u:S3CRET@api.example/x"])
async def test_a_redirect_with_a_user_name_is_refused(to):
    """A user name in an address hides where it leads; it is refused, and neither it nor a password is shown."""
    transport = FakeTransport(moved(302, to))
    async with opened(guarded(), transport, secrets={"token": "t0ken"}) as demo:
        with pytest.raises(ResponseError, match="demo was led to what is no address") as refused:
            await demo.call("thing")
    assert "S3CRET" not in str(refused.value) + repr(refused.value.context)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "to, why",
    [
        ("/new thing", ": the URL is not a URL that can be called"),
        ("https://api.example/a b", ": the URL is not a URL that can be called"),
        ("https://[api.example/", ""),
    ],
)
async def test_a_redirect_to_no_address(to, why):
    """What cannot be sent is the service's mistake, told as such, and never sent."""
    transport = FakeTransport(moved(302, to))
    async with opened(guarded(), transport, secrets={"token": "t0ken"}) as demo:
        with pytest.raises(ResponseError) as refused:
            await demo.call("thing")
    assert refused.value.code == "redirect.invalid"
    assert str(refused.value) == (
        f"demo redirects to what is no address{why} — thing: GET https://api.example/thing — "
        "write the address that works into the spec, or tell the service's operator"
    )
    assert len(transport.requests) == 1


async def test_a_declared_host_sees_no_credentials():
    """A host of `hosts` is followed, without the signature and without headers that may hold a secret."""
    document = guarded(hosts=["cdn.example"])
    async with opened(document, moved(302, "https://cdn.example/file"), secrets={"token": "t0ken"}) as demo:
        assert (await demo.call("thing")).data == {"Accept": "application/json"}


async def test_a_trusted_host_sees_them():
    """With `credentials: true` it does."""
    document = guarded(hosts=[{"host": "api2.example", "credentials": True}])
    async with opened(document, moved(302, "https://api2.example/x"), secrets={"token": "t0ken"}) as demo:
        assert (await demo.call("thing")).data["Authorization"] == "Bearer t0ken"


async def test_a_wildcard_host_covers_its_subdomains_alone():
    """`*.example.net` means subdomains over https, not the domain itself and not another ending."""
    document = guarded(hosts=["*.files.example"])
    for to, allowed in [
        ("https://a.files.example/", True), ("https://a.b.files.example/", True), ("https://files.example/", False),
        ("https://evilfiles.example/", False), ("https://a.files.example:8443/", False),
        ("http://a.files.example/", False),
    ]:  # fmt: skip
        async with opened(document, moved(302, to), secrets={"token": "t0ken"}) as demo:
            if allowed:
                assert "Authorization" not in (await demo.call("thing")).data
            else:
                with pytest.raises(ResponseError, match="which is not one of its hosts"):
                    await demo.call("thing")


async def test_redirects_in_a_circle_end():
    """More than ten redirects are an error."""
    transport = FakeTransport(lambda _: respond(302, headers={"Location": "/thing"}, content=b""))
    async with opened(spec(), transport) as demo:
        with pytest.raises(ResponseError, match="demo redirects more than 10 times"):
            await demo.call("thing")
    assert len(transport.requests) == 11


@pytest.mark.parametrize("status", [301, 302])
async def test_a_redirected_write_is_an_error(status):
    """A POST is not quietly turned into a GET."""
    async with opened(post(), moved(status, "/new")) as demo:
        with pytest.raises(
            ResponseError, match=f"answers POST with a redirect \\({status}\\) to https://api.example/new"
        ):
            await demo.call("thing")


async def test_a_write_is_repeated_where_the_redirect_says_so():
    """307 and 308 keep method and body, 303 asks with GET."""
    document = post(body={"json": {"a": 1}})
    for status, method in [(307, "POST"), (308, "POST"), (303, "GET")]:
        transport = FakeTransport(moved(status, "/new"))
        async with opened(document, transport) as demo:
            await demo.call("thing")
        sent = transport.requests[1]
        assert (sent.method, sent.content) == (method, b'{"a":1}' if method == "POST" else None)


async def test_a_write_is_not_repeated_abroad():
    """What was to be written does not go to a host that may not see credentials."""
    document = post(
        body={"json": {"a": 1}},
    ) | {"hosts": ["cdn.example"]}
    async with opened(document, moved(307, "https://cdn.example/new")) as demo:
        with pytest.raises(
            ResponseError, match="a request with a body was led to a host that may not see the credentials"
        ):
            await demo.call("thing")


# ── what is announced ─────────────────────────────────────────────────────────────────────────────


async def test_every_attempt_is_announced():
    """Start, end or failure of each attempt, and the wait between them; no query in any URL."""
    events: list[Event] = []
    answers = in_turn(cut("sent"), respond(503, json={"message": "busy"}), respond(json=1))
    async with opened(spec({"params": {"key": "hidden"}}), answers, listeners=[events.append]) as demo:
        await demo.call("thing")
    assert [type(event) for event in events] == [
        RequestStarted, RequestFailed, RetryScheduled, RequestStarted, RequestFinished, RetryScheduled,
        RequestStarted, RequestFinished, OperationFinished,
    ]  # fmt: skip
    assert [event.attempt for event in events if isinstance(event, RequestStarted)] == [1, 2, 3]
    assert "hidden" not in repr(events)


async def test_a_failing_listener_is_taken_off(caplog):
    """A listener that raises is logged once, heard no more, and disturbs nothing."""
    calls = 0

    def broken(_: Event) -> None:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError

    async with opened(spec(), in_turn(respond(json=1)), listeners=[broken]) as demo:
        assert (await demo.call("thing")).data == 1
    assert calls == 1
    assert len(caplog.records) == 1


async def test_a_listener_is_taken_off_twice_without_harm(caplog):
    """A listener that takes itself off and then fails disturbs nothing, and taking it off once more neither."""
    async with Engine(effects=effects(lambda _: respond(json={}))) as engine:

        def fails(_: Event) -> None:
            off()
            raise ValueError("no")

        off = engine.listen(fails)
        async with engine.open(spec()) as demo:
            assert (await demo.call("thing")).data == {}
        off()
    assert "failed at" in caplog.text


async def test_a_rules_words_are_made_harmless_too():
    """What a rule takes from the answer, message and code, is one short line that holds no secret."""
    rule = {"status": 400, "category": "validation", "code": "body.code", "message": "Says: {{ body.text }}"}
    said = {"code": "bad\ntok-1234", "text": "tok-1234-long \x1b[2J\nforged tok-1234 " + "x" * 100_000}
    document = spec(errors=[rule], secrets={"a": {}, "b": {}})
    secrets = {"a": "tok-1234", "b": "tok-1234-long"}
    with pytest.raises(ValidationError) as caught:
        async with opened(document, lambda _: respond(400, json=said), secrets=secrets) as demo:
            await demo.call("thing")
    assert caught.value.code == "bad ***"
    assert caught.value.what.startswith("demo answered 400: Says: ***  [2J forged *** xxx")
    assert len(caught.value.what) < 330


async def test_the_title_of_a_page_shows_no_secret():
    """A page in place of JSON may repeat the request; the secrets in it are taken out."""
    page = respond(content=b"<html><title>No tok-1234</title>")
    with pytest.raises(ResponseError, match=r"its title: No \*\*\*"):
        async with opened(spec(secrets={"a": {}}), lambda _: page, secrets={"a": "tok-1234"}) as demo:
            await demo.call("thing")


async def test_words_that_lie_endlessly_deep_do_no_harm():
    """An error that is nested hundreds of levels deep is an error without words, no crash."""
    body = b'{"error":' * 400 + b'"deep"' + b"}" * 400
    with pytest.raises(ValidationError, match="answered 400: without a reason"):
        async with opened(spec(), lambda _: respond(400, content=body)) as demo:
            await demo.call("thing")


# ── what a hostile service tries ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["503", "429", "unsent"])
async def test_a_write_that_was_acted_on_is_not_sent_again(how):
    """After a 303 only the answer is fetched again, however that fails; the write went out once."""
    sent: list[str] = []

    def service(request: Request) -> Response:
        sent.append(f"{request.method} {request.url.removeprefix('https://api.example')}")
        if request.method == "POST":
            return respond(303, headers={"Location": "/orders/1"})
        if how == "unsent":
            raise ConnectionError("no connection", phase="unsent", retryable=True)
        return respond(int(how), headers={"Retry-After": "0"})

    document = {
        "connector": "1",
        "name": "demo",
        "base_url": "https://api.example",
        "endpoints": {"order": {"post": "/orders"}},
    }
    async with Connector.open(document, effects=effects(service)) as demo:
        with pytest.raises(IntegrationError):
            await demo.call("order")
    assert sent == ["POST /orders", *["GET /orders/1"] * 4]


@pytest.mark.parametrize(
    "form",
    [
        "{0}", "Basic dXNlcjpTM2NyM3QvKyBUJng=", "{quoted}", "{plus}", "&lt;S3cr3t/+ T&amp;x&gt;", "s3CR3T/+ t&X",
        "prefix UzNjcjN0LysgVCZ4 suffix",
    ],
)  # fmt: skip
async def test_a_secret_that_comes_back_in_any_form_is_masked(form):
    """Whatever form a service echoes a secret in, no message holds it."""
    secret = "S3cr3t/+ T&x"
    text = form.format(secret, quoted="S3cr3t%2F%2B%20T%26x", plus="S3cr3t%2F%2B+T%26x")
    document = {
        "connector": "1",
        "name": "demo",
        "secrets": {"token": {}},
        "base_url": "https://api.example",
        "auth": {"type": "basic", "username": "user", "password": "{{ secrets.token }}"},
        "endpoints": {"order": {"post": "/orders"}},
    }
    fake = effects(lambda _request: respond(400, json={"message": f"you sent {text}"}))
    async with Connector.open(document, secrets={"token": secret}, effects=fake) as demo:
        with pytest.raises(ValidationError, match=r"you sent .*\*\*\*") as refused:
            await demo.call("order")
    for part in ("cr3t", "NyM3", "M2Ny", "jcjN0"):
        assert part.lower() not in str(refused.value).lower()


def homes(**more: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "demo",
        "secrets": {"token": {}},
        "base_url": "https://api.example",
        "auth": {"type": "bearer", "token": "{{ secrets.token }}"},
        "endpoints": {"a": {"get": "/a", "output": "body"}, **more.pop("endpoints", {})},
        **more,
    }


@pytest.mark.parametrize(
    "document, to, trusted",
    [
        (homes(endpoints={"s": {"get": "/s", "base_url": "https://other.example", "auth": "none"}}), "https://other.example/x", False),
        (homes(hosts=[{"host": "files.example", "credentials": True}]), "https://files.example/x", True),
        (homes(hosts=[{"host": "files.example", "credentials": True}], endpoints={"s": {"get": "/s", "base_url": "http://old.example"}}), "http://files.example/x", None),
    ],
)  # fmt: skip
async def test_credentials_stay_at_the_endpoints_own_home(document, to, trusted):
    """Another endpoint's address is no home of this one, and opens no way to send credentials in clear text."""
    transport = FakeTransport(
        lambda request: respond(302, headers={"Location": to}) if request.url.endswith("/a") else respond(json={})
    )
    async with Connector.open(document, secrets={"token": "t0ken"}, effects=effects(transport)) as demo:
        if trusted is None:
            with pytest.raises(ResponseError, match="which is not one of its hosts"):
                await demo.call("a")
        else:
            await demo.call("a")
    assert ("Authorization" in transport.requests[-1].headers) is (trusted is not False)


@pytest.mark.parametrize("location", ["/x?q=é", "/é", "https://api.example/é?q=é"])
async def test_a_location_in_utf_8_is_followed_as_it_was_meant(location):
    """Bytes of UTF-8 in a header are percent-encoded as they are."""
    raw = location.encode().decode("latin-1")
    transport = FakeTransport(
        lambda request: respond(302, headers={"Location": raw}) if request.url.endswith("/a") else respond(json={})
    )
    async with Connector.open(homes(), secrets={"token": "t0ken"}, effects=effects(transport)) as demo:
        await demo.call("a")
    request = transport.requests[-1]
    assert request.url.endswith("/%C3%A9" if "/é" in location else "/x")
    assert request.link in ("", "q=é")
