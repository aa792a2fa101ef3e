"""The service's side of a batch: the items of a request are taken one by one, and each has its result in the answer.

An item is refused where it does not fit what `input` says of it, and, unless it is created, where there is no record
with its key. What a refused item's result holds is what makes `failed` hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector_core import json_schema
from connector_core.address import MISSING
from connector_core.batch import BatchWrite
from connector_core.http import Multipart, Request
from connector_core.spec import Endpoint
from connector_core.testing.arrived import from_json
from connector_core.testing.conditions import Path, fitting, set_below
from connector_core.testing.dataset import Dataset, text_of
from connector_core.testing.matching import Route
from connector_core.testing.reply import Reply, placed, refused

__all__ = ["batched"]

Known = Callable[[Mapping[str, Any], Dataset], dict[str, Any]]


def batched(route: Route, batch: BatchWrite, request: Request, dataset: Dataset, known: Known) -> Reply:
    """The answer to a list of items; `known` is what a record of the dataset can hold of an item."""
    items = _items(batch, request)
    if not isinstance(items, list):
        return refused(422, f"there is no list at {batch.put}")
    if len(items) > batch.size:
        return refused(422, f"{len(items)} items at {batch.put}; send at most {batch.size}")
    results = [_result(route, batch, request.method, item, dataset, known) for item in items]
    if batch.results is None:
        return Reply(200, {})
    try:
        return Reply(200, placed(None, batch.results, results))
    except ValueError as error:
        return refused(501, f"endpoints.{route.name}.batch.results cannot be simulated: {error}")


def _items(batch: BatchWrite, request: Request) -> Any:
    put = batch.put
    if put.root != "body":
        pairs = request.query if put.root == "query" else tuple(request.headers.items())
        return from_json(next((value for name, value in pairs if name.lower() == put.keys[0].lower()), ""))
    found: Any = dict(request.body) if request.encoding == "form" else request.body
    if isinstance(found, Multipart):
        found = {part.name: part.value for part in found.parts}
    for key in put.keys:
        found = found.get(key) if isinstance(found, dict) else None
    return from_json(found) if isinstance(found, str | bytes) else found


# ── one item ──────────────────────────────────────────────────────────────────────────────────────


def _result(route: Route, batch: BatchWrite, method: str, item: Any, dataset: Dataset, known: Known) -> Any:
    if wrong := json_schema.violations(_schema_of_items(route.endpoint, batch), item):
        return _shown(batch, {}, why="; ".join(wrong))
    given = known(item, dataset) if isinstance(item, dict) else {}
    key = _key(item, dataset)
    at = dataset.position(key) if key is not None else None
    if at is None and method == "POST":
        return _shown(batch, dataset.add(given))
    if at is None:
        return _shown(batch, {}, why=f"there is no record {key!r}" if key is not None else "the item has no key")
    if method == "DELETE":
        return _shown(batch, dataset.records.pop(at))
    dataset.records[at] = dataset.records[at] | given
    return _shown(batch, dataset.records[at])


def _schema_of_items(endpoint: Endpoint, batch: BatchWrite) -> Mapping[str, Any]:
    """What `input` says of the list's items; nothing where the list is no input."""
    for root, *below in batch.of.reads if batch.of.whole else ():
        if root == "input" and len(below) == 1:
            items = (endpoint.input or {}).get(below[0], {}).get("items")
            return items if isinstance(items, dict) else {}
    return {}


def _key(item: Any, dataset: Dataset) -> str | None:
    """The key of the record that the item speaks of; an item that is no object is a key itself."""
    if not isinstance(item, dict):
        return text_of(item)
    found = dataset.keys[0].take(item) if dataset.keys else MISSING
    return None if found is MISSING or found is None else text_of(found)


def _shown(batch: BatchWrite, result: dict[str, Any], *, why: str = "") -> Any:
    """The result in the form that `failed` tells apart; `why` it was refused, if it was."""
    if why:
        result = {"message": why, **result}
    if batch.failed is None:
        return result
    wanted = [(batch.failed, bool(why))]
    reasons: dict[Path, Any] = dict.fromkeys(batch.failed.reads, why) if why else {}
    for scope in ({"result": result}, {}):  # what the record says by itself first
        if (found := fitting(wanted, scope, words=["refused" if why else "done"], before=reasons)) is not None:
            names: dict[str, Any] = {"result": result}
            for path in sorted(found, key=len):
                set_below(names, path, found[path])
            return names["result"]
    raise ValueError(
        f"no result was found that makes batch.failed {'hold' if why else 'not hold'}: {batch.failed.source}"
    )
