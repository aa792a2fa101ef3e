"""Facts about an account that the service is asked for once, and that templates read as `connection.…`.

::

    capture:
      tenant_id: {call: tenants, take: body.0.tenantId}
      properties: {call: contact_properties, take: body.results.*.name, every: 1d}
    endpoints:
      tenants: {get: /connections, output: body}
      contacts: {get: "/{{ connection.tenant_id }}/contacts", params: {fields: "{{ connection.properties | join }}"}}

What came with a token or with the person who signed in is taken from there, without a call::

    capture: {instance_url: token.instance_url, realm_id: redirect.realmId}
    base_url: "{{ connection.instance_url }}/services"

The service is asked when something that reads the fact is about to be sent, and again when it is older than `every`.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from connector_core.address import Address, AnswerPath, Scope, walker
from connector_core.component import Model
from connector_core.units import Duration

__all__ = ["Capture", "Fact", "SignInPath"]


class Capture(Model):
    """One fact, and how it is found."""

    call: str
    """The endpoint that is asked, without input."""
    take: AnswerPath
    """Where the fact stands in the answer."""
    every: Duration | None = None
    """How old it may grow; left out, it is kept as long as the connection is open."""


class SignInPath(Address):
    """A place in what came with a token (`token.…`), or back with the person who signed in (`redirect.…`)."""

    roots: ClassVar[tuple[str, ...]] = ("token", "redirect")
    __slots__ = ("take",)

    take: Callable[[Scope], Any]
    """Given `token` and `redirect`, the value there or MISSING."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.take = walker((self.root, *self.keys))

    @classmethod
    def example(cls) -> str:
        """One such address."""
        return "token.instance_url"


class _Short(Struct, frozen=True):
    """In an annotation: the address alone is legal, too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_fact)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The address, or the mapping."""
        Capture.model_rebuild()
        address = {"type": "string", "pattern": r"^(token|redirect)\.", "examples": [SignInPath.example()]}
        return {"anyOf": [address, handler(core_schema.union_schema([Capture.__pydantic_core_schema__]))]}


def _fact(value: Any) -> Capture | SignInPath:
    return SignInPath.parse(value) if isinstance(value, str | SignInPath) else Capture.model_validate(value)


Fact = Annotated[Capture | SignInPath, _Short()]
"""A fact, however it is found."""
