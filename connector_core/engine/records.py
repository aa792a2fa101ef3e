"""What happens to a page's records between the answer and whoever reads them, where the spec declares it."""

from __future__ import annotations

from typing import Any

from connector_core.engine.connection import Connection
from connector_core.events import RecordInvalid
from connector_core.exceptions import ResponseError
from connector_core.plan import Plan

__all__ = ["judged", "located", "place_of", "transformed"]

Record = dict[str, Any]


def transformed(plan: Plan, records: list[Record], scope: dict[str, Any], *, page: int) -> list[Record]:
    """The records after `transform`, changed in place: nobody else holds what was just decoded."""
    assert plan.transform is not None  # noqa: S101 - whoever calls has looked
    try:
        return plan.transform(records, scope)
    except ResponseError as error:
        raise located(plan, page, error.what, hint=error.hint, code=error.code) from None
    except RecursionError:
        raise located(plan, page, "a record is nested too deeply to be transformed", code="transform.depth") from None


def judged(connection: Connection, plan: Plan, records: list[Record], *, page: int) -> list[Record]:
    """The records that `on_invalid` lets pass; those that do not fit the schema are announced, once for the page."""
    assert plan.judge is not None  # noqa: S101 - whoever calls has looked
    verdicts = [plan.judge(record) for record in records]
    broken = [verdict for verdict in verdicts if verdict is not None]
    if not broken:
        return records
    if plan.on_invalid == "fail":
        raise located(
            plan,
            page,
            f"a record does not fit the schema: {broken[0]}",
            hint="compare the schema with what the service sends, or say on_invalid: keep",
            code="schema.violation",
        )
    about = {"page": page, "count": len(broken), "what": broken[0], "on_invalid": str(plan.on_invalid)}
    connection.announce(RecordInvalid, plan.endpoint, **about)
    if plan.on_invalid == "keep":
        return records
    return [record for record, verdict in zip(records, verdicts, strict=True) if verdict is None]


def place_of(plan: Plan, page: int) -> str:
    """Where a page stands, for messages."""
    return f"{plan.connector}.{plan.endpoint}, page {page}"


def located(plan: Plan, page: int, what: str, *, hint: str = "", code: str) -> ResponseError:
    """The error with the page that it is about."""
    return ResponseError(
        what,
        where=place_of(plan, page),
        hint=hint,
        code=code,
        context={"connector": plan.connector, "endpoint": plan.endpoint},
    )
