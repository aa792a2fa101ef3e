"""What must hold of a bucket wherever it is kept: in memory, and where other processes find it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connector_core.engine.buckets import Shares, Taken
from connector_core.rate_limit import Delay, Terms, Told

Made = Callable[[Terms], Shares]
Passing = Callable[[float], Awaitable[None]]
Claim = Callable[[Made, Passing], Awaitable[None]]

PERIOD = 0.5
WINDOW = Terms(((3.0, PERIOD),))
EDGE = 0.02
"""Seconds: what a clock elsewhere, and the way there, may take."""


async def taken(bucket: Shares, cost: float = 1.0) -> Taken:
    found = await bucket.take(cost)
    assert isinstance(found, Taken), found
    return found


async def refused(bucket: Shares, cost: float = 1.0) -> Delay:
    found = await bucket.take(cost)
    assert isinstance(found, Delay), found
    assert await bucket.delay(cost) is not None
    return found


async def a_window_gives_what_it_says(made: Made, passing: Passing) -> None:
    """Three in any half second, and the fourth when the first is that old."""
    bucket = made(WINDOW)
    first = await taken(bucket)
    await taken(bucket, 2)
    delay = await refused(bucket)
    assert delay.reason == "3/500ms"
    assert 0 < delay.seconds <= PERIOD
    await passing(delay.seconds)
    again = await taken(bucket)
    assert again.at >= first.at + PERIOD - 1e-6


async def two_windows_both_hold(made: Made, passing: Passing) -> None:
    """The one that takes longer is told."""
    bucket = made(Terms(((2.0, 0.1), (3.0, 3600.0))))
    await taken(bucket, 2)
    await passing((await refused(bucket)).seconds)
    await taken(bucket)
    delay = await refused(bucket)
    assert delay.reason == "3/hour"
    assert delay.seconds > 3590


async def what_was_not_used_comes_back(made: Made, passing: Passing) -> None:
    """All of it, or a part."""
    bucket = made(WINDOW)
    found = await taken(bucket, 3)
    await bucket.give_back(found, 1)
    await taken(bucket)
    await refused(bucket)


async def what_cost_more_is_taken_too(made: Made, passing: Passing) -> None:
    """Fit or not."""
    bucket = made(WINDOW)
    await bucket.take_more(5)
    assert (await refused(bucket)).seconds <= PERIOD
    await passing(PERIOD + EDGE)
    await taken(bucket, 3)


async def a_token_bucket_flows(made: Made, passing: Passing) -> None:
    """All of it at once, then as fast as it refills."""
    bucket = made(Terms(tokens=(4.0, 10.0)))
    found = await taken(bucket, 4)
    delay = await refused(bucket, 2)
    assert delay.reason == "10/second, 4 at once"
    assert 0.1 < delay.seconds <= 0.2
    await passing(delay.seconds + EDGE)
    await taken(bucket, 2)
    await bucket.give_back(found, 4)
    await taken(bucket, 4)


async def a_pause_holds_everybody(made: Made, passing: Passing) -> None:
    """For as long as it says; a shorter one does not end it."""
    bucket = made(WINDOW)
    await bucket.hold(0.2)
    await bucket.hold(0.01)
    delay = await refused(bucket)
    assert (delay.reason, 0.1 < delay.seconds <= 0.2) == ("the service asked for a pause", True)
    await passing(0.2 + EDGE)
    await taken(bucket)


async def what_is_left_only_tightens(made: Made, passing: Passing) -> None:
    """Until the reset, less but never more; late answers are not heard; then it is over."""
    bucket = made(Terms(((100.0, 60.0),)))
    first, second = await taken(bucket), await taken(bucket)
    await bucket.tighten(Told(2, reset=0.3), second.mark)
    await bucket.tighten(Told(50, reset=0.3), second.mark)
    await bucket.tighten(Told(0, reset=0.3), first.mark)
    await taken(bucket, 2)
    delay = await refused(bucket)
    assert (delay.reason, delay.seconds <= 0.3) == ("the service says that 0 are left", True)
    await passing(0.3 + EDGE)
    await taken(bucket)


async def others_have_taken_from_a_window(made: Made, passing: Passing) -> None:
    """Without a reset, what is left fills the window of that limit, or the level of a token bucket."""
    bucket = made(Terms(((3.0, PERIOD), (100.0, 3600.0))))
    found = await taken(bucket)
    await bucket.tighten(Told(0, limit=3), found.mark)
    assert (await refused(bucket)).reason == "3/500ms"
    level = made(Terms(tokens=(40.0, 1.0)))
    found = await taken(level)
    await level.tighten(Told(2), found.mark)
    assert await level.delay(2) is None
    await refused(level, 3)


async def invented_names_are_counted_as_one(made: Made, passing: Passing) -> None:
    """A service that names a new policy in every answer takes no more memory for it, and is heard all the same."""
    bucket = made(Terms(((1000.0, 60.0),)))
    found = await taken(bucket)
    for number in range(40):
        await bucket.tighten(Told(90, reset=0.4, name=f"{number}"), found.mark)
    await bucket.tighten(Told(0, reset=0.4, name="another"), found.mark)
    assert (await refused(bucket)).reason == "the service says that 0 are left"
    await passing(0.4 + EDGE)
    await taken(bucket)


CLAIMS: list[Claim] = [
    a_window_gives_what_it_says,
    two_windows_both_hold,
    what_was_not_used_comes_back,
    what_cost_more_is_taken_too,
    a_token_bucket_flows,
    a_pause_holds_everybody,
    what_is_left_only_tightens,
    others_have_taken_from_a_window,
    invented_names_are_counted_as_one,
]
