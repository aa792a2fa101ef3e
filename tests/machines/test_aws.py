"""The retry behaviour of the AWS SDKs as the oracle of ours: what is the same is compared, what differs is said.

botocore's `retries.standard` is what AWS ships; its parts are driven directly, without a client or a network.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import (
    ExponentialBackoff,
    RetryContext,
    RetryEventAdapter,
    RetryQuotaChecker,
    StandardRetryConditions,
    ThrottledRetryableChecker,
    ThrottlingErrorDetector,
)
from hypothesis import given
from hypothesis import strategies as st

from connector_core.errors import ErrorRule, by_status, classify
from connector_core.http import Headers
from connector_core.retry import Exponential, Failure, Quota, retry_after

OPERATION = SimpleNamespace(name="", error_shapes=[], service_model=SimpleNamespace(service_name=""))
CONDITIONS = StandardRetryConditions()
THROTTLING = ThrottlingErrorDetector(RetryEventAdapter())


def theirs(status: int = 0, *, attempt: int = 1, code: str = "", error: Any = None, **headers: str) -> Any:
    """One failed attempt as botocore sees it."""
    response = SimpleNamespace(status_code=status, headers=headers) if status else None
    parsed = {"Error": {"Code": code}} if code else None
    return RetryContext(attempt, OPERATION, parsed, response, error)


# ── which ─────────────────────────────────────────────────────────────────────────────────────────

MORE = {
    408: "the service says that it did not wait for the request (RFC 9110 §15.5.9)",
    425: "it says that it would take the same request later (RFC 8470 §5.2)",
}
"""Statuses that may pass by themselves with us alone."""


STATUSES = range(400, 600)


def test_statuses():
    """What may pass by itself is what AWS says, and the two statuses by which a service asks for the same again."""
    passing = {status for status in STATUSES if by_status(status).retryable}
    assert passing == {status for status in STATUSES if CONDITIONS.is_retryable(theirs(status))} | MORE.keys()


def test_refusals():
    """What a repetition is cheaper after, since the service has refused, is what AWS calls throttling."""
    refused = {status for status in STATUSES if Failure("answered", retryable=True, status=status).refused}
    assert refused == {status for status in STATUSES if THROTTLING.is_throttling_error_from_context(theirs(status))}


@pytest.mark.parametrize("phase", ["unsent", "sent"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_no_answer(phase, idempotent):
    """AWS repeats whatever got no answer; we do not where a write may have been acted on."""
    about = {"endpoint_url": "https://api.example"}
    lost = {
        "unsent": [ConnectTimeoutError(**about), EndpointConnectionError(**about)],
        "sent": [ReadTimeoutError(**about)],
    }
    assert all(CONDITIONS.is_retryable(theirs(error=error)) for error in lost[phase])
    failure = Failure(phase, retryable=True)
    wait = Exponential().wait(failure, attempt=1, idempotent=idempotent, elapsed=0, dice=lambda: 0.5)
    assert isinstance(wait, float) is (phase == "unsent" or idempotent)


@pytest.mark.parametrize("code", ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
def test_codes(code):
    """AWS knows its services' codes by heart; a spec declares them, and then they mean the same."""
    assert CONDITIONS.is_retryable(theirs(400, code=code))
    rule = ErrorRule.model_validate({"status": 400, "when": f"body.__type == '{code}'", "category": "rate_limit"})
    names = {"body": {"__type": code}, "header": Headers({}), "status": 400}
    assert not by_status(400).retryable
    found = classify([rule], 400, names, now=0)
    assert (found.category, found.retryable) == ("rate_limit", True)


# ── how long ──────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_waits(attempt, dice):
    """With their base, our waits are theirs: full jitter over a time that doubles up to 20 seconds."""
    backoff = ExponentialBackoff(random=lambda: dice)
    assert Exponential.resolve({"initial": "50ms"}).pause(attempt, dice) == backoff.delay_amount(
        theirs(503, attempt=attempt)
    )


def test_where_waits_begin():
    """AWS begins with 50 ms, after a refusal with 1 s; we with 250 ms, and the rate limit waits for refusals."""
    backoff = ExponentialBackoff(random=lambda: 1, throttling_detector=THROTTLING)
    assert (backoff.delay_amount(theirs(503)), backoff.delay_amount(theirs(429))) == (0.05, 1)
    assert Exponential().pause(1, 1) == 0.25
    assert Exponential().maximum == backoff._MAX_BACKOFF


@pytest.mark.parametrize(
    "header, clamped, field, waited",
    [
        ("1500", 1.5, "2", 2.0),
        ("0", 0.05, "0", 0.0),
        ("10000", 5.05, "10", 10.0),
        ("invalid", 0.05, "invalid", 0.25),
        ("-100", 0.05, "-100", 0.25),
        ("99999999", 5.05, "99999999", None),
    ],
)
def test_what_the_service_asks_for(header, clamped, field, waited):
    """AWS waits for at most 5 s longer than it would have; we for as long as we are asked to, or not at all."""
    backoff = ExponentialBackoff(random=lambda: 1)
    assert backoff.delay_amount(theirs(503, **{"x-amz-retry-after": header})) == clamped
    failure = Failure("answered", retryable=True, status=503, hint=retry_after(field, 0))
    wait = Exponential().wait(failure, attempt=1, idempotent=True, elapsed=0, dice=lambda: 0 if failure.hint else 1)
    assert wait == waited if waited is not None else isinstance(wait, str)


# ── how often ─────────────────────────────────────────────────────────────────────────────────────

HAPPENED = st.sampled_from([503, 500, 429, 200])


@given(st.lists(st.lists(HAPPENED, min_size=1, max_size=8), max_size=80))
def test_the_quota(requests):
    """Request by request, each a row of answers, our quota has left what theirs has, and ends what theirs ends."""
    ours, quota = Quota(), RetryQuota()
    checker = RetryQuotaChecker(quota, THROTTLING)
    for answers in requests:
        context: dict[str, Any] = {}
        spent = 0.0
        for attempt, status in enumerate(answers, 1):
            if status == 200:
                ours.succeeded(spent)
                checker.release_retry_quota(context, SimpleNamespace(status_code=200))
                break
            failed = theirs(status, attempt=attempt)
            failed.request_context = context
            cost = ours.spend(Failure("answered", retryable=True, status=status))
            assert (cost is not None) is checker.acquire_retry_quota(failed)
            if cost is None:
                break
            spent = cost
        assert ours.left == quota.available_capacity
