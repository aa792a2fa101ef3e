"""One call: a request, a list in several requests, or the calls that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from msgspec import Struct

from connector_core.address import MISSING
from connector_core.batch import BatchWrite
from connector_core.config import settle
from connector_core.engine.cache import answer
from connector_core.engine.call import Answered, answer_scope, decoded
from connector_core.engine.connection import Connection
from connector_core.engine.facts import prepare
from connector_core.exceptions import BatchError, IntegrationError, ResponseError
from connector_core.fallback import Degraded
from connector_core.http import Request
from connector_core.plan import Plan
from connector_core.request import render
from connector_core.steps import Step

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # checkers bring it along; nothing is imported

    D = TypeVar("D", default=Any)
else:
    from typing import TypeVar

    D = TypeVar("D")

__all__ = ["Result", "call"]

Scope = dict[str, Any]


class Result(Struct, Generic[D], frozen=True):
    """What a call gave."""

    data: D
    """The endpoint's `output`; the records for a readable endpoint; else the decoded body."""
    attempts: int
    """How often it was sent; of several requests, the sum."""
    degraded: Degraded | None = None
    """From where the data is, how old, and why, if not from the service (see `fallback`); None: from the service."""


async def call(connection: Connection, plan: Plan, given: Mapping[str, Any]) -> Result:
    """Calls the endpoint once; raises IntegrationError where it fails."""
    connection.ready()
    values = settle(plan.input, given, what="input")
    await prepare(connection, plan)
    scope: Scope = {**connection.names(plan), "input": values}
    if plan.steps:
        return await _steps(connection, plan, scope)
    if plan.batch is not None:
        return await _batch(connection, plan, plan.batch, scope)
    answered = await _sent(connection, plan, lambda: plan.compose(scope), scope)
    body = decoded(connection, plan, answered)
    return Result(_output(plan, {**scope, **answer_scope(answered.response, body)}, body), answered.attempts)


async def _sent(connection: Connection, plan: Plan, compose: Callable[[], Request], scope: Scope) -> Answered:
    answered = await answer(connection, plan, compose, scope, "call")
    if answered.outcome.then != "ok":
        raise ResponseError(
            f"a rule for status {answered.response.status} says {answered.outcome.then}, which is for reads",
            where=f"{plan.connector}.{plan.endpoint}",
            hint="say ok, or an error category",
        )
    return answered


def _output(plan: Plan, scope: Scope, otherwise: Any) -> Any:
    return otherwise if plan.output is None else plan.output(scope)


# ── a list in several requests ────────────────────────────────────────────────────────────────────


async def _batch(connection: Connection, plan: Plan, batch: BatchWrite, scope: Scope) -> Result:
    results: list[Any] = []
    refused: list[int] = []
    attempts = 0
    for part in batch.parts(scope):
        try:
            answered = await _sent(connection, plan, partial(_part, plan, batch, scope, part), scope)
            names = {**scope, **answer_scope(answered.response, decoded(connection, plan, answered))}
            found = batch.taken(names, len(part))
        except IntegrationError as error:
            error.context |= {"items_done": len(results), "items_refused": refused}
            raise
        attempts += answered.attempts
        refused += [len(results) + at for at, result in enumerate(found) if batch.refused(result, scope)]
        results += found
    if refused:
        raise BatchError(
            f"{plan.connector} refused {len(refused)} of {len(results)} items: {_listed(refused)}",
            where=f"{plan.connector}.{plan.endpoint}",
            hint="the others are done; the error's `results` say why these are not",
            code="batch.refused",
            results=results,
            failed=refused,
        )
    return Result(_output(plan, {**scope, "body": results}, results), attempts)


def _part(plan: Plan, batch: BatchWrite, scope: Scope, part: list[Any]) -> Request:
    return batch.put.put(plan.compose(scope), part)


def _listed(positions: list[int]) -> str:
    shown = ", ".join(f"number {position}" for position in positions[:5])
    return f"{shown} and {len(positions) - 5} more" if len(positions) > 5 else shown  # noqa: PLR2004 - a line's worth


# ── several calls ─────────────────────────────────────────────────────────────────────────────────


async def _steps(connection: Connection, plan: Plan, scope: Scope) -> Result:
    attempts = 0
    done: list[str] = []
    data: Any = None
    for step in plan.steps:
        if step.when is not None and not step.when.holds(scope):
            continue
        try:
            result = await call(connection, connection.plan(step.call), _given(step, scope))
        except IntegrationError as error:
            error.context |= {"step": step.as_ or step.call, "steps_done": done}
            raise
        attempts, data = attempts + result.attempts, result.data
        done.append(step.as_ or step.call)
        if step.as_ is not None:
            scope[step.as_] = data
    return Result(_output(plan, scope, data), attempts)


def _given(step: Step, scope: Scope) -> dict[str, Any]:
    found = {name: render(value, scope, f"steps.{step.call}.input.{name}") for name, value in step.input.items()}
    return {name: value for name, value in found.items() if value is not MISSING}
