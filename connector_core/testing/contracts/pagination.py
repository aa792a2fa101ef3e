"""What every kind of pagination must keep: both sides read a dataset whole, from anywhere, and end."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from connector_core.address import AnswerPath
from connector_core.exceptions import IntegrationError
from connector_core.http import Headers, Request
from connector_core.pagination import Answer, Pagination, Served, Stop
from connector_core.testing.arrived import body_of
from connector_core.testing.contracts.claim import Claim, refuse
from connector_core.testing.contracts.purity import pure, same
from connector_core.testing.contracts.samples import Samples
from connector_core.testing.reply import headers_of, placed

__all__ = ["claims"]

GET = Request("GET", "https://api.shop.example/v1/things", (("fields", "id,name"),), {"Accept": "*/*"})
POST = replace(GET, method="POST", body={"query": "things"}, encoding="json")
COUNTS = (0, 1, 2, 5, 26, 29, 30, 31, 61)
"""Datasets of so many records; more are added around the size of the kind's own pages."""
LARGEST = 700
"""Records in a dataset, at most."""
MOST = 400
"""Pages that a service without an end is read for, and guesses that are looked at."""
JUNK: tuple[Any, ...] = (None, True, -1, 0.5, "", "junk é &=", [], ["x"], {}, {"x": [1]}, 10**30)
"""Values that stand where something else should."""


def claims(samples: Samples) -> Iterator[Claim]:
    """The claims about a kind of pagination."""

    def claim(name: str, must: str, run: Callable[[Pagination], None]) -> Claim:
        return Claim(samples.name, name, must, partial(_each, samples, run))

    yield claim("whole", "read every record of the dataset that `serve` has, none of them twice", _whole)
    yield claim("resumable", "read on from every position, after it was stored as JSON", _resumable)
    yield claim("pure", "have methods that give the same answer again and change nothing", _pure)
    yield claim("interleaved", "read two datasets in turn as it reads each alone: a kind keeps nothing", _interleaved)
    yield claim("guesses", "guess in `ahead` only what follows in an honest reading", _guesses)
    yield claim("ends-empty", "come to an end where every page is empty", _ends_empty)
    yield claim("ends-repeated", "come to an end or to a position again where every page is the same", _ends_repeated)
    yield claim("junk-answers", "meet an answer that is no page with Stop, a position or an IntegrationError", _answers)
    yield claim("junk-positions", "meet a position that nobody handed out with an IntegrationError", _positions)
    yield claim("junk-requests", "refuse in `serve`, by ValueError, a request that no client of it sends", _requests)


def _each(samples: Samples, run: Callable[[Pagination], None]) -> None:
    for component in samples:
        run(component)


# ── one page, and a reading ───────────────────────────────────────────────────────────────────────


def _things(count: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"thing é&{number}"} for number in range(1, count + 1)]


def _arrived(request: Request) -> Request:
    """The request as a service sees it: everything through its bytes."""
    url, _, query = request.target.partition("?")
    body, encoding = body_of(request.content or b"", request.content_type or "")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return Request(request.method, url, pairs, dict(request.headers), body, encoding)


class _Page(Struct, frozen=True):
    """A page as both sides have it."""

    records: Sequence[Any]
    answer: Answer


def _page(kind: Pagination, request: Request, position: Any, dataset: Sequence[Any]) -> _Page:
    served: Served = kind.serve(_arrived(request), dataset)
    records = list(served.records)
    body = _holding(kind, records)
    for address, value in served.values.items():
        if (path := AnswerPath(address)).root == "body":
            body = placed(body, path, value)
    body = json.loads(json.dumps({} if body is None else body))
    scope: dict[str, Any] = {"body": body, "header": Headers(headers_of(served.values)), "status": 200}
    if records:
        scope["record"] = records[-1]
    return _Page(records, Answer(position, request.url, len(records), scope))


def _holding(kind: Pagination, records: list[Any]) -> Any:
    """The body with the records where an address of the kind runs over them, such as `body.tickets.*.id`; else None."""
    body = None
    for name in type(kind).model_fields:
        path = getattr(kind, name)
        if isinstance(path, AnswerPath) and path.root == "body" and "*" in path.keys:
            above = path.keys[: path.keys.index("*")]
            body = placed(body, AnswerPath(".".join(["body", *(f'"{key}"' for key in above)])), records)
    return body


def _walk(kind: Pagination, count: int, start: Any = None, base: Request = GET) -> Iterator[_Page]:
    """Page after page; every position goes through JSON, as one does that is stored. Raises AssertionError."""
    dataset, position, base = _things(count), start, copy.deepcopy(base)
    most = 2 * count + 100
    for _ in range(most):
        page = _page(kind, kind.at(base, position), position, dataset)
        yield page
        found = kind.next(page.answer)
        if isinstance(found, Stop):
            return
        position = _stored(found)
    refuse(f"{count} records are not read after {most} pages; it stands at {position!r}")


def _stored(position: Any) -> Any:
    try:
        stored = json.loads(json.dumps(position, allow_nan=False))
    except (TypeError, ValueError) as error:
        refuse(f"`next` gives the position {position!r}, which cannot be stored: {error}")
    if not same(stored, position):
        refuse(f"`next` gives the position {position!r}, which is {stored!r} after it was stored as JSON")
    return stored


def _counts(kind: Pagination) -> list[int]:
    """Datasets that end within, at and beyond a page; the page is as large as the kind makes it."""
    size = len(_page(kind, kind.at(copy.deepcopy(GET), None), None, _things(500)).records)
    around = (size - 1, size, size + 1, 2 * size, 3 * size + 1)
    return sorted({*COUNTS, *(count for count in around if 0 <= count <= LARGEST)})


def _ids(pages: Sequence[_Page]) -> list[Any]:
    return [record["id"] for page in pages for record in page.records]


# ── what an honest service shows ──────────────────────────────────────────────────────────────────


def _whole(kind: Pagination) -> None:
    for base in (GET, POST):
        for count in _counts(kind):
            found = _ids(list(_walk(kind, count, base=base)))
            wanted = set(range(1, count + 1))
            if lost := sorted(wanted - set(found)):
                refuse(f"of {count} records it reads {len(found)}; lost: {_listed(lost)}")
            if len(found) > count:
                twice = sorted({one for one in found if found.count(one) > 1})
                refuse(f"of {count} records it reads {len(found)}; more than once: {_listed(twice)}")


def _listed(ids: Sequence[Any]) -> str:
    shown = ", ".join(f"record {one}" for one in ids[:3])
    return f"{shown} and {len(ids) - 3} more" if len(ids) > 3 else shown  # noqa: PLR2004 - what one reads at a glance


def _resumable(kind: Pagination) -> None:
    for count in _counts(kind):
        pages = list(_walk(kind, count))
        for at, page in enumerate(pages):
            again = _ids(list(_walk(kind, count, page.answer.position)))
            if again != _ids(pages[at:]):
                where, left = page.answer.position, len(_ids(pages[at:]))
                refuse(f"from {where!r} on it reads {len(again)} records of {count}, not the {left} that are left")


def _pure(kind: Pagination) -> None:
    for count in (0, 5, 250):
        for page in islice(_walk(kind, count), 5):
            position, answer = page.answer.position, page.answer
            how, request = pure(kind, "at", copy.deepcopy(GET), position)
            if how == "gives":
                pure(kind, "serve", _arrived(request), _things(count))
            pure(kind, "next", answer)
            pure(kind, "names", position)
            pure(kind, "ahead", answer, of=lambda guesses: list(islice(guesses, MOST)))
            pure(kind, "unfound", answer, of=list)


def _interleaved(kind: Pagination) -> None:
    counts = (250, 31)
    alone = [_ids(list(_walk(kind, count))) for count in counts]
    found: list[list[_Page]] = [[] for _ in counts]
    walks = [_walk(kind, count) for count in counts]
    while any([_advance(walk, pages) for walk, pages in zip(walks, found, strict=True)]):  # noqa: C419 - each takes its turn
        pass
    if [_ids(pages) for pages in found] != alone:
        refuse("what it reads of one depends on what it read of the other")


def _advance(walk: Iterator[_Page], pages: list[_Page]) -> bool:
    page = next(walk, None)
    if page is not None:
        pages.append(page)
    return page is not None


def _guesses(kind: Pagination) -> None:
    for count in _counts(kind):
        pages = list(_walk(kind, count))
        positions = [page.answer.position for page in pages]
        for at, page in enumerate(pages):
            guesses = list(islice(kind.ahead(page.answer), MOST))
            if guesses != positions[at + 1 :][: len(guesses)]:
                refuse(f"after the page at {page.answer.position!r} of {count} records it guesses {guesses[:5]!r}")


# ── what a broken service shows ───────────────────────────────────────────────────────────────────


def _ends_empty(kind: Pagination) -> None:
    position: Any = None
    for _ in range(MOST):
        try:
            request = kind.at(copy.deepcopy(GET), position)
            found = kind.next(_page(kind, request, position, []).answer)
        except IntegrationError:
            return
        if isinstance(found, Stop):
            return
        position = found
    refuse(f"it asks for page after page, though {MOST} in turn were empty; it stands at {position!r}")


def _ends_repeated(kind: Pagination) -> None:
    """What the engine tells apart: a position that comes again, or, where positions are counted, the same records."""
    page = _page(kind, kind.at(copy.deepcopy(GET), None), None, _things(250))
    position: Any = None
    seen: list[Any] = []
    for _ in range(MOST):
        seen.append(position)
        try:
            found = kind.next(replace(page.answer, position=position))
        except IntegrationError:
            return
        if isinstance(found, Stop):
            return
        if found in seen:
            if kind.counts:
                refuse(f"`counts` says that no position comes again, and {found!r} does")
            return
        position = found
    if not kind.counts:
        refuse(f"it gives ever new positions to the same page, such as {position!r}; set `counts` if it counts")


def _answers(kind: Pagination) -> None:
    pages = list(islice(_walk(kind, 250), 2))
    for page in pages:
        for scope in _broken(page.answer.scope):
            answer = replace(page.answer, scope=scope)
            for method in ("next", "ahead", "unfound"):
                try:
                    found = getattr(kind, method)(answer)
                    found = found if method == "next" else list(islice(found, 5))
                except IntegrationError:
                    continue
                except Exception as error:
                    raise AssertionError(
                        f"`{method}` raises {type(error).__name__}: {error}, given the answer {_shown(scope)}"
                    ) from error
                if method == "next" and not isinstance(found, Stop):
                    _stored(found)


def _shown(scope: dict[str, Any]) -> str:
    return repr({name: value for name, value in scope.items() if name != "header"})


def _broken(scope: Any) -> Iterator[dict[str, Any]]:
    """The names of an answer with junk for its body, and with junk in place of each value in it."""
    record = {name: value for name, value in scope.items() if name == "record"}
    for junk in JUNK:
        yield {"body": junk, "header": Headers(), "status": 200, **record}
        for body in _replaced(scope["body"], junk):
            yield {**scope, "body": body}
    for name in scope["header"]:
        for junk in ("", "junk", "<", "<>; rel=next", "9" * 40):
            yield {**scope, "header": Headers({**scope["header"], name: junk})}


def _replaced(body: Any, junk: Any) -> Iterator[Any]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield {key: inner for key, inner in body.items() if key != name}
            yield {**body, name: junk}
            for inner in _replaced(value, junk):
                yield {**body, name: inner}


def _positions(kind: Pagination) -> None:
    page = _page(kind, kind.at(copy.deepcopy(GET), None), None, _things(250))
    for junk in (*JUNK, "https://[", "\ud800", "A" * 5000):
        if junk is None:
            continue
        answer = replace(page.answer, position=junk)
        calls: list[tuple[str, tuple[Any, ...]]] = [
            ("at", (copy.deepcopy(GET), junk)),
            ("names", (junk,)),
            ("next", (answer,)),
        ]
        for method, given in calls:
            try:
                getattr(kind, method)(*given)
            except IntegrationError:
                break  # what `at` refuses comes no further
            except Exception as error:
                shown = repr(junk)[:60]
                raise AssertionError(
                    f"`{method}` raises {type(error).__name__}: {error}, given the position {shown}; raise ConfigError"
                ) from error


def _requests(kind: Pagination) -> None:
    """Junk stands at the place where the second page's request differs from the first one's."""
    pages = list(islice(_walk(kind, 250), 2))
    first, second = (kind.at(copy.deepcopy(GET), page.answer.position) for page in (pages[0], pages[-1]))
    for junk in ("", "junk", "-1", "9" * 40, "é", "0x1", "after-x", "a" * 2000):
        for request in _meddled(_arrived(first), _arrived(second), junk):
            try:
                kind.serve(request, _things(250))
            except ValueError:
                continue
            except Exception as error:
                raise AssertionError(
                    f"`serve` raises {type(error).__name__}: {error}, given {junk[:40]!r} in the request"
                ) from error


def _meddled(first: Request, second: Request, junk: str) -> Iterator[Request]:
    for name, _ in set(second.query) - set(first.query):
        yield second.with_query(name, junk)
    for name, value in second.headers.items():
        if first.headers.get(name) != value:
            yield second.with_header(name, junk)
    if second.body != first.body and isinstance(second.body, dict):
        for body in _replaced(second.body, junk):
            yield replace(second, body=body)
