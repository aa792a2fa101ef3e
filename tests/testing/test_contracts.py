"""The contracts of kinds: every kind of ours keeps them, the plug-in's does, and each claim sees its fault."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from pydantic import ConfigDict

import connector_core.spec  # noqa: F401 - the families are known once the spec's keys are
from connector_core.address import AnswerPath, Put
from connector_core.auth import Auth, Session, Text
from connector_core.auth.bearer import Bearer
from connector_core.auth.credentials import credential, fields
from connector_core.component import Component, families
from connector_core.decode import Decode, UndecodableError
from connector_core.decode.containers import Gzip
from connector_core.decode.family import Stream
from connector_core.decode.ndjson import Ndjson
from connector_core.exceptions import AuthenticationError, ResponseError
from connector_core.http import Request, Response
from connector_core.pagination import Answer, Pagination, Served, Stop
from connector_core.pagination.numbered import Offset
from connector_core.pagination.provider import asked_number
from connector_core.testing import contracts, simulated
from connector_core.transform import Transform
from connector_core.transform.fields import Drop
from tests.testing.specs import shop

PLUGIN = Path(__file__).parents[1] / "plugin"

MORE: dict[str, list[Any]] = {
    "pagination cursor": [
        {"type": "cursor", "take": "record.id", "put": "query.after", "size": {"put": "query.limit", "value": 7}},
        {"type": "cursor", "take": "body.next", "put": "query", "has_more": "body.more"},
        {"type": "cursor", "take": "header.X-Next", "put": "body.paging.cursor", "alone": True},
    ],
    "pagination next_url": [{"type": "next_url", "take": "header.X-Next", "has_more": "not body.last"}],
    "pagination link_header": [{"type": "link_header", "rel": "following"}],
    "pagination offset": [
        {"type": "offset", "put": "header.X-Offset", "first": 1},
        {"type": "offset", "put": "cookie.from", "size": {"value": 9}, "has_more": "body.more"},
    ],
    "pagination page_number": [
        {"type": "page_number", "first": 0, "pages": "header.X-Pages"},
        {"type": "page_number", "put": "body.page", "size": {"value": 5, "put": "body.size"}, "total": "body.total"},
    ],
    "auth api_key": [
        {"type": "api_key", "put": "query.key", "value": "{{ secrets.key }}"},
        {"type": "api_key", "put": "cookie.key", "value": "Token {{ secrets.key }}"},
        {"type": "api_key", "put": "body.auth.key", "value": "{{ secrets.key }}"},
    ],
    "auth basic": [{"type": "basic", "username": "{{ secrets.name }}", "password": "{{ secrets.password }}"}],
    "decode csv": ["csv", {"type": "csv", "quote": None, "escape": "\\", "header": ["id", "name"], "skip": 2}],
    "decode text": ["text", {"type": "text", "encoding": "utf-16"}],
    "decode xml": ["xml", {"type": "xml", "lists": ["item"], "prefixes": True}],
    "decode zip": ["zip"],
    "transform keys": [{"type": "keys", "case": case} for case in ("camel", "pascal", "kebab", "lower", "upper")],
    "transform prune": [{"type": "prune", "fields": ["nested"], "what": ["nulls"]}],
    "transform set": [{"type": "set", "fields": {"all": "{{ record }}", "nested.value": ["a"], "many.*": {"x": 1}}}],
    "transform flatten": [{"type": "flatten"}],
}
"""What kinds are also tried with, beyond the example in their docstring."""


def every_claim() -> Iterator[Any]:
    for family in families().values():
        for name, kind in family.kinds.items():
            for claim in contracts.claims(kind, *MORE.get(f"{family.key} {name}", ())):
                yield pytest.param(claim, id=f"{family.key}-{name}-{claim}")


@pytest.mark.parametrize("claim", list(every_claim()))
def test_a_kind_of_ours(claim):
    """Every kind of every family keeps every claim that is made of it."""
    claim()


def test_a_kind_of_a_plug_in():
    """The package in tests/plugin checks its kinds as its author would, with pytest and nothing of ours around it."""
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "--rootdir", ".", "-p", "no:cacheprovider"]
    plain = ["-p", "no:asyncio", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [*pytest_, *plain, "test_kinds.py"],
        cwd=PLUGIN,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_for_tests_is_imported():
    """Claims are made and checked without pytest or hypothesis."""
    program = (
        "import sys\n"
        "from connector_core.pagination import NoPagination\n"
        "from connector_core.testing import contracts\n"
        "contracts.check(NoPagination)\n"
        "print({'pytest', 'hypothesis'} & sys.modules.keys())"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
    )


# ── faults ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def kinds_of_their_own(monkeypatch):
    """What a test defines is gone when it ends."""
    for family in families().values():
        monkeypatch.setattr(family.kinds, "_defined", dict(family.kinds._defined))


def faulty(base: type[Component], **changes: Any) -> type[Component]:
    """A kind like `base`, with the given methods and class variables in place of its own."""
    yaml = {
        Offset: "pagination: {type: faulty, put: query.offset, size: {put: query.limit, value: 10}}",
        Bearer: 'auth: {type: faulty, token: "{{ secrets.token }}"}',
        Ndjson: "decode: faulty",
        Gzip: "decode: [faulty, json]",
        Drop: "transform: [{type: faulty, fields: [a.b, c]}]",
    }[base]
    body = {
        "__doc__": f"A kind with a fault.\n\nExample: `{yaml}`\n",
        "__module__": __name__,
        "__annotations__": {"type": Literal["faulty"]},
        "type": "faulty",
    }
    return type(f"Faulty{base.__name__}", (base,), {**body, **changes})


def told(kind: type[Component], name: str) -> str:
    """What the claim of that name says of the kind."""
    [claim] = [claim for claim in contracts.claims(kind) if str(claim) == name]
    found = claim.broken()
    assert found is not None, f"{name} does not see the fault"
    return found


# what a client does wrong ─ each gets the kind, and the family's arguments


def a_record_too_far(self: Any, answer: Any) -> Any:
    found = Offset.next(self, answer)
    return found if isinstance(found, Stop) else found + 1


def a_record_too_near(self: Any, answer: Any) -> Any:
    found = Offset.next(self, answer)
    return found if isinstance(found, Stop) else found - 1


def never_ending(self: Any, answer: Any) -> Any:
    return (answer.position or 0) + 1


def in_a_tuple(self: Any, answer: Any) -> Any:
    found = Offset.next(self, answer)
    return found if isinstance(found, Stop) else (found,)


def remembering() -> dict[str, Any]:
    """The offset is kept beside the position, in the kind."""
    kept = [0]

    def at(self: Any, request: Request, position: Any) -> Request:
        kept[0] = 0 if position is None else kept[0]
        return Offset.at(self, request, kept[0])

    def next_(self: Any, answer: Any) -> Any:
        found = Offset.next(self, replace(answer, position=kept[0]))
        kept[0] += answer.count
        return found if isinstance(found, Stop) else "more"

    return {"at": at, "next": next_}


def numbering() -> Callable[..., Request]:
    numbers = count()

    def at(self: Any, request: Request, position: Any) -> Request:
        return Offset.at(self, request, position).with_query("nonce", str(next(numbers)))

    return at


def in_the_callers_headers(self: Any, request: Request, position: Any) -> Request:
    request.headers["X-Seen"] = "1"  # type: ignore[index]  # that is the fault
    return Offset.at(self, request, position)


def guessing_wild(self: Any, answer: Any) -> Iterator[Any]:
    return iter([10_000])


def looking_blindly(self: Any, answer: Any) -> Any:
    return Stop("none") if answer.scope["body"].get("x") else Offset.next(self, answer)


def taking_any_number(self: Any, request: Request, position: Any) -> Request:
    asked: Request = self.put.put(request, int(position or 0))
    return asked


def serving_any_text(self: Any, request: Request, dataset: Sequence[Any]) -> Any:
    digits = dict(request.query).get("offset", "0")
    if not digits.isdigit():
        raise KeyError(digits)
    return Offset.serve(self, request, dataset)


def asking_forever(self: Any, session: Any, request: Request, now: float) -> Iterator[Request]:
    while True:
        yield request


def without_the_token(self: Any, session: Any, request: Request, now: float) -> Request:
    return request.with_header("Authorization", f"Bearer {session.scope['secrets'].get('token', '')}")


def asking_first(self: Any, session: Any, request: Request, now: float) -> Generator[Request, Response, Request]:
    yield request
    return without_the_token(self, session, request, now)


def letting_all_in(self: Any, session: Any, request: Request) -> None:
    return None


def minding_case(self: Any, session: Any, request: Request) -> str | None:
    return None if "Authorization" in request.headers else "nothing is signed"


def quoting_the_token(self: Any, session: Any, request: Request) -> str | None:
    return None if request.headers else f"expected {session.scope['secrets']['token']}"


def telling(self: Any, session: Any, request: Request) -> str | None:
    found = Bearer.refusal(self, session, request)
    return found and f"{found}: {dict(request.headers)}"


def signing_for_the_first() -> Callable[..., Any]:
    known: list[Request] = []

    def sign(self: Any, session: Any, request: Request, now: float) -> Request:
        known.append(Bearer.sign(self, session, request, now))
        return replace(request, headers=known[min(1, len(known) - 1)].headers)

    return sign


def a_line_short(self: Any, content: bytes) -> tuple[Any, str | None]:
    found, repair = Ndjson.read(self, content)
    return found[:-1], repair


def as_a_set(self: Any, content: bytes) -> tuple[Any, str | None]:
    return [{"ids": {1}} for _ in Ndjson.read(self, content)[0]], None


def not_a_list(self: Any, content: bytes) -> tuple[Any, str | None]:
    return {"data": Ndjson.read(self, content)[0]}, None


def failing(self: Any, content: bytes) -> tuple[Any, str | None]:
    try:
        return Ndjson.read(self, content)
    except UndecodableError:
        raise KeyError("x") from None


class Chunked(Stream):
    """Takes each chunk for whole lines."""

    rest: Any = []

    def feed(self, chunk: bytes) -> list[Any]:
        return list(Ndjson().read(chunk)[0]) if chunk.endswith(b"\n") else []

    def close(self) -> list[Any]:
        return []


def chunked(self: Any, records: Any) -> type[Stream]:
    return Chunked


def cut_short(self: Any, content: bytes) -> bytes:
    return Gzip.pack(self, content[:-1])


def without_position(self: Any, request: Request) -> Request:
    return request


def unbounded(self: Any, content: bytes, limit: int = 0) -> bytes:
    return Gzip.opened(self, content, 1 << 30)


def careless(self: Any, content: bytes, limit: int = 1 << 30) -> bytes:
    try:
        return Gzip.opened(self, content, limit)
    except UndecodableError as error:
        if "breaks off" in str(error):
            return b""
        raise


def careless_of_junk(self: Any, content: bytes, limit: int = 1 << 30) -> bytes:
    try:
        return Gzip.opened(self, content, limit)
    except UndecodableError:
        raise KeyError(0) from None


def in_place(self: Any, record: dict[str, Any], scope: Any, hooks: Any = None) -> dict[str, Any]:
    record.pop("c", None)
    return record


def a_field_more(self: Any, record: dict[str, Any], scope: Any, hooks: Any = None) -> dict[str, Any]:
    return {**record, "more": 1}


SHARED: dict[str, Any] = {}


def sharing(self: Any, hooks: Any) -> Iterator[Any]:
    def run(records: list[Any], scope: Any) -> None:
        records[:] = [{**record, "more": SHARED} for record in records]

    yield run


def quoting(self: Any, record: dict[str, Any], scope: Any, hooks: Any = None) -> dict[str, Any]:
    raise ResponseError(f"{record} is not fit")


def never(self: Any, field: Sequence[str]) -> bool:
    return False


def taking_all(self: Any, field: Sequence[str]) -> str:
    return "drops"


# ruff: noqa: E501 - a message that is tested as text is not broken
FAULTS: list[tuple[type[Component], dict[str, Any], str, str]] = [
    (Offset, {"next": a_record_too_far}, "whole", "of 11 records it reads 10; lost: record 11"),
    (Offset, {"next": a_record_too_near}, "whole", "more than once: record 10"),
    (Offset, {"next": never_ending}, "whole", "0 records are not read after 100 pages; it stands at 100"),
    (Offset, {"next": in_a_tuple}, "whole", "the position (10,), which is [10] after it was stored as JSON"),
    (Offset, remembering(), "resumable", "from 'more' on it reads 0 records of 11, not the 1 that are left"),
    (Offset, remembering(), "interleaved", "what it reads of one depends on what it read of the other"),
    (Offset, {"at": numbering()}, "pure", "when it is asked the same again"),
    (Offset, {"at": in_the_callers_headers}, "pure", "`at` changes what it is given"),
    (Offset, {"ahead": guessing_wild}, "guesses", "it guesses [10000]"),
    (Offset, {"next": never_ending}, "ends-empty", "it asks for page after page, though 400 in turn were empty"),
    (Offset, {"next": never_ending, "counts": False}, "ends-repeated", "ever new positions to the same page, such as 400"),
    (Offset, {"next": looking_blindly}, "junk-answers", "`next` raises AttributeError: 'NoneType' object has no attribute 'get', given the answer {'body': None"),
    (Offset, {"at": taking_any_number}, "junk-positions", "`at` raises ValueError: invalid literal for int()"),
    (Offset, {"serve": serving_any_text}, "junk-requests", "`serve` raises KeyError: '', given '' in the request"),
    (Bearer, {"flow": asking_forever}, "flow-ends", "it asks more than 10 requests where each is answered with 200 b''"),
    (Bearer, {"sign": without_the_token}, "no-secret", "where the secret 'token' is empty, it signs all the same"),
    (Bearer, {"flow": asking_first}, "no-secret", "secret 'token' is empty, it signs"),
    (Bearer, {"refusal": letting_all_in}, "refused", "`refusal` accepts a request that was not signed"),
    (Bearer, {"refusal": minding_case}, "accepted", "its headers being accept, authorization"),
    (Bearer, {"refusal": telling}, "unseen", "what `refusal` says shows the secret 'token'"),
    (Bearer, {"sign": signing_for_the_first()}, "interleaved", "it signs another way after somebody else's connection"),
    (Ndjson, {"write": Decode.write}, "reads", "it has no `write`, so nothing that uses it can be simulated"),
    (Ndjson, {"read": a_line_short}, "reads", "b'{\"id\": \"1\""),
    (Ndjson, {"read": as_a_set}, "shape", "it gives {1}, which is no type of JSON's"),
    (Ndjson, {"read": not_a_list}, "shape", "its shape is 'list', and it gives {'data': ["),
    (Ndjson, {"read": failing}, "junk", "`read` raises KeyError: 'x', given b'\\x00"),
    (Ndjson, {"stream": chunked}, "pieces", "in pieces of up to 1 bytes it gives []"),
    (Gzip, {"pack": cut_short}, "opens", "1 bytes come out as 0: b'', not b'a'"),
    (Gzip, {"opened": unbounded}, "bounded", "a million bytes come out where a thousand are allowed"),
    (Gzip, {"opened": careless}, "broken-off", "bytes are opened as 0 of 0 bytes, without an error"),
    (Gzip, {"opened": careless_of_junk}, "junk", "`opened` raises KeyError: 0, given b''"),
    (Drop, {"apply": in_place}, "pure", "`apply` changes what it is given"),
    (Drop, {"apply": a_field_more}, "steps", "`apply` gives {'more': 1} where `steps` 'gives' [{}]"),
    (Drop, {"steps": sharing}, "own", "{} is in two places, such as two records"),
    (Drop, {"apply": quoting}, "errors", "the message quotes the record"),
    (Drop, {"apply": a_field_more, "may_bring": never}, "brings", "`may_bring` says no to 'more', and {} becomes"),
    (Drop, {"loses": taking_all, "may_bring": never}, "loses", "`loses` says that it drops 'customer', and"),
    (Offset, {"__doc__": "\nExample: `pagination: faulty`\n"}, "documented", "there is no sentence before the example"),
    (Offset, {"__doc__": "Faulty\n\nExample: `pagination: faulty`\n"}, "documented", "does not end with a full stop"),
    (Bearer, {"__doc__": 'A.\n\nExample: `auth: {type: faulty, token: "{{ body.x }}"}`\n'}, "example-loads", "body"),
    (Offset, {"model_config": ConfigDict(frozen=False)}, "frozen", "`max_pages` can be set; leave model_config as"),
    (Offset, {"model_config": ConfigDict(extra="ignore")}, "unknown-keys", "it accepts `no_such_key: 1`"),
    (Offset, {"at": without_position}, "signatures", "`at` takes (self, request), and is passed (self, req"),
]  # fmt: skip


@pytest.mark.parametrize("base, changes, name, says", FAULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_claim_sees_its_fault(base, changes, name, says):
    """A kind with one fault fails the claim that is for it, in a sentence that names the kind, the rule and the fault."""
    found = told(faulty(base, **changes), name)
    assert found.startswith(f"{base.key} faulty must ")
    assert f"({name}):\n  " in found
    assert says in found


def test_the_kinds_that_the_faults_are_made_of_have_none():
    """Without a fault put in, every claim that is tried above holds."""
    tried = {(base, name) for base, _, name, _ in FAULTS}
    for base in {base for base, _ in tried}:
        claims = {str(claim): claim for claim in contracts.claims(faulty(base))}
        for name in {name for kind, name in tried if kind is base}:
            assert claims[name].broken() is None
        del base.kinds["faulty"]


def test_every_claim_is_tried_with_a_fault():
    """No claim is made that nothing can fail, but for those whose fault pydantic or the language refuses first."""
    made = {str(claim) for base in (Offset, Bearer, Ndjson, Gzip, Drop) for claim in contracts.claims(base)}
    assert made - {name for _, _, name, _ in FAULTS} == {"name", "fields-documented", "round-trip", "schema"}


# ── a kind that reads all records of a page ───────────────────────────────────────────────────────


def smallest(*, told: bool) -> type[Pagination]:
    """The kind of services whose next page has the ids below the smallest of this one; `told`: `serve` gives ids."""

    class Smallest(Pagination):
        """The next page has the ids below the smallest.

        Example: `pagination: {type: smallest, take: body.tickets.*.id, put: query.before}`
        """

        type: Literal["smallest"] = "smallest"
        take: AnswerPath
        """Where the ids stand."""
        put: Put
        """Where the smallest goes."""

        def at(self, request: Request, position: Any) -> Request:
            return request if position is None else self.put.put(request, position)

        def next(self, answer: Answer) -> Any:
            found = self.take.take(answer.scope)
            ids = [one for one in found if type(one) is int] if isinstance(found, list) else []
            return min(ids) if answer.count and ids else Stop("there is no smaller id")

        def serve(self, request: Request, dataset: Sequence[Any]) -> Served:
            before = asked_number(request, self.put, 10**9)
            page = sorted((one for one in dataset if one["id"] < before), key=lambda one: -one["id"])[:10]
            return Served(page, {str(self.take): [one["id"] for one in page]} if told else {})

    return Smallest


@pytest.mark.parametrize("told", [True, False])
async def test_a_kind_that_reads_all_records_of_a_page(told):
    """The records are in the body where its address leads, for contracts and in the simulator, whoever puts them there."""
    contracts.check(smallest(told=told))
    paging = {"type": "smallest", "take": "body.data.*.id", "put": "query.before"}
    async with simulated(shop(paging), records=35) as connector:
        found = [record["id"] async for record in connector.read("orders")]
    assert sorted(found) == list(range(1, 36))


# ── the front door ────────────────────────────────────────────────────────────────────────────────


def test_check_tells_everything_at_once():
    """One error for all claims that do not hold."""
    with pytest.raises(AssertionError) as wrong:
        contracts.check(faulty(Offset, next=never_ending, ahead=guessing_wild))
    assert str(wrong.value).count("pagination faulty must ") > 3


def test_a_field_without_a_docstring():
    """Is named, with what its docstring is for."""

    class Undocumented(Pagination):
        """A kind.

        Example: `pagination: faulty`
        """

        type: Literal["faulty"] = "faulty"
        letter: str = "A"

    assert "nothing is said of letter; editors and pages show what is" in told(Undocumented, "fields-documented")
    assert "the schema says nothing of letter" in told(Undocumented, "schema")


def test_a_name_that_is_no_name():
    """Kinds are named as the others are."""

    class Camel(Transform):
        """A kind.

        Example: `transform: [CamelCase]`
        """

        type: Literal["CamelCase"] = "CamelCase"

    assert "'CamelCase' is not lower case with underscores" in told(Camel, "name")


def test_a_value_that_is_not_written_back():
    """A field whose value is not what was written is seen when it is written again."""

    class Loud(Pagination):
        """A kind.

        Example: `pagination: {type: faulty, word: a}`
        """

        type: Literal["faulty"] = "faulty"
        word: str
        """Grows."""

        def model_post_init(self, context: Any) -> None:  # noqa: ARG002 - pydantic's
            self.__dict__["word"] = f"{self.word}!"

    assert "which is read as Loud(max_pages=100000, type='faulty', word='a!!')" in told(Loud, "round-trip")


def test_a_kind_that_asks_for_a_token():
    """A flow with a request of its own keeps the same contract, whatever the service answers it."""

    class Fetched(Auth):
        """A token that the service hands out for a secret.

        Example: `auth: {type: faulty, secret: "{{ secrets.key }}"}`
        """

        type: Literal["faulty"] = "faulty"
        secret: Text
        """What the token is given for."""

        def flow(self, session: Session, request: Request, now: float) -> Generator[Request, Response, Request]:  # noqa: ARG002 - the family's
            """Asks once, and signs."""
            key = credential(self.secret, session, "auth.secret")
            answer = yield Request("POST", "https://api.shop.example/token", body={"key": key}, encoding="json")
            try:
                token = json.loads(answer.content)["access_token"]
            except (ValueError, TypeError, KeyError):
                token = None
            if not isinstance(token, str) or not token:
                raise AuthenticationError("the service gives no token")
            return request.with_header("Authorization", f"Bearer {token}")

        def refusal(self, session: Session, request: Request) -> str | None:  # noqa: ARG002 - the family's
            """Looks whether there is one."""
            return None if fields(request, "authorization") else "there is no token"

    contracts.check(Fetched)


@pytest.mark.parametrize(
    "given, says",
    [
        ((Pagination,), "is no kind: give a subclass of a family with a field such as"),
        (
            (Offset, {"type": "offset", "put": 3}),
            "pagination offset must accept its example {'type': 'offset', 'put': 3}",
        ),
        ((Auth,), "is no kind"),
    ],
)
def test_what_cannot_be_tried(given, says):
    """A class that is no kind, and an example that is not valid, are told before any claim is made."""
    with pytest.raises(AssertionError) as wrong:
        contracts.claims(*given)
    assert says in str(wrong.value)


def test_a_kind_without_an_example():
    """There is nothing to try."""

    class Silent(Pagination):
        """A kind."""

        type: Literal["faulty"] = "faulty"

    with pytest.raises(AssertionError, match="pagination faulty must have an example: a line in its docstring such as"):
        contracts.claims(Silent)
