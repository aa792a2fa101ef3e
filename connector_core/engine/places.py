"""From an address to the place that buckets or tokens are kept at."""

from __future__ import annotations

from connector_core.engine.buckets import Buckets
from connector_core.engine.tokens import Tokens
from connector_core.exceptions import ConfigError

__all__ = ["buckets_at", "tokens_at"]


def buckets_at(place: str | Buckets | None) -> Buckets | None:
    """The buckets at an address, such as `redis://127.0.0.1:6379/0`; raises ConfigError where there can't be any."""
    if not isinstance(place, str):
        return place
    scheme = place.partition("://")[0]
    if scheme not in ("redis", "rediss", "unix"):
        raise ConfigError(
            "rate limits are shared through Redis alone",
            where=f"buckets: {scheme}://…" if "://" in place else "buckets",
            hint="write an address such as redis://127.0.0.1:6379/0",
            code="buckets.unknown",
        )
    from connector_core.engine.redis_buckets import RedisBuckets

    return RedisBuckets(place)


def tokens_at(place: str | Tokens | None) -> Tokens | None:
    """The tokens at an address, such as `sqlite:///tokens.db`; raises ConfigError where there can't be any."""
    if not isinstance(place, str):
        return place
    scheme, _, path = place.partition(":///")
    if scheme != "sqlite" or not path:
        raise ConfigError(
            "tokens are kept in a file of SQLite alone",
            where=f"tokens: {scheme}" if "://" in place else "tokens",
            hint="write an address such as sqlite:///tokens.db, with four slashes for an absolute path",
            code="tokens.unknown",
        )
    from connector_core.engine.sqlite_tokens import SqliteTokens

    return SqliteTokens(path)
