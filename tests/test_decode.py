"""`decode` as a spec says it: what loads, what is inherited, and what the engine makes of answers."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core import Connector
from connector_core.compression import zstd
from connector_core.decode import Decode, Decoding, Json, UndecodableError
from connector_core.decode.containers import Gzip
from connector_core.decode.csv_body import Csv
from connector_core.decode.plain import Text
from connector_core.decode.zip_archive import Zip
from connector_core.events import AnswerRepaired, RecordsMissing
from connector_core.exceptions import ConfigError, RateLimitError, ResponseError, SpecError, ValidationError
from connector_core.load import load
from connector_core.plan import compile_plan
from connector_core.testing import effects, respond, simulated
from tests.decode.specs import spec

# ── as it is written ──────────────────────────────────────────────────────────────────────────────


def loaded(decode: Any, top: Any = None) -> Any:
    """The `decode` of the endpoint, given what the endpoint and the top level say."""
    own = {} if decode is None else {"decode": decode}
    document = {**spec(**own), **({} if top is None else {"decode": top})}
    return load(document).endpoints["things"].decode


def test_forms():
    """A bare name, a mapping with options, or a list whose last is the decoder."""
    assert loaded(None) is None
    assert loaded("csv") == Csv()
    assert loaded({"type": "csv", "delimiter": ";"}) == Csv(delimiter=";")
    assert loaded(["gzip", "csv"]) == [Gzip(), Csv()]
    assert loaded([{"type": "zip", "member": "*.csv"}, {"type": "csv", "skip": 1}]) == [
        Zip(member="*.csv"),
        Csv(skip=1),
    ]
    assert loaded(["json"]) == [Json()]


def test_inheritance():
    """An endpoint's options are laid over those of the same kind; another kind, and a list, replace."""
    assert loaded(None, "csv") == Csv()
    assert loaded({"skip": 1}, {"type": "csv", "delimiter": ";"}) == Csv(delimiter=";", skip=1)
    assert loaded({"skip": 1}, "csv") == Csv(skip=1)
    assert loaded("json", {"type": "csv", "delimiter": ";"}) == Json()
    assert loaded(["gzip", "csv"], {"type": "csv", "delimiter": ";"}) == [Gzip(), Csv()]
    assert loaded({"type": "csv"}, ["gzip", "csv"]) == Csv()


KNOWN = "bytes, csv, gzip, json, ndjson, text, xml, zip, zstd"


@pytest.mark.parametrize(
    "decode, where, what",
    [
        ("cvs", "endpoints.things.decode", "unknown type 'cvs', did you mean 'csv'?"),
        (["gzip", "cvs"], "endpoints.things.decode.1", "unknown type 'cvs', did you mean 'csv'?"),
        ([{"type": "zip", "membr": "a"}, "csv"], "endpoints.things.decode.0.membr",
         "unknown key 'membr', did you mean 'member'?"),
        ({"delimiter": ";"}, "endpoints.things.decode",
         f"missing key 'type' (one of: {KNOWN})"),
        ("gzip", "endpoints.things.decode",
         "says what to open and not what is in it: name that last, as in [gzip, csv]"),
        (["gzip", "zip"], "endpoints.things.decode",
         "says what to open and not what is in it: name that last, as in [gzip, zip, csv]"),
        (["csv", "gzip", "json"], "endpoints.things.decode",
         "csv is no container, so nothing can follow it: containers come first, the decoder last"),
        ([], "endpoints.things.decode", "is empty: name what the body is, such as csv"),
        (7, "endpoints.things.decode", f"must be a mapping with a 'type', or the bare name of a kind (known: {KNOWN})"),
        ({"type": "csv", "encoding": "utf8"}, "endpoints.things.decode.encoding",
         "unknown value 'utf8', did you mean 'utf-8'?"),
        ({"type": "csv", "delimiter": "::"}, "endpoints.things.decode.delimiter",
         'must be one character; in double quotes, a tab is "\\t"'),
        ({"type": "csv", "quote": ","}, "endpoints.things.decode",
         "'delimiter', 'quote' and 'escape' must be three different characters"),
        ("bytes", "endpoints.things.decode", "bytes have no records: take text, or leave records out (records: null)"),
    ],
)  # fmt: skip
def test_mistakes(decode, where, what):
    """A mistake is told at its place when the spec is loaded."""
    with pytest.raises(SpecError) as wrong:
        load(spec(decode=decode))
    [problem] = wrong.value.problems
    assert (problem.path, problem.what) == (where, what)


@pytest.mark.parametrize(
    "decode, records, what",
    [
        ("csv", "body.data", "csv is a list of records, not an object with 'data': records: body"),
        ("ndjson", "body.data", "ndjson is a list of records, not an object with 'data': records: body"),
        (["gzip", "csv"], "body.data", "csv is a list of records, not an object with 'data': records: body"),
        ("text", "body.data", "text is one value, nothing lies below it: records: body"),
        ("ndjson", "body.*.data", None),
        ("ndjson", "body.0.data", None),
        ("xml", "body.R.I", None),
        ("json", "body.data", None),
        ("text", "body", None),
    ],
)
def test_records_stand_where_the_decoder_can_put_something(decode, records, what):
    """An address of records that can never be there is a mistake, also where it was inherited."""
    document = spec(decode=decode)
    del document["endpoints"]["things"]["records"]
    document["records"] = records
    if what is None:
        load(document)
        return
    with pytest.raises(SpecError) as wrong:
        load(document)
    [problem] = wrong.value.problems
    assert problem.what == f"{what} (inherited by things)"


def test_a_download_needs_no_records():
    """`decode: bytes` is for what is called, whatever records the connector has."""
    document = spec(get="/file", decode="bytes", records=None)
    assert not load({**document, "records": "body.data"}).endpoints["things"].readable
    load(spec(decode="bytes", input={"id": {"type": "integer"}}))


def test_key_needs_names():
    """A filter that reads `key` where records have no names is a mistake."""
    with pytest.raises(SpecError) as wrong:
        load(spec(records="body.users", filter="key == 'ann'"))
    [problem] = wrong.value.problems
    assert problem.what == ("key is the name that a record stands under: records must end in *, as body.users.*")
    load(spec(records="body.users.*", filter="key == 'ann'"))


def test_null_is_no_kind():
    """`decode: null` is no second way to leave it out."""
    with pytest.raises(SpecError, match="is empty: leave the key out"):
        load(spec(decode=None))


def test_plain_json_costs_nothing():
    """Left out, or json, the plan has the JSON decoder itself, without a step in between."""
    for document in (spec(), spec(decode="json"), spec(decode=["json"])):
        plan = compile_plan(load(document), "things")
        assert plan.decode is plan.decode_error
        assert plan.decode.__name__ == "decode_json"


def test_a_plan_has_streams():
    """A plan makes a stream for each answer, if its decoder and address have one."""
    plan = compile_plan(load(spec(decode=["gzip", "ndjson"])), "things")
    assert plan.stream is not None
    assert plan.stream() is not plan.stream()
    assert compile_plan(load(spec(records="body.*.x")), "things").stream is None
    assert compile_plan(load(spec(columns="body.0")), "things").stream is None
    assert compile_plan(load(spec(records=None)), "things").stream is None
    assert compile_plan(load(spec(records="body.*", filter="key != 'total'")), "things").stream is None
    judging = spec(errors=[{"when": "body.error", "category": "server"}])
    assert compile_plan(load(judging), "things").stream is None


# ── text and bytes ────────────────────────────────────────────────────────────────────────────────


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["utf-8", "utf-16", "utf-16-be", "gb18030"]))
def test_text(text, encoding):
    """Text comes back as it was written, but for a mark at its beginning."""
    assert Text(encoding=encoding).read(text.encode(encoding)) == (text.removeprefix("\ufeff"), None)


@pytest.mark.parametrize(
    "encoding, content, what",
    [
        ("utf-8", b"caf\xe9", "the body is not UTF-8 (byte 3)"),
        ("ascii", b"caf\xe9", "the body is not ASCII (byte 3)"),
        ("utf-16", b"ab", "the body is not UTF-16: it has no byte order mark"),
        ("shift_jis", b"a\x81", "the body is not SHIFT_JIS (byte 1)"),
    ],
)
def test_text_in_another_encoding(encoding, content, what):
    """Text that is not in the declared encoding is refused, with the place."""
    with pytest.raises(UndecodableError) as wrong:
        Text(encoding=encoding).read(content)
    assert str(wrong.value) == what


# ── answers ───────────────────────────────────────────────────────────────────────────────────────


async def read(document: dict[str, Any], *answers: Any, listeners: Any = ()) -> list[dict[str, Any]]:
    """The records of a reading whose answers are these."""
    left = iter(answers)
    async with Connector.open(document, effects=effects(lambda _request: next(left), listeners=listeners)) as demo:
        return [record async for record in demo.read("things")]


@pytest.mark.parametrize(
    "decode, records, content, found",
    [
        ("json", "body", b'[{"id": 1}]', [{"id": 1}]),
        ("ndjson", "body", b'{"id": 1}\n{"id": 2}\n', [{"id": 1}, {"id": 2}]),
        ("csv", "body", b"id\n1\n2\n", [{"id": "1"}, {"id": "2"}]),
        (["gzip", "csv"], "body", gzip.compress(b"id\n1\n"), [{"id": "1"}]),
        ("xml", "body.R.I", b"<R><I><id>1</id></I></R>", [{"id": "1"}]),
        ("text", "body", b"hello", [{"value": "hello"}]),
        ("csv", "body", b"id\n", []),
        ("xml", "body.R.I", b"<R/>", []),
    ],
)
async def test_reading(decode, records, content, found):
    """Every decoder's records are read as JSON's are."""
    assert await read(spec(decode=decode, records=records), respond(content=content)) == found


async def test_a_call_gives_bytes():
    """A download comes as it is."""
    document = spec(decode="bytes", records=None)
    async with Connector.open(document, effects=effects(lambda _request: respond(content=b"\x89PNG\xff"))) as demo:
        assert (await demo.call("things")).data == b"\x89PNG\xff"


async def test_undecodable():
    """A body that is something else is an error that says what, with the code that it always had."""
    with pytest.raises(ResponseError) as wrong:
        await read(spec(decode="csv"), respond(content=b"<html><title>Sign in</title>"))
    assert wrong.value.code == "response.undecodable"
    assert str(wrong.value) == (
        "demo answered 200: the body is an HTML page (its title: Sign in), where CSV is expected"
        " — things: GET https://api.example/things — compare the spec with what the service sends"
    )


async def test_repairs_are_announced():
    """What had to be repaired is told, whatever the decoder."""
    seen: list[Any] = []
    await read(spec(decode="ndjson"), respond(content=b'{"a": NaN}\n'), listeners=[seen.append])
    assert [event.repair for event in seen if isinstance(event, AnswerRepaired)] == ["NaN became null"]


@pytest.mark.parametrize(
    "decode, content, said",
    [
        ("csv", b'{"message": "no such report"}', "no such report"),
        (["gzip", "csv"], b'{"message": "no such report"}', "no such report"),
        ("csv", b"No such report\nat all", "No such report at all"),
        ("bytes", b"\xffsorry", "\ufffdsorry"),
        ("csv", b"<html><title>Oops</title>", "the body is an HTML page (its title: Oops)"),
        ("csv", b"", "without a reason"),
        ("xml", b"<Error><Message>no</Message></Error>", "without a reason"),
        ("xml", b'{"message": "no such report"}', "no such report"),
        ("xml", b"<html><title>Oops</title>", "the body is an HTML page (its title: Oops)"),
    ],
)
async def test_errors_come_in_another_form(decode, content, said):
    """An answer that reports an error is JSON or text, whatever the records are, and its reason is told."""
    records = None if decode == "bytes" else "body.R" if decode == "xml" else "body"
    document = spec(decode=decode, records=records)
    async with Connector.open(document, effects=effects(lambda _request: respond(422, content=content))) as demo:
        with pytest.raises(ValidationError) as wrong:
            await demo.call("things")
    assert wrong.value.what == f"demo answered 422: {said}"


async def test_rules_read_errors_in_xml():
    """Where the records are XML, so are the errors that rules look into."""
    rule = {"status": 400, "when": "body.Error.Code == 'SlowDown'", "category": "rate_limit"}
    document = spec(decode="xml", records="body.R", errors=[rule])
    with pytest.raises(RateLimitError):
        await read(document, *[respond(400, content=b"<Error><Code>SlowDown</Code></Error>")] * 9)


async def test_rules_read_errors_in_text():
    """Where neither JSON nor XML came, rules read the text."""
    rule = {"status": 400, "when": "'quota' in body", "category": "rate_limit"}
    document = spec(decode="csv", errors=[rule])
    with pytest.raises(RateLimitError):
        await read(document, *[respond(400, content=b"quota exceeded")] * 9)


async def test_zstd_without_its_library(monkeypatch):
    """A spec with zstd loads anywhere; what is missing is told when it is opened or first used, before any request."""
    monkeypatch.setattr("connector_core.decode.containers.zstd", lambda: None)
    document = load(spec(decode=["zstd", "csv"]))
    async with Connector.open(document, effects=effects(lambda _request: respond(json=[]))) as demo:
        with pytest.raises(ConfigError, match="connector-core\\[speed\\]"):
            await demo.call("things")


# ── records under names, and rows ─────────────────────────────────────────────────────────────────


async def test_reading_records_under_names():
    """An object's values are records, and a filter reads their names."""
    document = spec(records="body.users.*", filter="key != 'bob'")
    answer = respond(json={"users": {"ann": {"id": 1}, "bob": {"id": 2}, "cid": {"id": 3}}})
    assert await read(document, answer) == [{"id": 1}, {"id": 3}]


async def test_reading_rows():
    """Rows become objects by the names of their columns; what does not fit is an error with the page."""
    document = spec(records="body", columns="body.0", filter="record.id > 1")
    assert await read(document, respond(json=[["id", "name"], [1, "a"], [2, "b"]])) == [{"id": 2, "name": "b"}]
    with pytest.raises(ResponseError) as wrong:
        await read(document, respond(json=[["id"], [1, "secret"]]))
    assert str(wrong.value) == (
        "record 1 has 2 values for 1 columns — demo.things, page 1"
        " — compare records and columns with what the service sends"
    )
    seen: list[Any] = []
    document = spec(records="body.rows", columns="body.columns")
    assert await read(document, respond(json={"columns": ["id"]}), listeners=[seen.append]) == []
    assert any(isinstance(event, RecordsMissing) for event in seen)


# ── both sides ────────────────────────────────────────────────────────────────────────────────────

SCHEMA: dict[str, Any] = {
    "id": {"type": "integer"},
    "name": {"type": "string", "examples": ["a,b", 'a "b"', "a;b\nc", "<é> & ü", "", "'"]},
    "open": {"type": "boolean"},
}
NUMBERED = {"type": "page_number", "size": {"put": "query.limit", "value": 7}, "total": "header.X-Total"}
LINKED = {"type": "link_header", "size": {"put": "query.limit", "value": 7}}
XML_CURSOR = {"type": "cursor", "take": "body.answer.next", "size": {"put": "query.limit", "value": 7}}


def as_text(record: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in record.items()}


def same(record: dict[str, Any]) -> dict[str, Any]:
    return record


def as_xml(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value.strip() or None for key, value in as_text(record).items()}


KINDS: dict[str, tuple[Any, str, Any, Any]] = {
    "json": ("json", "body.data", NUMBERED, same),
    "ndjson": ("ndjson", "body", NUMBERED, same),
    "csv": ("csv", "body", LINKED, as_text),
    "csv_dialect": ({"type": "csv", "delimiter": ";", "quote": "'", "encoding": "utf-16", "skip": 2}, "body", NUMBERED,
                    as_text),
    "csv_escaped": ({"type": "csv", "escape": "\\", "header": list(SCHEMA)}, "body", LINKED, as_text),
    "xml": ({"type": "xml", "lists": ["item"]}, "body.answer.items.item", XML_CURSOR, as_xml),
    "gzip": (["gzip", "ndjson"], "body", LINKED, same),
    "zip": ([{"type": "zip", "member": "*.csv"}, "csv"], "body", LINKED, as_text),
    "gzip_zip": (["gzip", "zip", "json"], "body.data", NUMBERED, same),
    "named": ("json", "body.things.*", NUMBERED, same),
    "columns": ("json", "body.values", NUMBERED, same),
    "columns_beside": ("json", "body.rows", NUMBERED, same),
    **({"zstd": (["zstd", "csv"], "body", LINKED, as_text)} if zstd() else {}),
}  # fmt: skip
COLUMNS = {"columns": "body.values.0", "columns_beside": "body.columns"}


@pytest.mark.parametrize("count", [0, 1, 20])
@pytest.mark.parametrize("name", KINDS)
async def test_round_trip(name, count):
    """For every kind the client reads exactly the service's records, which the service wrote in its own way."""
    decode, records, pagination, shape = KINDS[name]
    columns = {"columns": COLUMNS[name]} if name in COLUMNS else {}
    things = {"get": "/things", "records": records, "pagination": pagination, "schema": SCHEMA, "primary_key": "id"}
    document = {**spec(), "endpoints": {"things": {**things, "decode": decode, **columns}}}
    plain = {**document, "endpoints": {"things": {**things, "records": "body.data", "pagination": "none"}}}
    async with simulated(document, records=count) as client:
        found = [record async for record in client.read("things")]
    async with simulated(plain, records=count) as client:
        had = [record async for record in client.read("things")]
    assert len(had) == count
    assert found == [shape(record) for record in had]


async def test_round_trip_of_text_and_bytes():
    """A call's answer in text, and one in bytes, is what the service wrote."""
    calls = {
        "note": {"get": "/notes/1.txt", "schema": {"id": {"type": "integer"}}, "decode": "text"},
        "file": {"get": "/files/1.bin", "schema": {"id": {"type": "integer"}}, "decode": "bytes"},
    }
    async with simulated({**spec(), "endpoints": calls}) as client:
        assert (await client.call("note")).data == '{"id": 1}'
        assert (await client.call("file")).data == b'{"id": 1}'


@pytest.mark.parametrize(
    "decode, records, pagination, what",
    [
        ("csv", "body", {"type": "cursor", "take": "body.next"}, "stands"),
        ("xml", "body.items", "none", "decode: xml has one outermost element, so no list stands at body.items"),
    ],
)
async def test_what_cannot_be_simulated(decode, records, pagination, what):
    """A form that cannot hold what the spec asks for is told at the start."""
    with pytest.raises(ConfigError, match=what):
        async with simulated(spec(decode=decode, records=records, pagination=pagination)):
            pass


def test_a_plug_in_can_decode(monkeypatch):
    """A kind that is defined later is a decoder like the others."""

    class Reversed(Decode):
        """Text from its end."""

        type: Any = "reversed_for_this_test"

        def read(self, content: bytes) -> tuple[Any, str | None]:
            return content[::-1].decode(), None

    try:
        assert Decoding([Gzip(), loaded("reversed_for_this_test")]).read(gzip.compress(b"abc")) == ("cba", None)
    finally:
        del Decode.kinds["reversed_for_this_test"]
    assert Reversed.kind() == "reversed_for_this_test"
