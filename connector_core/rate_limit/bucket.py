"""What was taken from a bucket, and how long the next one waits for its share: exact, and without a clock of its own.

::

    bucket = Bucket(Terms(windows=((10, 1.0),)))
    if (delay := bucket.delay(cost, now)) is None:
        bucket.take(cost, now)

Rule 1: in no window of a rate's length is more taken than the rate says, wherever the window begins.
Rule 2: what the service says only ever tightens; looser is what time alone makes it.
Rule 3: `now + delay.seconds` is late enough, to the last bit: whoever waits that long and finds nothing else changed
        need not wait again.

`now` is in seconds of one clock that only goes forward. The first in line asks with `ahead=0`; those behind learn how
long it takes at least.
"""

from __future__ import annotations

from collections import deque
from math import ceil, inf, nextafter
from typing import Final

from msgspec import Struct

from connector_core.units import rate_text

__all__ = ["LONGEST_HOLD", "UNSENT", "Bucket", "Delay", "Gate", "Terms"]

UNSENT: Final = inf
"""The moment of what was taken for a request that is on its way to a socket."""
CELLS = 1024
"""A window remembers no more than about so many moments; what lies nearer together is kept as the later one."""
LONGEST_HOLD = 3600.0
"""Seconds for which a service is left alone at most, whatever it says; then it is asked whether that still holds."""
FIRST_HOLD, LAST_HOLD = 1.0, 60.0
"""Seconds for which a service is left alone that says no number: at first, and after it has refused many times."""
OPEN: Final = 64
"""So many under way at once are all that there may ever be after a refusal; then the bucket is open again."""
MOST_NAMES = 16
"""So many policies of a service are told apart; the names of more are its own invention, and count as one."""
_DUST = 1e-9  # what sums of fractions leave over


class Terms(Struct, frozen=True):
    """What holds for one bucket; costs are numbers, mostly 1 for each request."""

    windows: tuple[tuple[float, float], ...] = ()
    """Each as much in any so many seconds."""
    tokens: tuple[float, float] | None = None
    """How much a bucket holds that is full at first, and how much flows in per second."""
    concurrency: int | None = None
    """So many under way at once."""

    @property
    def largest(self) -> float:
        """The largest cost that can ever be taken."""
        sizes = [limit for limit, _ in self.windows]
        return min([*sizes, self.tokens[0]] if self.tokens else sizes, default=inf)


class Delay(Struct, frozen=True):
    """Why something has to wait, and for how many seconds at least; infinite where only others can end it."""

    seconds: float
    reason: str


class _Cell:
    __slots__ = ("cost", "first", "last")

    def __init__(self, now: float, cost: float) -> None:
        self.first, self.last, self.cost = now, now, cost


class _Window:
    """What was taken in the last `period` seconds: a log, whose cells are merged only where that can't be seen."""

    def __init__(self, limit: float, period: float) -> None:
        self.limit, self.period = limit, period
        self.used = self.unsent = 0.0
        self.log: deque[_Cell] = deque()
        self._width = period / CELLS if limit > CELLS else 0.0

    def expire(self, now: float) -> None:
        log = self.log
        while log and log[0].last + self.period <= now:
            self.used -= log.popleft().cost
        if not log:
            self.used = self.unsent

    def ready(self, cost: float, ahead: float, now: float) -> float:
        """When the cost fits, after what is ahead of it: exactly for the first in line, else not before that."""
        over = self.used + ahead + cost - self.limit
        if over <= _DUST:
            return now
        size = max(self.limit, self.used)  # what is taken now is taken again a period later, and so on
        rounds = ceil((over - _DUST) / size) - 1
        over -= rounds * size
        for cell in self.log:
            over -= cell.cost
            if over <= _DUST:
                return cell.last + self.period * (rounds + 1)
        return now + self.period * (rounds + 1)  # what is not sent yet comes free no sooner

    def keep(self, cost: float) -> None:
        self.used += cost
        self.unsent = left if (left := self.unsent + cost) > _DUST else 0.0

    def take(self, cost: float, now: float) -> None:
        self.used += cost
        last = self.log[-1] if self.log else None
        if last is not None and (last.last >= now or last.first + self._width > now):
            last.last, last.cost = max(now, last.last), last.cost + cost  # later is longer: never looser
        else:
            self.log.append(_Cell(now, cost))

    def give_back(self, cost: float, at: float) -> None:
        if at == UNSENT:
            self.keep(-cost)
            return
        for cell in reversed(self.log):
            if cell.first <= at <= cell.last:
                back = min(cost, cell.cost)
                cell.cost -= back
                self.used -= back
            if cell.last <= at:
                return


class _Tokens:
    """A bucket that flows back at a steady rate."""

    def __init__(self, capacity: float, refill: float) -> None:
        self.capacity, self.refill = capacity, refill
        self.level, self.unsent, self.at = capacity, 0.0, -inf

    def flow(self, now: float) -> None:
        if self.at > -inf:  # what is unsent is still in the service's bucket, and nothing flows in above its brim
            self.level = min(self.capacity - self.unsent, self.level + (now - self.at) * self.refill)
        self.at = now

    def ready(self, cost: float, ahead: float, now: float) -> float:
        missing = cost + ahead - self.level
        return now if missing <= _DUST else now + missing / self.refill


class _Cap(Struct):
    """What the service says is left until some moment."""

    until: float
    left: float


class Bucket:
    """One bucket's memory under its terms; see the module's rules. Whoever shares the bucket shares this object."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.taken: float = 0.0
        """All that was ever taken: what an answer can't know of is what was taken after its request."""
        self._windows = [_Window(*window) for window in terms.windows]
        self._tokens = _Tokens(*terms.tokens) if terms.tokens else None
        self._caps: dict[str, _Cap] = {}
        self._held, self._latest = -inf, -inf

    def __len__(self) -> int:
        """How many moments it remembers: what it costs in memory."""
        return sum(len(window.log) for window in self._windows) + len(self._caps)

    def delay(self, cost: float, now: float, ahead: float = 0.0) -> Delay | None:
        """Why the cost can't be taken now; None: it can. `ahead` is what others want before it."""
        moment, reason = now, ""
        if self._held > now:
            moment, reason = self._held, "the service asked for a pause"
        for window in self._windows:
            window.expire(now)
            if (ready := window.ready(cost, ahead, now)) > moment:
                moment, reason = ready, rate_text(window.limit, window.period)
        if self._tokens is not None:
            self._tokens.flow(now)
            if (ready := self._tokens.ready(cost, ahead, now)) > moment:
                moment, reason = ready, f"{self._tokens.refill:g}/second, {self._tokens.capacity:g} at once"
        for name, cap in list(self._caps.items()):
            if cap.until <= now:
                del self._caps[name]
            elif cap.left + _DUST < cost + ahead and cap.until > moment:
                moment, reason = cap.until, f"the service says that {max(cap.left, 0):g} are left"
        return Delay(_until(moment, now), reason) if moment > now else None

    def take(self, cost: float, now: float, *, unsent: bool = False) -> None:
        """Takes the cost, whether or not it fits; `unsent`: time begins to count for it with `postpone`."""
        self.taken += cost
        for window in self._windows:
            if unsent:
                window.keep(cost)
            else:
                window.take(cost, now)
        if self._tokens is not None:
            self._tokens.flow(now)
            self._tokens.level -= cost
            self._tokens.unsent += cost if unsent else 0.0
        for cap in self._caps.values():
            cap.left -= cost

    def postpone(self, cost: float, at: float, now: float) -> None:
        """What was taken at that moment, or is UNSENT, is used only now, so that its windows begin now."""
        for window in self._windows:
            window.give_back(cost, at)
            window.take(cost, now)
        if self._tokens is not None and at == UNSENT:
            self._tokens.flow(now)
            self._tokens.unsent -= cost

    def give_back(self, cost: float, at: float) -> None:
        """Returns some of what was taken at that moment, or is UNSENT, and not used."""
        for window in self._windows:
            window.give_back(cost, at)
        if self._tokens is not None:
            self._tokens.unsent -= cost if at == UNSENT else 0.0
            self._tokens.level = min(self._tokens.capacity, self._tokens.level + cost)
        for cap in self._caps.values():
            cap.left += cost

    def hold(self, seconds: float, now: float) -> None:
        """Nothing is taken for so many seconds: the service has refused."""
        self._held = max(self._held, now + min(max(seconds, 0.0), LONGEST_HOLD))

    def tighten(
        self, remaining: float, now: float, *,
        mark: float, reset: float | None = None, limit: float | None = None, name: str = "",
    ) -> None:  # fmt: skip
        """Takes note of what an answer says is left for `reset` seconds; `mark` is `taken` at its request.

        An answer to a request older than that of the last one is late and says nothing. Without `reset`, it is about
        the token bucket, or the window of that limit, else the longest.
        """
        if mark < self._latest:
            return
        self._latest = mark
        left = max(remaining - (self.taken - mark), 0.0)  # those on their way may not be counted in it
        if reset is None and self._tokens is not None:
            self._tokens.flow(now)
            self._tokens.level = min(self._tokens.level, left)
        elif reset is None and self._windows:
            self._fill(left, limit, now)
        elif reset is not None and reset > 0:
            if name not in self._caps and len(self._caps) >= MOST_NAMES:
                name = ""
            known = self._caps.get(name)
            if known is None or known.until <= now:
                self._caps[name] = _Cap(now + min(reset, LONGEST_HOLD), left)
            else:  # a second opinion on the same window, which its end will lift
                known.left = min(known.left, left)

    def _fill(self, left: float, limit: float | None, now: float) -> None:
        """Counts in what others have taken from the same window."""
        for window in self._windows:
            window.expire(now)
        longest = max(self._windows, key=lambda window: window.period)
        window = next((window for window in self._windows if window.limit == limit), longest)
        others = window.limit - window.used - left
        if others > _DUST:
            window.take(others, now)


def _until(moment: float, now: float) -> float:
    """Seconds after which it is that moment; the sum of floats may fall short of it by the last bit."""
    seconds = moment - now
    while now + seconds < moment:
        seconds = nextafter(seconds, inf)
    return seconds


class Gate:
    """How many may be under way at once; after a refusal one, and twice as many with each answer that is none."""

    def __init__(self, concurrency: int | None) -> None:
        self._concurrency = concurrency
        self.under_way = 0
        self._ramp: int | None = None
        self._refusals, self._since = 0, -inf

    def delay(self) -> Delay | None:
        """Why nothing more may be sent before something comes back; None: it may."""
        if self._concurrency is not None and self.under_way >= self._concurrency:
            return Delay(inf, f"{self.under_way} under way")
        if self._ramp is not None and self.under_way >= self._ramp:
            return Delay(inf, f"{self.under_way} under way after a refusal")
        return None

    def refused(self, hint: float | None, *, mark: float, taken: float) -> float:
        """Seconds of the pause after a refusal; `hint` are those that the service asks for.

        `mark` is what had been taken from the bucket at the request, `taken` what is now. Requests that were already
        under way at the last refusal say nothing new when they are refused too.
        """
        if mark > self._since:
            self._refusals, self._since = self._refusals + 1, taken
        self._ramp = 1
        if hint is not None:
            return hint
        return float(min(FIRST_HOLD * 2 ** min(self._refusals - 1, 10), LAST_HOLD))

    def passed(self, *, mark: float) -> None:
        """An answer that is no refusal: to a request after the last one, it opens the gate further."""
        if self._ramp is None or mark <= self._since:
            return
        self._refusals, self._ramp = 0, self._ramp * 2
        if self._ramp > OPEN:
            self._ramp = None
