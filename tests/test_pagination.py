"""Pagination, both sides against each other: a dataset comes back whole, in order and once; broken clients are seen."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from connector_core.exceptions import ConfigError, ResponseError
from connector_core.http import Headers, Request
from connector_core.pagination import Answer, NoPagination, Pagination, Served, Size, Stop
from connector_core.pagination.numbered import Offset, PageNumber

THINGS = Request("GET", "https://api.shop.example/v1/things", (("fields", "id,name"),), {"Accept": "*/*"})


def made(document: Any) -> Pagination:
    return Pagination.resolve(document)


# ── the world between client and provider ─────────────────────────────────────────────────────────


def arrived(request: Request) -> Request:
    """The request as a service sees it: everything through its bytes."""
    url, _, query = request.target.partition("?")
    body: Any = request.content
    if body is not None:
        body = json.loads(body) if request.encoding == "json" else tuple(parse_qsl(body.decode()))
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return Request(request.method, url, pairs, dict(request.headers), body, request.encoding)


def keys_of(address: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', address)]


def placed(values: dict[str, Any]) -> tuple[dict[str, Any], Headers]:
    """A body and headers with every value where its address says."""
    body: dict[str, Any] = {}
    headers = []
    for address, value in values.items():
        root, *keys = keys_of(address)
        if root == "header":
            if value is not None:
                headers.append((keys[0], "" if value is False else str(value)))
            continue
        assert root == "body", address
        inside = body
        for key in keys[:-1]:
            inside = inside.setdefault(key, {})
        inside[keys[-1]] = value
    return json.loads(json.dumps(body)), Headers(headers)


@dataclass
class Service:
    """A dataset behind the provider's side of a pagination, which may have a mind of its own about sizes and links."""

    pagination: Pagination
    dataset: Sequence[dict[str, Any]]
    at_most: int | None = None
    relink: Callable[[str], str] = str
    asked: int = 0

    def answer(self, request: Request, position: Any) -> tuple[list[Any], Answer]:
        self.asked += 1
        assert self.asked <= len(self.dataset) + 3, "the reading never ends"
        provider = self.pagination
        if self.at_most is not None:
            provider = provider.model_copy(update={"size": Size(value=self.at_most)})
        assert request.url == THINGS.url, "the reading strays"
        served: Served = provider.serve(arrived(request), self.dataset)
        records = list(served.records)
        body, headers = placed({address: self._relinked(value) for address, value in served.values.items()})
        scope: dict[str, Any] = {"body": body, "header": headers, "status": 200}
        if records:
            scope["record"] = records[-1]
        return records, Answer(position, request.url, len(records), scope)

    def _relinked(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith("<"):
            return re.sub("<([^>]*)>", lambda link: f"<{self.relink(link[1])}>", value)
        return self.relink(value) if value.startswith("https://") else value


@dataclass
class Trip:
    """What one reading came to."""

    records: list[dict[str, Any]] = field(default_factory=list)
    positions: list[Any] = field(default_factory=list)
    guesses: list[list[Any]] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    stop: Stop = field(default_factory=lambda: Stop(""))


Next = Callable[[Pagination, Answer], Any]


def honest(pagination: Pagination, answer: Answer) -> Any:
    return pagination.next(answer)


def read(service: Service, base: Request = THINGS, *, start: Any = None, following: Next = honest) -> Trip:
    """Reads page after page; every position goes through JSON, as a stored one does."""
    trip, position = Trip(), start
    while True:
        trip.positions.append(position)
        trip.before.append(len(trip.records))
        records, answer = service.answer(service.pagination.at(base, position), position)
        trip.records += records
        trip.guesses.append(list(islice(service.pagination.ahead(answer), 400)))
        found = following(service.pagination, answer)
        if isinstance(found, Stop):
            trip.stop = found
            return trip
        position = json.loads(json.dumps(found))
        assert position == found
        assert type(position) is type(found)


# ── every kind, any size ──────────────────────────────────────────────────────────────────────────

PLACES = ["query.{}", "header.X-{}", "cookie.{}", "body.{}", 'body.paging."{}.x"', 'query."{}[x.y]"', "header.{}"]
RULES = [{}, {"total": "body.meta.total"}, {"has_more": "body.more"}, {"has_more": "not body.meta.last"}]
BASES = [
    THINGS,
    replace(THINGS, method="POST", body={"query": "things", "paging": {"deep": 1}}, encoding="json"),
    replace(THINGS, headers={"cookie": "session=1; theme=dark"}, query=()),
]
FORM = replace(THINGS, method="POST", body=(("query", "things"), ("page", "9")), encoding="form")


def records(count: int, written: str) -> list[dict[str, Any]]:
    """A dataset whose ids are numbers, or text that may look like one or hold whatever a query must escape."""
    forms: dict[str, Callable[[int], Any]] = {
        "number": lambda n: n,
        "digits": str,
        "name": lambda n: f"thing-{n}",
        "hostile": lambda n: f"é &=#%/+?{n}",
        "nothing": lambda _: None,
    }
    return [{"id": forms[written](n + 1), "meta": {"sort.key": [n]}, "n": n} for n in range(count)]


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, Any]:
    value = draw(st.integers(1, 60))
    put = draw(st.none() | st.sampled_from([place.format("limit") for place in PLACES]))
    return {"value": value} if put is None else {"value": value, "put": put}


@st.composite
def numbered(draw: st.DrawFn, *, told: bool = False) -> dict[str, Any]:
    kind = draw(st.sampled_from(["page_number", "offset"]))
    rules = [*RULES, {"pages": "header.X-Pages"}, {"pages": "body.pages"}] if kind == "page_number" else RULES
    rule = draw(st.sampled_from(rules[1:] if told else rules))
    document: dict[str, Any] = {"type": kind, "put": draw(st.sampled_from(PLACES)).format("page"), **rule}
    document["first"] = draw(st.sampled_from([0, 1, 1, 7]))
    if "total" in rule or draw(st.booleans()):
        document["size"] = draw(sizes())
    return document


@st.composite
def cursors(draw: st.DrawFn) -> dict[str, Any]:
    take = draw(st.sampled_from(["body.meta.next", 'body."@odata.next"', "header.X-Next", "record.id"]))
    document: dict[str, Any] = {"type": "cursor", "take": take, "put": draw(st.sampled_from(PLACES)).format("cursor")}
    document["alone"] = draw(st.booleans())
    if take == "body.meta.next" and draw(st.booleans()):
        document["put"] = "query"
    flag = draw(st.sampled_from([None, "body.more", "not body.meta.last", "header.more", "not header.last"]))
    return {**document, "size": draw(sizes()), **({"has_more": flag} if flag else {})}


@st.composite
def links(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        rel = draw(st.sampled_from(["next", "NEXT", "https://shop.example/rels/following"]))
        return {"type": "link_header", "rel": rel, "size": draw(sizes())}
    take = draw(st.sampled_from(["body.links.next", 'body."@odata.nextLink"', "header.X-Next-Page"]))
    flag = draw(st.sampled_from([None, "body.more", "not header.last"]))
    return {"type": "next_url", "take": take, "size": draw(sizes()), **({"has_more": flag} if flag else {})}


@st.composite
def connections(draw: st.DrawFn) -> dict[str, Any]:
    take = draw(st.sampled_from(["body.data.things.pageInfo", "body.pageInfo"]))
    put = draw(st.sampled_from([*PLACES, "body.variables.{}"])).format("after")
    return {"type": "relay", "take": take, "put": put, "size": draw(sizes())}


def whole(link: str) -> str:
    return link


def without_host(link: str) -> str:
    return link.removeprefix("https://api.shop.example")


def without_scheme(link: str) -> str:
    return link.removeprefix("https:")


def query_alone(link: str) -> str:
    return "?" + link.partition("?")[2] if "?" in link else link


def beside(link: str) -> str:
    return "./" + link.rpartition("/")[2]


RELINKS = [whole, without_host, without_scheme, query_alone, beside]


def pages_of(document: dict[str, Any], count: int, at_most: int | None = None) -> int:
    """How many requests a reading needs, no more and no less."""
    size = at_most or document.get("size", {"value": 30})["value"]
    full = -(-count // size)
    told = {"total", "pages", "has_more"} & document.keys()
    if document["type"] in ("page_number", "offset") and not told:
        return count // size + 1 if "size" in document else full + bool(count) or 1
    if document["type"] == "cursor" and document["take"] == "record.id" and not told:
        return full + 1
    return max(full, 1)


def round_trip(
    document: dict[str, Any],
    dataset: list[dict[str, Any]],
    *,
    base: Request = THINGS,
    at_most: int | None = None,
    relink: Callable[[str], str] = whole,
    following: Next = honest,
) -> Trip:
    """Reads the dataset and asserts that it came in order, once, and in as few requests as there are pages."""
    service = Service(made(document), dataset, at_most, relink)
    trip = read(service, base, following=following)
    assert trip.records == dataset
    assert service.asked == pages_of(document, len(dataset), at_most)
    return trip


datasets = st.builds(records, st.integers(0, 300), st.sampled_from(["number", "digits", "name"]))
documents = numbered() | cursors() | links() | connections()


@given(documents, datasets, st.sampled_from(BASES), st.sampled_from(RELINKS))
def test_the_whole_dataset_comes_in_order_and_once(document, dataset, base, relink):
    """Any kind, size, place, rule, first number and form of link: client and provider together give the dataset."""
    round_trip(document, dataset, base=base, relink=relink)


@given(datasets)
def test_no_pagination_is_one_page(dataset):
    """`none` asks once, for everything."""
    service = Service(made("none"), dataset)
    trip = read(service)
    assert (trip.records, service.asked, trip.stop) == (dataset, 1, Stop("the endpoint has one page"))


@given(numbered() | cursors() | links(), datasets)
def test_forms_are_paged_too(document, dataset):
    """Where the request's body is a form, the position and the size are two more of its fields."""
    document = json.loads(json.dumps(document).replace('body.paging.\\"', "body.").replace('.x\\""', '"'))
    round_trip(document, dataset, base=FORM)


@given(st.sampled_from(["query.after", "body.after"]), st.integers(0, 40), st.integers(1, 9))
def test_tokens_of_any_characters_come_through(put, count, size):
    """A token goes out as it came, whatever a query or a body must escape of it."""
    document = {"type": "cursor", "take": "record.id", "put": put, "size": {"value": size}}
    round_trip(document, records(count, "hostile"))


@given(numbered(told=True) | cursors() | links() | connections(), datasets, st.integers(1, 60))
def test_smaller_pages_than_asked_for_lose_nothing(document, dataset, at_most):
    """A service that has its own idea of a page's size is read to the end, where anything tells the end."""
    assume(at_most <= document.get("size", {"value": 30})["value"])
    round_trip(document, dataset, at_most=at_most)


@given(numbered(told=True), datasets, st.integers(1, 200))
def test_larger_pages_than_asked_for_lose_nothing(document, dataset, at_most):
    """The same with a service that sends more than it was asked for."""
    round_trip(document, dataset, at_most=at_most)


@given(documents, datasets, st.data())
def test_a_reading_resumes_anywhere(document, dataset, data):
    """A position that went through JSON is all that it takes: from any page, exactly the rest comes."""
    at_most = data.draw(st.none() | st.integers(1, 20)) if "total" in document else None
    service = Service(made(document), dataset, at_most)
    trip = read(service)
    assert trip.records == dataset
    page = data.draw(st.integers(0, len(trip.positions) - 1))
    rest = read(dataclasses.replace(service, asked=0), start=trip.positions[page])
    assert rest.records == dataset[trip.before[page] :]
    assert rest.positions == trip.positions[page:]


@given(documents, datasets, st.none() | st.integers(1, 20))
def test_guesses_come_true(document, dataset, at_most):
    """What `ahead` says will follow is what `next` says then, and it never says more than there is."""
    trip = read(Service(made(document), dataset, at_most))
    for page, guesses in enumerate(trip.guesses):
        assert guesses == trip.positions[page + 1 : page + 1 + len(guesses)]
    if not {"total", "pages"} & document.keys():
        assert not any(trip.guesses)


def test_a_known_count_is_guessed_to_the_end():
    """With a total or a number of pages, the first page already tells all the others."""
    known: list[tuple[dict[str, Any], list[int]]] = [
        ({"type": "page_number", "pages": "body.pages", "size": {"value": 10}}, [2, 3, 4, 5]),
        ({"type": "page_number", "total": "body.total", "size": {"value": 10}}, [2, 3, 4, 5]),
        ({"type": "offset", "total": "body.total", "size": {"value": 10}}, [10, 20, 30, 40]),
        ({"type": "offset", "first": 1, "total": "body.total", "size": {"value": 10}}, [11, 21, 31, 41]),
    ]
    for document, positions in known:
        trip = round_trip(document, records(45, "number"))
        assert (trip.guesses[0], trip.guesses[-1]) == (positions, [])


def test_nothing_is_guessed_where_nothing_is_known():
    """Without a count in the answer, on an empty page, or for tokens there is no guess."""
    counted = made({"type": "page_number", "total": "body.total", "size": {"value": 10}})
    paged = made({"type": "page_number", "pages": "body.pages"})
    offset = made({"type": "offset", "total": "body.total", "size": {"value": 10}})
    token = made({"type": "cursor", "take": "body.next"})
    for pagination, answer in [
        (counted, page(10)), (counted, page(10, {"total": None})), (counted, page(0, {"total": 100})),
        (counted, page(10, {"total": -1})), (paged, page(10)), (paged, page(10, {"pages": "many"})),
        (offset, page(10)), (offset, page(7, {"total": 100})), (token, page(10, {"next": "a"})),
    ]:  # fmt: skip
        assert list(pagination.ahead(answer)) == []


# ── broken clients ────────────────────────────────────────────────────────────────────────────────


def changed(change: Callable[[Any], Any]) -> Next:
    def following(pagination: Pagination, answer: Answer) -> Any:
        found = pagination.next(answer)
        return found if isinstance(found, Stop) else change(found)

    return following


def without(*rules: str) -> Next:
    return lambda pagination, answer: pagination.model_copy(update=dict.fromkeys(rules)).next(answer)


def stops_short(pagination: Any, answer: Answer) -> Any:
    short = answer.count < (pagination.size.value if pagination.size else 30)
    return Stop("short") if short else pagination.next(answer)


def stops_at_once(_: Pagination, __: Answer) -> Any:
    return Stop("at once")


def repeats(pagination: Pagination, answer: Answer) -> Any:
    found = pagination.next(answer)
    return found if isinstance(found, Stop) or answer.position is None else answer.position


def never_stops(pagination: Pagination, answer: Answer) -> Any:
    found = pagination.next(answer)
    return (answer.position or 1) if isinstance(found, Stop) else found


def advances_by_the_declared_size(pagination: Any, answer: Answer) -> Any:
    found = pagination.next(answer)
    at = pagination.first if answer.position is None else answer.position
    return found if isinstance(found, Stop) else at + pagination.size.value


def trusts_the_declared_size(pagination: Any, answer: Answer) -> Any:
    number = pagination.first if answer.position is None else int(str(answer.position).partition("/")[0])
    done = (number - pagination.first + 1) * pagination.size.value
    return Stop("done") if done >= answer.scope["body"].get("total", 1e9) else pagination.next(answer)


def stops_a_page_early(pagination: Any, answer: Answer) -> Any:
    found, total = pagination.next(answer), answer.scope["body"].get("total", 1000)
    return found if isinstance(found, Stop) or found + pagination.size.value < total else Stop("early")


def first_link(_: Pagination, answer: Answer) -> Any:
    found = re.search("<([^>]*)>", answer.scope["header"].get("Link", ""))
    return found[1] if found else Stop("none")


def token_of_the_first_record(pagination: Any, answer: Answer) -> Any:
    found = pagination.next(answer)
    if isinstance(found, int):
        return found - answer.count + 1
    return found


SIZE = {"put": "query.limit", "value": 10}
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    "page_number": [
        {"type": "page_number", "size": SIZE},
        {"type": "page_number", "size": SIZE, "first": 0, "total": "body.total"},
        {"type": "page_number", "size": SIZE, "pages": "body.pages"},
        {"type": "page_number", "size": SIZE, "has_more": "body.more"},
    ],
    "offset": [
        {"type": "offset", "size": SIZE},
        {"type": "offset", "size": SIZE, "total": "body.total"},
        {"type": "offset", "size": SIZE, "first": 1, "has_more": "body.more"},
    ],
    "cursor": [
        {"type": "cursor", "take": "body.next", "size": SIZE},
        {"type": "cursor", "take": "record.id", "size": SIZE},
        {"type": "cursor", "take": "record.id", "size": SIZE, "has_more": "body.more"},
        {"type": "cursor", "take": "body.continue", "put": "query", "size": SIZE},
    ],
    "next_url": [
        {"type": "next_url", "take": "body.next", "size": SIZE},
        {"type": "next_url", "take": "body.next", "size": SIZE, "has_more": "body.more"},
    ],
    "link_header": [{"type": "link_header", "size": SIZE}],
    "relay": [{"type": "relay", "take": "body.info", "size": SIZE}],
    "none": [{"type": "none"}],
}
MUTANTS: list[tuple[str, Next]] = [
    ("page_number", changed(lambda number: number + 1)),
    ("page_number", changed(lambda number: number - 1)),
    ("page_number", repeats),
    ("page_number", stops_short),
    ("page_number", stops_at_once),
    ("page_number", never_stops),
    ("page_number", trusts_the_declared_size),
    ("page_number", without("has_more")),
    ("page_number", without("total", "pages")),
    ("page_number", without("size", "total")),
    ("offset", changed(lambda offset: offset + 1)),
    ("offset", changed(lambda offset: offset - 1)),
    ("offset", repeats),
    ("offset", stops_short),
    ("offset", advances_by_the_declared_size),
    ("offset", stops_a_page_early),
    ("offset", without("has_more")),
    ("offset", without("total")),
    ("cursor", changed(lambda token: str(token) + "0")),
    ("cursor", repeats),
    ("cursor", stops_short),
    ("cursor", stops_at_once),
    ("cursor", never_stops),
    ("cursor", token_of_the_first_record),
    ("cursor", without("has_more")),
    ("next_url", changed(lambda link: link.partition("?")[0])),
    ("next_url", changed(lambda link: link.rpartition("&")[0])),
    ("next_url", repeats),
    ("next_url", stops_short),
    ("next_url", lambda _, answer: answer.scope["body"]["next"] or Stop("none")),
    ("link_header", first_link),
    ("link_header", repeats),
    ("link_header", stops_short),
    ("link_header", changed(lambda link: link + "0")),
    ("relay", lambda _, answer: answer.scope["body"]["info"]["endCursor"] or Stop("none")),
    ("relay", changed(lambda cursor: cursor + "0")),
    ("relay", repeats),
    ("relay", stops_short),
    ("relay", stops_at_once),
    ("relay", never_stops),
    ("none", lambda _, __: 1),
]


def prove(kind: str, following: Next) -> None:
    """Every scenario of a kind, at sizes around the edges, with small pages and relative links."""
    for document in SCENARIOS[kind]:
        for count in (0, 1, 9, 10, 11, 20, 31, 150):
            dataset = records(count, "number")
            if kind == "none":
                service = Service(made(document), dataset)
                assert read(service, following=following).records == dataset
                continue
            told = (
                kind in ("cursor", "next_url", "link_header", "relay")
                or {"total", "pages", "has_more"} & document.keys()
            )
            for at_most in (None, 5) if told else (None,):
                for relink in (whole, without_host):
                    round_trip(document, dataset, at_most=at_most, relink=relink, following=following)


@pytest.mark.parametrize("kind", SCENARIOS)
def test_the_honest_client_passes(kind):
    """What the broken ones fail, the real one passes."""
    prove(kind, honest)


@pytest.mark.parametrize("number", range(len(MUTANTS)), ids=lambda number: f"{MUTANTS[number][0]}-{number}")
def test_a_broken_client_is_seen(number):
    """Each kind's `next`, broken on purpose, fails the round trip: the provider proves something."""
    kind, following = MUTANTS[number]
    with pytest.raises((AssertionError, ValueError)):  # ValueError: the provider knows no such page
        prove(kind, following)


# ── stops, and why ────────────────────────────────────────────────────────────────────────────────


def page(count: int, body: Any = None, *, position: Any = None, **scope: Any) -> Answer:
    """One page as pagination sees it."""
    return Answer(position, THINGS.url, count, {"body": body or {}, "header": Headers(), "status": 200, **scope})


TEN = {"value": 10}


@pytest.mark.parametrize(
    "document, answer, expected",
    [
        ("none", page(5), Stop("the endpoint has one page")),
        ("page_number", page(5), 2),
        ("page_number", page(0), Stop("the page is empty")),
        ({"type": "page_number", "first": 0}, page(5), 1),
        ({"type": "page_number", "size": TEN}, page(10), 2),
        ({"type": "page_number", "size": TEN}, page(9, position=4), Stop("the page is short (9 of 10 records)")),
        ({"type": "page_number", "size": TEN}, page(11, position=4), 5),
        ({"type": "page_number", "pages": "body.pages"}, page(3, {"pages": 4}, position=4), Stop("body.pages says 4")),
        ({"type": "page_number", "pages": "body.p"}, page(3, {"p": "4"}, position=4), Stop("body.p says 4")),
        ({"type": "page_number", "pages": "body.pages"}, page(3, {"pages": 5}, position=4), 5),
        ({"type": "page_number", "pages": "body.pages"}, page(0, {"pages": 0}), Stop("body.pages says 0")),
        ({"type": "page_number", "pages": "body.pages"}, page(0), Stop("the page is empty")),
        ({"type": "page_number", "pages": "body.pages"}, page(3, position=4), 5),
        ({"type": "page_number", "pages": "body.pages", "first": 0}, page(3, {"pages": 5}, position=4),
         Stop("body.pages says 5")),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(5, {"n": 45}, position=5),
         Stop("body.n says 45")),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": 45}, position=4), 5),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(5, {"n": 45}), "2/5"),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(5, {"n": 45}, position="8/5"), "9/5"),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(5, {"n": 45}, position="9/5"),
         Stop("body.n says 45")),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": 45}, position="2/5"), 3),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(3, position="2/5"),
         Stop("the page is short (3 of 5 records)")),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": -1}), 2),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": True}), 2),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(7, {"n": None}),
         Stop("the page is short (7 of 10 records)")),
        ({"type": "page_number", "has_more": "body.more"}, page(3, {"more": False}),
         Stop("has_more is false: body.more")),
        ({"type": "page_number", "has_more": "body.more", "size": TEN}, page(3, {"more": True}), 2),
        ({"type": "page_number", "has_more": "body.more"}, page(0, {"more": True}), 2),
        ({"type": "page_number", "has_more": "page.count == 30"}, page(30), 2),
        ({"type": "page_number", "has_more": "page.count == 30"}, page(29),
         Stop("has_more is false: page.count == 30")),
        ({"type": "page_number", "has_more": "body.more | default(false)"}, page(3),
         Stop("has_more is false: body.more | default(false)")),
        ("offset", page(5), 5),
        ("offset", page(0, position=5), Stop("the page is empty")),
        ({"type": "offset", "first": 1}, page(5), 6),
        ({"type": "offset", "size": TEN}, page(9, position=20), Stop("the page is short (9 of 10 records)")),
        ({"type": "offset", "size": TEN, "total": "body.n"}, page(9, {"n": 45}, position=20), 29),
        ({"type": "offset", "size": TEN, "total": "body.n"}, page(5, {"n": 45}, position=40), Stop("body.n says 45")),
        ({"type": "offset", "size": TEN, "total": "header.X-Total"},
         page(5, position=40, header=Headers({"x-total": "45"})), Stop("header.X-Total says 45")),
        ({"type": "offset", "size": TEN, "has_more": "body.more"}, page(5, {"more": True}, position=40), 45),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": "abc"}), "abc"),
        ({"type": "cursor", "take": "body.next"}, page(0, {"next": "abc"}), "abc"),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": 0}), 0),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": "0"}), "0"),
        ({"type": "cursor", "take": "body.next"}, page(5), Stop("there is no token at body.next")),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": None}), Stop("there is no token at body.next")),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": ""}), Stop("there is no token at body.next")),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": False}), Stop("there is no token at body.next")),
        ({"type": "cursor", "take": "record.id"}, page(5, record={"id": 9}), 9),
        ({"type": "cursor", "take": "record.id"}, page(0), Stop("there is no token at record.id")),
        ({"type": "cursor", "take": "header.X-Next"}, page(5, header=Headers({"x-next": "t"})), "t"),
        ({"type": "cursor", "take": "body.next", "has_more": "body.more"}, page(5, {"next": "a", "more": False}),
         Stop("has_more is false: body.more")),
        ({"type": "next_url", "take": "body.next"}, page(5), Stop("there is no link in body.next")),
        ({"type": "next_url", "take": "body.next"}, page(5, {"next": ""}), Stop("there is no link in body.next")),
        ({"type": "next_url", "take": "body.next"}, page(0, {"next": "?p=2"}), "https://api.shop.example/v1/things?p=2"),
        ({"type": "next_url", "take": "body.next", "has_more": "body.more"}, page(5, {"next": "?p=2", "more": False}),
         Stop("has_more is false: body.more")),
        ("link_header", page(5), Stop("there is no link in Link rel=next")),
        ({"type": "link_header", "rel": "after"}, page(5), Stop("there is no link in Link rel=after")),
    ],
)  # fmt: skip
def test_what_follows_a_page(document, answer, expected):
    """Each rule, at its edge: the position that follows, or the end with its reason."""
    found = made(document).next(answer)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "document, answer, keys",
    [
        ("none", page(5), []),
        ("page_number", page(5), []),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10), ["total"]),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(5), ["total"]),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": "many"}), ["total"]),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": 10}), []),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": None}), []),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(10, {"n": -1}), []),
        ({"type": "page_number", "total": "body.n", "size": TEN}, page(0), []),
        ({"type": "page_number", "pages": "body.p"}, page(10), ["pages"]),
        ({"type": "page_number", "pages": "body.p", "total": "body.n", "size": TEN}, page(10, {"p": 3}), []),
        ({"type": "offset", "total": "header.X-Total", "size": TEN}, page(10), ["total"]),
        ({"type": "cursor", "take": "body.next"}, page(5), ["take"]),
        ({"type": "cursor", "take": "body.next"}, page(0), []),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": None}), []),
        ({"type": "cursor", "take": "body.next"}, page(5, {"next": "a"}), []),
        ({"type": "cursor", "take": "record.id"}, page(5, record={}), ["take"]),
        ({"type": "cursor", "take": "body.next", "size": TEN}, page(10), ["take"]),
        ({"type": "cursor", "take": "body.next", "size": TEN}, page(9), []),
        ({"type": "cursor", "take": "body.next", "has_more": "body.more"}, page(5, {"more": False}), []),
        ({"type": "next_url", "take": "body.next"}, page(5), ["take"]),
        ({"type": "next_url", "take": "body.next", "has_more": "body.more"}, page(5, {"more": False}), []),
        ("link_header", page(5), []),
    ],
)  # fmt: skip
def test_what_a_first_page_lacks(document, answer, keys):
    """What pagination looks at and is not there is known by its key, unless that is a natural end."""
    pagination = made(document)
    assert list(pagination.unfound(answer)) == [(key, getattr(pagination, key)) for key in keys]


@pytest.mark.parametrize(
    "body, message",
    [
        ({"n": 45}, "the page is empty, and body.n says that there is more (45)"),
        ({"error": "busy"}, "the answer has neither records nor body.n: it is no page"),
    ],
)
def test_an_empty_page_too_early(body, message):
    """Where the answer said how many there are, an empty page before that is no end: the rest would be lost."""
    kind = made({"type": "offset", "size": TEN, "total": "body.n"})
    with pytest.raises(ResponseError) as failed:
        kind.next(page(0, body, position=20))
    assert failed.value.what == message
    assert failed.value.code == "pagination.short"


LURE = "has_more says that pages follow (body.more), but there is nothing at {} to ask for them with"
MORE = f"{LURE} — correct one of the two in the spec"
ABSENT = "correct the condition, or say what its absence means: | default(false)"


@pytest.mark.parametrize(
    "document, answer, code, text",
    [
        ({"type": "page_number", "has_more": "body.more"}, page(3), "pagination.flag_missing",
         f"body.more is not in the answer, and has_more needs it (body.more) — {ABSENT}"),
        ({"type": "offset", "has_more": "not body.meta.last"}, page(3, {"meta": {}}), "pagination.flag_missing",
         f"body.meta.last is not in the answer, and has_more needs it (not body.meta.last) — {ABSENT}"),
        ({"type": "cursor", "take": "body.next", "has_more": "body.more"}, page(3, {"next": "a"}),
         "pagination.flag_missing", f"body.more is not in the answer, and has_more needs it (body.more) — {ABSENT}"),
        ({"type": "next_url", "take": "body.next", "has_more": "body.more"}, page(3, {"next": "/a"}),
         "pagination.flag_missing", f"body.more is not in the answer, and has_more needs it (body.more) — {ABSENT}"),
        ({"type": "cursor", "take": "body.next", "has_more": "body.more"}, page(3, {"more": True}),
         "pagination.token_missing",
         MORE.format("body.next")),
        ({"type": "cursor", "take": "record.id", "has_more": "body.more"}, page(0, {"more": True}),
         "pagination.token_missing",
         MORE.format("record.id")),
        ({"type": "next_url", "take": "body.next", "has_more": "body.more"}, page(3, {"more": True, "next": None}),
         "pagination.token_missing",
         MORE.format("body.next")),
        ({"type": "cursor", "take": "body.next"}, page(3, {"next": {"id": 1}}), "pagination.token",
         "body.next is not a token but an object"),
        ({"type": "cursor", "take": "body.next"}, page(3, {"next": ["a"]}), "pagination.token",
         "body.next is not a token but a list"),
        ({"type": "cursor", "take": "body.next", "put": "body.after"}, page(3, {"next": {}}), "pagination.token",
         "body.next is not a token but an object"),
        ({"type": "cursor", "take": "body.next"}, page(3, {"next": True}), "pagination.token",
         "body.next is not a token but true or false"),
        ({"type": "next_url", "take": "body.next"}, page(3, {"next": 2}), "pagination.link",
         "body.next is not a link but a number"),
        ({"type": "next_url", "take": "body.next"}, page(3, {"next": {"href": "/x"}}), "pagination.link",
         "body.next is not a link but an object"),
        ({"type": "next_url", "take": "body.next"}, page(3, {"next": "//[oops"}), "pagination.link",
         "body.next holds a link that is no address"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_understood(document, answer, code, text):
    """An answer that contradicts the spec is an error in words, never a silent end."""
    with pytest.raises(ResponseError) as wrong:
        made(document).next(answer)
    assert (str(wrong.value), wrong.value.code) == (text, code)


@pytest.mark.parametrize("link", ["/a b", " /a", "/a\n", "/a\r\nHost: evil", "/\x00", "/a\tb", "\x7f/", "https://x/ y"])
def test_links_with_blanks_are_refused(link):
    """A space or control character in a link could make two programs read two addresses in it."""
    with pytest.raises(ResponseError) as wrong:
        made({"type": "next_url", "take": "body.next"}).next(page(3, {"next": link}))
    assert str(wrong.value) == "body.next holds a link with a space or control character in it"


def test_a_flag_of_the_wrong_type_is_an_error():
    """A condition that cannot be computed tells nothing about the end, and says so."""
    with pytest.raises(ResponseError) as wrong:
        made({"type": "page_number", "has_more": "body.page < body.pages"}).next(page(3, {"page": 1, "pages": "9"}))
    assert wrong.value.code == "pagination.flag"
    assert str(wrong.value).startswith("has_more cannot be told: ")
    assert str(wrong.value).endswith("(body.page < body.pages) — compare the condition with what the service sends")


@pytest.mark.parametrize("position", ["soon", "1.5", "", {"page": 2}, "2/", "٣", "1e3", True])
@pytest.mark.parametrize("kind", [PageNumber, Offset])
def test_a_position_of_another_kind_is_refused(kind, position):
    """A stored position that is none of a numbered reading is the caller's mistake, said in words."""
    if kind is PageNumber and position == "2/":
        assert kind().at(THINGS, position).query[-1] == ("page", "2")
        return
    with pytest.raises(ConfigError) as wrong:
        kind().at(THINGS, position)
    assert str(wrong.value) == (
        f"{position!r} is not a position of numbered pages — pass the `following` of a page that was read"
    )


# ── what is asked ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "document, position, query",
    [
        ("page_number", None, "fields=id,name&page=1"),
        ({"type": "page_number", "first": 0}, None, "fields=id,name&page=0"),
        ({"type": "page_number", "put": "query.p", "size": SIZE}, 3, "fields=id,name&limit=10&p=3"),
        ({"type": "page_number", "total": "body.n", "size": SIZE}, "7/5", "fields=id,name&limit=10&page=7"),
        ({"type": "page_number", "put": None, "size": SIZE}, 3, "fields=id,name&limit=10"),
        ("offset", None, "fields=id,name&offset=0"),
        ({"type": "offset", "put": "query.fields"}, 20, "fields=20"),
        ({"type": "cursor", "take": "body.next", "size": SIZE}, None, "fields=id,name&limit=10"),
        ({"type": "cursor", "take": "body.next", "size": SIZE}, "a=b", "fields=id,name&limit=10&cursor=a%3Db"),
        ({"type": "cursor", "take": "body.next", "size": SIZE}, 0, "fields=id,name&limit=10&cursor=0"),
        ({"type": "cursor", "take": "body.next", "size": SIZE, "alone": True}, None, "fields=id,name&limit=10"),
        ({"type": "cursor", "take": "body.next", "size": SIZE, "alone": True}, "a", "cursor=a"),
        ({"type": "next_url", "take": "body.next", "size": SIZE}, None, "fields=id,name&limit=10"),
        ({"type": "next_url", "take": "body.next", "size": SIZE}, "https://api.shop.example/x?b=%7e&&a", "b=%7e&&a"),
        ({"type": "link_header", "size": {"value": 5}}, None, "fields=id,name"),
    ],
)
def test_what_is_asked_for_a_position(document, position, query):
    """The first page, later ones, and the token alone; a link's query goes out as it is written."""
    pagination = made(document)
    assert pagination.at(THINGS, position).target.partition("?")[2] == query
    assert THINGS.query == (("fields", "id,name"),)


def test_templates_can_read_where_the_page_stands():
    """`page.number`, `page.offset` and `page.size` are the numbers of the request under way."""
    size = {"value": 10}
    assert made({"type": "page_number", "size": size}).names(None) == {"number": 1, "size": 10}
    assert made({"type": "page_number", "size": size}).names("7/5") == {"number": 7, "size": 10}
    assert made({"type": "page_number", "first": 0}).names(None) == {"number": 0}
    assert made({"type": "offset", "size": size}).names(20) == {"offset": 20, "size": 10}
    assert made({"type": "cursor", "take": "body.next"}).names("abc") == {}


UNSIZED = "'total' counts records: say how many a page has, as size: {value: …}"


@pytest.mark.parametrize(
    "document, text",
    [
        ({"type": "page_number", "total": "body.n"}, UNSIZED),
        ({"type": "offset", "total": "body.n"}, UNSIZED),
        ({"type": "offset", "size": {"value": 0}}, "Input should be greater than or equal to 1"),
        ({"type": "cursor"}, "Field required"),
        ({"type": "cursor", "take": "next"}, "'next' is not an address: unknown root 'next'"),
        ({"type": "cursor", "take": "body.next", "put": "status"}, "'status' is not an address: unknown root 'status'"),
        ({"type": "page_number", "max_pages": 0}, "Input should be greater than or equal to 1"),
    ],
)
def test_what_a_spec_may_not_say(document, text):
    """Mistakes are found when the spec is loaded."""
    with pytest.raises(ValidationError) as wrong:
        made(document)
    assert text in wrong.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "document, text",
    [
        ({"type": "page_number", "put": None}, "a template sends the position; the simulator can't know where"),
        ({"type": "page_number", "has_more": "page.count == 5"},
         "has_more is computed (page.count == 5); the simulator can only set a plain flag"),
        ({"type": "cursor", "take": "record.id", "put": "query.fields"}, "no record has 'id,name' at record.id"),
        ({"type": "relay", "take": "body.page", "put": "query.fields"},
         "query.fields is 'id,name', which this service never handed out; leave it out for the first page"),
    ],
)  # fmt: skip
def test_what_cannot_be_served(document, text):
    """A provider that cannot know what to do says why."""
    with pytest.raises(ValueError, match=re.escape(text)):
        made(document).serve(THINGS, records(3, "number"))


def test_a_kind_without_methods_cannot_be_used():
    """The family itself asks and answers nothing."""
    family, kind = Pagination, NoPagination()
    with pytest.raises(NotImplementedError):
        family.at(kind, THINGS, None)
    with pytest.raises(NotImplementedError):
        family.next(kind, page(1))
    with pytest.raises(NotImplementedError):
        family.serve(kind, THINGS, [])


# ── the Link header ───────────────────────────────────────────────────────────────────────────────

NO_LINK = Stop("there is no link in Link rel=next")


@pytest.mark.parametrize(
    "written, target",
    [
        ('<https://h/2>; rel="next"', "https://h/2"),
        ("<https://h/2>; rel=next", "https://h/2"),
        ("<https://h/2>;rel=next", "https://h/2"),
        ("<https://h/2> ; rel = next", "https://h/2"),
        ("<https://h/2>; REL=Next", "https://h/2"),
        ('<https://h/2>; rel="prev next"', "https://h/2"),
        ('<https://h/2>; rel="  NEXT   last "', "https://h/2"),
        ('<https://h/2>; title="two"; rel="next"', "https://h/2"),
        ("<https://h/2>; title*=UTF-8''%e2%82; rel=\"next\"", "https://h/2"),
        ('<https://h/2>; rel="next"; title="two"', "https://h/2"),
        ('<https://h/2>; results="true"; rel="next"; cursor="0:100:0"', "https://h/2"),
        ('<https://h/2>;; rel="next";', "https://h/2"),
        ('<https://h/2>; flag; rel="next"', "https://h/2"),
        ("< https://h/2 >; rel=next", "https://h/2"),
        ('<https://h/1>; rel="prev", <https://h/2>; rel="next"', "https://h/2"),
        ('<https://h/1>; rel="prev",<https://h/2>; rel="next",<https://h/9>; rel="last"', "https://h/2"),
        ("<https://h/1>, <https://h/2>; rel=next", "https://h/2"),
        (", ,<https://h/2>; rel=next", "https://h/2"),
        ('<https://h/a,b;c=1?x=1,2&y=;>; rel="next"', "https://h/a,b;c=1?x=1,2&y=;"),
        ('<https://h/1>; title="a, <https://evil/>; rel=next"; rel="prev", <https://h/2>; rel="next"', "https://h/2"),
        ('<https://h/1>; title="; rel=next"; rel="prev", <https://h/2>; rel="next"', "https://h/2"),
        (r'<https://h/1>; title="say \"x\"; rel=next"; rel=prev, <https://h/2>; rel="next"', "https://h/2"),
        ('<https://h/1>; rel="prev"; rel="next"', None),
        ('<https://h/1>; rel="next"; rel="prev"', "https://h/1"),
        ('<https://h/1>; rev="next"', None),
        ('<https://h/1>; rel="nextish"', None),
        ('<https://h/1>; rel=""', None),
        ('<https://h/1>; xrel="next"', None),
        ("<https://h/2>; rel=next, <https://h/3>; rel=next", "https://h/2"),
        ("</v1/things?page=2>; rel=next", "https://api.shop.example/v1/things?page=2"),
        ("<?page=2>; rel=next", "https://api.shop.example/v1/things?page=2"),
        ("<../other>; rel=next", "https://api.shop.example/other"),
        ("<//cdn.example/x>; rel=next", "https://cdn.example/x"),
        ("<>; rel=next", None),
        ("https://h/2; rel=next", None),
        ("<https://h/2; rel=next", None),
        ("", None),
    ],
)
def test_link_headers_as_services_write_them(written, target):
    """RFC 8288: several links in a field, parameters in any order, case and quoting, commas and semicolons anywhere."""
    found = made("link_header").next(page(3, header=Headers({"link": written})))
    assert found == (target or NO_LINK)


def test_repeated_link_fields_are_one():
    """A link may stand in a field of its own."""
    fields = Headers([(b"Link", b"<https://h/1>; rel=prev"), (b"link", b"<https://h/2>; rel=next")])
    assert made("link_header").next(page(3, header=fields)) == "https://h/2"


@pytest.mark.parametrize("target", ["/a b", "/a\tb", "/\x7f"])
def test_link_headers_with_blanks_are_refused(target):
    """The same law as for links in a body."""
    with pytest.raises(ResponseError, match="Link rel=next holds a link with a space or control character in it"):
        made("link_header").next(page(3, header=Headers({"Link": f"<{target}>; rel=next"})))


@pytest.mark.parametrize("hostile", ["<" * 200_000, "<a>;" * 50_000, '<a>;x="' * 30_000, "<a>" + " ;" * 100_000])
def test_a_hostile_link_header_costs_little(hostile):
    """The time is linear in the length, whatever stands there; this would take hours otherwise."""
    assert made("link_header").next(page(3, header=Headers({"Link": hostile}))) == NO_LINK


tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789-*", min_size=1, max_size=8).filter(lambda name: name != "rel")
quoted = st.text('abc ,;=<>"\\/:', max_size=12).map(lambda text: '"' + re.sub(r'(["\\])', r"\\\1", text) + '"')
params = st.lists(st.tuples(tokens, quoted | tokens), max_size=3).map(
    lambda pairs: [f"{name}={value}" for name, value in pairs]
)
targets = st.text("abc/:?&=;,%-~", min_size=1, max_size=15).map(lambda path: f"https://h.example/{path}")


relations = st.sampled_from(["next", "prev", '"last next"', '"x"'])


@given(st.lists(st.tuples(targets, params, relations, params), max_size=5))
def test_any_list_of_links_is_read(written):
    """Whatever stands around it, the first link of the relation is found, and none where there is none."""
    fields = ["; ".join([f"<{target}>", *before, f"rel={rel}", *after]) for target, before, rel, after in written]
    expected = next((target for target, _, rel, _ in written if "next" in rel), NO_LINK)
    assert made("link_header").next(page(1, header=Headers({"Link": ", ".join(fields)}))) == expected


@pytest.mark.parametrize("token", [{"id": {"S": "a"}}, [1700000000, "a"]])
def test_a_token_of_several_parts_in_a_body(token):
    """A body takes an object or a list as it is, also where it is kept as a position."""
    kind = Pagination.resolve({"type": "cursor", "take": "body.last", "put": "body.after"})
    following = kind.next(page(3, {"last": token}))
    request = kind.at(Request("POST", "https://a.example/x", body={"size": 3}, encoding="json"), following)
    assert request.body == {"size": 3, "after": token}
