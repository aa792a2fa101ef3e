"""Tokens as the engine has them made, kept, shared and renewed: on a virtual clock, with a service that counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from typing import Any, ClassVar, Literal

import pytest

from connector_core import Connector, Engine
from connector_core.auth import Auth, Session, Token
from connector_core.engine.credentials import LEASE, REST
from connector_core.engine.signing import ask
from connector_core.engine.stored_tokens import StoredTokens
from connector_core.engine.tokens import InMemoryTokens, Kept
from connector_core.events import TokenRefreshed, TokenRefreshFailed
from connector_core.exceptions import (
    AuthenticationError,
    ConfigError,
    ConnectionError,
    IntegrationError,
    ReauthenticationError,
    ServerError,
)
from connector_core.http import Request, Response
from connector_core.secrets.store.rows import Name
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.secrets.store.stores import OLD, ring, store

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "auth": "ticket",
    "retry": {"attempts": 1},
    "circuit_breaker": "none",
    "endpoints": {"thing": {"get": "/things", "records": "body"}, "other": {"post": "/others"}},
}


@pytest.fixture(autouse=True)
def ticket():
    """A kind whose tokens are tickets: each is renewed by its refresh token, which serves once."""

    class Ticket(Auth):
        type: Literal["ticket"] = "ticket"
        tokened: ClassVar[bool] = True

        def sign(self, session: Session, request: Request, now: float) -> Request:  # noqa: ARG002
            assert session.token is not None
            return request.with_header("Authorization", f"Ticket {session.token.access}")

        def obtain(self, session: Session, held: Token | None, now: float) -> Generator[Request, Response, Token]:  # noqa: ARG002
            body = {} if held is None else {"refresh": held.refresh}
            answer = yield Request("POST", "https://id.example/token", (), {}, body, "json")
            if answer.status >= 500:
                raise ServerError("the tickets are out", retryable=True)
            found = json.loads(answer.content)
            if answer.status == 400:
                raise ReauthenticationError(found["error"], hint="sign in again")
            if answer.status != 200:
                raise AuthenticationError(found["error"])
            return Token(found["access"], found.get("refresh"), now + found["lives"], now, found)

        def homes(self, session: Session) -> list[str]:  # noqa: ARG002
            return ["https://id.example"]

    yield Ticket
    del Auth.kinds["ticket"]


class Service:
    """Gives tickets that live so long and takes only the last one; each refresh token serves once."""

    def __init__(self, clock: VirtualClock, lives: float = 1000.0) -> None:
        self.clock, self.lives = clock, lives
        self.given = 0
        self.used: list[str | None] = []
        self.valid: set[str] = set()
        self.fails: list[Response | Exception] = []
        """What the next requests for a ticket get instead."""
        self.takes = 0.0
        """Seconds that a ticket takes to be made."""
        self.refuses_all = False
        self.asked = asyncio.Event()
        self.signed: list[str] = []

    async def __call__(self, request: Request) -> Response:
        if request.url == "https://id.example/token":
            return await self._ticket(request)
        self.signed.append(request.headers["Authorization"])
        if self.refuses_all or request.headers["Authorization"].removeprefix("Ticket ") not in self.valid:
            return respond(401, json={"error": "who are you?"})
        return respond(json=[{"id": 1}])

    async def _ticket(self, request: Request) -> Response:
        self.asked.set()
        await self.clock.sleep(self.takes)
        if self.fails:
            failure = self.fails.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        refresh = request.body.get("refresh")
        if refresh in self.used and refresh is not None:
            self.valid.clear()
            return respond(400, json={"error": "a refresh token came twice"})
        self.used.append(refresh)
        self.given += 1
        self.valid = {f"t{self.given}"}
        return respond(json={"access": f"t{self.given}", "refresh": f"r{self.given}", "lives": self.lives})

    def world(self, **more: Any) -> Any:
        return effects(FakeTransport(self), clock=self.clock, **more)

    def opened(self, **more: Any) -> Any:
        return Connector.open(SPEC, effects=self.world(**more))


@pytest.fixture
def service() -> Service:
    return Service(VirtualClock())


async def test_one_token_for_all(service):
    """Twenty callers at once have one token asked for, and later ones use it."""
    service.takes = 1.0
    async with service.opened() as demo:
        await asyncio.gather(*(demo.call("thing") for _ in range(20)))
        await demo.call("other")
    assert (service.given, len(service.signed)) == (1, 21)


async def test_what_asks_for_a_token_has_a_time_and_an_id(service, ticket, monkeypatch):
    """A template that is rendered on the way to a token may read `now` and `uuid`, which are new each time."""
    scopes: list[Any] = []

    def obtain(self: Auth, session: Session, held: Token | None, now: float) -> Generator[Request, Response, Token]:
        scopes.append(dict(session.scope))
        return given(self, session, held, now)  # type: ignore[no-any-return]  # a fixture has no type

    given = ticket.obtain
    monkeypatch.setattr(ticket, "obtain", obtain)
    async with service.opened() as demo:
        await demo.call("thing")
        service.valid = set()
        await demo.call("thing")
    assert [scope["endpoint"] for scope in scopes] == [{"name": "thing"}] * 2
    assert all(scope["now"].endswith("Z") for scope in scopes)
    assert scopes[0]["uuid"] != scopes[1]["uuid"]


async def test_it_is_renewed_before_it_ends(service):
    """Twenty callers with a token near its end cause one renewal and no error, and the old one is never sent then."""
    async with service.opened() as demo:
        await demo.call("thing")
        await service.clock.sleep(945)  # of 1000: a minute before, at the latest, it is renewed
        service.takes = 1.0
        await asyncio.gather(*(demo.call("thing") for _ in range(20)))
    assert service.given == 2
    assert service.signed == ["Ticket t1", *["Ticket t2"] * 20]


async def test_what_the_service_refuses_is_renewed_once(service):
    """Twenty callers whose token the service has forgotten cause one renewal, and each is sent once more."""
    events: list[Any] = []
    async with service.opened(listeners=[events.append]) as demo:
        await demo.call("thing")
        service.valid = set()
        found = await asyncio.gather(*(demo.call("thing") for _ in range(20)))
    assert service.given == 2
    assert [result.attempts for result in found] == [2] * 20
    assert [event.first for event in events if isinstance(event, TokenRefreshed)] == [True, False]


async def test_a_service_that_refuses_everything_is_not_hammered(service):
    """After one renewal the error stands, and further calls cause none until the token would be renewed anyway."""
    async with service.opened() as demo:
        await demo.call("thing")
        service.refuses_all = True
        for _ in range(5):
            with pytest.raises(AuthenticationError, match="answered 401: who are you"):
                await demo.call("thing")
        assert service.given == 2
        assert len(service.signed) == 1 + 2 + 4
        service.refuses_all = False
        await demo.call("thing")  # it works, so that it may be renewed again
        service.valid = set()
        await demo.call("thing")
    assert service.given == 3


async def test_a_refused_write_is_sent_once_more(service):
    """Who is refused has not been served: even a POST without a key is signed anew, and sent twice at most."""
    async with service.opened() as demo:
        await demo.call("other")
        service.valid = set()
        await demo.call("other")
    assert service.signed == ["Ticket t1", "Ticket t1", "Ticket t2"]


async def test_whoever_gives_up_loses_no_token(service):
    """A caller that is cancelled in the middle of a renewal leaves it going on: the service may have rotated."""
    service.takes = 5.0
    async with service.opened() as demo:
        caller = asyncio.create_task(demo.call("thing"))
        await service.asked.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await demo.call("thing")
    assert service.given == 1


async def test_a_caller_without_time_does_not_wait(service):
    """The caller's own time ends its wait, not the renewal that others wait for."""
    service.takes = 5.0
    async with Engine(effects=service.world()) as engine, engine.open(SPEC) as demo:
        waits = asyncio.create_task(demo.call("thing"))
        await asyncio.sleep(0)
        with pytest.raises(IntegrationError, match="the time that the caller gave is over"):
            await demo.call("thing", timeout=0.0)
        await waits
    assert service.given == 1


async def test_a_failure_that_may_pass_costs_nothing_while_the_token_holds(service):
    """Three 503 in a row near the token's end: it is used as it is, and asked for again a little later."""
    events: list[Any] = []
    async with service.opened(listeners=[events.append]) as demo:
        await demo.call("thing")
        await service.clock.sleep(945)
        service.fails = [respond(503)] * 3
        for _ in range(3):
            await demo.call("thing")
        assert (service.given, service.fails, service.signed[-1]) == (1, [], "Ticket t1")
        await service.clock.sleep(REST)
        await demo.call("thing")
    assert (service.given, service.signed[-1]) == (2, "Ticket t2")
    assert [event.final for event in events if isinstance(event, TokenRefreshFailed)] == [False]


async def test_a_failure_that_may_pass_is_asked_again(service):
    """One 503 and one lost connection are repeated, and nobody notices."""
    service.fails = [respond(503), ConnectionError("lost", phase="sent", retryable=True)]
    async with service.opened() as demo:
        await demo.call("thing")
    assert service.given == 1


async def test_an_ended_token_is_not_used(service):
    """Where the token has really ended and there is no new one, whoever asks is told why."""
    async with service.opened() as demo:
        await demo.call("thing")
        await service.clock.sleep(1001)
        service.fails = [respond(503)] * 3
        with pytest.raises(ServerError, match="the tickets are out"):
            await demo.call("thing")
        await demo.call("thing")
    assert service.signed == ["Ticket t1", "Ticket t2"]


async def test_where_only_a_person_can_go_on_nobody_asks_again(service):
    """The provider is asked once; all who wait, and all later ones, are told the same, each in an error of its own."""
    service.fails = [respond(400, json={"error": "invalid_grant"})]
    async with service.opened() as demo:
        told = await asyncio.gather(*(demo.call("thing") for _ in range(5)), return_exceptions=True)
        with pytest.raises(ReauthenticationError) as later:
            await demo.call("thing")
    assert {str(error) for error in told} == {"invalid_grant — sign in again"} == {str(later.value)}
    assert len({id(error) for error in told}) == 5
    assert (service.given, service.fails) == (0, [])


async def test_wrong_credentials_are_not_tried_at_every_call(service):
    """What cannot succeed is tried again after a while only."""
    service.fails = [respond(401, json={"error": "no such client"})]
    async with service.opened() as demo:
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="no such client"):
                await demo.call("thing")
        await service.clock.sleep(REST)
        await demo.call("thing")
    assert service.given == 1


async def test_tokens_are_each_connections_own(service):
    """Two connections of one engine have a token each; opened again, a connection finds its own."""
    async with Engine(effects=service.world()) as engine:
        async with engine.open(SPEC, id="a") as first, engine.open(SPEC, id="b") as second:
            await first.call("thing")
            service.valid |= {"t2"}
            await second.call("thing")
            assert service.given == 2
        async with engine.open(SPEC, id="b") as again:
            await again.call("thing")
    assert service.given == 2
    assert service.signed == ["Ticket t1", "Ticket t2", "Ticket t2"]


async def test_tokens_stand_in_no_error(service):
    """A service that quotes the token, also an older one, does not get it into a message."""
    async with service.opened() as demo:
        await demo.call("thing")
        demo._connection.learn(Token("a-token-of-some-length", "the-refresh-token"))
        assert demo._connection.mask("no: a-token-of-some-length, the-refresh-token") == "no: ***, ***"
        answer = {"token_type": "Bearer", "expires_in": 36000, "url": "https://eu.example", "user": {"token": "hidden"}}
        demo._connection.learn(Token("another-token", answer=answer))
        assert (
            demo._connection.mask("36000 https://eu.example Bearer: hidden") == "36000 https://eu.example Bearer: ***"
        )
    assert "a-token" not in repr(demo._connection.credential(demo._connection.plan("thing"), ask).session)


async def test_a_token_is_asked_for_at_declared_addresses_only(service, ticket, monkeypatch):
    """An address that came from somewhere else is refused before anything is sent there."""
    monkeypatch.setattr(ticket, "homes", lambda *_: ["https://other.example"])
    async with service.opened() as demo:
        with pytest.raises(IntegrationError, match=r"sign-in was led to https://id.example:443, which is not one"):
            await demo.call("thing")
    assert service.given == 0


async def test_a_sign_in_that_cannot_be_reached_is_not_the_services_failure(service):
    """The circuit of the service's host stays closed, whatever happens to its sign-in."""
    lost = ConnectionError("nobody there", phase="unsent", retryable=True)
    service.fails = [lost] * 1000
    document = {key: value for key, value in SPEC.items() if key != "circuit_breaker"}
    async with Connector.open(document, effects=service.world()) as demo:
        for _ in range(30):
            with pytest.raises(ConnectionError, match="nobody there"):
                await demo.call("thing")
        assert [circuit.state for circuit in demo.circuits()] in ([], ["closed"])
        service.fails = []
        await demo.call("thing")


# ── several processes ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["memory", "sqlite"])
def tokens(request, service, tmp_path):
    """A place that engines share, as processes do."""
    if request.param == "memory":
        shared = InMemoryTokens(service.clock.monotonic)
        return lambda: shared
    return lambda: StoredTokens(store(tmp_path, now=service.clock.now))


async def test_two_engines_renew_once(service, tokens):
    """Two processes whose token ends at the same time ask the service once, and both use what comes."""
    places = [tokens(), tokens()]
    worlds = []
    for number, place in enumerate(places):
        world = service.world()
        world.tokens, world.unique = place, lambda number=number: f"process {number}"
        worlds.append(world)
    async with Connector.open(SPEC, effects=worlds[0]) as one, Connector.open(SPEC, effects=worlds[1]) as two:
        await one.call("thing")
        await two.call("thing")
        assert service.given == 1
        await service.clock.sleep(960)
        service.takes = 2.0
        await asyncio.gather(*(demo.call("thing") for _ in range(10) for demo in (one, two)))
    assert service.given == 2
    for place in places:
        await place.aclose()


async def test_a_token_that_another_renewed_is_found(service, tokens):
    """Where the refresh token has been used by somebody else, what is kept is looked at before anybody is told."""
    place = tokens()
    world = service.world()
    world.tokens = place
    async with Connector.open(SPEC, effects=world) as demo:
        await demo.call("thing")
        [name] = await place.names()
        service.valid = {"from elsewhere"}
        now = service.clock.now()
        await place.put(name, Token("from elsewhere", "r9", now + 500, now), 1)
        await demo.call("thing")
    assert service.given == 1
    assert service.signed[-1] == "Ticket from elsewhere"
    await place.aclose()


async def test_who_died_while_renewing_is_waited_for_only_so_long(service, tokens):
    """A lease whose holder says nothing more ends by itself."""
    place = tokens()
    world = service.world()
    world.tokens = place
    async with Connector.open(SPEC, effects=world) as demo:
        name = demo._connection.credential(demo._connection.plan("thing"), ask).name
        assert await place.lease(name, "who has died", LEASE)
        begun = service.clock.monotonic()
        del demo._connection._credentials["auth"]
        await demo.call("thing")
    assert LEASE <= service.clock.monotonic() - begun < LEASE + 1
    await place.aclose()


async def test_a_place_keeps_versions(tokens):
    """A token replaces the version that was read, and no other; what is dropped is gone."""
    place = tokens()
    first, second = Token("a" * 8, "r", 5.0, 1.0, {"x": [1]}, {"realm": "2"}), Token("b" * 8)
    assert await place.get("n") is None
    assert await place.put("n", first, 0) == Kept(first, 1)
    assert await place.put("n", second, 0) is None
    assert await place.get("n") == Kept(first, 1)
    assert await place.put("n", second, None) == Kept(second, 2)
    assert await place.put("m", first, 0) == Kept(first, 1)
    assert await place.names() == ["m", "n"]
    await place.drop("n")
    assert await place.get("n") is None
    assert await place.names() == ["m"]
    assert await place.put("n", first, 2) is None
    assert await place.put("n", first, 0) is not None
    assert await place.lease("n", "one", 10)
    assert await place.lease("n", "one", 10)
    assert not await place.lease("n", "two", 10)
    await place.release("n", "two")
    assert not await place.lease("n", "two", 10)
    await place.release("n", "one")
    assert await place.lease("n", "two", 10)
    await place.aclose()
    assert "a" * 8 not in repr(place)


async def test_a_token_is_sealed(tmp_path):
    """No part of it stands in the file, and no reference to a secret leads to it; what is no token is told."""
    async with store(tmp_path) as kept:
        place = StoredTokens(kept)
        await place.put("n", Token("the-access-token", "the-refresh-token"), 0)
        written = b"".join(path.read_bytes() for path in tmp_path.glob("secrets.db*"))
        assert b"the-access-token" not in written
        assert b"the-refresh-token" not in written
        assert (await kept.names("n"), (await kept.listing()).entries) == ([], [])
        await kept.safe.put(Name("token", "n", ""), "no token")
        with pytest.raises(ConfigError, match=r"what is kept for n is no token — .* — sign in again"):
            await place.get("n")


async def test_an_engine_keeps_tokens_at_an_address(service, tmp_path, monkeypatch):
    """`Engine(tokens="sqlite:///…")` finds the token of an earlier engine; anything else is told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNECTOR_STORE_KEY", ring(tmp_path, OLD))
    for _ in range(2):
        async with Engine(effects=service.world(), tokens="sqlite:///tokens.db") as engine, engine.open(SPEC) as demo:
            await demo.call("thing")
    assert service.given == 1
    assert Engine(tokens=InMemoryTokens(service.clock.monotonic))._effects.tokens is not None
    for wrong, what in (
        ("redis://127.0.0.1", r"tokens cannot be kept at redis://… — .* an address begins with sqlite://"),
        ("sqlite:///", "the address names no file"),
        ("tokens.db", "tokens cannot be kept there: it is no address"),
    ):
        with pytest.raises(ConfigError, match=what):
            Engine(tokens=wrong)
