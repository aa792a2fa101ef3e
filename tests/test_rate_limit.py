"""How fast a service may be asked: what a spec says, what it comes to, and what answers add."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

from math import inf
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import ValidationError

from connector_core.http import Headers
from connector_core.rate_limit import (
    UNSENT,
    Bucket,
    Delay,
    ExactWindow,
    Feedback,
    Gate,
    RateLimit,
    Terms,
    Told,
    told,
)
from connector_core.rate_limit.answers import cost_of
from connector_core.rate_limit.bucket import CELLS, LONGEST_HOLD, MOST_NAMES

# ── what a spec says ──────────────────────────────────────────────────────────────────────────────


def test_the_kind_may_be_left_out():
    """`rate_limit: {concurrency: 8}` means the family's default kind."""
    limit = RateLimit.resolve({"concurrency": 8})
    assert (type(limit), limit.concurrency) == (ExactWindow, 8)
    assert RateLimit.resolve("exact_window") == ExactWindow()


@pytest.mark.parametrize("number", [0, -1, 1001, 1.5, "8", True])
def test_a_number_that_makes_no_sense_is_refused(number):
    """Concurrency is a whole number from 1 to 1000."""
    with pytest.raises(ValidationError):
        RateLimit.resolve({"concurrency": number})


@pytest.mark.parametrize(
    "written, terms, largest",
    [
        ({"rates": ["10/second", "900/15m"]}, Terms(((10, 1), (900, 900))), 10),
        ({"concurrency": 3}, Terms(concurrency=3), inf),
        ({"type": "token_bucket", "capacity": 40, "refill": "120/minute"}, Terms(tokens=(40, 2)), 40),
    ],
)
def test_terms(written, terms, largest):
    """Every kind comes to windows, a token bucket and a number at once; what is largest follows from them."""
    found = RateLimit.resolve(written).terms()
    assert (found, found.largest) == (terms, largest)


@pytest.mark.parametrize(
    "written, what",
    [
        ({"rates": ["10/second", "20/second"]}, "has two rates for the same time: keep the smaller one"),
        ({"rates": ["60/minute", "1/60s"]}, "has two rates for the same time"),
        ({"rates": ["10 per second"]}, "is not a rate: write a number and a period, such as 10/second or 900/15m"),
        ({"feedback": {"reset": "header.X"}}, "says nothing: give it 'remaining', or 'cost'"),
        ({"feedback": {"remaining": "X-Left"}}, "'X-Left' is not an address"),
        ({"type": "token_bucket", "capacity": 0, "refill": "1/second"}, "greater than or equal to 1"),
    ],
)
def test_mistakes(written, what):
    """What makes no sense is told in words."""
    with pytest.raises(ValidationError) as refused:
        RateLimit.resolve(written)
    assert what in str(refused.value)


def test_patience():
    """A page of a read may wait for an hour, a call for 90 seconds, and both as long as the spec says."""
    limit, short = RateLimit.resolve({}), RateLimit.resolve({"max_wait": "5s"})
    assert [limit.patience(readable=True), limit.patience(readable=False)] == [3600, 90]
    assert short.patience(readable=True) == short.patience(readable=False) == 5


# ── windows ───────────────────────────────────────────────────────────────────────────────────────

LENGTHS = st.sampled_from([1.0, 0.1, 2.5, 60.0, 1 / 3])
WINDOWS = st.lists(st.tuples(st.integers(1, 12).map(float), LENGTHS), min_size=1, max_size=3, unique_by=lambda w: w[1])


@given(WINDOWS, st.lists(st.tuples(st.floats(0, 1), st.floats(0, 3)), max_size=60), st.floats(0, 1e6))
def test_no_window_has_more_than_its_rate(windows, asked, now):
    """Wherever a window begins, no more than its rate is taken in it, and waiting as long as told is enough."""
    bucket = Bucket(Terms(tuple(windows)))
    taken = []
    for share, pause in asked:
        now += pause
        cost = share * bucket.terms.largest
        if (delay := bucket.delay(cost, now)) is not None:
            assert 0 < delay.seconds < inf
            now += delay.seconds
            assert bucket.delay(cost, now) is None
        bucket.take(cost, now)
        taken.append((now, cost))
    for limit, period in windows:
        for start, _ in taken:
            inside = sum(cost for moment, cost in taken if start <= moment and not start + period <= moment)
            assert inside <= limit * (1 + 1e-6)


@given(st.integers(1, 8), st.lists(st.integers(0, 700), min_size=1, max_size=80))
def test_what_limits_allows_is_allowed(limit, pauses):
    """The moving window of the library `limits` takes exactly what ours takes, at every moment."""
    oracle, item = MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerSecond(limit)
    bucket, now = Bucket(Terms(((float(limit), 1.0),))), 1000.0
    for pause in pauses:
        now += pause / 1024 + 2**-20  # away from the edge, which the two put on different sides
        with patch("time.time", lambda moment=now: moment):
            allowed = oracle.hit(item)
        delay = bucket.delay(1, now)
        assert (delay is None) == allowed
        if delay is None:
            bucket.take(1, now)


def test_the_reason_is_the_rate_that_is_used_up():
    """Of several rates, the one that takes longest is told, as specs write it."""
    bucket = Bucket(Terms(((1, 1.0), (3, 3600.0))))
    for now in (0, 1, 2):
        assert bucket.delay(1, now) is None
        bucket.take(1, now)
        assert bucket.delay(1, now) == (Delay(1, "1/second") if now < 2 else Delay(3598, "3/hour"))


def test_those_behind_learn_when_their_turn_is():
    """With rates alone and requests of cost 1, what is told to those behind is exact."""
    bucket = Bucket(Terms(((3, 10.0),)))
    for now in (0, 1, 2):
        bucket.take(1, now)
    waits = [bucket.delay(1, 4, ahead=ahead) for ahead in range(7)]
    assert [delay and delay.seconds for delay in waits] == [6, 7, 8, 16, 17, 18, 26]
    fresh = Bucket(Terms(((3, 10.0),)))
    assert [d and d.seconds for d in (fresh.delay(1, 0, ahead=n) for n in range(7))] == [None] * 3 + [10] * 3 + [20]


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_merged_moments_are_never_looser(pauses):
    """A window of a large rate remembers about a thousand moments, and still no window has more than its rate."""
    limit, period = CELLS + 500.0, 60.0
    bucket, now, taken = Bucket(Terms(((limit, period),))), 0.0, []
    for pause in pauses:
        now += pause
        if (delay := bucket.delay(100, now)) is not None:
            now += delay.seconds
            assert bucket.delay(100, now) is None
        bucket.take(100, now)
        taken.append(now)
    assert all(100 * sum(start <= moment < start + period for moment in taken) <= limit for start in taken)


def test_memory_is_bounded():
    """Ten thousand requests of a large rate are about a thousand moments; of a small rate, never more than it allows."""
    large, small = Bucket(Terms(((1e6, 3600.0),))), Bucket(Terms(((50, 1.0),)))
    for index in range(10_000):
        large.take(1, index * 0.36)
        if small.delay(1, index * 0.36) is None:
            small.take(1, index * 0.36)
    assert len(large) <= CELLS + 1
    assert len(small) <= 50


def test_what_is_given_back_can_be_taken():
    """A request that never left does not count; nor does what it cost less than was thought."""
    bucket = Bucket(Terms(((2, 10.0),)))
    bucket.take(1, 0)
    bucket.take(1, 5)
    assert bucket.delay(1, 6) == Delay(4, "2/10s")
    bucket.give_back(1, 5)
    assert bucket.delay(1, 6) is None
    assert bucket.delay(2, 6) == Delay(4, "2/10s")


def test_what_is_not_sent_yet_does_not_age():
    """A share whose request waits for its socket is kept for longer than the window, and ages from when it leaves."""
    bucket = Bucket(Terms(((2, 10.0),)))
    bucket.take(1, 0, unsent=True)
    bucket.take(1, 0, unsent=True)
    assert bucket.delay(1, 15) == Delay(10, "2/10s")
    bucket.postpone(1, UNSENT, 15)
    assert bucket.delay(1, 16) == Delay(9, "2/10s")
    bucket.give_back(1, UNSENT)
    assert (bucket.delay(1, 16), bucket.delay(2, 16)) == (None, Delay(9, "2/10s"))
    assert (bucket.delay(2, 25), len(bucket)) == (None, 0)


def test_a_token_bucket_is_no_fuller_than_the_services():
    """What waits for its socket is still in the service's bucket, so that nothing flows in above its brim."""
    bucket = Bucket(Terms(tokens=(4, 2)))
    for _ in range(3):
        bucket.take(1, 0, unsent=True)
    assert bucket.delay(2, 100) is not None
    bucket.give_back(1, UNSENT)
    bucket.postpone(1, UNSENT, 100)
    assert (bucket.delay(2, 100), bucket.delay(3, 100)) == (None, Delay(0.5, "2/second, 4 at once"))
    bucket.postpone(1, UNSENT, 100)
    assert bucket.delay(4, 102) is None


def test_a_token_bucket():
    """It gives all that it holds at once, then as fast as it refills, and is never fuller than full."""
    bucket = Bucket(RateLimit.resolve({"type": "token_bucket", "capacity": 4, "refill": "2/second"}).terms())
    assert bucket.delay(4, 0) is None
    bucket.take(4, 0)
    assert bucket.delay(1, 0) == Delay(0.5, "2/second, 4 at once")
    assert bucket.delay(1, 0.5) is None
    assert bucket.delay(4, 100) is None
    assert bucket.delay(1, 100, ahead=4) == Delay(0.5, "2/second, 4 at once")
    bucket.take(4, 100)
    bucket.give_back(2, 100)
    assert bucket.delay(2, 100) is None


# ── what answers say ──────────────────────────────────────────────────────────────────────────────


def test_what_is_left_only_tightens():
    """What the service says is left holds until its reset; a later answer makes it less, never more."""
    bucket = Bucket(Terms(((100, 60.0),)))
    bucket.take(1, 0)
    bucket.tighten(2, 0, mark=1, reset=30)
    bucket.tighten(50, 1, mark=1, reset=30)
    bucket.take(1, 2)
    bucket.take(1, 2)
    assert bucket.delay(1, 2) == Delay(28, "the service says that 0 are left")
    assert bucket.delay(1, 30) is None


def test_late_answers_say_nothing():
    """An answer to an older request than the last one's is late, and what it says is not heard."""
    bucket = Bucket(Terms(((100, 60.0),)))
    bucket.take(1, 0)
    bucket.take(1, 0)
    bucket.tighten(5, 1, mark=2, reset=30)
    bucket.tighten(0, 1, mark=1, reset=30)
    assert bucket.delay(5, 1) is None


def test_what_is_under_way_is_not_in_the_answer():
    """Requests that left after the answer's own may not be counted in what it says is left."""
    bucket = Bucket(Terms(((100, 60.0),)))
    for _ in range(4):
        bucket.take(1, 0)
    bucket.tighten(5, 1, mark=1, reset=30)
    assert bucket.delay(2, 1) is None
    assert bucket.delay(3, 1) == Delay(30, "the service says that 2 are left")


def test_names_that_a_service_invents_take_no_memory():
    """Each answer may name another policy; so many of them are told apart, and no more."""
    bucket = Bucket(Terms())
    for number in range(1000):
        bucket.tighten(5, 0, mark=0, reset=3600, name=f"policy {number}")
    assert len(bucket) <= MOST_NAMES + 1


@pytest.mark.parametrize("limit, waits", [(5, 1), (20, 60), (None, 60), (7, 60)])
def test_without_a_reset_it_is_about_a_window(limit, waits):
    """Others have taken from the window of that limit, or from the longest."""
    bucket = Bucket(Terms(((5, 1.0), (20, 60.0))))
    bucket.take(1, 0)
    bucket.tighten(0, 0, mark=1, limit=limit)
    delay = bucket.delay(1, 0)
    assert delay is not None
    assert delay.seconds == waits


def test_without_a_reset_it_is_the_level_of_a_token_bucket():
    """What a bucket-and-leak API says is left is what the bucket holds."""
    bucket = Bucket(Terms(tokens=(40, 2)))
    bucket.take(1, 0)
    bucket.tighten(0, 0, mark=1)
    assert bucket.delay(1, 0) == Delay(0.5, "2/second, 40 at once")
    bucket.tighten(30, 0, mark=1)
    assert bucket.delay(1, 0) is not None


def test_a_pause_has_an_end():
    """A refusal holds back as long as it says; never longer than an hour, and a shorter one doesn't end it."""
    bucket = Bucket(Terms())
    bucket.hold(30, 0)
    bucket.hold(1, 0)
    assert bucket.delay(1, 10) == Delay(20, "the service asked for a pause")
    bucket.hold(1e12, 100)
    assert bucket.delay(0, 100) == Delay(LONGEST_HOLD, "the service asked for a pause")


IETF = {"RateLimit-Policy": '"burst";q=100;w=60, "daily";q=5000;w=86400, "load";q=9;qu="concurrent-requests"'}


@pytest.mark.parametrize(
    "field, found",
    [
        ('"burst";r=50;t=30', [Told(50, 30, 100, "burst")]),
        ('"burst";r=50;t=30, "daily";r=7', [Told(50, 30, 100, "burst"), Told(7, 86400, 5000, "daily")]),
        ('"other";r=1;t=2;x="a;b,c"', [Told(1, 2, None, "other")]),
        ('"other";r=1', []),
        ('"load";r=1;t=2', []),
        ('"burst";t=2', []),
        ('"burst";r=-1;t=2', []),
        ('"burst";r=1.5;t=2', []),
        ('"burst";r=50;t=30,', []),
        ('"burst";r=50;t=30 "daily";r=1', []),
        ('"burst;r=50;t=30', []),
        ("burst;r=50;t=30", []),
        ("limit=100, remaining=50, reset=50", []),
        ('"burst";r=' + "9" * 20 + ";t=1", []),
        ('"a";r=1;t=1, ' * 1000, []),
        ("", []),
    ],
)
def test_the_fields_of_the_ietf(field, found):
    """They are read as RFC 9651 says; what is malformed, or counts something else, is ignored."""
    assert told(None, {}, Headers({**IETF, "RateLimit": field}), 0) == found


def test_retry_after_wins():
    """An answer with Retry-After says all in that."""
    assert told(None, {}, Headers({"RateLimit": '"a";r=0;t=9', "Retry-After": "3"}), 0) == []


@pytest.mark.parametrize(
    "feedback, headers, found",
    [
        ({"remaining": "header.Left"}, {"Left": "7"}, [Told(7)]),
        ({"remaining": "header.Left", "reset": "header.In", "limit": "header.Of"}, {"Left": "7", "In": "30", "Of": "9"}, [Told(7, 30, 9)]),
        ({"remaining": "header.Left", "reset": {"take": "header.At", "format": "epoch_seconds"}}, {"Left": "0", "At": "1060"}, [Told(0, 60)]),
        ({"remaining": "header.Left", "reset": {"take": "header.At", "format": "epoch_milliseconds"}}, {"Left": "0", "At": "900000"}, [Told(0, 0)]),
        ({"remaining": "header.Left", "reset": {"take": "header.In", "format": "duration"}}, {"Left": "0", "In": "6m0s"}, [Told(0, 360)]),
        ({"remaining": "{{ 40 - (header.Used | split('/') | first | int) }}"}, {"Used": "32/40"}, [Told(8)]),
        ({"remaining": "header.Left", "reset": "header.In"}, {"Left": "7", "In": "soon"}, [Told(7)]),
        ({"remaining": "header.Left"}, {}, []),
        ({"remaining": "header.Left"}, {"Left": "many"}, []),
        ({"remaining": "header.Left"}, {"Left": "-1"}, []),
        ({"remaining": "header.Left"}, {"Left": "nan"}, []),
    ],
)  # fmt: skip
def test_declared_fields(feedback, headers, found):
    """What a spec declares is read in the declared unit; what is no such thing is ignored."""
    fields = Headers(headers)
    assert told(Feedback.model_validate(feedback), {"header": fields, "body": None}, fields, 1000) == found


def test_what_it_did_cost():
    """The cost may stand in the answer alone."""
    feedback = Feedback.model_validate({"cost": "body.extensions.cost"})
    assert cost_of(feedback, {"body": {"extensions": {"cost": 12.5}}}) == 12.5
    assert cost_of(feedback, {"body": {"extensions": {"cost": True}}}) is None
    assert cost_of(None, {"body": {}}) is None


# ── the gate ──────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_lets_them_out_one_by_one():
    """After a refusal one is let through, and with every answer that is none, twice as many."""
    gate, seen = Gate(None), []
    assert gate.refused(30, mark=5, taken=9) == 30
    for mark in range(10, 18):
        most = 0
        while gate.delay() is None and most < 100:
            gate.under_way += 1
            most += 1
        seen.append(most)
        gate.under_way = 0
        gate.passed(mark=mark)
    assert seen == [1, 2, 4, 8, 16, 32, 64, 100]


def test_what_was_under_way_at_a_refusal_says_nothing_new():
    """Ten refusals of one herd are one; answers to what left before it open nothing."""
    gate = Gate(2)
    assert [gate.refused(None, mark=mark, taken=10) for mark in range(1, 11)] == [1.0] * 10
    gate.passed(mark=10)
    gate.under_way = 1
    assert gate.delay() == Delay(inf, "1 under way after a refusal")
    assert [gate.refused(None, mark=mark, taken=mark) for mark in range(11, 20)] == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    gate.passed(mark=30)
    assert gate.delay() is None
    gate.under_way = 2
    assert gate.delay() == Delay(inf, "2 under way")
