"""Where records stand: in every shape, under names, and as rows of a table."""

from __future__ import annotations

import pytest

from connector_core.address import BodyPath
from connector_core.exceptions import ResponseError
from connector_core.load import load
from connector_core.plan import compile_plan
from connector_core.response import records_of, rows_of
from tests.decode.specs import spec

# ── records ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body, path, records",
    [
        ({"data": [{"id": 1}, {"id": 2}]}, "body.data", [{"id": 1}, {"id": 2}]),
        ([{"id": 1}], "body", [{"id": 1}]),
        ({"data": []}, "body.data", []),
        ({"data": {"id": 1}}, "body.data", [{"id": 1}]),
        ({"data": {}}, "body.data", [{}]),
        ({"repositories": ["a", "b"]}, "body.repositories", [{"value": "a"}, {"value": "b"}]),
        ({"data": 0}, "body.data", [{"value": 0}]),
        ({"data": False}, "body.data", [{"value": False}]),
        ({"data": ""}, "body.data", [{"value": ""}]),
        ({"data": [{"id": 1}, 2, None, [3]]}, "body.data", [{"id": 1}, {"value": 2}, {"value": None}, {"value": [3]}]),
        ({"data": None}, "body.data", []),
        (None, "body", []),
        ({}, "body.data", None),
        ([], "body.data", None),
        ({"data": [{"id": 1}]}, "body.data.items", None),
        ("text", "body.data", None),
        ({"entries": [{"item": {"id": 1}}, {}, {"item": {"id": 2}}]}, "body.entries.*.item", [{"id": 1}, {"id": 2}]),
        ({"users": {"ann": {"id": 1}, "bob": {"id": 2}}}, "body.users.*", [{"id": 1}, {"id": 2}]),
        ({"pages": [{"rows": [1]}, {"rows": [2]}]}, "body.pages.0.rows", [{"value": 1}]),
    ],
)
def test_records_have_many_shapes(body, path, records):
    """Lists, one object and scalars are records; null is none, and what is not there at all is told apart from it."""
    assert records_of(body, BodyPath(path)) == records


def test_a_list_of_objects_is_not_copied():
    """The usual page costs nothing: its records are the decoded objects themselves."""
    body = {"data": [{"id": 1}]}
    assert records_of(body, BodyPath("body.data")) is body["data"]


def test_the_keys_of_an_answer():
    """`records`, `primary_key` and `filter` stand at the top or on an endpoint."""
    spec = load(
        {
            "connector": "1",
            "name": "shop",
            "base_url": "https://a.example",
            "records": "body.data",
            "primary_key": ["shop.id", "id"],
            "endpoints": {
                "orders": {"get": "/orders", "filter": "record.status != 'draft'", "primary_key": "id"},
                "lines": {"get": "/lines"},
            },
        }
    )
    orders, lines = spec.endpoints["orders"], spec.endpoints["lines"]
    assert (str(orders.records), str(orders.primary_key)) == ("body.data", "id")
    assert orders.filter is not None
    assert orders.filter.holds({"record": {"status": "open"}})
    assert not orders.filter.holds({"record": {"status": "draft"}})
    assert isinstance(lines.primary_key, list)
    assert list(map(str, lines.primary_key)) == ["shop.id", "id"]


# ── records under names ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body, path, names",
    [
        ({"users": {"ann": {"id": 1}, "bob": 2}}, "body.users.*", ["ann", "bob"]),
        ({"a": {"x": 1}, "b": {"y": 2}}, "body.*", ["a", "b"]),
        ({"shops": [{"users": {"ann": 1}}, {}, {"users": {"bob": 2, "cid": 3}}]}, "body.shops.*.users.*",
         ["ann", "bob", "cid"]),
        ({"shops": {"s": {"ann": 1}, "t": {"bob": 2}}}, "body.shops.*.*", ["ann", "bob"]),
        ({"users": [{"id": 1}, {"id": 2}]}, "body.users.*", [None, None]),
        ({"shops": [{"users": ["x"]}, {"users": {"ann": 1}}]}, "body.shops.*.users.*", [None, "ann"]),
        ({"users": {"ann": {"id": 1}}}, "body.users", None),
        ({"users": {"ann": {"id": 1}}}, "body.users.*.id", None),
        ({}, "body.users.*", []),
        ({"users": 3}, "body.users.*", []),
        (None, "body.*", []),
        ({"shops": 3}, "body.shops.*.users.*", []),
    ],
)  # fmt: skip
def test_names_of_records(body, path, names):
    """Each record that an address with `*` at its end finds in an object has its name, in the records' own order."""
    assert BodyPath(path).names({"body": body}) == names
    if names:
        assert len(records_of(body, BodyPath(path)) or ()) == len(names)


def test_a_filter_reads_the_key():
    """`key` is the name that the record stands under, and no field of the record."""
    plan = compile_plan(load(spec(records="body.users.*", filter="key != 'bob' and record.age > 3")), "things")
    body = {"users": {"ann": {"age": 5}, "bob": {"age": 6}, "cid": {"age": 2}}}
    rows, keys = plan.rows(body), plan.keys(body)
    assert plan.keep is not None
    assert plan.keep(rows, {}, keys) == [{"age": 5}]


def test_keys_are_looked_for_only_where_somebody_reads_them():
    """Without a filter that reads `key`, nobody collects names."""
    plan = compile_plan(load(spec(records="body.users.*", filter="record.age > 3")), "things")
    assert plan.keys({"users": {"ann": {"age": 5}}}) is None


# ── rows of a table ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body, records, columns, found",
    [
        ([["id", "name"], [1, "a"], [2, "b"]], "body", "body.0", [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]),
        ([[1, "a"], ["id", "name"]], "body", "body.-1", [{"id": 1, "name": "a"}]),
        ({"columns": ["id"], "rows": [[1], [2]]}, "body.rows", "body.columns", [{"id": 1}, {"id": 2}]),
        ({"cols": [{"n": "id"}, {"n": "x"}], "rows": [[1, 2]]}, "body.rows", "body.cols.*.n", [{"id": 1, "x": 2}]),
        ({"values": [["id", "a", "b"], [1], []]}, "body.values", "body.values.0",
         [{"id": 1, "a": None, "b": None}, {"id": None, "a": None, "b": None}]),
        ([["id"]], "body", "body.0", []),
        ([], "body", "body.0", []),
        ({"columns": ["id"], "rows": None}, "body.rows", "body.columns", []),
        ({"columns": ["id"], "rows": [{"id": 3}, [4]]}, "body.rows", "body.columns", [{"id": 3}, {"id": 4}]),
        ({"columns": ["id"]}, "body.rows", "body.columns", None),
    ],
)  # fmt: skip
def test_rows_become_objects(body, records, columns, found):
    """Each row has the columns' names; a shorter one ends in nulls, and the columns themselves are no record."""
    before = repr(body)
    assert rows_of(body, BodyPath(records), BodyPath(columns)) == found
    assert repr(body) == before


@pytest.mark.parametrize(
    "body, what",
    [
        ({"rows": [[1]]}, "there are no names of columns at body.columns, and the records need them"),
        ({"rows": [[1]], "columns": "id"}, "there are no names of columns at body.columns, and the records need them"),
        ({"rows": [[1]], "columns": [1]}, "there are no names of columns at body.columns, and the records need them"),
        ({"rows": [[1, 2]], "columns": ["a", "a"]}, "two of the columns at body.columns have the same name"),
        ({"rows": [[1], [1, 2]], "columns": ["a"]}, "record 2 has 2 values for 1 columns"),
        ({"rows": [[1], "secret"], "columns": ["a"]}, "record 2 is no list of values, and columns say that it is"),
    ],
)
def test_rows_that_do_not_fit(body, what):
    """What cannot be put under the columns' names is an error which shows no value."""
    with pytest.raises(ResponseError) as wrong:
        rows_of(body, BodyPath("body.rows"), BodyPath("body.columns"))
    assert (wrong.value.what, wrong.value.code) == (what, "response.columns")
