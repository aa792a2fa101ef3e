"""Repetitions as a whole: whatever a service does, they end, keep what it asks for, and do nothing twice.

Each `test_standard_…` is a row of what is wrong with the integration standard's own code, which fails it here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core import Connector
from connector_core.exceptions import ConnectionError, IntegrationError, RateLimitError, ServerError
from connector_core.http import Request, Response
from connector_core.retry import retry_after
from connector_core.testing import FakeTransport, VirtualClock, effects, respond
from tests.machines.retries import extract_retry_after, is_rate_limit, process_item, with_retry

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "demo",
    "base_url": "https://api.example",
    "circuit_breaker": "none",
    "endpoints": {
        "things": {"get": "/things", "output": "body"},
        "make": {"post": "/things", "output": "body"},
        "safely": {"post": "/things", "output": "body", "idempotency": {"put": "header.Idempotency-Key"}},
    },
}


@dataclass
class Service:
    """Does as the plan says, one step for each request, then answers 200; notes what it has acted on, and when."""

    plan: list[Any]
    clock: VirtualClock = field(default_factory=VirtualClock)
    requests: int = 0
    acted: int = 0
    held_until: float = 0.0
    asked_inside_a_hold: int = 0
    keys: set[str] = field(default_factory=set)

    async def __call__(self, request: Request) -> Response:
        self.requests += 1
        self.asked_inside_a_hold += self.clock.monotonic() < self.held_until
        step = self.plan.pop(0) if self.plan else 200
        match step:
            case "refused":
                raise ConnectionError("refused", phase="unsent", retryable=True)
            case "lost":
                self._act(request)
                raise ConnectionError("lost", phase="sent", retryable=True)
            case ("429", seconds):
                self.held_until = self.clock.monotonic() + seconds
                return respond(429, headers={"Retry-After": str(seconds)})
            case 200:
                self._act(request)
                return respond(json={})
            case status:
                self._act(request)  # nobody knows whether it has
                return respond(status)

    def _act(self, request: Request) -> None:
        key = request.headers.get("Idempotency-Key")
        if request.method != "GET" and (key is None or key not in self.keys):
            self.acted += 1
        if key is not None:
            self.keys.add(key)

    def opened(self) -> Any:
        return Connector.open(SPEC, effects=effects(FakeTransport(self), clock=self.clock))


async def tried(service: Service, endpoint: str, timeout: float | None = None) -> Any:
    async with service.opened() as demo:
        try:
            return await demo.call(endpoint, timeout=timeout)
        except IntegrationError as error:
            return error


STEPS = st.lists(
    st.sampled_from(["refused", "lost", 500, 502, 503, 504, 408, 404]) | st.tuples(st.just("429"), st.integers(0, 60)),
    max_size=8,
)


@given(STEPS, st.sampled_from(["things", "make", "safely"]), st.none() | st.integers(1, 120))
def test_whatever_a_service_does(plan, endpoint, timeout):
    """At most four attempts, within the time there is, outside of every hold, and a write is never done twice."""
    service = Service(list(plan))
    asyncio.run(tried(service, endpoint, timeout))
    assert 1 <= service.requests <= 4
    assert service.acted <= 1
    assert service.asked_inside_a_hold == 0
    assert service.clock.monotonic() <= min(90, timeout or 90)


async def test_standard_r1_a_write_is_not_sent_twice():
    """The service acted and its answer was lost: the standard sends the order again."""
    naive, ours = Service(["lost"]), Service(["lost"])
    order = Request(method="POST", url="https://api.example/things")
    await with_retry(lambda: naive(order), naive.clock.sleep, lambda: 0.5)
    assert naive.acted == 2
    assert isinstance(await tried(ours, "make"), ConnectionError)
    assert ours.acted == 1


@pytest.mark.parametrize("seconds", [10, 60])
async def test_standard_r2_nobody_comes_back_early(seconds):
    """What the service asks for is the least: the standard's jitter shortens it."""
    naive, ours = Service([("429", seconds)]), Service([("429", seconds)])

    async def operation() -> Any:
        response = await naive(Request(method="GET", url="https://api.example/things"))
        if response.status == 429:
            raise RateLimitError("slow down", retry_after=float(seconds))
        return response

    await with_retry(operation, naive.clock.sleep, lambda: 0.3)
    assert naive.asked_inside_a_hold == 1
    await tried(ours, "things")
    assert (ours.requests, ours.asked_inside_a_hold) == (2, 0)


async def test_standard_r3_no_wait_is_a_wait_of_nothing():
    """`Retry-After: 0` means at once: to the standard it is as if nothing had been said."""
    clock = VirtualClock()
    answers = iter([RateLimitError("slow down", retry_after=0.0), None])

    async def operation() -> None:
        if (error := next(answers)) is not None:
            raise error

    await with_retry(operation, clock.sleep, lambda: 0.5)
    assert clock.monotonic() > 0.2
    ours = Service([("429", 0)])
    await tried(ours, "things")
    assert (ours.requests, ours.clock.monotonic()) == (2, 0.0)


@pytest.mark.parametrize(
    "value, theirs, seconds",
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 60, 77),
        ("-5", -5, None),
        ("2015-10-21T07:28:00Z", 2015, None),
        ("99999999999", 99_999_999_999, None),
        ("1e9", 1, None),
        ("120", 120, 120),
    ],
)
def test_standard_r4_a_date_is_a_date(value, theirs, seconds):
    """Dates are read, and nonsense says nothing: parseInt makes numbers of both."""
    assert extract_retry_after(value) == theirs
    assert retry_after(value, 784_111_700.0) == seconds


async def test_standard_r6_refusals_without_end():
    """A service that always refuses is left alone soon: the standard calls itself until the stack ends."""
    clock = VirtualClock()

    async def refused() -> None:
        raise RateLimitError("slow down", retry_after=0.0)

    with pytest.raises(RecursionError):
        await process_item(refused, clock.sleep)
    ours = Service([("429", 0)] * 5000)
    assert isinstance(await tried(ours, "things"), RateLimitError)
    assert ours.requests == 4


async def test_standard_r7_a_server_error_may_pass_and_a_cancellation_may_not():
    """5xx is tried again; who is cancelled is gone: the standard gives up on the first, and may catch the second."""
    clock, calls = VirtualClock(), []

    async def failing() -> None:
        calls.append(1)
        raise ServerError("500", retryable=False)  # a class that is not in its list

    with pytest.raises(ServerError):
        await with_retry(failing, clock.sleep, lambda: 0.5)
    assert len(calls) == 1
    ours = Service([500, 502])
    assert (await tried(ours, "things")).attempts == 3


@pytest.mark.parametrize(
    "rule, answer",
    [
        (
            {"status": 403, "when": "'rate limit' in body.message"},
            respond(403, json={"message": "API rate limit exceeded"}),
        ),
        ({"when": "body.ok == false", "category": "rate_limit"}, respond(json={"ok": False, "error": "ratelimited"})),
    ],
)
async def test_standard_r8_what_a_refusal_looks_like_is_declared(rule, answer):
    """GitHub's 403 and Slack's 200 are refusals: the standard looks for two words in a message, if there is one."""
    with pytest.raises((KeyError, TypeError)):
        is_rate_limit({"status": 200, "code": None, "message": None})
    rule = {"category": "rate_limit", **rule}
    things = {"get": "/things", "output": "body", "errors": [rule]}
    answers = iter([answer, respond(json={"ok": True})])
    spec = {**SPEC, "endpoints": {"things": things}}
    async with Connector.open(spec, effects=effects(FakeTransport(lambda _: next(answers)))) as demo:
        assert (await demo.call("things")).attempts == 2
