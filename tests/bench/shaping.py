"""Two ways to set, rename and drop eight fields of every record of a decoded page: declared, and by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.bench.service import PER_PAGE, page_of

Records = list[dict[str, Any]]
Shape = Callable[[Records], Records]

TRANSFORM: list[dict[str, Any]] = [
    {
        "type": "set",
        "fields": {"source": "bench", "account": "{{ connection.id }}", "author": "{{ record.user.login }}"},
    },
    {"type": "rename", "fields": {"title": "name", "state": "status", "created_at": "created"}},
    {"type": "drop", "fields": ["body", "node_id"]},
]


def by_hand(records: Records) -> Records:
    """The loop that one would write."""
    account = "acme"
    for record in records:
        record["source"] = "bench"
        record["account"] = account
        if "user" in record and "login" in record["user"]:
            record["author"] = record["user"]["login"]
        if "title" in record:
            record["name"] = record.pop("title")
        if "state" in record:
            record["status"] = record.pop("state")
        if "created_at" in record:
            record["created"] = record.pop("created_at")
        record.pop("body", None)
        record.pop("node_id", None)
    return records


def declared() -> Shape:
    """The same as a spec says it."""
    from connector_core.transform import Transform, fused

    run = fused([Transform.resolve(step) for step in TRANSFORM])
    assert run is not None
    scope = {"connection": {"id": "acme"}}
    return lambda records: run(records, scope)


def shaping(who: str, pages: int) -> dict[str, float]:
    """CPU seconds of shaping alone; every page is decoded anew, a few at a time."""
    from msgspec.json import decode

    shape = declared() if who == "ours" else by_hand
    if shape(decode(page_of(1))) != by_hand(decode(page_of(1))):
        raise SystemExit("the two do not do the same")
    contents = [page_of(number).encode() for number in range(1, 11)]
    count = checksum = 0
    cpu = 0.0
    for start in range(0, pages, len(contents)):
        decoded = [decode(content) for content in contents[: pages - start]]
        before = time.process_time()
        for records in decoded:
            shape(records)
        cpu += time.process_time() - before
        for records in decoded:
            count += len(records)
            checksum += sum(record["id"] for record in records)
    assert count == pages * PER_PAGE
    return {"records": count, "checksum": checksum, "cpu": cpu}
