"""Every kind of transform by example, the fused form against the plain one, and what may not be written."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import ConfigError, ResponseError, SpecError
from connector_core.load import load, parse
from connector_core.spec import Spec
from connector_core.transform import NO_HOOKS, Hooks, Transform, fused

SCOPE = {"config": {"shop": "tea", "tags": ["a"], "none": None}, "endpoint": {"name": "orders"}, "now": 1}


def made(*documents: Any) -> list[Transform]:
    return [Transform.resolve(document) for document in documents]


def plainly(transforms: list[Transform], record: Any, hooks: Hooks = NO_HOOKS) -> Any:
    """One record by the definitions, each of which leaves what it is given as it is."""
    for transform in transforms:
        before = copy.deepcopy(record)
        after = transform.apply(record, SCOPE, hooks)
        assert record == before
        record = after
    return record


def both(record: Any, *documents: Any, hooks: Hooks = NO_HOOKS) -> Any:
    """What the definitions and the fused form make of a record, which is the same."""
    transforms = made(*documents)
    plain = plainly(transforms, record, hooks)
    run = fused(transforms, hooks)
    assert run is not None
    assert run([copy.deepcopy(record)], SCOPE) == [plain]
    return plain


# ── by example ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fields, record, expected",
    [
        ({"a": "b"}, {"a": 1}, {"b": 1}),
        ({"a": "b"}, {"a": None, "b": 2}, {"b": None}),
        ({"a": "b"}, {"b": 2}, {"b": 2}),
        ({"a": "b", "c": "d"}, {"a": 1, "c": 2}, {"b": 1, "d": 2}),
        ({"a.x": "a.y"}, {"a": {"x": 1, "z": 2}}, {"a": {"y": 1, "z": 2}}),
        ({"a.x": "x"}, {"a": {"x": 1}}, {"a": {}, "x": 1}),
        ({"x": "a.x"}, {"a": {}, "x": 1}, {"a": {"x": 1}}),
        ({"x": "a.x"}, {"x": 1}, {"x": 1}),
        ({"x": "a.x"}, {"a": [], "x": 1}, {"a": [], "x": 1}),
        ({"a.x": "a"}, {"a": {"x": 1, "y": 2}}, {"a": 1}),
        ({"i.*.p": "i.*.q"}, {"i": [{"p": 1}, {}, 3, {"p": 2}]}, {"i": [{"q": 1}, {}, 3, {"q": 2}]}),
        ({"i.*.p": "i.*.q"}, {"i": {"a": {"p": 1}}}, {"i": {"a": {"q": 1}}}),
        ({"i.*.o.p": "i.*.p"}, {"i": [{"o": {"p": 1}}]}, {"i": [{"o": {}, "p": 1}]}),
        ({'"@a.b"': "c"}, {"@a.b": 1}, {"c": 1}),
        ({"a": '"x.y"'}, {"a": 1}, {"x.y": 1}),
    ],
)
def test_rename(fields, record, expected):
    """A field moves with its value; what is not there, or has nowhere to go, is left alone."""
    assert both(record, {"type": "rename", "fields": fields}) == expected


@pytest.mark.parametrize(
    "fields, record, expected",
    [
        (["a"], {"a": 1, "b": 2}, {"b": 2}),
        (["a", "c"], {"b": 2}, {"b": 2}),
        (["a.b"], {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}),
        (["a.b"], {"a": None}, {"a": None}),
        (["i.*.p"], {"i": [{"p": 1, "q": 2}, {"q": 3}, 4]}, {"i": [{"q": 2}, {"q": 3}, 4]}),
        (["i.*"], {"i": [1, 2], "j": 3}, {"i": [], "j": 3}),
        (["*.x"], {"a": {"x": 1}, "b": 2}, {"a": {}, "b": 2}),
        (["*"], {"a": 1}, {}),
        (['"1"'], {"1": 1, "2": 2}, {"2": 2}),
    ],
)
def test_drop(fields, record, expected):
    """Fields go, at any depth, and whatever stands in the way of a path stays."""
    assert both(record, {"type": "drop", "fields": fields}) == expected


@pytest.mark.parametrize(
    "fields, record, expected",
    [
        (["a"], {"a": 1, "b": 2}, {"a": 1}),
        (["a", "c"], {"b": 2}, {}),
        (["a.b"], {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1}}),
        (["a.b"], {"a": {"c": 2}}, {"a": {}}),
        (["a.b"], {"a": None}, {}),
        (["a", "a.b"], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 2}}),
        (["a.b", "a"], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 2}}),
        (["i.*.p", "i.*.q"], {"i": [{"p": 1, "r": 2}, {"q": 3}, 4]}, {"i": [{"p": 1}, {"q": 3}]}),
        (["*.p", "a.q"], {"a": {"p": 1, "q": 2, "r": 3}, "b": {"p": 4, "q": 5}, "c": 6}, {"a": {"p": 1, "q": 2}, "b": {"p": 4}}),
        (["*"], {"a": 1, "b": {}}, {"a": 1, "b": {}}),
    ],
)  # fmt: skip
def test_keep(fields, record, expected):
    """Only the named fields stay, with what is around them."""
    assert both(record, {"type": "keep", "fields": fields}) == expected


@pytest.mark.parametrize(
    "fields, record, expected",
    [
        ({"a": 1}, {"a": 0, "b": 2}, {"a": 1, "b": 2}),
        ({"a": None}, {}, {"a": None}),
        ({"a": "{{ config.shop }}"}, {}, {"a": "tea"}),
        ({"a": "{{ config.none }}"}, {}, {"a": None}),
        ({"a": "{{ config.gone }}"}, {"a": 1}, {"a": 1}),
        ({"a": "{{ record.gone }}"}, {"a": 1}, {"a": 1}),
        ({"a": "{{ record.gone }}", "b": 1}, {}, {"b": 1}),
        ({"a": "{{ record.b }}"}, {"b": 2}, {"a": 2, "b": 2}),
        ({"a": "{{ record.b.c }}"}, {"b": {"c": [1]}}, {"a": [1], "b": {"c": [1]}}),
        ({"a": "{{ record.b.c }}"}, {"b": [1]}, {"b": [1]}),
        ({"a": "{{ record.b }}-{{ endpoint.name }}"}, {"b": 2}, {"a": "2-orders", "b": 2}),
        ({"a": "{{ record.b + 1 }}", "c": "{{ record.a * 2 }}"}, {"b": 2}, {"a": 3, "b": 2, "c": 6}),
        ({"a": {"x": "{{ record.b }}", "y": "{{ record.gone }}", "z": [1]}}, {"b": 2}, {"a": {"x": 2, "z": [1]}, "b": 2}),
        ({"a.b.c": 1}, {}, {"a": {"b": {"c": 1}}}),
        ({"a.b": 1}, {"a": None}, {"a": {"b": 1}}),
        ({"a.b": 1}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a.b": 1}, {"a": "text"}, {"a": "text"}),
        ({"a.b": 1}, {"a": [{}]}, {"a": [{}]}),
        ({"i.*.c": "EUR"}, {"i": [{}, {"c": 1}, 2]}, {"i": [{"c": "EUR"}, {"c": "EUR"}, 2]}),
        ({"i.*.c": "EUR"}, {}, {}),
        ({"i.*.c": "EUR"}, {"i": None}, {"i": None}),
        ({"i.*.c.d": 1}, {"i": [None, {}]}, {"i": [{"c": {"d": 1}}, {"c": {"d": 1}}]}),
        ({"a.i.*.c": 1}, {"a": {}}, {"a": {}}),
        ({"i.*": 0}, {"i": [1, 2]}, {"i": [0, 0]}),
        ({"*": 0}, {"i": [1, 2], "j": {}}, {"i": 0, "j": 0}),
        ({"*.c": "{{ record }}"}, {"a": None}, {"a": {"c": {"a": None}}}),
        ({"a": "{{ record }}"}, {"b": 1}, {"a": {"b": 1}, "b": 1}),
    ],
)  # fmt: skip
def test_set(fields, record, expected):
    """Values are put, objects on the way made; a missing value sets nothing, and what is in the way stays."""
    assert both(record, {"type": "set", "fields": fields}) == expected


@pytest.mark.parametrize(
    "to, value, expected",
    [
        ("integer", "12", 12),
        ("integer", " -12.00 ", -12),
        ("integer", "+1", 1),
        ("integer", 3.0, 3),
        ("integer", True, 1),
        ("integer", "123456789012345678901234567890", 123456789012345678901234567890),
        ("number", "1.50", 1.5),
        ("number", "-.5e3", -500.0),
        ("number", "12", 12),
        ("number", 7, 7),
        ("number", False, 0),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("boolean", 1, True),
        ("boolean", 0.0, False),
        ("boolean", False, False),
        ("text", "x", "x"),
        ("text", 12, "12"),
        ("text", 1.5, "1.5"),
        ("text", True, "true"),
        ("text", {"a": ["ö", None]}, '{"a":["ö",null]}'),
        ("json", '{"a": [1, null]}', {"a": [1, None]}),
        ("json", "null", None),
        ("json", {"a": 1}, {"a": 1}),
        ("json", 5, 5),
    ],
)
def test_cast(to, value, expected):
    """Values become the type that is declared, without loss; at the top and below it."""
    found = both({"a": value, "i": [{"b": value}, {}]}, {"type": "cast", "fields": {"a": to, "i.*.b": to}})
    assert found == {"a": expected, "i": [{"b": expected}, {}]}
    assert type(found["a"]) is type(expected)


@pytest.mark.parametrize("to", ["integer", "number", "boolean", "text", "json"])
def test_cast_of_nothing(to):
    """Null stays null, and what is not there is not made."""
    assert both({"a": None}, {"type": "cast", "fields": {"a": to, "b": to, "c.*.d": to}}) == {"a": None}


@pytest.mark.parametrize(
    "change, value, expected",
    [
        ({"from": "epoch_seconds"}, 1704067200, "2024-01-01T00:00:00Z"),
        ({"from": "epoch_milliseconds", "to": "date"}, 1704067200123, "2024-01-01"),
        ({"from": "%d.%m.%Y", "to": "epoch_seconds"}, "01.01.2024", 1704067200),
        ({"from": "duration", "to": "seconds"}, "1m30s", 90),
    ],
)
def test_cast_of_times(change, value, expected):
    """A time or duration is read in one format and written in another; null stays null."""
    found = both({"a": value, "n": None}, {"type": "cast", "fields": {"a": change, "n": change}})
    assert found == {"a": expected, "n": None}


def test_cast_of_a_time_that_is_none():
    """A text that is not of the declared format is told without its value."""
    with pytest.raises(ResponseError, match="a is text that has no form as epoch_seconds") as wrong:
        made({"type": "cast", "fields": {"a": {"from": "epoch_seconds"}}})[0].apply({"a": "s3cret"}, {})
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    "to, value, what",
    [
        ("integer", "1.5", "text that has no form as a whole number"),
        ("integer", "", "text that has no form as a whole number"),
        ("integer", "1_000", "text that has no form as a whole number"),
        ("integer", "٣", "text that has no form as a whole number"),
        ("integer", "9" * 5000, "text that has no form as a whole number"),
        ("integer", 1.5, "a number that has no form as a whole number"),
        ("integer", float("inf"), "a number that has no form as a whole number"),
        ("integer", [1], "a list that has no form as a whole number"),
        ("number", "1,5", "text that has no form as a number"),
        ("number", "nan", "text that has no form as a number"),
        ("number", "1e999", "text that has no form as a number"),
        ("number", {}, "an object that has no form as a number"),
        ("boolean", "maybe", "text that has no form as true or false"),
        ("boolean", 2, "a number that has no form as true or false"),
        ("text", float("inf"), "a number that has no form as text"),
        ("json", "{", "text that has no form as JSON"),
        ("json", "", "text that has no form as JSON"),
        ("json", "\ud800", "text that has no form as JSON"),
    ],
)
@pytest.mark.parametrize("path", ["a", "i.*.b"])
def test_cast_that_cannot_be(path, to, value, what):
    """The error names the path and the kind of value, and does not show the value."""
    transforms = made({"type": "cast", "fields": {path: to}})
    record = {"a": value, "i": [{"b": value}]}
    run = fused(transforms)
    assert run is not None
    for attempt in (lambda: transforms[0].apply(record, SCOPE), lambda: run([record], SCOPE)):
        with pytest.raises(ResponseError) as wrong:
            attempt()
        assert (wrong.value.what, wrong.value.code) == (f"{path} is {what}", "transform.cast")
        assert wrong.value.__cause__ is None


@pytest.mark.parametrize(
    "keys, record, expected",
    [
        ({}, {"a": {"b": 1, "c": {"d": 2}}, "e": [{"f": 3}]}, {"a_b": 1, "a_c_d": 2, "e": [{"f": 3}]}),
        ({"separator": "."}, {"a": {"b": {"c": 1}}}, {"a.b.c": 1}),
        ({"depth": 1}, {"a": {"b": {"c": 1}}}, {"a_b": {"c": 1}}),
        ({"depth": 2}, {"a": {"b": {"c": {"d": 1}}}}, {"a_b_c": {"d": 1}}),
        ({"fields": ["a"]}, {"a": {"b": 1}, "c": {"d": 1}}, {"a_b": 1, "c": {"d": 1}}),
        ({"fields": ["a.b"]}, {"a": {"b": {"c": 1}}}, {"a": {"b_c": 1}}),
        ({"fields": ["i.*.p"]}, {"i": [{"p": {"a": 1}}, {"p": 2}]}, {"i": [{"p_a": 1}, {"p": 2}]}),
        ({"fields": ["i.*"]}, {"i": [{"p": 1}]}, {"i": [{"p": 1}]}),
        ({}, {"a": {}, "b": {"c": {}}, "d": None}, {"a": {}, "b_c": {}, "d": None}),
        ({}, {"a": {"b": 1, "c": 3}, "a_b": 2}, {"a": {"b": 1, "c": 3}, "a_b": 2}),
        ({}, {"a": {"b": {"c": 1}, "b_c": 2}}, {"a": {"b": {"c": 1}, "b_c": 2}}),
        ({}, {"a": {"b_c": 1}, "a_b": {"c": 2}}, {"a_b_c": 1, "a_b": {"c": 2}}),
    ],
)
def test_flatten(keys, record, expected):
    """The fields of objects go into the object around them; where a name is taken, nothing is lost."""
    assert both(record, {"type": "flatten", **keys}) == expected


@pytest.mark.parametrize(
    "case, expected",
    [
        ("snake", ["customer_id", "http_server2", "_id", "+1", "odata_etag", "größe"]),
        ("camel", ["customerId", "httpServer2", "_id", "+1", "odataEtag", "größe"]),
        ("pascal", ["CustomerId", "HttpServer2", "_Id", "+1", "OdataEtag", "Größe"]),
        ("kebab", ["customer-id", "http-server2", "_id", "+1", "odata-etag", "größe"]),
        ("lower", ["customerid", "httpserver2", "_id", "+1", "@odata.etag", "größe"]),
        ("upper", ["CUSTOMERID", "HTTPSERVER2", "_ID", "+1", "@ODATA.ETAG", "GRÖSSE"]),
    ],
)
def test_keys(case, expected):
    """Names are written in one style at every depth; a sign stays a sign, and `_` at the front stays there."""
    names = ["customerID", "HTTPServer2", "_id", "+1", "@odata.etag", "Größe"]
    found = both({name: [{name: name}] for name in names}, {"type": "keys", "case": case})
    assert found == {new: [{new: old}] for old, new in zip(names, expected, strict=True)}


@pytest.mark.parametrize(
    "keys, record, expected",
    [
        ({}, {"userId": 1, "user_id": 2}, {"userId": 1, "user_id": 2}),
        ({}, {"userId": 1, "UserID": 2}, {"user_id": 1, "UserID": 2}),
        ({"depth": 1}, {"aB": {"cD": 1}}, {"a_b": {"cD": 1}}),
        ({"depth": 2}, {"aB": {"cD": {"eF": 1}}}, {"a_b": {"c_d": {"eF": 1}}}),
    ],
)
def test_keys_that_would_meet(keys, record, expected):
    """No value is lost where two names would become one; `depth` says how far down."""
    assert both(record, {"type": "keys", "case": "snake", **keys}) == expected


@pytest.mark.parametrize(
    "keys, record, expected",
    [
        ({}, {"a": None, "b": "", "c": [], "d": {}, "e": 0, "f": False, "g": " "}, {"e": 0, "f": False, "g": " "}),
        ({}, {"a": {"b": {"c": None}}, "d": [None, "", {"e": None}]}, {"d": [None, "", {}]}),
        ({"what": ["nulls"]}, {"a": None, "b": "", "c": {"d": None}}, {"b": "", "c": {}}),
        ({"what": ["texts", "lists"]}, {"a": None, "b": "", "c": [], "d": {}}, {"a": None, "d": {}}),
        ({"fields": ["a", "i.*.b"]}, {"a": "", "b": "", "i": [{"b": None}, {"c": None}]}, {"b": "", "i": [{}, {"c": None}]}),
        ({"fields": ["i.*"]}, {"i": [None, {}]}, {"i": [None, {}]}),
    ],
)  # fmt: skip
def test_prune(keys, record, expected):
    """Empty fields go; 0, false and the items of lists stay."""
    assert both(record, {"type": "prune", **keys}) == expected


@pytest.mark.parametrize(
    "keys, record, into",
    [
        ("columns", {"columns": ["a", "b"], "rows": [[1, 2], [3, [4]]]}, [{"a": 1, "b": 2}, {"a": 3, "b": [4]}]),
        ("columns", {"columns": ["a", "b"], "rows": [1, None]}, {"a": 1, "b": None}),
        ("columns", {"columns": ["a", "b"], "rows": [[1], []]}, [{"a": 1}, {}]),
        ("columns", {"columns": ["a"], "rows": []}, []),
        ("columns.*.name", {"columns": [{"name": "a"}, {"name": "b"}], "rows": [[1, 2]]}, [{"a": 1, "b": 2}]),
    ],
)
def test_zip(keys, record, into):
    """Names and rows become objects, names and values one; the lists stay."""
    assert both(record, {"type": "zip", "keys": keys, "values": "rows", "into": "it"}) == {**record, "it": into}


@pytest.mark.parametrize("record", [{}, {"columns": ["a"]}, {"rows": [1]}, {"columns": None, "rows": [1]}])
def test_zip_of_nothing(record):
    """Where one of the lists is not there, nothing happens."""
    assert both(record, {"type": "zip", "keys": "columns", "values": "rows", "into": "it"}) == record


@pytest.mark.parametrize(
    "columns, rows, what",
    [
        (["a"], [[1, 2]], "rows has 2 values where columns has 1 names"),
        (["a", "a"], [[1, 2]], "columns has the same name twice"),
        (["a", 1], [[1, 2]], "columns is a list with a number in it, and names are text"),
        ("a", [[1]], "columns is text, not a list"),
        (["a"], {"a": 1}, "rows is an object, not a list"),
        (["a"], [[1], 2], "rows is a number, not a list"),
    ],
)
def test_zip_that_cannot_be(columns, rows, what):
    """Values without a name, and names that meet, are errors and never lost."""
    [transform] = made({"type": "zip", "keys": "columns", "values": "rows", "into": "it"})
    with pytest.raises(ResponseError) as wrong:
        transform.apply({"columns": columns, "rows": rows}, SCOPE)
    assert (wrong.value.what, wrong.value.code) == (what, "transform.zip")


# ── hooks ─────────────────────────────────────────────────────────────────────────────────────────

MASK = {"type": "hook", "name": "mask"}


@pytest.mark.parametrize(
    "function",
    [lambda record: {**record, "a": 1}, lambda record: record.update(a=1), lambda record: record | {"a": 1}],
    ids=["another", "changed", "merged"],
)
def test_hook(function):
    """A function gives another record, or changes the one it is given."""
    assert both({"b": 2}, MASK, hooks={"mask": function}) == {"a": 1, "b": 2}


def test_unknown_hook():
    """A hook that no plug-in provides is told when the plan is made, with the nearest."""
    with pytest.raises(ConfigError) as wrong:
        fused(made(MASK), {"masks": dict})
    assert str(wrong.value) == (
        "no plug-in provides the hook 'mask', did you mean 'masks'? — transform — "
        "install the plug-in that does, or correct the name in the spec"
    )
    with pytest.raises(ConfigError, match=r"^no plug-in provides the hook 'mask' — transform"):
        fused(made(MASK))


def test_a_hook_that_fails():
    """The error says which hook failed, how and where in it; nothing of the record is in it."""

    def fails(record: dict[str, Any]) -> dict[str, Any]:
        raise KeyError(record["secret"])

    run = fused(made(MASK), {"mask": fails})
    assert run is not None
    with pytest.raises(ResponseError) as wrong:
        run([{"secret": "hunter2"}], SCOPE)
    assert wrong.value.what.startswith("the hook 'mask' fails with KeyError (test_transform.py, line ")
    assert (wrong.value.code, "hunter2" in str(wrong.value), wrong.value.__cause__) == ("transform.hook", False, None)


def test_a_hook_that_gives_no_record():
    """What a hook gives is a record or nothing."""
    run = fused(made(MASK), {"mask": lambda _record: [1]})  # type: ignore[dict-item, return-value]  # what is tested
    assert run is not None
    with pytest.raises(ResponseError, match="the hook 'mask' gives a list, not a record"):
        run([{}], SCOPE)


def test_a_hook_that_raises_ours():
    """An IntegrationError of a hook's own comes through as it is."""

    def refuses(_record: dict[str, Any]) -> None:
        raise ConfigError("no", code="mask.no")

    with pytest.raises(ConfigError, match=r"^no$"):
        made(MASK)[0].apply({}, SCOPE, {"mask": refuses})


# ── set: errors, and what belongs to whom ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value, why",
    [
        ("x{{ record.gone }}", "record.gone is missing"),
        ("x{{ config.gone }}", "config.gone is missing"),
        ("{{ record.text + 1 }}", "record.text + 1: + takes numbers, and got text"),
    ],
)
def test_a_value_that_cannot_be_made(value, why):
    """What is missing inside text, and a wrong type, is an error that names the field and shows no value."""
    transforms = made({"type": "set", "fields": {"a.b": value}})
    run = fused(transforms)
    assert run is not None
    record = {"text": "hunter2"}
    for attempt in (lambda: transforms[0].apply(record, SCOPE), lambda: run([record], SCOPE)):
        with pytest.raises(ResponseError) as wrong:
            attempt()
        assert wrong.value.what.startswith(f"a.b cannot be set: {why[:20]}")
        assert (wrong.value.code, "hunter2" in str(wrong.value)) == ("transform.set", False)


def test_records_share_nothing():
    """A value that is put into several records is each one's own, and never the spec's or the config's."""
    transforms = made(
        {
            "type": "set",
            "fields": {"a": {"n": "1"}, "b": "{{ config.tags }}", "c": "{{ record.a }}", "d.e": {"n": "1"}},
        },
        {"type": "cast", "fields": {"a.n": "integer", "d.e.n": "number"}},
        {"type": "set", "fields": {"b.*": 0, "c.m": 1}},
    )
    run = fused(transforms)
    assert run is not None
    scope = copy.deepcopy(SCOPE)
    for _ in range(2):
        first, second = run([{}, {}], scope)
        assert first == second == {"a": {"n": 1}, "b": [0], "c": {"n": "1", "m": 1}, "d": {"e": {"n": 1}}}
        assert all(first[name] is not second[name] for name in "abcd")
    assert scope == SCOPE


def test_a_value_for_the_page_is_made_once():
    """What does not read the record is rendered once for a page, and not at all for an empty one."""
    run = fused(made({"type": "set", "fields": {"a": "{{ config.shop }}"}}))
    assert run is not None

    class Counting(dict[str, Any]):
        looks = 0

        def __getitem__(self, key: str) -> Any:
            Counting.looks += 1
            return super().__getitem__(key)

    scope = {"config": Counting(shop="tea")}
    assert run([], scope) == []
    assert Counting.looks == 0
    assert run([{} for _ in range(100)], scope) == [{"a": "tea"}] * 100
    assert Counting.looks == 1


def test_nothing_declared():
    """An empty list is None, so that nothing is called."""
    assert fused([]) is None


# ── the fused form is the plain one ───────────────────────────────────────────────────────────────

NAMES = ["a", "b", "c", "aB", "a_b", 'q"\\', "\n", "ö.'"]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "1", "x", "1.5"]) | st.just(1.5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
STEPS = st.sampled_from(NAMES).map(json.dumps) | st.just("*")
PATHS = st.lists(STEPS, min_size=1, max_size=3).map(".".join)
TEMPLATES = st.sampled_from(
    ["{{ record.a }}", "{{ record.a.b }}", "{{ record.a | default(0) }}", "{{ config.tags }}", "{{ record }}", "x", 1, None]
)  # fmt: skip


def some_of(strategy: Any) -> Any:
    return st.lists(strategy, min_size=1, max_size=3)


def kind(name: str, **keys: Any) -> Any:
    return st.fixed_dictionaries({"type": st.just(name)}, optional=keys)


DOCUMENTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("rename"), "fields": st.dictionaries(PATHS, PATHS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"type": st.sampled_from(["drop", "keep"]), "fields": some_of(PATHS)}),
    st.fixed_dictionaries({"type": st.just("set"), "fields": st.dictionaries(PATHS, TEMPLATES | VALUES, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("cast"), "fields": st.dictionaries(PATHS, st.sampled_from(["integer", "number", "boolean", "text", "json"]), min_size=1, max_size=3)}),
    kind("flatten", fields=some_of(PATHS), separator=st.sampled_from("_."), depth=st.integers(1, 3)),
    st.fixed_dictionaries({"type": st.just("keys"), "case": st.sampled_from(["snake", "camel", "pascal", "kebab", "lower", "upper"])}, optional={"depth": st.integers(1, 3)}),
    kind("prune", fields=some_of(PATHS), what=some_of(st.sampled_from(["nulls", "texts", "lists", "objects"]))),
    st.fixed_dictionaries({"type": st.just("zip"), "keys": PATHS, "values": PATHS, "into": st.sampled_from(NAMES)}),
    st.just(MASK),
)  # fmt: skip


def legal(documents: list[Any]) -> list[Transform]:
    found = []
    for document in documents:
        try:
            found.append(Transform.resolve(document))
        except ValueError:
            continue
    return found


def outcome(attempt: Any) -> Any:
    try:
        return attempt()
    except ResponseError as error:
        return error.code


@given(st.lists(RECORDS, min_size=1, max_size=3), st.lists(DOCUMENTS, min_size=1, max_size=5))
def test_fused_equals_plain(records, documents):
    """Over any records and any list of transforms, the fused form makes what the definitions make, or fails as they do."""
    transforms, hooks = legal(documents), {"mask": lambda record: record.update(hooked=len(record))}
    before = copy.deepcopy(records)
    for record in records:
        plain = outcome(lambda record=record: [plainly(transforms, record, hooks)])
        run = fused(transforms, hooks) or (lambda records, _scope: records)
        assert outcome(lambda record=record, run=run: run([copy.deepcopy(record)], SCOPE)) == plain
    run = fused(transforms, hooks) or (lambda records, _scope: records)
    whole = outcome(lambda: run(copy.deepcopy(records), SCOPE))
    one_by_one = [outcome(lambda record=record: plainly(transforms, record, hooks)) for record in records]
    assert whole == one_by_one or whole in one_by_one
    assert records == before


# ── what may be written ───────────────────────────────────────────────────────────────────────────

HEAD = 'connector: "1"\nname: shop\nbase_url: https://a.example\nsecrets: {token: {}}\nrecords: body\n'


def mistakes(text: str) -> list[str]:
    with pytest.raises(SpecError) as wrong:
        parse(HEAD + text, "shop.yaml")
    return [line.removeprefix("shop.yaml:") for line in str(wrong.value).splitlines()]


@pytest.mark.parametrize(
    "step, what",
    [
        ("{type: renam, fields: {a: b}}", "6:20 transform.0.type: unknown type 'renam', did you mean 'rename'?"),
        ("{type: rename, fields: {a: c, b: c}}", "6:36 transform.0.fields: two fields become 'c'"),
        ("{type: rename, fields: {a: b, b: c}}", "6:36 transform.0.fields: 'b' is renamed itself; write two steps, in the order that is meant"),
        ("{type: rename, fields: {a: a}}", "6:36 transform.0.fields: 'a' is renamed itself; write two steps, in the order that is meant"),
        ("{type: rename, fields: {a: a.b}}", "6:36 transform.0.fields: 'a' cannot become 'a.b', which is inside of it"),
        ("{type: rename, fields: {i.*.a: b}}", "6:36 transform.0.fields: 'i.*.a' cannot become 'b': both run over the same lists, and end in a name"),
        ("{type: rename, fields: {a: i.*.b}}", "6:36 transform.0.fields: 'a' cannot become 'i.*.b': both run over the same lists, and end in a name"),
        ("{type: rename, fields: {i.*: i.*}}", "6:36 transform.0.fields: 'i.*' cannot become 'i.*': both run over the same lists, and end in a name"),
        ("{type: rename, fields: {}}", "6:36 transform.0.fields: names no field"),
        ("{type: drop, fields: []}", "6:34 transform.0.fields: names no field"),
        ("{type: drop, fields: [items.0.cost]}", "6:35 transform.0.fields.0: 'items.0.cost' names a position in a list; here * runs over all items, and a key of digits is quoted"),
        ("{type: drop, fields: ['a[0]']}", "6:35 transform.0.fields.0: 'a[0]' is not an address: dots, not brackets: body.data.0.id; quote a name that has brackets: query.\"page[size]\""),
        ("{type: set, fields: {a..b: 1}}", "6:34 transform.0.fields.\"a..b\": 'a..b' is not an address: a key is missing"),
        ("{type: cast, fields: {a: {from: epoch_seconds, to: duration}}}", "6:38 transform.0.fields.a: epoch_seconds is a time, and duration is a duration"),
        ("{type: cast, fields: {a: int}}", "6:38 transform.0.fields.a: unknown value 'int', did you mean 'integer'?"),
        ("{type: keys, case: sanke}", "6:32 transform.0.case: unknown value 'sanke', did you mean 'snake'?"),
        ("{type: flatten, separator: '-'}", "6:40 transform.0.separator: unknown value '-' (one of: ., _)"),
        ("{type: flatten, depth: 0}", "6:36 transform.0.depth: must be at least 1"),
        ("{type: prune, what: [null]}", "6:34 transform.0.what.0: must be text, not empty"),
        ('{type: set, fields: {a: "{{ secrets.token }}"}}', "6:37 transform.0.fields.a: 'secrets' cannot be read here (transform); it can be read in headers, params, body and auth"),
        ('{type: set, fields: {a: "{{ recrod.b }}"}}', "6:37 transform.0.fields.a: unknown name 'recrod', did you mean 'record'?"),
        ('{type: set, fields: {a: "{{ body.b }}"}}', "6:37 transform.0.fields.a: 'body' cannot be read here (transform); it can be read in pagination, errors and output"),
    ],
)  # fmt: skip
def test_what_may_not_be_written(step, what):
    """Each mistake in a step is told at its place when the spec loads."""
    assert mistakes(f"transform: [{step}]\nendpoints: {{r: {{get: /r}}}}") == [what]


def spec(endpoint: dict[str, Any], **top: Any) -> Spec:
    return load(
        {
            "connector": "1",
            "name": "shop",
            "base_url": "https://a.example",
            "endpoints": {"r": {"get": "/r", "records": "body", **endpoint}},
            **top,
        }
    )


def test_lists_are_joined():
    """The endpoint's steps come first, then the connector's; a mistake in the latter is told where it was written."""
    found = spec({"transform": ["prune"]}, transform=[{"type": "keys", "case": "snake"}])
    assert [step.kind() for step in found.endpoints["r"].transform] == ["prune", "keys"]
    text = 'transform: [prune, {type: set, fields: {a: "{{ secrets.token }}"}}]\nendpoints: {r: {get: /r, transform: [prune]}}'
    assert mistakes(text) == [
        "6:44 transform.1.fields.a: 'secrets' cannot be read here (transform); it can be read in headers, params, body and auth"
    ]


@pytest.mark.parametrize(
    "steps, what",
    [
        ("{type: keep, fields: [name]}", "does not keep id, which is the primary_key of r"),
        ("{type: drop, fields: [a, id]}", "drops id, which is the primary_key of r"),
        ("{type: drop, fields: ['*']}", "drops id, which is the primary_key of r"),
        ("{type: rename, fields: {id: order_id}}", "renames id, which is the primary_key of r"),
        ("{type: keep, fields: [name]}, prune, {type: cast, fields: {id: text}}", "does not keep id, which is the primary_key of r"),
    ],
)  # fmt: skip
def test_a_primary_key_that_is_lost(steps, what):
    """What tells records apart may not be taken away, at the endpoint or by a step that it inherits."""
    own = mistakes(f"primary_key: id\nendpoints: {{r: {{get: /r, transform: [{steps}]}}}}")
    assert own == [f"7:38 endpoints.r.transform.0: {what}"]
    inherited = mistakes(f"primary_key: id\ntransform: [{steps}]\nendpoints: {{r: {{get: /r}}}}")
    assert inherited == [f"7:13 transform.0: {what} (inherited by r)"]


@pytest.mark.parametrize(
    "key, steps",
    [
        ("id", [{"type": "keep", "fields": ["id", "name"]}]),
        ("id", [{"type": "keep", "fields": ["*"]}]),
        ("id", [{"type": "rename", "fields": {"order_id": "id"}}]),
        ("id", [{"type": "keep", "fields": ["order_id"]}, {"type": "rename", "fields": {"order_id": "id"}}]),
        ("id", [{"type": "drop", "fields": ["id"]}, {"type": "set", "fields": {"id": "{{ record.a }}"}}]),
        ("customer_id", [{"type": "keep", "fields": ["customer"]}, "flatten"]),
        ("customer.id", [{"type": "keep", "fields": ["customer.id"]}]),
        ("customer.id", [{"type": "drop", "fields": ["customer.name", "items.*.id"]}]),
        (["a", "b"], [{"type": "keep", "fields": ["a", "b"]}]),
        ("id", [{"type": "keep", "fields": ["a"]}, {"type": "hook", "name": "h"}]),
    ],
)
def test_a_primary_key_that_is_there(key, steps):
    """What keeps the key, makes it, or may make it, loads."""
    spec({"primary_key": key, "transform": steps})


def test_the_schema_is_of_what_is_handed_out():
    """With transforms, the primary key is looked up in the schema and the filter, which comes before them, is not."""
    schema: dict[str, Any] = {"order_id": {}, "total": {}}
    steps = [{"type": "rename", "fields": {"id": "order_id"}}]
    spec({"schema": schema, "primary_key": "order_id", "filter": "record.id > 1", "transform": steps})
    with pytest.raises(SpecError, match="id is not in the schema of r"):
        spec({"schema": schema, "primary_key": "id", "transform": steps[:0]})
    with pytest.raises(SpecError, match="id is not in the schema of r"):
        spec({"schema": schema, "filter": "record.id > 1"})


@pytest.mark.parametrize(
    "text, what",
    [
        ("endpoints: {r: {get: /r, on_invalid: keep}}", ["6:38 endpoints.r.on_invalid: needs a schema to judge by: r has none"]),
        ("on_invalid: keep\nendpoints: {r: {get: /r}}", ["6:13 on_invalid: says what becomes of records that do not fit, and no endpoint has a schema"]),
        ("on_invalid: drop\nendpoints: {r: {get: /r}}", ["6:13 on_invalid: unknown value 'drop' (one of: fail, keep, reject)"]),
    ],
)  # fmt: skip
def test_on_invalid_needs_a_schema(text, what):
    """Records can only be judged by a schema; an inherited `on_invalid` is for the endpoints that have one."""
    assert mistakes(text) == what
    load(
        {
            "connector": "1",
            "name": "shop",
            "base_url": "https://a.example",
            "records": "body",
            "on_invalid": "fail",
            "endpoints": {
                "r": {"get": "/r"},
                "s": {"get": "/s", "schema": {"id": {}}},
                "t": {"get": "/t", "on_invalid": None},
            },
        }
    )
