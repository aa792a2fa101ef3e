"""Random OpenAPI documents: mostly right, with references that lead in circles or nowhere, and with junk in places."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_NAMES = (
    "id",
    "name",
    "data",
    "items",
    "next_cursor",
    "page",
    "total",
    "limit",
    "cursor",
    "updated_since",
    "petId",
    "x y",
)
_TEXT = (
    st.sampled_from(_NAMES) | st.text(max_size=6) | st.sampled_from(["{{ secrets.token }}", "a: b # c", "\u2028", "{%"])
)
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**18) | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=3,
)
_REFERENCES = st.sampled_from(
    [f"#/components/schemas/{name}" for name in ("A", "B", "C", "none")] + ["https://x.example/a.json#/b", "#/paths"]
)


def _some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping whose values are junk now and then."""
    mostly = {key: st.one_of(value, value, value, value, value, value, _JUNK) for key, value in optional.items()}
    return st.fixed_dictionaries(required, optional=mostly)


def _schema_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(_NAMES)
    return _some(
        {},
        {
            "type": st.sampled_from(["object", "array", "string", "integer", "number", "boolean", ["string", "null"]]),
            "properties": st.dictionaries(names, inner, max_size=4),
            "items": inner,
            "required": st.lists(names, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "additionalProperties": st.booleans() | inner,
            "nullable": st.booleans(),
            "enum": st.lists(_JUNK, max_size=3),
            "default": _JUNK,
            "format": st.sampled_from(["uri", "date-time", "binary", "int64", "none-such"]),
            "pattern": st.sampled_from(["^a+$", "(a+)+b", "(", "(?=x)"]),
            "minimum": st.integers(-2, 9),
            "exclusiveMinimum": st.booleans() | st.integers(-2, 9),
            "maximum": st.integers(0, 500),
            "description": _TEXT,
        },
    )


_SCHEMAS = st.recursive(
    st.builds(lambda reference: {"$ref": reference}, _REFERENCES)
    | st.builds(lambda kind: {"type": kind}, st.sampled_from(["string", "integer", "boolean"]))
    | st.booleans(),
    _schema_of,
    max_leaves=6,
)
_MEDIA = st.dictionaries(
    st.sampled_from(
        [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain",
            "text/csv",
            "application/octet-stream",
            "application/vnd.x+json; charset=utf-8",
            "application/xml",
            "image/*",
        ]
    ),
    _some({}, {"schema": _SCHEMAS}),
    max_size=2,
)
_PARAMETERS = st.lists(
    _some(
        {"name": _TEXT, "in": st.sampled_from(["query", "path", "header", "cookie", "elsewhere"])},
        {"schema": _SCHEMAS, "required": st.booleans(), "explode": st.booleans(), "description": _TEXT}
        | {"style": st.sampled_from(["form", "deepObject", "pipeDelimited"]), "content": _MEDIA},
    ),
    max_size=4,
)
_SECURITY: st.SearchStrategy[list[dict[str, list[str]]]] = st.lists(
    st.dictionaries(st.sampled_from(["key", "o", "basic", "none"]), st.just([]), max_size=2), max_size=2
)
_RESPONSES = st.dictionaries(
    st.sampled_from(["200", "201", "204", "2XX", "default", "404"]),
    _some({}, {"content": _MEDIA, "headers": st.dictionaries(st.sampled_from(["Link", "X-Next"]), _JUNK, max_size=1)}),
    max_size=2,
)
_OPERATIONS = _some(
    {"responses": _RESPONSES},
    {"operationId": _TEXT, "summary": _TEXT, "parameters": _PARAMETERS, "security": _SECURITY}
    | {"requestBody": _some({}, {"content": _MEDIA, "required": st.booleans()}), "deprecated": st.booleans()},
)
_PATHS = st.dictionaries(
    st.sampled_from(
        ["/pets", "/pets/{petId}", "/pets/{petId}/toys", "/a/{x}.csv", "/{}", "/a b", "no", "/x?y=1", "/../a"]
    )
    | st.text(max_size=5).map(lambda text: f"/{text}"),
    _some({"get": _OPERATIONS}, {"post": _OPERATIONS, "delete": _OPERATIONS, "parameters": _PARAMETERS}),
    min_size=1,
    max_size=4,
)
_SERVERS = st.lists(
    _some(
        {
            "url": st.sampled_from(
                ["https://api.x.example/v1", "/v1", "", "https://{a}.x.example/{b}", "{a}", "ftp://x"]
            )
        },
        {"variables": st.dictionaries(st.sampled_from("ab"), _some({}, {"default": _TEXT, "enum": st.lists(_TEXT)}))}
        | {"description": _TEXT},
    ),
    max_size=3,
)
_SCHEMES = st.fixed_dictionaries(
    {},
    optional={
        "key": _some(
            {"type": st.just("apiKey")}, {"in": st.sampled_from(["header", "query", "cookie"]), "name": _TEXT}
        ),
        "o": _some({"type": st.just("oauth2")}, {"flows": _JUNK}),
        "basic": st.just({"type": "http", "scheme": "basic"}),
    },
)


def documents() -> st.SearchStrategy[Any]:
    """Whole documents."""
    return _some(
        {"openapi": st.sampled_from(["3.0.3", "3.1.0"]), "paths": _PATHS},
        {
            "info": _some({}, {"title": _TEXT, "description": _TEXT, "version": _TEXT}),
            "servers": _SERVERS,
            "security": _SECURITY,
            "components": _some(
                {}, {"schemas": st.dictionaries(st.sampled_from("ABC"), _SCHEMAS), "securitySchemes": _SCHEMES}
            ),
        },
    )
