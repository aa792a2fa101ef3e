from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from connector_core.exceptions import ConfigError
from connector_core.importers.openapi import Imported, imported
from connector_core.lint import findings
from connector_core.load import parse
from connector_core.source import read
from connector_core.testing import simulated
from tests.importers.openapi import documents

DOCUMENTS = sorted((Path(__file__).parent / "documents").iterdir())


def made(document: dict[str, Any]) -> Imported:
    return imported(json.dumps(document).encode(), "api.json", "api", "Api")


def spec_of(document: dict[str, Any]) -> dict[str, Any]:
    return read(made(document).text, "api.yaml").data


def of_path(path: str, operation: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {path: {"get": operation}}, "servers": [{"url": "https://x.example"}], **more}


def answering(schema: dict[str, Any], **operation: Any) -> dict[str, Any]:
    """An operation `things` whose answer has that schema."""
    answer = {"content": {"application/json": {"schema": schema}}, **operation.pop("answer", {})}
    return {"operationId": "things", "responses": {"200": answer}, **operation}


def query(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", **schema}}


THINGS = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_spec_is_valid_and_simulated(path):
    """The spec loads, lint has advice at most, and the simulator answers every read to the end."""
    done = imported(path.read_bytes(), path.name, path.stem, "Title")
    assert {finding.level for finding in findings(done.text, f"{path.stem}.yaml")} <= {"advice"}

    async def counts() -> dict[str, int]:
        async with simulated(parse(done.text, f"{path.stem}.yaml"), records=12) as connector:
            return {name: len([record async for record in connector.read(name)]) for name in done.reads}

    found = asyncio.run(counts())
    assert found
    assert all(found.values())


def test_pets():
    """Servers, keys, references, `allOf`, cycles, parents, files: what a document of 3.0 says stands in the spec."""
    path = DOCUMENTS[1]
    assert path.name == "pets.yaml"
    done = imported(path.read_bytes(), "pets.yaml", "pets", "Title")
    spec = read(done.text, "pets.yaml").data
    assert spec["base_url"] == "https://{{ config.region }}.pets.example/{{ config.version }}"
    assert spec["config"]["region"]["enum"] == ["eu", "us"]
    assert spec["environments"] == {"sandbox": {"base_url": "https://sandbox.pets.example/v3"}}
    assert spec["auth"] == {"type": "api_key", "put": "header.X-Api-Key", "value": "{{ secrets.api_key }}"}
    assert spec["secrets"] == {"api_key": {"description": "The key from Settings."}}
    pets, visits, photo = (spec["endpoints"][name] for name in ("list_pets", "pets_pet_id_visits", "add_photo"))
    assert list(pets["schema"]) == ["name", "id", "status", "weight", "tags", "mother", "updated_at"]
    assert pets["schema"]["status"]["type"] == ["string", "null"]
    assert pets["schema"]["mother"]["properties"]["mother"] == {"type": "object"}
    assert pets["params"] == {"updated_since": "{{ config.updated_since }}"}
    assert (visits["get"], visits["for_each"]) == (
        "/pets/{{ pet.id }}/visits",
        {"endpoint": "list_pets", "as": "pet"},
    )
    assert photo["body"]["multipart"]["photo"] == {"file": "{{ input.photo }}"}
    assert photo["body"]["multipart"]["about"] == {"json": "{{ input.about }}"}
    assert spec["endpoints"]["find_pets_by_tags"]["params"] == {"tags": "{{ input.tags | join(',') }}"}
    assert spec["endpoints"]["remove_pet"]["auth"] == "none"
    assert spec["endpoints"]["add_pet"]["input"]["weight"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "optional": True,
    }
    assert "id" not in spec["endpoints"]["add_pet"]["input"]


def test_the_schema_of_what_a_call_gives():
    """The object of its 2xx answer; none for one that gives a list, no property, or nothing."""
    path = DOCUMENTS[1]
    endpoints = read(imported(path.read_bytes(), "pets.yaml", "pets", "Title").text, "pets.yaml").data["endpoints"]
    assert endpoints["get_pet"]["schema"] == endpoints["list_pets"]["schema"] == endpoints["add_pet"]["schema"]
    assert not any("schema" in endpoints[name] for name in ("remove_pet", "find_pets_by_tags", "get_inventory"))


@pytest.mark.parametrize(
    "header, more, guesses",
    [
        ("X-Key", {}, []),
        ("authorization", {"security": [{"key": []}]}, ["auth: the secret is all of Authorization; check whether"]),
        (
            "Authorization",
            {},
            ["auth: the document names the scheme key and not where it is needed; the secret is all"],
        ),
    ],
)
def test_a_bare_key_in_authorization(header, more, guesses):
    """It is a guess to check, since some services want a prefix before it; beside what else is guessed of auth."""
    paths: dict[str, Any] = {"/a": {"post": {"responses": {"204": {}}}}}
    schemes = {"key": {"type": "apiKey", "in": "header", "name": header}}
    document = {"openapi": "3.0.0", "info": {}, "paths": paths, "components": {"securitySchemes": schemes}, **more}
    done = imported(json.dumps(document).encode(), "a.json", "a", "A")
    found = [line for line in done.guesses if "all of Authorization" in line]
    assert [line.startswith(start) for line, start in zip(found, guesses, strict=True)] == [True] * len(guesses)
    assert all("whether the service wants a prefix such as Token before it" in line for line in found)


def test_guesses_are_marked_and_told():
    """Every guess stands as a comment in the spec, and in the report with what to check; so does what is left out."""
    path = DOCUMENTS[1]
    done = imported(path.read_bytes(), "pets.yaml", "pets", "Title")
    assert done.text.count("# guessed: ") == len(done.guesses) == 5
    assert "    # guessed: petId of the path is id of list_pets\n    for_each:" in done.text
    assert (
        "pagination of list_pets: the parameter page looks like a page's number; check with connector check, or by "
        "reading more than one page"
    ) in done.guesses
    assert done.left_out == [
        "endpoints.add_pet: its callbacks",
        "paths./pets/{petId}: the methods head",
        "endpoints.list_pets.params: the parameters status, X-Trace, which a read can do without or cannot send",
        "endpoints.find_pets_by_tags: reading it to the end: it needs tags, so it is called",
    ]
    assert done.text.endswith("".join(f"# * {line}\n" for line in done.left_out))


def test_what_the_language_lacks_is_told():
    """OAuth2 flows, further schemes, references elsewhere, keywords: none is dropped silently."""
    path = DOCUMENTS[0]
    left = "\n".join(imported(path.read_bytes(), "ledger.json", "ledger", "Title").left_out)
    for told in (
        "how a token is got (oauth2: clientCredentials at https://login.ledger.example/token)",
        "security: the other ways to sign in: token",
        "https://schemas.example/other.json refers to: it is not in this document",
        "patternProperties of its schema",
        "webhooks: are not carried over",
    ):
        assert told in left


ENVELOPE = {"data": THINGS}
TOKEN = {"type": ["string", "null"]}


@pytest.mark.parametrize(
    "parameters, properties, pagination",
    [
        ([], {}, "none"),
        ([query("status")], {"total": {"type": "integer"}}, "none"),
        (
            [query("after"), query("cursor"), query("limit", maximum=50)],
            {"next_cursor": TOKEN},
            {
                "type": "cursor",
                "take": "body.next_cursor",
                "put": "query.cursor",
                "size": {"put": "query.limit", "value": 50},
            },
        ),
        (
            [query("page[cursor]")],
            {"meta": {"type": "object", "properties": {"nextCursor": TOKEN}}},
            {"type": "cursor", "take": "body.meta.nextCursor", "put": 'query."page[cursor]"'},
        ),
        (
            [query("starting_after"), query("limit", default=10, maximum=5000)],
            {"has_more": {"type": "boolean"}},
            {
                "type": "cursor",
                "take": "record.id",
                "put": "query.starting_after",
                "size": {"put": "query.limit", "value": 100},
                "has_more": "body.has_more",
            },
        ),
        (
            [query("page")],
            {"next": {"type": "string", "format": "uri", "nullable": True}},
            {"type": "next_url", "take": "body.next"},
        ),
        (
            [],
            {"@odata.nextLink": {"type": "string"}},
            {"type": "next_url", "take": 'body."@odata.nextLink"'},
        ),
        (
            [],
            {"_links": {"type": "object", "properties": {"next": {"type": "object", "properties": {"href": TOKEN}}}}},
            {"type": "next_url", "take": "body._links.next.href"},
        ),
        (
            [query("pageNumber", minimum=0), query("pageSize")],
            {"totalPages": {"type": "integer"}},
            {
                "type": "page_number",
                "put": "query.pageNumber",
                "size": {"put": "query.pageSize", "value": 100},
                "first": 0,
                "pages": "body.totalPages",
            },
        ),
        (
            [query("offset"), query("limit", maximum=1000)],
            {"total": {"type": "integer"}},
            {
                "type": "offset",
                "put": "query.offset",
                "size": {"put": "query.limit", "value": 1000},
                "total": "body.total",
            },
        ),
    ],
)
def test_pagination_is_guessed(parameters, properties, pagination):
    """From the names of parameters and of what an answer says beside its records."""
    schema = {"type": "object", "properties": {**ENVELOPE, **properties}}
    [endpoint] = spec_of(of_path("/things", answering(schema, parameters=parameters)))["endpoints"].values()
    assert endpoint["pagination"] == pagination
    assert endpoint["records"] == "body.data"


def test_a_link_header():
    """Answers that declare a Link header are paged by it."""
    document = of_path("/things", answering(THINGS, answer={"headers": {"Link": {}}}))
    assert spec_of(document)["endpoints"]["things"]["pagination"] == {"type": "link_header"}


@pytest.mark.parametrize(
    "schema, path, records",
    [
        (THINGS, "/things", "body"),
        ({"type": "object", "properties": {"things": THINGS, "links": THINGS}}, "/things", "body.things"),
        (
            {"type": "object", "properties": {"data": {"type": "object", "properties": {"x": THINGS}}}},
            "/a",
            "body.data.x",
        ),
        ({"type": "object", "properties": {"id": {}, "roles": THINGS}}, "/me", None),
        ({"type": "object", "properties": {"data": THINGS}}, "/things/{id}", None),
        ({"type": "object", "properties": {"names": {"type": "array", "items": {"type": "string"}}}}, "/a", None),
    ],
)
def test_records_are_guessed(schema, path, records):
    """A list, or the likeliest list of an envelope; what is one thing with lists in it is called."""
    [endpoint] = spec_of(of_path(path, answering(schema)))["endpoints"].values()
    assert endpoint.get("records") == records


def test_nothing_is_a_template():
    """Text of the document is never computed: no name or default that looks like a template becomes one."""
    document = of_path(
        "/a",
        answering(THINGS, summary="{{ secrets.token }}", parameters=[query("{{ secrets.token }}"), query("a\nb")]),
        info={"title": "{{ config.x }}", "description": "a\n# b\u2028\ud800"},
        security=[{"t": []}],
        components={"securitySchemes": {"t": {"type": "http", "scheme": "bearer"}}},
    )
    document["paths"]["/{{x}}"] = {"get": {}}
    done = made(document)
    computed = [line for line in done.text.splitlines() if "{{" in line and not line.startswith("#")]
    assert computed == [
        'title: "{{ config.x }}"',
        'auth: {type: bearer, token: "{{ secrets.token }}"}',
        '    description: "{{ secrets.token }}"',
    ]
    assert "paths./{{x}}: it is no path that can be asked for" in done.left_out


def test_what_the_language_refuses_is_taken_out():
    """An endpoint that cannot be said in the language is left out with the reason, and the rest stands."""
    document = of_path("/a", answering(THINGS))
    document["paths"]["/b/{x}"] = {"get": {"parameters": [{"name": "x", "in": "path"}, query("y", format="none-such")]}}
    found = spec_of(document)["endpoints"]
    assert found["b_x"]["input"]["y"] == {"type": "string", "optional": True}


def nested(depth: int) -> bytes:
    return b'{"openapi": "3.0.0", "x": ' + b"[" * depth + b"]" * depth + b"}"


LAUGHS = b"openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)
)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "it is empty — x.yaml — an OpenAPI document begins with openapi: 3.1.0"),
        (b"<!DOCTYPE html>", "it is no mapping — x.yaml — an OpenAPI document begins with openapi: 3.1.0"),
        (b"{}", "it is no OpenAPI document: it has no key 'openapi' — x.yaml"),
        (b"\xff", "byte 1 is not UTF-8 — x.yaml"),
        (
            b'{"openapi": 1,}',
            "line 1, column 15: it is not JSON: Expecting property name enclosed in double quotes — x.yaml",
        ),
        (b"a: [", "line 2, column 1: it is not YAML: did not find expected node content — x.yaml"),
        (b'{"swagger": "2.0"}', "it is in Swagger 2.0 — x.yaml — convert it to OpenAPI 3 first"),
        (b"openapi: 4.0.0", "it is in OpenAPI 4.0.0, and 3.0 and 3.1 are known — x.yaml"),
        (b"openapi: 3.0.0", "there is no operation in it that could be carried over — x.yaml — it has no paths"),
        (LAUGHS, "it holds too many values: are there aliases of aliases in it? — x.yaml"),
        (b"openapi: 3.0.0\na: &a [*a]", "it is nested too deeply, or an alias in it leads to itself — x.yaml"),
        (nested(200), "it is nested too deeply, or an alias in it leads to itself — x.yaml"),
        (nested(100_000), "it is nested too deeply — x.yaml"),
        (b'{"openapi": "3.0.0", "x": ' + b"9" * 5000 + b"}", "it holds a number of too many digits — x.yaml"),
    ],
    ids=range(14),
)
def test_junk(content, said):
    """What is no document of OpenAPI 3, or a hostile one, is told in one line."""
    with pytest.raises(ConfigError) as caught:
        imported(content, "x.yaml", "x", "X")
    assert str(caught.value).replace("Illegal trailing comma before end of object", _TRAILING) == said


_TRAILING = "Expecting property name enclosed in double quotes"


def test_junk_among_names():
    """What is required is named by texts; anything else there is nothing."""
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": [{"id": 1}, None, ["id"], "id"]}
    assert spec_of(of_path("/things", answering({"type": "array", "items": schema})))["endpoints"]


def test_yaml_is_read_as_the_language_reads_it():
    """Country codes, dates and versions stay text."""
    text = """\
openapi: 3.1.0
paths:
  /a:
    get:
      operationId: a
      parameters: [{name: c, in: query, required: true, schema: {enum: [NO, 2020-01-01, 1_0, 010]}}]
      responses: {200: {content: {application/json: {schema: {type: array, items: {properties: {id: {}}}}}}}}
"""
    spec = read(imported(text.encode(), "x.yaml", "x", "X").text, "x.yaml").data
    assert spec["config"]["c"]["enum"] == ["NO", "2020-01-01", "1_0", "010"]


def web(keyword: str) -> dict[str, Any]:
    """Fifty schemas, each of which is made of all of them."""
    names = [f"A{number}" for number in range(50)]
    parts = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema = {"properties": dict(zip(names, parts, strict=True))} if keyword == "properties" else {keyword: parts}
    items = {"type": "object", "properties": {"a": parts[0], "b": parts[1]}}
    schemas = {"components": {"schemas": dict.fromkeys(names, schema)}}
    return of_path("/a", answering({"type": "array", "items": items}), **schemas)


@pytest.mark.parametrize("keyword", ["properties", "allOf", "oneOf", "anyOf"])
def test_webs_of_references_stay_small(keyword):
    """Schemas that refer to each other without end come to a few kilobytes."""
    assert len(made(web(keyword)).text) < 40_000


def test_an_address_of_many_variables():
    """What an address comes to is bounded, however often a long default stands in it."""
    variables = {"a": {"default": "x" * 10_000}}
    document = of_path(
        "/things", {}, servers=[{"url": "https://" + "{a}" * 100_000 + ".example", "variables": variables}]
    )
    begun = time.monotonic()
    assert len(spec_or_error(document)) < 10_000
    assert time.monotonic() - begun < 5


def large(paths: int, properties: int) -> dict[str, Any]:
    """Reads whose records have properties with eight more in each."""
    inner = {"type": "object", "properties": {f"inner{n}": {"type": "string"} for n in range(8)}}
    item = {"type": "object", "properties": {"id": {}, **{f"prop{n}": inner for n in range(properties)}}}
    document = of_path("/a", answering({"type": "array", "items": item}))
    [operation] = (path["get"] for path in document["paths"].values())
    document["paths"] = {f"/a{n}": {"get": {**operation, "operationId": f"a{n}"}} for n in range(paths)}
    return document


def test_a_large_document_is_described_less_deeply():
    """Where everything would not fit into a spec, the records' inner parts are left out."""
    spec = spec_of(large(40, 150))
    assert len(spec["endpoints"]) == 40
    assert spec["endpoints"]["a0"]["schema"]["prop0"] == {"type": "object"}


def test_too_large_a_document():
    """What no spec could hold is refused, with what to do."""
    with pytest.raises(ConfigError, match=r"it comes to more than the 1 MiB .* — take the paths"):
        made(large(250, 250))
    with pytest.raises(ConfigError, match="it has more than 2000 operations"):
        made({"openapi": "3.0.0", "paths": {f"/a{n}": {"get": {}} for n in range(2001)}})


def spec_or_error(document: dict[str, Any]) -> str:
    """The spec, or what is wrong in one line."""
    try:
        return made(document).text
    except ConfigError as error:
        return str(error)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents())
@example({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": {"default": {"$ref": "#/paths"}}}}}})
def test_any_document(document):
    """Any document gives a spec that loads and that lint can look at, or a clear error."""
    text = spec_or_error(document)
    if "\n" in text:
        assert {finding.level for finding in findings(text, "api.yaml")} <= {"advice", "warning"}
