"""What a field of a spec model takes, in the words of the reference pages."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from connector_core.address import AnswerPath, BodyPath, FieldPath, Put, SpreadPut
from connector_core.auth.oauth2.fields import Extra, SignInUrl, TokenParts, TokenPath
from connector_core.auth.session.fields import SessionPath
from connector_core.availability import Availability, Maintenance
from connector_core.batch import BatchWrite
from connector_core.capture import Capture, SignInPath
from connector_core.component import Component, Model
from connector_core.config import Property, SecretRef
from connector_core.docs import Docs, Shorter, Testing, Trouble
from connector_core.errors import ErrorRule, Wait
from connector_core.for_each import Batch, ForEach
from connector_core.formats import Format
from connector_core.health import Health
from connector_core.job import Job, JobResult
from connector_core.rate_limit import Feedback
from connector_core.rate_limit.family import Where
from connector_core.request import BaseUrl, InlineRequest
from connector_core.request.parts import PartKeys
from connector_core.spec import Endpoint, Environment, Host
from connector_core.steps import Step
from connector_core.template import Condition, Flag, Message, PathText, Template, Value
from connector_core.transform import FieldsPath
from connector_core.transform.cast import Recast
from connector_core.units import PERCENT, RATE, Unit

__all__ = ["default", "value"]

FIELD_TYPES: dict[Any, str] = {
    AnswerPath: "address in the answer",
    BodyPath: "address in the body",
    FieldPath: "address in a record",
    FieldsPath: "address in a record",
    Put: "address in the request",
    SpreadPut: "address in the request",
    Format: "[format](formats.md)",
    Recast: "mapping: `from`, `to`",
    BaseUrl: "address of a service, with templates",
    SignInUrl: "address, with templates",
    SessionPath: "address in the answer",
    TokenPath: "address in the answer",
    SignInPath: "address in a sign-in",
    SecretRef: "[reference](secrets.md)",
    Extra: "[parameters](auth.md#further-parameters)",
    TokenParts: "[addresses](auth.md#where-a-token-stands)",
    PathText: "path, with templates",
    Template: "text with templates, or a plain value",
    Message: "text with templates",
    Value: "any value, with templates",
    Condition: "condition",
    Flag: "condition",
    Any: "any value",
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    range: "status, or class such as `5xx`",
    ErrorRule: "[rule](errors.md)",
    ForEach: "[entry](for_each.md)",
    Batch: "[batch](for_each.md#values-together)",
    Job: "[job](job.md)",
    JobResult: "[result](job.md#result)",
    InlineRequest: "[request](job.md#requests)",
    Step: "[step](steps.md)",
    BatchWrite: "[batch](batch.md)",
    Capture: "[fact](capture.md)",
    Feedback: "[feedback](rate_limit.md#what-answers-say)",
    Availability: "[availability](availability.md)",
    Maintenance: "[maintenance](availability.md)",
    Health: "[health](health.md)",
    Docs: "[docs](docs.md)",
    Testing: "[testing](docs.md#testing)",
    Trouble: "[problem](docs.md#troubleshooting)",
    Endpoint: "[endpoint](keys.md#an-endpoint)",
    Environment: "[environment](keys.md#environments)",
    PartKeys: "[part](request.md#multipart)",
    Host: "host name, or mapping: `host`, `credentials`",
}


def value(field: FieldInfo) -> str:
    """What the field takes, such as `list of text`."""
    return _words(field.annotation, field.metadata)


def default(field: FieldInfo) -> str:
    """What it is where it is left out, as YAML; `required`, or a dash where nothing takes its place."""
    if field.is_required():
        return "required"
    found = field.get_default(call_default_factory=True)
    if isinstance(found, bool):
        return f"`{str(found).lower()}`"
    if isinstance(found, list) and found:
        return f"`[{', '.join(map(str, found))}]`"
    if (
        found is None
        or found in ("", [], {})
        or (isinstance(found, Template) and not found.source)
        or isinstance(found, Model)
    ):
        return "–"
    if isinstance(found, int | float) and value(field).startswith(("duration", "percentage")):
        return f"`{_spelt(found, percentage=value(field).startswith('percentage'))}`"
    return f"`{found.source if isinstance(found, Template) else found}`"


def _spelt(amount: float, *, percentage: bool) -> str:
    """Seconds, or a share, as a spec writes it: `90s`, `250ms`, `50%`."""
    if percentage:
        return f"{amount * 100:g}%"
    units = {86400: "d", 3600: "h", 60: "m", 1: "s"}
    size = next((size for size in units if amount >= size and amount % size == 0), 0.001 if amount else 1)
    return f"{amount / size:g}{units.get(int(size), 'ms')}"


def _words(annotation: Any, metadata: Any = ()) -> str:
    if (marked := _marked(annotation, metadata)) is not None:
        return marked
    if annotation is get_args(Property)[0] and metadata and _is_property(metadata):
        return "JSON Schema"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0], arguments[1:])
    if origin in (Union, UnionType):
        return _options([option for option in arguments if option is not type(None)])
    if origin is Literal:
        return ", ".join(f"`{option}`" for option in arguments)
    if origin is list:
        return "status, class such as `5xx`, or a list" if arguments == (range,) else f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"by name: {_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return f"[{annotation.key}]({annotation.key}.md)"
    if annotation not in FIELD_TYPES and issubclass(annotation, Model):
        return f"mapping: {', '.join(f'`{field.alias or key}`' for key, field in annotation.model_fields.items())}"
    return FIELD_TYPES[annotation]


def _marked(annotation: Any, metadata: Any) -> str | None:
    """What a mark in the annotation says, whatever the type is."""
    if any(isinstance(mark, Wait) for mark in metadata):
        return "duration, [address in the answer](formats.md#addresses-with-a-format), or a template"
    if any(isinstance(mark, Where) for mark in metadata):
        return "address in the answer, or a template"
    if RATE in metadata:
        return "rate"
    if PERCENT in metadata:
        return "percentage"
    for mark in metadata:
        if isinstance(mark, Shorter):
            return f"{_words(annotation)}, or {mark.words}"
    if any(isinstance(mark, Unit) for mark in metadata):
        return "duration, or a template" if Template in get_args(annotation) else "duration"
    return None


def _options(options: list[Any]) -> str:
    words = [_words(option) for option in options]
    return words[0] if len(words) == 1 else ", or ".join(words)


def _is_property(metadata: Any) -> bool:
    return any(mark in get_args(Property)[1:] for mark in metadata)
