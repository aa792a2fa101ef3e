"""GraphQL: the text's checks, its variables, files beside a spec, errors inside 200, connections page by page."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from connector_core import Connector
from connector_core.exceptions import (
    AuthenticationError,
    RateLimitError,
    ResponseError,
    ServerError,
    SpecError,
    ValidationError,
)
from connector_core.graphql import declared, mutates
from connector_core.http import Request, Response
from connector_core.load import load
from connector_core.testing import FakeTransport, effects, respond, simulated

ORDERS = """\
# a comment with { braces
query Orders($first: Int!, $after: String, $status: [String!] = ["{"]) {
  orders(first: $first, after: $after, status: $status) { nodes { id } pageInfo { hasNextPage endCursor } }
}
fragment F on Order { id }
"""
RELAY = {"type": "relay", "take": "body.data.orders.pageInfo", "size": {"put": "body.variables.first", "value": 2}}
SCHEMA = {"id": {"type": "integer"}, "status": {"type": "string", "enum": ["open", "paid"]}}


def spec(**endpoint: Any) -> dict[str, Any]:
    orders = {"graphql": ORDERS, "records": "body.data.orders.nodes", "pagination": RELAY, **endpoint}
    return {
        "connector": "1",
        "name": "shop",
        "base_url": "https://api.example/graphql",
        "endpoints": {"orders": orders},
    }


def service(total: int):
    """A connection of so many orders."""

    def answer(request: Request) -> Response:
        variables = request.body["variables"]
        start = int(variables.get("after") or 0)
        nodes = [{"id": n} for n in range(start, min(start + variables["first"], total))]
        info = {"hasNextPage": start + len(nodes) < total, "endCursor": str(start + len(nodes)) if nodes else None}
        return respond(json={"data": {"orders": {"nodes": nodes, "pageInfo": info}}})

    return answer


# ── the text ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text, variables, mutation",
    [
        ("{ a }", [], False),
        ("query { a }", [], False),
        (ORDERS, ["first", "after", "status"], False),
        ("mutation ($x: Int) { m(x: $x) { ok } }", ["x"], True),
        ('query ($a: In = {b: "}"}, $c: Int) { a }', ["a"], False),
        ("fragment query on Q { mutation } query ($a: I) { a }", ["a"], False),
    ],
)
def test_what_a_text_is(text, variables, mutation):
    """The operation and the variables that it declares are seen past comments, texts and fragments."""
    assert (declared(text), mutates(text)) == (variables, mutation)


@pytest.mark.parametrize(
    "keys, found",
    [
        ({"graphql": "query { a"}, "endpoints.orders.graphql: the braces of the query do not match"),
        ({"graphql": "orders"}, "endpoints.orders.graphql: has no operation: it begins with query, mutation or {"),
        ({"graphql": "query A { a } query B { b }"}, "endpoints.orders.graphql: has more than one operation"),
        ({"graphql": "subscription { a }"}, "endpoints.orders.graphql: is a subscription, and those are not read by requests"),
        ({"graphql": "{ a(id: {{ input.id }}) }"}, "endpoints.orders.graphql: holds a template; declare a variable in the query, and give its value under 'variables'"),
        ({"variables": {"frist": 1}}, "endpoints.orders.variables.frist: the query declares no variable $frist, did you mean 'first'?"),
        ({"pagination": {**RELAY, "put": "body.variables.cursor"}}, "endpoints.orders.pagination.put: the query declares no variable $cursor (one of: after, first, status)"),
        ({"body": {"json": {}}}, "endpoints.orders.body: graphql sends a body of its own; give values under 'variables'"),
        ({"get": "/x"}, "endpoints.orders.graphql: has a second method; get is there already, and an endpoint has one"),
        ({"graphql": "orders.graphql"}, "endpoints.orders.graphql: names a file, and a spec that is not a file itself can name none: write the text here"),
    ],
)  # fmt: skip
def test_mistakes(keys, found):
    """What cannot be sent is told when the spec loads, at its place."""
    with pytest.raises(SpecError) as error:
        load(spec(**keys))
    assert found in [f"{problem.path}: {problem.what}" for problem in error.value.problems]


def test_variables_belong_to_a_query():
    """Variables without a query are a mistake."""
    with pytest.raises(SpecError, match=r"endpoints\.a\.variables: are a query's: there is no graphql here"):
        load({**spec(), "endpoints": {"a": {"get": "/a", "variables": {"x": 1}}}})


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


def written(folder: Any, graphql: str) -> Any:
    path = folder / "shop.yaml"
    path.write_text(
        f"connector: '1'\nname: shop\nbase_url: https://a.example\nendpoints:\n  orders:\n    graphql: {graphql}\n"
        "    records: body.data.orders.nodes\n    schema: order.json\n",
        "utf-8",
    )
    return path


def test_files_beside_the_spec(tmp_path):
    """A query and a schema may lie beside the spec; a schema of an object gives its properties."""
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "orders.graphql").write_text(ORDERS, "utf-8")
    (tmp_path / "order.json").write_text('{"type": "object", "properties": {"id": {"type": "integer"}}}', "utf-8")
    found = load(written(tmp_path, "queries/orders.graphql")).endpoints["orders"]
    assert (found.graphql, found.schema_) == (ORDERS, {"id": {"type": "integer"}})


@pytest.mark.parametrize(
    "name, why",
    [
        ("gone.graphql", "cannot be read beside the spec: no such file or directory"),
        ("../up.graphql", "must be the name of a file beside the spec or below it, without .."),
        ("/etc/x.graphql", "must be the name of a file beside the spec or below it, without .."),
        ("link.graphql", "leads out of the spec's folder"),
        ("latin.graphql", "is a file that is not UTF-8"),
        ("wrong.graphql", "has no operation: it begins with query, mutation or {"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, why):
    """What is not there, lies elsewhere or is no text is told where it is named."""
    folder = tmp_path / "specs"
    folder.mkdir()
    (tmp_path / "up.graphql").write_text(ORDERS, "utf-8")
    (folder / "order.json").write_text("{}", "utf-8")
    (folder / "link.graphql").symlink_to(tmp_path / "up.graphql")
    (folder / "latin.graphql").write_bytes(b"{ \xe4 }")
    (folder / "wrong.graphql").write_text("orders", "utf-8")
    path = written(folder, name)
    with pytest.raises(SpecError) as error:
        load(path)
    assert str(error.value) == f"{path}:6:14 endpoints.orders.graphql: {why}"


def test_a_link_that_leads_to_itself(tmp_path):
    """It is a mistake of the spec's folder, and told as one; later Pythons find it out when the file is opened."""
    (tmp_path / "order.json").write_text("{}", "utf-8")
    (tmp_path / "loop.graphql").symlink_to("loop.graphql")
    with pytest.raises(SpecError, match=r"leads to itself|too many levels"):
        load(written(tmp_path, "loop.graphql"))


# ── reading and calling ───────────────────────────────────────────────────────────────────────────


async def test_a_connection_is_read_to_its_end():
    """Pages follow `pageInfo`; the query goes to base_url itself, and values go as variables."""
    transport = FakeTransport(service(5))
    async with Connector.open(spec(variables={"status": ["open"]}), effects=effects(transport)) as shop:
        assert [order["id"] async for order in shop.read("orders")] == [0, 1, 2, 3, 4]
    assert {(request.method, request.url) for request in transport.requests} == {
        ("POST", "https://api.example/graphql")
    }
    assert [request.body["variables"] for request in transport.requests] == [
        {"status": ["open"], "first": 2},
        {"status": ["open"], "first": 2, "after": "2"},
        {"status": ["open"], "first": 2, "after": "4"},
    ]
    assert transport.requests[0].body["query"] == ORDERS


@pytest.mark.parametrize(
    "connection, what",
    [
        (None, "there is no pageInfo with hasNextPage at body.data.orders.pageInfo"),
        ({"nodes": []}, "there is no pageInfo with hasNextPage at body.data.orders.pageInfo"),
        ({"nodes": [], "pageInfo": {"hasNextPage": True}}, "says that pages follow, but has no endCursor"),
        ({"nodes": [], "pageInfo": {"hasNextPage": "yes"}}, "there is no pageInfo with hasNextPage"),
    ],
)
async def test_a_connection_that_says_too_little(connection, what):
    """What the query forgot to ask for is told, rather than taken for the end."""
    fake = effects(lambda _request: respond(json={"data": {"orders": connection}}))
    async with Connector.open(spec(), effects=fake) as shop:
        with pytest.raises(ResponseError, match=what):
            await shop.pages("orders").__anext__()


@pytest.mark.parametrize(
    "error, kind",
    [
        ({"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}, AuthenticationError),
        ({"message": "no", "type": "RATE_LIMITED"}, RateLimitError),
        ({"message": "no", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, ServerError),
        ({"message": "no"}, ValidationError),
        ("no", ValidationError),
    ],
)
async def test_errors_inside_a_200(error, kind):
    """Errors in a successful answer are errors, of the category that their code says."""
    fake = effects(lambda _request: respond(json={"data": None, "errors": [error]}))
    async with Connector.open(spec(), effects=fake) as shop:
        with pytest.raises(kind, match="shop answered 200: no"):
            await shop.pages("orders").__anext__()


async def test_partial_data_is_kept_where_a_rule_says_so():
    """A declared rule comes before the built-in one."""
    whole = service(2)
    fake = effects(lambda request: respond(json={**_body(whole(request)), "errors": [{"message": "one field failed"}]}))
    keep = [{"when": "body.data.orders", "then": "ok"}]
    async with Connector.open(spec(errors=keep), effects=fake) as shop:
        assert [order["id"] async for order in shop.read("orders")] == [0, 1]


def _body(response: Response) -> Any:
    import json

    return json.loads(response.content)


MUTATION = {
    "graphql": "mutation ($id: ID!, $note: String) { close(id: $id, note: $note) { order { id } } }",
    "variables": {"id": "{{ input.id }}", "note": "{{ input.note }}"},
    "input": {"id": {"type": "integer"}, "note": {"type": "string", "optional": True}},
    "output": "body.data.close.order",
}


async def test_a_mutation_is_called():
    """A mutation takes input, leaves out what is missing, gives its output, and is never sent twice on its own."""
    transport = FakeTransport(lambda _request: respond(json={"data": {"close": {"order": {"id": 7}}}}))
    document = {**spec(), "records": "body", "endpoints": {"close": MUTATION}}
    async with Connector.open(document, effects=effects(transport)) as shop:
        assert (await shop.call("close", {"id": 7})).data == {"id": 7}
    assert transport.requests[0].body["variables"] == {"id": 7}
    assert not load(document).endpoints["close"].harmless


async def test_the_simulator_serves_queries():
    """Queries of one address are told apart by their text; variables filter, and pages follow pageInfo."""
    document = spec(schema=SCHEMA, variables={"status": "open"})
    document["endpoints"]["all"] = {
        "graphql": "query ($first: Int, $after: String) { all { edges { node { id } } pageInfo { hasNextPage endCursor } } }",
        "records": "body.data.all.edges.*.node",
        "pagination": {**RELAY, "take": "body.data.all.pageInfo"},
        "schema": SCHEMA,
    }
    async with simulated(document, records=9) as shop:
        assert {order["status"] async for order in shop.read("orders")} == {"open"}
        assert [order["id"] async for order in shop.read("all")] == list(range(1, 10))


def test_texts_take_linear_time():
    """No text makes its check slow, whatever is left open in it; each of these took minutes."""
    code = """
from connector_core.graphql import _text
for text in ('"' + '\\\\"' * 100_000, "query " * 100_000, '\"\"\"' + '\\\\"\"\"' * 100_000, "{" + "fragment " * 100_000):
    try:
        _text(text)
    except ValueError:
        pass
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "text, names",
    [
        ('query ($a: String = "never closed { $b: Int\n) { x }', ["a"]),
        ('{ x(text: """a \\\n{ """) }', []),
        ("query A ($a: Int) { x } fragment F on Query { y }", ["a"]),
    ],
)
def test_texts_inside_of_queries(text, names):
    """Braces and variables in texts are none, though a text may be left open, or hold a backslash at the end of a line."""
    assert declared(text) == names
