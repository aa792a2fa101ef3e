"""Captured facts: asked for once when something that reads them is about to be sent, and again when they are old."""

from __future__ import annotations

import asyncio

from connector_core.address import MISSING
from connector_core.engine.cache import answer
from connector_core.engine.call import answer_scope, decoded
from connector_core.engine.connection import Connection
from connector_core.engine.signing import ask
from connector_core.engine.until import awaited
from connector_core.exceptions import ResponseError
from connector_core.plan import Plan

__all__ = ["prepare"]


async def prepare(connection: Connection, plan: Plan) -> None:
    """Has the secrets and the captured facts that the endpoint reads, where they are not there; else raises."""
    if connection.referred is not None:
        await connection.referred.ready(plan.secrets)
    for name in plan.captures:
        if not connection.facts.fresh(name, plan.credential, connection.effects.monotonic()):
            await (
                _signed_in(connection, plan, name)
                if name in connection.spec.sign_in_facts
                else _asked(connection, plan, name)
            )


async def _asked(connection: Connection, plan: Plan, name: str) -> None:
    """Asks for the fact; who wants it meanwhile waits for the same answer."""
    lock = connection.facts.locks.setdefault(name, asyncio.Lock())
    await awaited(lock.acquire(), connection.effects.monotonic, f"connection.{name}")
    try:
        if not connection.facts.fresh(name, plan.credential, connection.effects.monotonic()):
            value = await _taken(connection, name)
            connection.facts.keep(name, value, connection.effects.monotonic())
    finally:
        lock.release()


async def _signed_in(connection: Connection, plan: Plan, name: str) -> None:
    """Has a token, with which the fact comes."""
    await connection.credential(plan, ask).ready(plan)
    if name not in connection.facts.of(plan.credential):
        place = connection.spec.capture[name]
        raise ResponseError(
            f"{plan.connector} has nothing at {place} for connection.{name}",
            where=f"capture.{name}",
            hint="compare capture with what comes with a token; what came earlier is forgotten: sign in again",
            code="capture.missing",
        )


async def _taken(connection: Connection, name: str) -> object:
    capture = connection.spec.asked_facts[name]
    plan = connection.plan(capture.call)
    await prepare(connection, plan)
    scope = connection.names(plan)
    names = {**scope, "input": {}, "page": plan.pagination.names(None)}
    answered = await answer(
        connection, plan, lambda: plan.pagination.at(plan.compose(names), None), scope, f"connection.{name}"
    )
    value = capture.take.take(answer_scope(answered.response, decoded(connection, plan, answered)))
    if value is MISSING or value is None:
        raise ResponseError(
            f"{plan.connector} has nothing at {capture.take} for connection.{name}",
            where=f"capture.{name}: {capture.call}",
            hint="compare capture with what the service sends",
            code="capture.missing",
        )
    return value
