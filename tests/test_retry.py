"""Whether a failure is sent again, and when; every decision is a number."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.retry import ATTEMPTS, LONGEST_HINT, MAXIMUM, TOTAL, Failure, retry_after, wait

NOW = 784_111_700.0  # 77 seconds before Sun, 06 Nov 1994 08:49:37 GMT


def decided(failure: Failure, *, attempt: int = 1, idempotent: bool = False, elapsed: float = 0.0, dice: float = 0.5):
    return wait(failure, attempt=attempt, idempotent=idempotent, elapsed=elapsed, dice=lambda: dice)


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
    """What the service may have acted on is repeated only where that does no harm."""
    assert (decided(Failure(phase, True, status), idempotent=idempotent) is not None) == again


def test_a_service_that_names_a_time_did_not_act():
    """503 with Retry-After is repeated even for a write."""
    assert decided(Failure("answered", True, 503, hint=2.0)) == pytest.approx(2.1)


def test_what_cannot_pass_is_not_repeated():
    """A failure that stays is never repeated, unless the spec says retry."""
    for phase in ("unsent", "sent", "answered"):
        assert decided(Failure(phase, False), idempotent=True) is None
    assert decided(Failure("answered", False, 409, declared=True)) is not None


def test_it_ends():
    """After the last attempt, and beyond the whole time, nothing is repeated."""
    failure = Failure("unsent", True)
    assert decided(failure, attempt=ATTEMPTS - 1) is not None
    assert decided(failure, attempt=ATTEMPTS) is None
    assert decided(failure, elapsed=TOTAL) is None


@given(st.integers(1, 3), st.floats(0, 1, exclude_max=True), st.floats(0, 200))
def test_waits_are_bounded(attempt, dice, elapsed):
    """A wait is never negative, never longer than the maximum, and never leads beyond the whole time."""
    seconds = decided(Failure("unsent", True), attempt=attempt, dice=dice, elapsed=elapsed)
    assert seconds is None or (0 <= seconds <= MAXIMUM and elapsed + seconds <= TOTAL)


@given(st.floats(0, LONGEST_HINT), st.floats(0, 1, exclude_max=True))
def test_a_hint_is_the_least(hint, dice):
    """What the service asks for is never undercut, and exceeded by a tenth at most."""
    seconds = decided(Failure("answered", True, 429, hint=hint), dice=dice)
    assert seconds is None or hint <= seconds <= hint * 1.1 + 1e-9
    assert (seconds is None) == (hint * (1 + dice / 10) > TOTAL)


def test_waits_grow():
    """With the same dice each wait is twice the one before it."""
    waits = [decided(Failure("unsent", True), attempt=attempt, dice=0.8) for attempt in (1, 2, 3)]
    assert waits == pytest.approx([0.2, 0.4, 0.8])


def test_a_hint_beyond_two_minutes_is_left_to_the_caller():
    """Nobody is kept waiting for longer than that."""
    assert decided(Failure("answered", True, 429, hint=LONGEST_HINT + 1)) is None


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


def test_every_combination_is_decided():
    """No combination of phase, status, hint and idempotence raises."""
    combinations = itertools.product(
        ("unsent", "sent", "answered"), (True, False), (0, 408, 429, 500, 503), (None, 0.0, 5.0), (True, False)
    )
    for phase, retryable, status, hint, idempotent in combinations:
        seconds = decided(Failure(phase, retryable, status, hint), idempotent=idempotent)
        assert seconds is None or seconds >= 0
