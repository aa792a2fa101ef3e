"""Whether a failure is sent again, and when; every decision is a number or a reason."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector_core.retry import Exponential, Failure, Quota, Retry, retry_after
from connector_core.retry.quota import CAPACITY

NOW = 784_111_700.0  # 77 seconds before Sun, 06 Nov 1994 08:49:37 GMT
USUAL = Exponential()


def decided(
    failure: Failure,
    *,
    by: Retry = USUAL,
    attempt: int = 1,
    idempotent: bool = False,
    elapsed: float = 0.0,
    dice: float = 0.5,
) -> float | str:
    return by.wait(failure, attempt=attempt, idempotent=idempotent, elapsed=elapsed, dice=lambda: dice)


def written(**keys: Any) -> Retry:
    return Retry.resolve(keys)


# ── whether ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "phase, status, idempotent, again",
    [
        ("unsent", 0, False, True),
        ("unsent", 0, True, True),
        ("sent", 0, False, False),
        ("sent", 0, True, True),
        ("answered", 0, False, False),
        ("answered", 0, True, True),
        ("answered", 429, False, True),
        ("answered", 500, False, False),
        ("answered", 500, True, True),
        ("answered", 503, False, False),
        ("answered", 503, True, True),
    ],
)
def test_only_what_is_harmless_is_repeated(phase, status, idempotent, again):
    """What the service may have acted on is repeated only where that does no harm; else it is said why not."""
    found = decided(Failure(phase, True, status), idempotent=idempotent)
    assert isinstance(found, float) == again
    assert again or found == "not sent again: the service may have acted on it"


def test_a_service_that_names_a_time_did_not_act():
    """503 with Retry-After is repeated even for a write."""
    assert decided(Failure("answered", True, 503, hint=2.0)) == pytest.approx(2.1)


def test_what_cannot_pass_is_not_repeated():
    """A failure that stays is never repeated, unless the spec says retry; nothing has to be said of it."""
    for phase in ("unsent", "sent", "answered"):
        assert decided(Failure(phase, False), idempotent=True) == ""
    assert isinstance(decided(Failure("answered", False, 409, declared=True)), float)


@pytest.mark.parametrize(
    "on, failure, again",
    [
        (["timeout"], Failure("sent", True, timed_out=True), True),
        (["timeout"], Failure("sent", True), False),
        (["connection"], Failure("sent", True), True),
        (["connection"], Failure("sent", True, timed_out=True), False),
        (["connection"], Failure("unsent", False), False),
        (["connection"], Failure("answered", True, 500), False),
        ([429], Failure("answered", True, 429), True),
        ([429], Failure("answered", True, 500), False),
        (["5xx"], Failure("answered", False, 501), True),
        ([], Failure("answered", True, 503), False),
        ([], Failure("answered", False, 503, declared=True), True),
    ],
)
def test_a_spec_may_say_what_is_repeated(on, failure, again):
    """`on` takes the place of the usual failures; a rule's `then: retry` holds all the same."""
    assert isinstance(decided(failure, by=written(on=on), idempotent=True), float) == again


def test_on_does_not_make_a_write_harmless():
    """A status that is named may still be an action that was done."""
    assert decided(Failure("answered", True, 500), by=written(on=[500])) != 0
    assert isinstance(decided(Failure("answered", True, 500), by=written(on=[500])), str)


def test_it_ends():
    """After the last attempt, and beyond the whole time, nothing is repeated."""
    failure = Failure("unsent", True)
    assert isinstance(decided(failure, attempt=3), float)
    assert decided(failure, attempt=4) == ""
    assert decided(failure, elapsed=90) == "not sent again: all attempts together may take 90 s"
    assert decided(failure, by=written(attempts=1)) == ""


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 3), st.floats(0, 1, exclude_max=True), st.floats(0, 200))
def test_waits_are_bounded(attempt, dice, elapsed):
    """A wait is never negative, never longer than the maximum, and never leads beyond the whole time."""
    seconds = decided(Failure("unsent", True), attempt=attempt, dice=dice, elapsed=elapsed)
    assert isinstance(seconds, str) or (0 <= seconds <= USUAL.maximum and elapsed + seconds <= USUAL.total)


@given(st.floats(0, 100), st.floats(0, 1, exclude_max=True))
def test_a_hint_is_the_least(hint, dice):
    """What the service asks for is never undercut, and exceeded by a tenth at most."""
    seconds = decided(Failure("answered", True, 429, hint=hint), dice=dice)
    assert isinstance(seconds, str) or hint <= seconds <= hint * 1.1 + 1e-9
    assert isinstance(seconds, str) == (hint * (1 + dice * 0.1) > USUAL.total)


def test_waits_grow():
    """With the same dice each wait is twice the one before it, up to the maximum, however many there are."""
    waits = [decided(Failure("unsent", True), attempt=attempt, dice=0.8) for attempt in (1, 2, 3)]
    assert waits == pytest.approx([0.2, 0.4, 0.8])
    assert USUAL.pause(2000, 0.5) == USUAL.maximum / 2


def test_a_hint_that_is_too_long_is_left_to_the_caller():
    """Nobody is kept waiting beyond the whole time, and hears what the service asks for."""
    found = decided(Failure("answered", True, 429, hint=300.0))
    assert found == "not sent again: the service asks for a wait of 300 s, and all attempts together may take 90 s"
    assert isinstance(decided(Failure("answered", True, 429, hint=300.0), by=written(total="10m")), float)


def test_every_combination_is_decided():
    """No combination of phase, status, hint and idempotence raises."""
    combinations = itertools.product(
        ("unsent", "sent", "answered"), (True, False), (0, 408, 429, 500, 503), (None, 0.0, 5.0), (True, False)
    )
    for phase, retryable, status, hint, idempotent in combinations:
        seconds = decided(Failure(phase, retryable, status, hint), idempotent=idempotent)
        assert isinstance(seconds, str) or seconds >= 0


@pytest.mark.parametrize(
    "keys, what",
    [
        ({"attempts": 0}, "greater than or equal to 1"),
        ({"total": 90}, "say the unit: 90s"),
        ({"initial": "1m"}, "'initial' is longer than 'maximum'"),
        ({"on": "5xx"}, "must be a list"),
        ({"on": ["5xx", "reset"]}, "'reset' is not a failure: connection, timeout, a status such as 429"),
        ({"on": [700]}, "700 is not a failure"),
    ],
)
def test_mistakes(keys, what):
    """Each is told in the words of the language."""
    with pytest.raises(ValidationError, match=what):
        written(**keys)


# ── what the service asks for ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "field, seconds",
    [
        ("0", 0), ("120", 120), (" 7 ", 7), ("999999999", 999_999_999),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 77), ("Sunday, 06-Nov-94 08:49:37 GMT", 77), ("Sun Nov  6 08:49:37 1994", 77),
        ("Sun, 06 Nov 1983 08:49:37 GMT", 0),
        (None, None), ("", None), ("-5", None), ("1.5", None), ("1e9", None), ("99999999999", None),
        ("\u0661\u0662", None),
        ("soon", None), ("2015-10-21T07:28:00Z", None), ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_the_rfc_writes_it(field, seconds):
    """Seconds and the three forms of a date are understood; anything else says nothing."""
    assert retry_after(field, NOW) == seconds


@given(st.text(max_size=40))
def test_no_field_value_breaks_it(field):
    """Whatever a service sends, the answer is None or a number that is not negative."""
    seconds = retry_after(field, NOW)
    assert seconds is None or seconds >= 0


# ── the quota ─────────────────────────────────────────────────────────────────────────────────────

PASSING, REFUSED = Failure("answered", True, 500), Failure("answered", True, 429)


def test_what_repetitions_cost():
    """14 for one, 5 where the service refused; a success gives that back, or 1 where it needed none."""
    quota = Quota()
    assert quota.spend(PASSING) == 14
    assert quota.spend(REFUSED) == 5
    assert quota.left == CAPACITY - 19
    quota.succeeded(5)
    assert quota.left == CAPACITY - 14
    quota.succeeded(0)
    assert quota.left == CAPACITY - 13


def test_a_service_that_only_fails():
    """Once 35 repetitions have failed in a row there are no more, until something succeeds."""
    quota = Quota()
    assert sum(quota.spend(PASSING) is not None for _ in range(1000)) == 35
    for _ in range(4):
        quota.succeeded(0)
    assert quota.spend(PASSING) == 14


@given(st.lists(st.sampled_from(["passing", "refused", "succeeded", "at once"])))
def test_the_quota_keeps_its_bounds(happened):
    """It is never below nothing and never above what it began with."""
    quota, spent = Quota(), 0.0
    for what in happened:
        if what in ("passing", "refused"):
            spent = quota.spend(PASSING if what == "passing" else REFUSED) or spent
        else:
            quota.succeeded(spent if what == "succeeded" else 0)
            spent = 0.0
        assert 0 <= quota.left <= CAPACITY
