"""From an address to a place: the built-in ones, those of plug-ins, and what is told where there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from connector_core import Engine
from connector_core.engine.buckets import in_memory
from connector_core.engine.redis_buckets import RedisBuckets
from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.hookspecs import hookimpl
from connector_core.testing import VirtualClock


class Mine:
    """Buckets of a plug-in."""

    def __init__(self, address: str) -> None:
        self.address, self.closed = address, False

    def bucket(self, _name: str, terms: Any) -> Any:
        return in_memory(terms, VirtualClock().monotonic)

    async def aclose(self) -> None:
        self.closed = True


def bringing(**openers: Any) -> Any:
    return SimpleNamespace(__name__="acme", register_stores=hookimpl(lambda: openers))


@pytest.mark.parametrize(
    "place, what",
    [
        ("memcached://me:s3cr3t@host/0", "at memcached://…"),
        ("localhost:6379", "there: it is no address"),
        ("me:s3cr3t://host", "there: it is no address"),
        ("", "there: it is no address"),
    ],
)
def test_no_such_place(place, what):
    """A scheme that nobody knows is refused with those that somebody does, and without a password."""
    with pytest.raises(ConfigError) as refused:
        Engine(buckets=place, plugins=[bringing(acme=Mine)])
    assert str(refused.value) == (
        f"buckets cannot be kept {what} — Engine(buckets=…) — "
        "an address begins with redis://, rediss://, unix://, acme://"
    )
    assert refused.value.code == "buckets.unknown"


async def test_redis():
    """The built-in one is opened without asking a plug-in, and without a connection."""
    async with Engine(buckets="redis://127.0.0.1:9/0", plugins=[bringing(redis=Mine)]) as engine:
        assert isinstance(engine._effects.buckets, RedisBuckets)


async def test_a_plugins_place():
    """The function that a plug-in has for a scheme is given the address; the engine closes what it opened."""
    async with Engine(buckets="acme://host/1", plugins=[bringing(acme=Mine)]) as engine:
        mine = engine._effects.buckets
        assert isinstance(mine, Mine)
        assert (mine.address, mine.closed) == ("acme://host/1", False)
    assert mine.closed


def test_what_is_no_place():
    """What keeps something else is told by what it lacks."""
    with pytest.raises(ConfigError) as refused:
        Engine(buckets="acme://host", plugins=[bringing(acme=lambda _address: object())])
    assert str(refused.value) == (
        "what a plug-in has at acme://… keeps no buckets: object has no aclose, bucket — Engine(buckets=…) — "
        "use another address, or tell whoever made the plug-in"
    )


def test_a_plugin_that_fails():
    """It is named, without the address that it was given; an error of ours that it raises stays what it is."""

    def fails(address: str) -> Any:
        raise RuntimeError(address)

    def away(_address: str) -> Any:
        raise UnavailableError("acme is away")

    with pytest.raises(ConfigError, match="the plug-in acme fails with RuntimeError") as failed:
        Engine(buckets="acme://me:s3cr3t@host", plugins=[bringing(acme=fails)])
    assert "s3cr3t" not in str(failed.value)
    assert (failed.value.code, failed.value.where) == ("plugin.failed", "the address acme://…")
    with pytest.raises(UnavailableError, match=r"^acme is away$"):
        Engine(buckets="acme://host", plugins=[bringing(acme=away)])
