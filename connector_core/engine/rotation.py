"""Secrets that should have been replaced by now, of those that are given by reference, as their backends tell.

::

    secrets: {token: {rotate_every: 90d}}

Rule 1: nothing fails for it, and nobody waits for long: where nobody can tell how old a secret is, nothing is said.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from connector_core.config import rotation

if TYPE_CHECKING:
    from connector_core.engine.account import Account

__all__ = ["SecretDue", "secrets_due"]

DAY, HOUR = 86400.0, 3600.0


class SecretDue(Struct, frozen=True):
    """A secret that is older than its spec wants it to be; as text, what to do."""

    secret: str
    """Its name in the spec."""
    reference: str
    """Where it is kept."""
    age: float
    """Seconds since it was put there."""
    every: float
    """Seconds after which it is to be replaced, as the spec says."""

    def __str__(self) -> str:
        return (
            f"secret {self.secret} is {_length(self.age)} old, and is to be replaced every {_length(self.every)}: "
            f"put another one at {self.reference}"
        )


async def secrets_due(account: Account) -> tuple[SecretDue, ...]:
    """The account's secrets that should have been replaced by now; never raises IntegrationError."""
    if account.referred is None:
        return ()
    declared, references = account.spec.secrets, account.effects.references()
    asked = [
        (name, reference, every)
        for name, reference in account.referred.references.items()
        if (every := rotation(declared[name])) is not None
    ]
    found = await asyncio.gather(*(references.since(reference) for _, reference, _ in asked))
    now = account.effects.now()
    return tuple(
        SecretDue(name, reference.text, now - at, every)
        for (name, reference, every), at in zip(asked, found, strict=True)
        if at is not None and now - at >= every
    )


def _length(seconds: float) -> str:
    """In whole days or hours, where there are two at least."""
    for unit, name in ((DAY, "days"), (HOUR, "hours")):
        if seconds >= 2 * unit:
            return f"{int(seconds / unit)} {name}"
    return f"{seconds:.0f} s"
