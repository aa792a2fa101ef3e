"""A spec is one service described: what the user fills in, how to sign in, how to page, and what there is to ask for.

The top level may hold any key of an endpoint except what only one endpoint can mean (method, input, output, schema); an
endpoint's mapping is laid over it key by key. A loaded spec has every endpoint complete, so that nothing is looked up
twice. It is immutable.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar, Literal, LiteralString, Self

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, PrivateAttr, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from connector_core.auth import Auth
from connector_core.availability import Availability
from connector_core.batch import BatchWrite
from connector_core.cache import Cache
from connector_core.capture import Capture, Fact, SignInPath
from connector_core.circuit_breaker import CircuitBreaker
from connector_core.component import Late, Model, NeverNull, without_extensions
from connector_core.config import Property, SecretProperty
from connector_core.docs import Docs
from connector_core.errors import ErrorRule
from connector_core.fallback import Fallback
from connector_core.for_each import ProductOf
from connector_core.graphql import GraphqlKeys, mutates
from connector_core.health import Health
from connector_core.idempotency import Idempotency
from connector_core.job import Job
from connector_core.pagination import Pagination
from connector_core.rate_limit import RateLimit
from connector_core.request import METHODS, BaseUrl, Method, Path, RequestKeys
from connector_core.response import ResponseKeys
from connector_core.retry import Retry
from connector_core.sdk import Sdk, SdkKeys
from connector_core.steps import Steps
from connector_core.template import Reads, Template, Value, templates
from connector_core.transform import Transform

__all__ = ["INHERITED", "SCHEMA_FILE", "VERBS", "Endpoint", "Environment", "Host", "Spec", "templates"]


_NAME = r"^[a-z][a-z0-9_-]{0,62}$"
_WORD = r"^[A-Za-z_][A-Za-z0-9_]*$"
_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$"
SCHEMA_FILE = r"[^\s{}]+\.(json|ya?ml)"
"""The name of a file that a schema stands in."""
_HOST = r"^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"
_NO_HOST: LiteralString = "must be a host name such as cdn.example.com, in lower case, without scheme or path"
_LAST_PORT = 65535
_NONE_WANTED = NeverNull("write none, or leave the key out")


def _fits(pattern: str, words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("pattern", "{words}", {"words": words})
        return text

    return check


def _host(value: Any) -> Any:
    """The mapping that a bare name stands for."""
    if not isinstance(value, str | dict | Host):
        raise PydanticCustomError("host_type", _NO_HOST)
    return {"host": value} if isinstance(value, str) else value


def _host_name(name: str) -> str:
    spelt = re.fullmatch(_HOST, name)
    if not spelt or not 0 < int(name.partition(":")[2] or 1) <= _LAST_PORT:
        raise PydanticCustomError("host" if spelt else "pattern", _NO_HOST)
    return name


class _OrFile:
    """In an annotation: the spec may name a `.json` or `.yaml` file instead, which stands there when it is loaded."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": rf"^\s*{SCHEMA_FILE}\s*$"}]}


Name = Annotated[
    str,
    AfterValidator(_fits(_NAME, "must be lower-case letters, digits, _ and -, and begin with a letter")),
    WithJsonSchema({"type": "string", "pattern": _NAME}),
]
EndpointName = Annotated[
    str,
    AfterValidator(_fits(_WORD, "must be letters, digits and _, and not begin with a digit")),
    WithJsonSchema({"type": "string", "pattern": _WORD}),
]
Version = Annotated[
    str,
    AfterValidator(_fits(_VERSION, "must be a version such as 1.0.0")),
    WithJsonSchema({"type": "string", "pattern": _VERSION}),
]
Declared = Annotated[dict[EndpointName, Property], BeforeValidator(without_extensions)]
_PROSE = frozenset({"config", "secrets", "schema_", "input", "docs"})
"""Fields that hold JSON Schemas and prose."""


class Host(Model):
    """A further host that links and redirects may lead to."""

    host: Annotated[str, AfterValidator(_host_name), WithJsonSchema({"type": "string", "pattern": _HOST})]
    """Its name, and a port where it is not the usual one."""
    credentials: bool = False
    """Whether it is shown the credentials."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The bare name is legal too."""
        written = super().__get_pydantic_json_schema__(schema, handler)
        return {"anyOf": [{"type": "string", "pattern": _HOST, "examples": ["cdn.example.com"]}, written]}


class Inherited(RequestKeys, ResponseKeys):
    """What the top level may say for all endpoints."""

    prose: ClassVar[frozenset[str]] = _PROSE

    auth: Annotated[Auth | None, _NONE_WANTED] = None
    """How to sign in."""
    pagination: Annotated[Pagination | None, _NONE_WANTED] = None
    """How pages follow each other."""
    errors: list[Late[ErrorRule]] = []
    """What answers mean; the first rule that matches decides, an endpoint's own rules come first."""
    transform: list[Transform] = []
    """What is done to every record before it is handed out, in order; an endpoint's own come first."""
    rate_limit: Annotated[RateLimit | None, NeverNull("leave the key out")] = None
    """How fast the service may be asked; an endpoint's own comes on top of the connector's."""
    cache: Annotated[Cache | None, NeverNull("leave the key out, or write none")] = None
    """Whether answers are kept and used again."""
    fallback: list[Fallback] = []
    """Where an answer is taken from while the service can't give one, in order; an endpoint's list replaces the
    connector's."""
    circuit_breaker: Annotated[CircuitBreaker | None, NeverNull("leave the key out, or write none")] = None
    """When a service that fails is left alone."""
    retry: Annotated[Retry | None, NeverNull("leave the key out; with attempts: 1 nothing is sent again")] = None
    """How often a request that failed is sent again, and when."""
    idempotency: Late[Idempotency] | None = None
    """A key for what is sent by calls, by which the service knows what it has acted on already."""


VERBS = (*METHODS, "graphql", "sdk", "job", "steps")
"""The keys of which an endpoint has exactly one: what it does."""

INHERITED = tuple(field.alias or name for name, field in Inherited.model_fields.items())
"""The keys that an endpoint takes from the top level."""


class Endpoint(Inherited, GraphqlKeys, SdkKeys):
    """One thing to read or to call."""

    description: str = ""
    """What it gives or does."""
    cost: Annotated[Template, Reads("path")] | None = None
    """How much of the rate limits one of its requests takes, as a number or a template that gives one; left out: 1."""
    get: Path | None = None
    """The path that is read with GET."""
    post: Path | None = None
    """The path that is sent to with POST."""
    put: Path | None = None
    """The path that is sent to with PUT."""
    patch: Path | None = None
    """The path that is sent to with PATCH."""
    delete: Path | None = None
    """The path that is sent to with DELETE."""
    input: Declared | None = None
    """What a call takes, by name, as JSON Schema."""
    output: Annotated[Value, Reads("output")] | None = None
    """What a call gives: an address such as `body.order`, or a template."""
    for_each: ProductOf | None = None
    """What it is read for, once each: the records of another endpoint, or values; a list is the product."""
    private: bool = False
    """Whether it is there for other endpoints only: it can be read, and is left out where all are."""
    job: Late[Job] | None = None
    """A job of the service that makes the records in the background."""
    steps: Steps | None = None
    """Calls that it is made of, one after another."""
    batch: Late[BatchWrite] | None = None
    """How a list is sent in several requests."""
    schema_: Annotated[dict[str, Property], _OrFile()] | None = Field(default=None, alias="schema")
    """What a record holds as it is handed out, by name, as JSON Schema, or the name of a file beside the spec. It
    judges only where `on_invalid` is."""

    @property
    def method(self) -> Method:
        """The method that it is sent with."""
        return next((method for method in METHODS if getattr(self, method) is not None), "post")

    @property
    def path(self) -> Path | None:
        """The path that it is sent to; None: `base_url` itself."""
        return getattr(self, self.method)  # type: ignore[no-any-return]

    @property
    def readable(self) -> bool:
        """Whether it is a read: paged, and safe to repeat. Everything else is a call."""
        asks = self.get or self.post or self.sdk or self.job or (self.graphql and not mutates(self.graphql))
        return self.records is not None and self.input is None and self.output is None and bool(asks)

    @property
    def harmless(self) -> bool:
        """Whether sending it twice does no harm."""
        query = self.graphql is not None and not mutates(self.graphql)
        return self.readable or self.safe or self.get is not None or query


class Environment(Model):
    """Another home of the same service; what it says is laid over the spec."""

    prose: ClassVar[frozenset[str]] = _PROSE

    base_url: BaseUrl | None = None
    """The address that paths are appended to."""
    auth: Annotated[Auth | None, _NONE_WANTED] = None
    """How to sign in there."""
    config: dict[str, Any] | None = None
    """Other defaults for config values, by name."""
    hosts: list[Annotated[Late[Host], BeforeValidator(_host)]] | None = None
    """Further hosts, instead of the spec's."""


class Spec(Inherited):
    """One service, described."""

    editor_schema: str | None = Field(default=None, alias="$schema")
    """Where an editor finds this language's JSON Schema; a spec in JSON says it here, one in YAML in its first line."""
    connector: Literal["1"]
    """The version of this language."""
    name: Name
    """The connector's name; the file's name without its ending."""
    title: str = ""
    """Its name as people write it."""
    version: Version = "0.0.0"
    """The version of this spec."""
    description: str = ""
    """What it connects to."""
    config: Declared = {}
    """What the user fills in, by name, as JSON Schema; required unless it has a default or `optional: true`."""
    secrets: Annotated[dict[EndpointName, SecretProperty], BeforeValidator(without_extensions)] = {}
    """The same, for what must never be shown."""
    hosts: list[Annotated[Late[Host], BeforeValidator(_host)]] = []
    """Further hosts that links and redirects may lead to."""
    sdk: Late[Sdk] | None = None
    """The client of a vendor's SDK, whose methods endpoints may be."""
    environments: Annotated[dict[Name, Late[Environment]], BeforeValidator(without_extensions)] = {}
    """Other homes of the service, such as a sandbox."""
    endpoints: Annotated[dict[EndpointName, Endpoint], BeforeValidator(without_extensions)] = {}
    """What there is, by name."""
    capture: Annotated[dict[EndpointName, Fact], BeforeValidator(without_extensions)] = {}
    """Facts about the account, by name: asked for, or from its sign-in; templates read `connection.NAME`."""
    availability: Late[Availability] | None = None
    """When the integration may be used."""
    health: Late[Health] | None = None
    """How it is found out whether the service is well."""
    docs: Late[Docs] | None = None
    """What a person has to know."""
    _python: FilePath | None = PrivateAttr(default=None)
    _environment: str | None = PrivateAttr(default=None)
    _choice: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def asked_facts(self) -> dict[str, Capture]:
        """The captured facts that the service is asked for."""
        return {name: fact for name, fact in self.capture.items() if isinstance(fact, Capture)}

    @property
    def sign_in_facts(self) -> dict[str, SignInPath]:
        """Those that come with a token, or with who signed in."""
        return {name: fact for name, fact in self.capture.items() if isinstance(fact, SignInPath)}

    @property
    def python(self) -> FilePath | None:
        """The file with the hooks that belong to this connector alone; None: it has none."""
        return self._python

    @property
    def environment(self) -> str | None:
        """The name of the environment that it was loaded for; None: for none."""
        return self._environment

    def within(self, environment: str | None) -> Self:
        """The same spec, which knows what environment it was loaded for."""
        self._environment = environment
        return self

    @property
    def choice(self) -> dict[str, str]:
        """Which way of signing in was taken, by where the `auth` stands that offered several."""
        return dict(self._choice)

    def signing_in(self, choice: Mapping[str, str]) -> Self:
        """The same spec, which knows what was chosen."""
        copy = self.model_copy()
        copy._choice = dict(choice)  # noqa: SLF001 - of this class
        return copy

    def with_python(self, file: FilePath) -> Self:
        """The same spec with hooks of its own."""
        copy = self.model_copy()
        copy._python = file  # noqa: SLF001 - of this class
        return copy
