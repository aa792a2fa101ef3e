"""A query or mutation of a GraphQL service: its text, and the variables that go with it.

::

    base_url: https://api.shop.example/graphql
    endpoints:
      orders:
        graphql: |
          query ($first: Int!, $after: String, $status: String) {
            orders(first: $first, after: $after, status: $status) {
              nodes { id status }
              pageInfo { hasNextPage endCursor }
            }
          }
        variables: {status: open}
        records: body.data.orders.nodes
        pagination: {type: relay, take: body.data.orders.pageInfo, size: {put: body.variables.first, value: 50}}

The text may stand in a file beside the spec (`graphql: queries/orders.graphql`). Values go into variables, never into
the text. It is sent with POST to `base_url`. Errors inside an answer of status 200 are errors, unless a rule says
otherwise.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any

from msgspec.structs import replace
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from connector_core.address import MISSING
from connector_core.component import Model
from connector_core.http import Request
from connector_core.request import FixedName, Sent, render

__all__ = ["FILE", "GraphqlKeys", "declared", "mutates", "with_query"]

FILE = re.compile(r"[^\s{}()$]+\.(?:graphql|gql)")
"""What names a file in place of a query's text."""

_IGNORED = r'#[^\n]*|"""(?:[^"\\]|\\[\s\S]|"(?!""))*(?:""")?|"(?:[^"\\\n]|\\.)*"?'
"""Comments and texts; one that is never closed ends with the line or the file, so that nothing is read twice."""
_OPERATION = re.compile(r"\b(query|mutation|subscription)\b(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$([_A-Za-z][_0-9A-Za-z]*)\s*:")
_NAME = r"^[_A-Za-z][_0-9A-Za-z]*$"


@lru_cache(1024)
def _operation(text: str) -> tuple[str, str]:
    """The sort of the one operation in a text and what stands between its name and its fields; raises ValueError."""
    bare = re.sub(_IGNORED, "", text)
    if bare.count("{") != bare.count("}"):
        raise ValueError("the braces of the query do not match")
    found = list(_operations(re.sub(r"\bfragment\b[^{]*", "", bare)))
    if not found and bare.lstrip().startswith("{"):
        return "query", ""
    if len(found) != 1:
        raise ValueError(
            "has no operation: it begins with query, mutation or {" if not found else "has more than one operation"
        )
    return found[0]


def _operations(bare: str) -> Iterator[tuple[str, str]]:
    """The sort of each operation, and what stands between its name and its fields: it is all before a brace opens."""
    pieces = re.split(r"([{}])", bare)
    for before, brace in zip(pieces[::2], pieces[1::2], strict=False):
        if brace == "{" and (found := _OPERATION.search(before)):
            yield found[1], found[2]


def _text(text: str) -> str:
    if "{{" in re.sub(_IGNORED, "", text):
        raise PydanticCustomError(
            "graphql", "holds a template; declare a variable in the query, and give its value under 'variables'"
        )
    try:
        sort, _ = _operation(text)
    except ValueError as error:
        raise PydanticCustomError("graphql", "{why}", {"why": str(error)}) from None
    if sort == "subscription":
        raise PydanticCustomError("graphql", "is a subscription, and those are not read by requests")
    return text


def mutates(text: str) -> bool:
    """Whether the text is a mutation: not to be sent twice."""
    return _operation(text)[0] == "mutation"


def declared(text: str) -> list[str]:
    """The variables that the operation declares."""
    return _VARIABLE.findall(_operation(text)[1])


class GraphqlKeys(Model):
    """What an endpoint of a GraphQL service says."""

    graphql: Annotated[str, AfterValidator(_text)] | None = None
    """A query or a mutation, or the name of a `.graphql` file beside the spec; sent with POST to `base_url`."""
    variables: dict[FixedName, Sent | None] | None = None
    """The values of its variables, by name; one that is a missing template is not sent."""


def with_query(request: Request, keys: GraphqlKeys, scope: Mapping[str, Any]) -> Request:
    """The request with the text and its variables as the body."""
    given = {
        name: render(value, scope, f"variables.{name}") if value is not None else None
        for name, value in (keys.variables or {}).items()
    }
    variables = {name: value for name, value in given.items() if value is not MISSING}
    return replace(request, body={"query": keys.graphql, "variables": variables}, encoding="json")
