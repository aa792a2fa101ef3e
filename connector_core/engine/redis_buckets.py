"""Buckets in Redis, so that several processes keep a rate limit together: `Engine(buckets="redis://127.0.0.1:6379/0")`.

Every step is one script, which runs alone in the server and reads its clock. Of each window the moments are kept in a
sorted set, so that it is exact as it is in memory; who can't be served leaves a claim for as long as it has to wait,
so that a large cost is not starved by other processes. Places of `concurrency` are leases: one whose process is gone
comes free by itself. All keys expire.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from connector_core.engine.buckets import Shares, Taken
from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.rate_limit import Delay, Terms, Told
from connector_core.rate_limit.bucket import LONGEST_HOLD, MOST_NAMES
from connector_core.units import rate_text

__all__ = ["RedisBuckets"]

log = logging.getLogger("connector_core")

LEASE = 120.0
"""Seconds after which a request no longer counts as under way, whatever became of its process."""
POLL = 0.1
"""Seconds until it is asked again whether another process has given a place back."""
AFTERWARDS = 1.0
"""Seconds that whoever has an answer waits at most until Redis knows of it."""

SCRIPT = """
local op, a = ARGV[1], cjson.decode(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local state, leases, DUST = KEYS[1], KEYS[2], 1e-9

local function get(field) return tonumber(redis.call('HGET', state, field) or '') end
local function put(field, value) redis.call('HSET', state, field, string.format('%.9f', value)) end
local function cost_of(member) return tonumber(string.match(member, ':([^:]*)$')) end
local function key(i) return KEYS[2 + i] end

local used = {}
for i, window in ipairs(a.windows) do
  local sum = get('used' .. i)
  if not sum then
    sum = 0
    for _, member in ipairs(redis.call('ZRANGE', key(i), 0, -1)) do sum = sum + cost_of(member) end
  end
  local edge = string.format('%.6f', now - window[2])
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key(i), '-inf', edge)) do sum = sum - cost_of(member) end
  redis.call('ZREMRANGEBYSCORE', key(i), '-inf', edge)
  if redis.call('ZCARD', key(i)) == 0 then sum = 0 end
  used[i] = sum
  put('used' .. i, sum)
end

local level
if a.tokens then
  level = get('level') or a.tokens[1]
  level = math.min(a.tokens[1], level + (now - (get('at') or now)) * a.tokens[2])
  put('level', level)
  put('at', now)
end

local caps = {}
for _, field in ipairs(redis.call('HKEYS', state)) do
  if string.sub(field, 1, 4) == 'cap:' then
    local ends, left = string.match(redis.call('HGET', state, field), '^(%S+) (%S+)$')
    if tonumber(ends) <= now then redis.call('HDEL', state, field)
    else caps[field] = {tonumber(ends), tonumber(left)} end
  end
end
local function put_cap(field, cap) redis.call('HSET', state, field, string.format('%.6f %.9f', cap[1], cap[2])) end

local function take(id, cost)
  for i in ipairs(a.windows) do
    local member = id .. ':' .. string.format('%.9g', cost)
    if redis.call('ZADD', key(i), string.format('%.6f', now), member) == 1 then put('used' .. i, used[i] + cost) end
  end
  if level then put('level', level - cost) end
  for field, cap in pairs(caps) do put_cap(field, {cap[1], cap[2] - cost}) end
end

local function wait()
  local moment, why, held = now, '', get('held')
  if held and held > now then moment, why = held, 'held' end
  for i, window in ipairs(a.windows) do
    local over, at = used[i] + a.cost - window[1], 0
    while over > DUST do
      local found = redis.call('ZRANGE', key(i), at, at + 99, 'WITHSCORES')
      if #found == 0 then break end
      for n = 1, #found, 2 do
        over = over - cost_of(found[n])
        if over <= DUST then
          local ready = tonumber(found[n + 1]) + window[2]
          if ready > moment then moment, why = ready, 'window' .. i end
          break
        end
      end
      at = at + 100
    end
  end
  if level and a.cost - level > DUST then
    local ready = now + (a.cost - level) / a.tokens[2]
    if ready > moment then moment, why = ready, 'tokens' end
  end
  for _, cap in pairs(caps) do
    if cap[2] + DUST < a.cost and cap[1] > moment then moment, why = cap[1], 'left' .. cap[2] end
  end
  if a.concurrency then
    redis.call('ZREMRANGEBYSCORE', leases, '-inf', string.format('%.6f', now))
    if redis.call('ZCARD', leases) >= a.concurrency and now + a.poll > moment then
      moment, why = now + a.poll, 'full'
    end
  end
  return moment, why
end

local answer = {'0', '', string.format('%.6f', now)}
if op == 'take' or op == 'look' then
  local moment, why = wait()
  local claim, ends = redis.call('HGET', state, 'claim'), get('claim_ends') or 0
  if claim and claim ~= a.who and ends > now and moment <= now then
    moment, why = now + a.poll, 'claimed'
  elseif op == 'take' and moment > now then
    if not claim or claim == a.who or ends <= now then
      redis.call('HSET', state, 'claim', a.who)
      put('claim_ends', moment + 5 * a.poll)
    end
  end
  if moment > now then
    answer[1], answer[2] = string.format('%.6f', moment - now), why
  elseif op == 'take' then
    take(a.id, a.cost)
    if a.concurrency then redis.call('ZADD', leases, string.format('%.6f', now + a.lease), a.id) end
    if claim == a.who then redis.call('HDEL', state, 'claim', 'claim_ends') end
  end
elseif op == 'more' then
  take(a.id, a.cost)
elseif op == 'done' then
  redis.call('ZREM', leases, a.id)
elseif op == 'back' then
  for i in ipairs(a.windows) do
    local member = a.id .. ':' .. string.format('%.9g', a.taken)
    local score = redis.call('ZSCORE', key(i), member)
    if score then
      redis.call('ZREM', key(i), member)
      if a.taken - a.cost > DUST then
        redis.call('ZADD', key(i), score, a.id .. ':' .. string.format('%.9g', a.taken - a.cost))
      end
      put('used' .. i, used[i] - a.cost)
    end
  end
  if level and a.taken > 0 then put('level', math.min(a.tokens[1], level + a.cost)) end
  for field, cap in pairs(caps) do put_cap(field, {cap[1], cap[2] + a.cost}) end
elseif op == 'hold' then
  put('held', math.max(get('held') or 0, now + a.seconds))
elseif op == 'tighten' then
  if not a.reset and level then
    put('level', math.min(level, a.left))
  elseif not a.reset and #a.windows > 0 then
    local at = 1
    for i, window in ipairs(a.windows) do if window[2] > a.windows[at][2] then at = i end end
    for i, window in ipairs(a.windows) do if window[1] == a.limit then at = i end end
    local others = a.windows[at][1] - used[at] - a.left
    if others > DUST then
      redis.call('ZADD', key(at), string.format('%.6f', now), a.id .. ':' .. string.format('%.9g', others))
      put('used' .. at, used[at] + others)
    end
  elseif a.reset and a.reset > 0 then
    local field, names = 'cap:' .. a.name, 0
    for _ in pairs(caps) do names = names + 1 end
    if not caps[field] and names >= a.most_names then field = 'cap:' end
    local known = caps[field] or {now + a.reset, a.left}
    put_cap(field, {known[1], math.min(known[2], a.left)})
  end
end
for _, name in ipairs(KEYS) do redis.call('PEXPIRE', name, math.ceil(a.ttl * 1000)) end
return answer
"""


class RedisBuckets:
    """Buckets in the Redis at an address; every engine that is given the same one counts together."""

    def __init__(self, url: str, *, prefix: str = "connector") -> None:
        """`url` such as `redis://user:password@host:6379/0`; `prefix`: how the keys begin. Raises ConfigError."""
        try:
            from redis import asyncio as redis
        except ImportError:
            raise ConfigError(
                "rate limits in Redis need the package redis",
                where=f"buckets: {_shown(url)}",
                hint="pip install 'connector-core[redis]'",
                code="extra.missing",
            ) from None
        try:
            self._client = redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        except ValueError:
            raise ConfigError(
                "the address is none of Redis", where=f"buckets: {_shown(url)}", hint="redis://127.0.0.1:6379/0"
            ) from None
        self._script = self._client.register_script(SCRIPT)
        self._where, self._prefix = _shown(url), prefix
        self._later: set[asyncio.Task[Any]] = set()

    def bucket(self, name: str, terms: Terms) -> Shares:
        """The bucket of that name, which is made where there is none."""
        return _Shared(self, f"{self._prefix}:{{{sha256(name.encode()).hexdigest()[:32]}}}", terms)

    async def run(self, keys: list[str], op: str, about: dict[str, Any]) -> list[str]:
        """What the script answers; raises UnavailableError where Redis does not.

        A socket may have been closed while it lay idle: what can be done twice without harm is asked once more.
        """
        from redis.exceptions import ConnectionError as Broken
        from redis.exceptions import RedisError

        args = [op, json.dumps(about)]
        try:
            try:
                found = await self._script(keys=keys, args=args)
            except Broken:
                if op == "back":
                    raise
                found = await self._script(keys=keys, args=args)
        except (RedisError, OSError) as error:
            raise UnavailableError(
                f"the rate limits can't be asked for: Redis does not answer ({type(error).__name__})",
                where=self._where,
                hint="nothing was sent; start Redis, or leave Engine(buckets=…) out to count in this process alone",
                code="rate_limit.store",
                retryable=True,
            ) from None
        return [item.decode() if isinstance(item, bytes) else str(item) for item in found]

    def later(self, job: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Does something that has to be done, whether or not somebody can wait for it."""
        task = asyncio.ensure_future(job)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return task

    async def aclose(self) -> None:
        """Closes the sockets; what is in Redis stays."""
        await asyncio.sleep(0)  # who was cancelled a moment ago may only now begin to give back
        while self._later:
            await asyncio.gather(*self._later, return_exceptions=True)
        await self._client.aclose()


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class _Shared:
    """One bucket in Redis."""

    def __init__(self, home: RedisBuckets, name: str, terms: Terms) -> None:
        self._home, self._terms, self.taken = home, terms, 0.0
        self._keys = [f"{name}:state", f"{name}:under_way"]
        self._keys += [f"{name}:{rate_text(*window)}" for window in terms.windows]
        capacity, refill = terms.tokens or (0.0, 1.0)
        longest = max([LONGEST_HOLD, capacity / refill, *(period for _, period in terms.windows)])
        self._about: dict[str, Any] = {
            "windows": terms.windows, "tokens": terms.tokens, "concurrency": terms.concurrency,
            "who": uuid.uuid4().hex, "poll": POLL, "lease": LEASE, "ttl": longest + LEASE,
            "most_names": MOST_NAMES,
        }  # fmt: skip
        if terms.tokens is None:
            del self._about["tokens"]  # null is something in Lua
        if terms.concurrency is None:
            del self._about["concurrency"]
        self._latest = -1.0
        self._held = float("-inf")

    async def _run(self, op: str, **about: Any) -> list[str]:
        return await self._home.run(self._keys, op, self._about | about)

    async def _noted(self, op: str, **about: Any) -> None:
        """Tells Redis what has happened: whoever is cancelled meanwhile, and whether or not it answers.

        The request has been sent, so that an error here would say of it what is not so.
        """
        await asyncio.wait({self._home.later(self._heard(op, **about))}, timeout=AFTERWARDS)

    async def _heard(self, op: str, **about: Any) -> None:
        try:
            await self._run(op, **about)
        except UnavailableError as error:
            log.warning("Redis was not told what became of a request (%s): %s", op, error.what)

    def expected(self, cost: float, ahead: float) -> Delay | None:
        """Others take from it too: nothing is known before it is asked."""

    async def delay(self, cost: float) -> Delay | None:
        seconds, why, _ = await self._run("look", cost=cost)
        return self._delay(float(seconds), why)

    async def take(self, cost: float, *, unsent: bool = False) -> Taken | Delay:  # noqa: ARG002 - see `postponed`
        name = uuid.uuid4().hex
        if (left := self._held - time.monotonic()) > 0:
            return Delay(left, _WORDS["held"])
        asked = asyncio.ensure_future(self._run("take", cost=cost, id=name))
        try:
            seconds, why, now = await asyncio.shield(asked)
        except asyncio.CancelledError:
            self._home.later(self._returned(asked, name, cost))
            raise
        if (delay := self._delay(float(seconds), why)) is not None:
            return delay
        self.taken += cost
        return Taken(cost, float(now), self.taken, name)

    async def _returned(self, asked: asyncio.Future[list[str]], name: str, cost: float) -> None:
        """Gives back what may have been taken for somebody who is gone."""
        with suppress(UnavailableError):  # what it may have taken all the same comes free by itself
            await asked
            await self._run("back", id=name, taken=cost, cost=cost)
            await self._run("done", id=name)

    def _delay(self, seconds: float, why: str) -> Delay | None:
        if seconds <= 0:
            return None
        if why.startswith("window"):
            why = rate_text(*self._terms.windows[int(why.removeprefix("window")) - 1])
        elif why.startswith("left"):
            why = f"the service says that {max(float(why.removeprefix('left')), 0):g} are left"
        elif why == "tokens" and self._terms.tokens is not None:
            why = f"{self._terms.tokens[1]:g}/second, {self._terms.tokens[0]:g} at once"
        return Delay(seconds, _WORDS.get(why, why))

    async def give_back(self, taken: Taken, cost: float) -> None:
        await self._noted("back", id=taken.name, taken=taken.cost, cost=min(cost, taken.cost))

    def postponed(self, taken: Taken) -> Taken:
        """The same: moving it would cost every request a further question."""
        return taken

    async def take_more(self, cost: float) -> None:
        await self._noted("more", id=uuid.uuid4().hex, cost=cost)
        self.taken += cost

    async def done(self, taken: Taken) -> None:
        if self._terms.concurrency is not None:
            await self._noted("done", id=taken.name)

    async def hold(self, seconds: float) -> None:
        seconds = min(max(seconds, 0.0), LONGEST_HOLD)
        self._held = max(self._held, time.monotonic() + seconds)  # kept even where Redis does not hear of it
        await self._noted("hold", seconds=seconds)

    async def tighten(self, told: Told, mark: float) -> None:
        if mark < self._latest:
            return
        self._latest = mark
        about: dict[str, Any] = {"left": max(told.remaining - (self.taken - mark), 0.0), "name": told.name}
        if told.reset is not None:
            about["reset"] = min(told.reset, LONGEST_HOLD)
        if told.limit is not None:
            about["limit"] = told.limit
        await self._noted("tighten", id=uuid.uuid4().hex, **about)


_WORDS = {
    "held": "the service asked for a pause",
    "full": "as many are under way as may be",
    "claimed": "another process is first",
}
