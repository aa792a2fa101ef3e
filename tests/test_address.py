"""Addresses: what each takes from an answer or a record, where each puts a value, and what is none."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING, Address, AnswerPath, BodyPath, FieldPath, Put, as_text
from connector_core.component import Model
from connector_core.exceptions import ConfigError
from connector_core.http import Headers, Multipart, Part, Request

ANSWER: dict[str, Any] = {
    "status": 200,
    "header": Headers([("X-Next", "abc"), ("Link", "a"), ("link", "b"), ("X.Dotted", "yes")]),
    "record": {"id": 7, "customer": {"id": "c1"}, "null": None},
    "body": {
        "data": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}, {"id": 3}],
        "meta": {"next": None, "total": 0, "flag": False, "text": "", "0": "zero"},
        "@odata.nextLink": "https://h/2",
        "a b": {'say "x"': 1, "back\\slash": 2, "[x]": 3, "{y}": 4, "": 5},
        "entries": {"x": {"item": 1}, "y": {"item": 2}, "z": {"other": 3}},
        "grid": [[1, 2], [], [3]],
        "text": "words",
    },
}
REQUEST = Request("GET", "https://a.example/x", (("q", "1"),), {"Accept": "a", "Cookie": "theme=dark; sid=old"})


def refused(kind: type[Address], text: Any) -> str:
    with pytest.raises(PydanticCustomError) as wrong:
        kind.parse(text)
    return wrong.value.message()


# ── taking ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address, expected",
    [
        ("status", 200),
        ("body", ANSWER["body"]),
        ("header.X-Next", "abc"),
        ("header.x-next", "abc"),
        ("header.LINK", "a, b"),
        ('header."X.Dotted"', "yes"),
        ("header.X-Other", MISSING),
        ("record.id", 7),
        ("record.customer.id", "c1"),
        ("record.null", None),
        ("record.other", MISSING),
        ("body.meta.next", None),
        ("body.meta.total", 0),
        ("body.meta.flag", False),
        ("body.meta.text", ""),
        ("body.meta.other", MISSING),
        ("body.meta.next.more", MISSING),
        ("body.meta.total.more", MISSING),
        ("body.text.more", MISSING),
        ("body.text.0", MISSING),
        ("body.data.more", MISSING),
        ('body."@odata.nextLink"', "https://h/2"),
        ("body.@odata.nextLink", MISSING),
        ('body."a b"."say \\"x\\""', 1),
        ('body."a b"."back\\\\slash"', 2),
        ('body."a b"."[x]"', 3),
        ('body."a b"."{y}"', 4),
        ('body."a b".""', 5),
        ("body.data.+1.id", MISSING),
        ("body.data.\u0661.id", MISSING),
        ("body.data.0.tags.1_0", MISSING),
        ("body.data.99999999999999999999.id", MISSING),
        ("body.data.0.id", 1),
        ("body.data.2.id", 3),
        ("body.data.-1.id", 3),
        ("body.data.-3.id", 1),
        ("body.data.3.id", MISSING),
        ("body.data.-4.id", MISSING),
        ("body.data.0.tags.-1", "b"),
        ("body.data.1.tags.-1", MISSING),
        ("body.meta.0", "zero"),
        ("body.data.*.id", [1, 2, 3]),
        ("body.data.*.other", []),
        ("body.data.*.tags", [["a", "b"], []]),
        ("body.data.*.tags.*", ["a", "b"]),
        ("body.data.*.tags.0", ["a"]),
        ("body.data.*", ANSWER["body"]["data"]),
        ("body.entries.*.item", [1, 2]),
        ("body.entries.*", [{"item": 1}, {"item": 2}, {"other": 3}]),
        ("body.grid.*.*", [1, 2, 3]),
        ("body.grid.-1.*", [3]),
        ("body.other.*", MISSING),
        ("body.text.*", MISSING),
        ("body.meta.next.*", MISSING),
        ("body.*.*.item", [1, 2]),
    ],
)
def test_what_an_address_takes(address, expected):
    """Keys, positions from either end, quoted keys and `*`; what is not there is MISSING, and null is null."""
    found = AnswerPath(address).take(ANSWER)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("body", [None, True, 3, 1.5, "text", [], {}, [None], [[]], {"data": None}, {"data": 3}])
@pytest.mark.parametrize("address", ["body.data.next", "body.data.0.next", "body.data.*.next", "body.data.*.*"])
def test_an_answer_of_another_shape_has_nothing_there(address, body):
    """Whatever the service sends, taking does not fail."""
    assert AnswerPath(address).take({"body": body}) in (MISSING, [])


def test_a_scope_without_a_record_has_none():
    """An empty page has no last record."""
    assert AnswerPath("record.id").take({"body": {}}) is MISSING


@pytest.mark.parametrize(
    "address, expected",
    [
        ("id", 7), ("customer.id", "c1"), ("null", None), ("body", MISSING), ("customer.0", MISSING),
        ('"customer"."id"', "c1"), ("*", [7, {"id": "c1"}, None]), ("*.id", ["c1"]),
    ],
)  # fmt: skip
def test_an_address_inside_a_record_has_no_root(address, expected):
    """`id`, `customer.id`: the first key is the record's own."""
    assert FieldPath(address).take(ANSWER["record"]) == expected


def test_missing_is_not_null():
    """One value, false in a condition, equal to itself alone, also after copying and pickling."""
    assert not MISSING
    others: list[Any] = [None, False, "", 0]
    assert MISSING not in others
    assert copy.deepcopy(MISSING) is pickle.loads(pickle.dumps(MISSING)) is MISSING  # noqa: S301 - our own
    assert repr(MISSING) == "MISSING"


# ── putting ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address, value, expected",
    [
        ("query.cursor", "a&b", {"query": (("q", "1"), ("cursor", "a&b"))}),
        ("query.q", 2, {"query": (("q", "2"),)}),
        ('query."page[size]"', 10, {"query": (("q", "1"), ("page[size]", "10"))}),
        ('query."a.b"', True, {"query": (("q", "1"), ("a.b", "true"))}),
        ("header.X-Page", 1.5, {"headers": {**REQUEST.headers, "X-Page": "1.5"}}),
        ("header.ACCEPT", "b", {"headers": {"Cookie": "theme=dark; sid=old", "ACCEPT": "b"}}),
        ("cookie.sid", "new", {"headers": {"Accept": "a", "Cookie": "theme=dark; sid=new"}}),
        ("cookie.theme", "light", {"headers": {"Accept": "a", "Cookie": "sid=old; theme=light"}}),
        ("cookie.page", 3, {"headers": {"Accept": "a", "Cookie": "theme=dark; sid=old; page=3"}}),
        ("body.after", 3, {"body": {"after": 3}, "encoding": "json"}),
        ("body.variables.after", None, {"body": {"variables": {"after": None}}, "encoding": "json"}),
        ('body."a.b".c', [1], {"body": {"a.b": {"c": [1]}}, "encoding": "json"}),
    ],
)
def test_where_an_address_puts(address, value, expected):
    """One place is set, as text outside of a JSON body; everything else stays, the request as it was too."""
    before = copy.deepcopy(REQUEST)
    found = Put(address).put(REQUEST, value)
    assert {name: getattr(found, name) for name in expected} == expected
    rest = {"method", "url", "query", "headers", "body", "encoding"} - expected.keys()
    assert all(getattr(found, name) == getattr(REQUEST, name) for name in rest)
    assert before == REQUEST


def test_a_value_is_put_into_the_body_that_is_there():
    """Neighbours stay, at any depth, and the body that was given is not touched: pages share it."""
    body = {"query": "q", "variables": {"first": 10, "after": None}}
    request = Request("POST", "https://a.example/x", body=body, encoding="json")
    found = Put("body.variables.after").put(request, "abc")
    assert found.body == {"query": "q", "variables": {"first": 10, "after": "abc"}}
    assert body == {"query": "q", "variables": {"first": 10, "after": None}}
    assert Put("body.query.deep").put(request, 1).body == {"query": {"deep": 1}, "variables": body["variables"]}


def test_a_form_gets_one_more_field():
    """A form's field is text and is there once."""
    request = Request("POST", "https://a.example/x", body=(("a", "1"), ("page", "1"), ("page", "2")), encoding="form")
    found = Put("body.page").put(request, 3)
    assert (found.body, found.encoding) == ((("a", "1"), ("page", "3")), "form")


def test_a_multipart_body_gets_one_more_part():
    """A part is text and is there once; files stay as they are."""
    parts = (Part("f", b"x", "f"), Part("page", "1"), Part("page", "2"))
    request = Request("POST", "https://a.example/x", body=Multipart(parts, "b"), encoding="multipart")
    found = Put("body.page").put(request, 3)
    assert found.body == Multipart((Part("f", b"x", "f"), Part("page", "3")), "b")


def test_an_xml_body_gets_one_more_element():
    """What is put into XML stands in its structure."""
    request = Request("POST", "https://a.example/x", body={"a": {"b": 1}}, encoding="xml")
    assert Put("body.a.c").put(request, 3).content == (b'<?xml version="1.0" encoding="UTF-8"?><a><b>1</b><c>3</c></a>')


@pytest.mark.parametrize("encoding, body", [("text", "a"), ("bytes", b"a")])
def test_text_and_bytes_have_no_places(encoding, body):
    """A body that has no names in it is not silently replaced."""
    with pytest.raises(ConfigError) as wrong:
        Put("body.token").put(Request("POST", "https://a.example/x", body=body, encoding=encoding), "S3CRET")
    assert str(wrong.value) == (
        f"body.token has no place in a body of {encoding} — put it into the query or a header,"
        " or send another form of body"
    )


@pytest.mark.parametrize(
    "value, text",
    [
        ("", ""), ("é", "é"), (True, "true"), (False, "false"), (0, "0"), (-12, "-12"), (1.5, "1.5"),
        (10**30, "1" + "0" * 30), ([1, "é"], '[1, "é"]'), ({"a": None}, '{"a": null}'),
    ],
)  # fmt: skip
def test_values_as_text(value, text):
    """How a value is written where only text can stand."""
    assert as_text(value) == text


# ── what is no address ────────────────────────────────────────────────────────────────────────────

SPACE = "there is a space in it; quote a key that really has one"
BRACKETS = 'dots, not brackets: body.data.0.id; quote a name that has brackets: query."page[size]"'
ROOTS = "(one of: body, header, record, status)"


@pytest.mark.parametrize(
    "kind, text, why",
    [
        (AnswerPath, "", "a key is missing"),
        (AnswerPath, ".", "a key is missing"),
        (AnswerPath, "body.", "a key is missing"),
        (AnswerPath, "body..a", "a key is missing"),
        (AnswerPath, ".body", "a key is missing"),
        (AnswerPath, 'body."a', "a quoted key is not closed"),
        (AnswerPath, 'body."a"b', "keys are separated by dots, and a key with dots is quoted"),
        (AnswerPath, 'body.a"b"', "keys are separated by dots, and a key with dots is quoted"),
        (AnswerPath, "body.data[0].id", BRACKETS),
        (AnswerPath, "body.[0]", BRACKETS),
        (AnswerPath, "header['X-Next']", BRACKETS),
        (AnswerPath, "{{ body.next }}", "it holds no expression"),
        (AnswerPath, "body.{{ config.key }}", "it holds no expression"),
        (AnswerPath, "body.a | first", "it holds no expression, and '|' is of one; quote a key that has it"),
        (AnswerPath, "body.first(a)", "it holds no expression, and '(' is of one; quote a key that has it"),
        (AnswerPath, "body.a == 1", "it holds no expression, and '=' is of one; quote a key that has it"),
        (AnswerPath, "body.a or body.b", "it holds no expression, and 'or' is of one; quote a key that has it"),
        (AnswerPath, "body .a", SPACE),
        (AnswerPath, "body. a", SPACE),
        (AnswerPath, " body.a", SPACE),
        (AnswerPath, "body.a ", SPACE),
        (AnswerPath, "bdy.next", "unknown root 'bdy', did you mean 'body'?"),
        (AnswerPath, "query.page", f"unknown root 'query' {ROOTS}"),
        (AnswerPath, "*.id", "unknown root '*', did you mean 'body.*.id'?"),
        (AnswerPath, "meta.next", "unknown root 'meta', did you mean 'body.meta.next'?"),
        (AnswerPath, "$.meta.next", "unknown root '$', did you mean 'body.meta.next'?"),
        (AnswerPath, "cookie.next", f"unknown root 'cookie' {ROOTS}"),
        (AnswerPath, "a." + "b" * 99, f"unknown root 'a' {ROOTS}"),
        (AnswerPath, "header", "say what of header: header.NAME"),
        (AnswerPath, "record", "say what of record: record.NAME"),
        (AnswerPath, "status.code", "status is a number, nothing lies below it"),
        (AnswerPath, "header.X.Dotted", 'quote a header name that has dots: header."X.Dotted"'),
        (BodyPath, "header.X", "unknown root 'header' (one of: body)"),
        (BodyPath, "record.id", "unknown root 'record' (one of: body)"),
        (BodyPath, "data", "unknown root 'data', did you mean 'body.data'?"),
        (BodyPath, "$", "unknown root '$', did you mean 'body'?"),
        (FieldPath, "", "a key is missing"),
        (FieldPath, "a[0]", BRACKETS),
        (Put, "body", "say what of body: body.NAME"),
        (Put, "query", "say what of query: query.NAME"),
        (Put, "status", "unknown root 'status' (one of: args, body, cookie, header, query)"),
        (Put, "qury.page", "unknown root 'qury', did you mean 'query'?"),
        (Put, "query.page[size]", BRACKETS),
        (Put, "query.a.b", 'quote a query name that has dots: query."a.b"'),
        (Put, "header.X.Y", 'quote a header name that has dots: header."X.Y"'),
        (Put, "cookie.a.b", 'quote a cookie name that has dots: cookie."a.b"'),
        (Put, "body.*.a", "a value is put in one place; '*' is for taking"),
    ],
)
def test_what_is_no_address(kind, text, why):
    """Each mistake has its words, and the words say what would be right."""
    assert refused(kind, text) == f"{text!r} is not an address: {why}"


@pytest.mark.parametrize(
    "kind, example",
    [(AnswerPath, "body.meta.next"), (BodyPath, "body.data"), (FieldPath, "customer.id"), (Put, "query.cursor")],
)
@pytest.mark.parametrize("value", [None, 3, True, ["body"], {"take": "body"}])
def test_what_is_not_even_text(kind, example, value):
    """Only text is an address, and each sort has an example that is one."""
    assert refused(kind, value) == f"must be text, an address such as {example}"
    assert kind.parse(example).text == example


class Places(Model):
    take: AnswerPath
    put: Put | None = None


def test_addresses_are_field_types():
    """A model takes them from text, tells mistakes at their key, writes them back, and shows them in its schema."""
    found = Places.model_validate({"take": "body.next", "put": "query.page"})
    assert (found.take, found.put) == (AnswerPath("body.next"), Put("query.page"))
    assert found.model_dump(mode="json") == {"take": "body.next", "put": "query.page"}
    assert Places(take=found.take) == Places.model_validate({"take": "body.next"})
    written = Places.model_json_schema()["properties"]["take"]
    assert (written["type"], written["examples"]) == ("string", ["body.meta.next"])
    with pytest.raises(ValidationError) as wrong:
        Places.model_validate({"take": "nowhere", "put": 3})
    assert [error["loc"] for error in wrong.value.errors()] == [("take",), ("put",)]


def test_addresses_are_values():
    """Equal by text and sort; usable as keys; shown as they are written."""
    assert AnswerPath("body.a") == AnswerPath("body.a") != AnswerPath("body.b")
    assert AnswerPath("body.a") != BodyPath("body.a")
    assert AnswerPath("body.a") != "body.a"
    assert len({Put("query.a"), Put("query.a"), Put("query.b")}) == 2
    assert (str(Put("query.a")), repr(Put("query.a"))) == ("query.a", "Put('query.a')")


# ── any text, any value ───────────────────────────────────────────────────────────────────────────

SCRAPS = ["body", "header", "query", "cookie", "record", "status", ".", '"', "\\", "[", "]", "{", "*", " ", "-1"]
scraps = st.lists(st.sampled_from(SCRAPS) | st.text(max_size=3), max_size=8).map("".join)


@given(scraps, st.sampled_from([AnswerPath, BodyPath, FieldPath, Put]))
def test_any_text_is_an_address_or_told(text, kind):
    """Parsing gives an address that works, or pydantic's error and no other."""
    told = ""
    try:
        address = kind.parse(text)
    except PydanticCustomError as wrong:
        told = wrong.message()
    if told:
        assert told.startswith(f"{text!r} is not an address: ")
        return
    assert str(address) == text
    if isinstance(address, Put):
        assert address.put(REQUEST, "x") != REQUEST
    else:
        address.take(ANSWER)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def written(keys: list[str]) -> str:
    return ".".join('"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' for key in ["body", *keys])


@given(json_values, st.lists(st.text(max_size=3), min_size=1, max_size=4), json_values)
def test_what_was_put_is_taken(body, keys, value):
    """Any key can be quoted; what `put` placed in a body, `take` finds there, unless the key is a position or `*`."""
    assume("*" not in keys)
    request = Request("POST", "https://a.example/x", body=body if isinstance(body, dict) else None, encoding="json")
    changed = Put(written(keys)).put(request, value)
    assert AnswerPath(written(keys)).take({"body": changed.body}) == value


@given(json_values, st.lists(st.text(max_size=3) | st.integers(-3, 3).map(str), max_size=4))
def test_taking_is_looking_key_by_key(body, keys):
    """An address finds what one finds by hand."""
    assume("*" not in keys)
    expected: Any = body
    for key in keys:
        if isinstance(expected, dict):
            expected = expected.get(key, MISSING)
        elif isinstance(expected, list):
            positions = {str(at): item for at, item in enumerate(expected)}
            positions |= {str(-at): item for at, item in enumerate(reversed(expected), 1)}
            expected = positions.get(key, MISSING)
        else:
            expected = MISSING
    assert AnswerPath(written(keys)).take({"body": body}) == expected


def test_a_value_cannot_begin_another_cookie():
    """A semicolon in a cookie's value is refused: a token from a service could smuggle one in."""
    with pytest.raises(ConfigError, match=r"the value for cookie\.sid has a semicolon in it"):
        Put("cookie.sid").put(Request("GET", "https://a.example/"), "x; admin=1")
