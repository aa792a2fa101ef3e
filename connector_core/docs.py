"""What a person has to know about an integration, and no machine reads: it is kept with the spec.

::

    docs:
      purpose: Orders for the warehouse.
      account: A developer role.
      credentials: [Open Settings → API., Choose New token., Copy it. It is shown once.]
      scopes: {read_orders: To read orders, write_orders: To place them}
      support: {Help desk: help@shop.example, Status: "https://status.shop.example"}
      testing: {account: A free developer shop., scenarios: [Place an order and read it back.]}
      dashboards: {Errors: "https://dash.example/errors"}
      troubleshooting: [{problem: 401, cause: The token was revoked., answer: Create a new one.}]

Nothing in it is a template, and nothing in it is markup: whoever shows it escapes it.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Struct
from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.component import Model, NeverNull

__all__ = ["Docs", "Shorter", "Testing", "Trouble"]


class Shorter(Struct, frozen=True):
    """In an annotation: a shorter form is legal too, and `longer` makes the full one of it."""

    words: str
    """The shorter form, in the words of messages and pages."""
    form: JsonSchemaValue
    """The shorter form, as JSON Schema."""
    must: str
    """What a value of neither form is told."""
    longer: Callable[[Any], Any]
    """Given a value of the shorter form, the full one; a value of any other sort is given back."""
    full: type

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self._lengthen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [self.form, handler(schema)]}

    def _lengthen(self, value: Any) -> Any:
        found = self.longer(value)
        if not isinstance(found, self.full):
            raise PydanticCustomError("docs_type", "must be {must}", {"must": self.must})
        return found


def _one(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _unnamed(value: Any) -> Any:
    return {"": value} if isinstance(value, str) else value


def _without_why(value: Any) -> Any:
    return dict.fromkeys(value, "") if _texts(value) else value


def _named_by_itself(value: Any) -> Any:
    return {link: link for link in value} if _texts(value) else value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_LINK = r"^https?://[^\s<>\"]+$"
_TEXT = {"type": "string"}
_TEXT_LIST = {"type": "array", "items": _TEXT}


def _is_link(text: str) -> str:
    if not re.fullmatch(_LINK, text):
        raise PydanticCustomError("pattern", "must be a link that begins with https:// or http://")
    return text


Link = Annotated[str, AfterValidator(_is_link), WithJsonSchema({"type": "string", "pattern": _LINK})]
Instructions = Annotated[list[str], Shorter("text", _TEXT, "text, or a list of steps, each of them text", _one, list)]
"""How something is done: a list of steps, or one text."""
Reasons = Annotated[
    dict[str, str],
    Shorter(
        "list of text", _TEXT_LIST, "a mapping from each name to what it is for, or a list of names", _without_why, dict
    ),
]
"""Names, each with what it is for."""
Contacts = Annotated[
    dict[str, str], Shorter("text", _TEXT, "text, or a mapping from each name to an address or a link", _unnamed, dict)
]
"""Who can be asked, by name; a single one needs none."""
Links = Annotated[
    dict[str, Link],
    Shorter(
        "list of links",
        {"type": "array", "items": {"type": "string", "pattern": _LINK}},
        "a mapping from each name to a link, or a list of links",
        _named_by_itself,
        dict,
    ),
]
"""Links by name; those without a name bear their own."""


class Trouble(Model):
    """A known problem and its answer."""

    problem: str | int
    """What is seen, such as a status or a message."""
    cause: str = ""
    """Why it happens."""
    answer: str
    """What to do."""


class Testing(Model):
    """How the integration is tried without touching anything that matters."""

    account: str = ""
    """Which account there is for tests, and how to get one."""
    data: str = ""
    """Where data for tests comes from."""
    scenarios: list[str] = []
    """What should be tried, one sentence each."""


class Docs(Model):
    """What a person has to know about the integration."""

    purpose: str = ""
    """What it is for."""
    account: str = ""
    """Which account or role is needed, and how to get one."""
    credentials: Instructions = []
    """How the credentials are created: text, or a list of steps."""
    scopes: Reasons = {}
    """Permissions that the credentials need, each with what it is needed for; or a list of them."""
    support: Contacts = {}
    """Where to ask for help: text, or addresses and links by name."""
    testing: Annotated[Testing | None, NeverNull("leave the key out")] = None
    """Test account, data and scenarios."""
    dashboards: Links = {}
    """Where it is watched: links by name, or a list of links."""
    troubleshooting: list[Trouble] = []
    """Problems that are known, with their causes and answers."""
