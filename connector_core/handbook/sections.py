"""The seven sections of an integration's documents, each from what its spec says.

Rule 1: what a spec does not say is left out, or said to be missing where somebody would look for it; nothing is
        made up.
Rule 2: no value of a secret is told, not even a default or an example that the spec gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args
from urllib.parse import urlsplit

from connector_core import config
from connector_core.component import descriptions
from connector_core.docs import Docs
from connector_core.document import plain
from connector_core.engine.guard import Network, refusal
from connector_core.handbook.commands import Commands
from connector_core.handbook.content import (
    Block,
    Diagram,
    Items,
    Listing,
    Said,
    code,
    heading,
    link,
    paragraph,
    said,
    table,
)
from connector_core.handbook.endpoints import COMMON, SENT, declared, endpoint_key, entry, kind, values, way
from connector_core.handbook.schemas import flow, required, takes
from connector_core.spec import Inherited, Spec

__all__ = ["SECTIONS", "api_reference", "check", "configuration", "overview", "prerequisites"]

SECTIONS = (
    "Overview", "Prerequisites", "Configuration", "API reference", "Error handling", "Testing", "Monitoring",
)  # fmt: skip
MOST_DRAWN = 12
"""Reads, and calls, that the diagram shows."""
_TOLD = frozenset(
    {
        "auth", "base_url", "capture", "config", "connector", "description", "docs", "editor_schema", "endpoints",
        "environments", "errors", "headers", "hosts", "name", "pagination", "params", "rate_limit", "secrets",
        "timeout", "title", "version",
    }
)  # fmt: skip
"""Keys of the top level that the sections tell in words of their own."""


def _docs(spec: Spec) -> Docs:
    return spec.docs or Docs()


# ── overview ──────────────────────────────────────────────────────────────────────────────────────


def overview(spec: Spec) -> Iterator[Block]:
    """What it is for, what there is to read and to call, and how data flows."""
    yield heading(2, SECTIONS[0], SECTIONS[0])
    yield paragraph(_docs(spec).purpose or "The spec does not say what the integration is for.")
    yield from table("The integration", "what", "how", rows=_facts(spec))
    reads = [name for name, endpoint in spec.endpoints.items() if endpoint.readable]
    calls = [name for name in spec.endpoints if name not in reads]
    yield from table("What is read", "stream", "request", "description", rows=_listed(spec, reads))
    yield from table("What is called", "call", "request", "description", rows=_listed(spec, calls))
    yield heading(3, "Data flow")
    yield _diagram(spec, reads, calls)


def _facts(spec: Spec) -> Iterator[Sequence[Said]]:
    yield "connector", said(code(spec.name), f" {spec.version}")
    sorts = {"graphql": "GraphQL", "job": "jobs in the background", "sdk": "a vendor's SDK"}
    kinds = [
        next((sort for key, sort in sorts.items() if getattr(endpoint, key) is not None), "HTTP")
        for endpoint in spec.endpoints.values()
    ]
    yield "integration type", said(", ".join(dict.fromkeys(kinds))) or "nothing to read or call"
    if spec.base_url is not None:
        yield "address", code(str(plain(spec.base_url)))
    if spec.auth is not None:
        yield "sign-in", code(spec.auth.kind() or "")
    if spec.python is not None:
        yield "Python beside the spec", code(spec.python.name)


def _listed(spec: Spec, names: Sequence[str]) -> Iterator[Sequence[Said]]:
    for name in names:
        yield link(name, f"#{endpoint_key(name)}"), way(spec.endpoints[name]), spec.endpoints[name].description


def _diagram(spec: Spec, reads: Sequence[str], calls: Sequence[str]) -> Diagram:
    drawn = reads[:MOST_DRAWN]
    parents = [
        (drawn.index(one.endpoint), drawn.index(name))
        for name in drawn
        for one in spec.endpoints[name].for_each or ()
        if one.endpoint in drawn
    ]
    return Diagram(
        app="Your application",
        connector=f"connector {spec.name}",
        service=spec.title or spec.name,
        reads=tuple(drawn),
        calls=tuple(calls[:MOST_DRAWN]),
        parents=tuple(parents),
        more_reads=max(0, len(reads) - MOST_DRAWN),
        more_calls=max(0, len(calls) - MOST_DRAWN),
    )


# ── prerequisites ─────────────────────────────────────────────────────────────────────────────────


def prerequisites(spec: Spec) -> Iterator[Block]:
    """The account, the credentials and what they must be allowed."""
    docs = _docs(spec)
    yield heading(2, SECTIONS[1], SECTIONS[1])
    yield heading(3, "Account")
    yield paragraph(docs.account or "The spec does not say which account is needed.")
    yield heading(3, "Credentials")
    if not spec.secrets:
        yield paragraph("The connector has no secrets.")
    elif not docs.credentials:
        yield paragraph("The spec does not say how the credentials are created.")
    if len(docs.credentials) == 1:
        yield paragraph(docs.credentials[0])
    elif docs.credentials:
        yield Items(tuple(map(said, docs.credentials)), numbered=True)
    yield heading(3, "Permissions")
    if docs.scopes:
        yield from table(
            "What the credentials must be allowed", "permission", "needed for",
            rows=([code(name), why] for name, why in docs.scopes.items()),
        )  # fmt: skip
    else:
        yield paragraph("The spec names no permissions.")


# ── configuration ─────────────────────────────────────────────────────────────────────────────────


def configuration(spec: Spec, commands: Commands, opened: str) -> Iterator[Block]:
    """What the user fills in, and how it is given."""
    yield heading(2, SECTIONS[2], SECTIONS[2])
    yield heading(3, "Config", "config")
    if spec.config:
        yield paragraph(
            "Given by ", code("--config NAME=VALUE"), " on the command line, and by ", code("config={…}"),
            " in Python. No environment variable is read for it.",
        )  # fmt: skip
        yield from table("Config", "name", "takes", "required", "default", "description", rows=_config(spec.config))
    else:
        yield paragraph("There is nothing to configure.")
    yield heading(3, "Secrets", "secrets")
    if spec.secrets:
        yield paragraph(
            "Read from the environment by the command line, where ", code("--secret NAME=env:VARIABLE"),
            " names no other variable, and given by ", code("secrets={…}"), " in Python.",
        )  # fmt: skip
        yield from table(
            "Secrets", "name", "environment variable", "takes", "required", "description", rows=_secrets(spec)
        )
    else:
        yield paragraph("There are none.")
    if spec.environments:
        yield heading(3, "Environments")
        yield paragraph("Chosen by ", code("--environment NAME"), ", and by ", code("environment=…"), " in Python.")
        yield from table("Environments", "name", "says in place of the spec", rows=_environments(spec))
    if spec.capture:
        yield heading(3, "Facts about the account")
        yield from table("Facts", "name", "from", rows=_facts_asked(spec))
    yield heading(3, "How it is opened")
    yield Listing("\n".join(_shell(spec, commands)), "sh")
    yield Listing("\n".join(_python(spec, commands, opened)), "python")


def _config(values: Mapping[str, Mapping[str, Any]]) -> Iterator[Sequence[Said]]:
    for name, schema in values.items():
        default = code(flow(schema["default"])) if "default" in schema else ""
        yield code(name), takes(schema), _required(schema), default, str(schema.get("description", ""))


def _secrets(spec: Spec) -> Iterator[Sequence[Said]]:
    for name, schema in spec.secrets.items():
        variable = code(config.variable(spec.name, name))
        about = [str(schema["description"])] if "description" in schema else []
        about += [f"To be replaced every {schema['rotate_every']}."] if "rotate_every" in schema else []
        yield code(name), variable, takes(schema, secret=True), _required(schema), " ".join(about)


def _required(schema: Mapping[str, Any]) -> str:
    return "yes" if required(schema) else "no"


def _environments(spec: Spec) -> Iterator[Sequence[Said]]:
    for name, environment in spec.environments.items():
        yield code(name), code(flow(plain(environment)))


def _facts_asked(spec: Spec) -> Iterator[Sequence[Said]]:
    for name, path in spec.sign_in_facts.items():
        yield code(name), code(str(path))
    for name, fact in spec.asked_facts.items():
        yield code(name), said(link(fact.call, f"#{endpoint_key(fact.call)}"), ", ", code(flow(plain(fact))))


def _shell(spec: Spec, commands: Commands) -> Iterator[str]:
    for name, schema in spec.secrets.items():
        if required(schema):
            yield f"export {config.variable(spec.name, name)}=…"
    yield check(spec, commands)


def check(spec: Spec, commands: Commands) -> str:
    """The command that tries a connection, with what has to be filled in."""
    given = [f" --config {name}=…" for name, schema in spec.config.items() if required(schema)]
    level = _network(spec)
    needed = f" --network {level}" if level != "public" else ""
    return f"connector check {commands.named}{''.join(given)}{needed}"


def _network(spec: Spec) -> str:
    """The least level that reaches the service, where its address is written out as one that not all reach."""
    try:
        host = urlsplit(str(plain(spec.base_url))).hostname or ""
    except ValueError:
        return "public"
    if host == "localhost" or host.endswith(".localhost"):
        return "loopback"
    if not re.fullmatch(r"[\d.]+|.*:.*", host):  # a name, which only a look-up tells
        return "public"
    return next((level for level in get_args(Network) if refusal(host, level) is None), "public")


def _python(spec: Spec, commands: Commands, opened: str) -> Iterator[str]:
    given = {
        "config": [name for name, schema in spec.config.items() if required(schema)],
        "secrets": [name for name, schema in spec.secrets.items() if required(schema)],
    }
    arguments = [repr(opened)]
    for key, names in given.items():
        if names:
            arguments.append(f"{key}={{{', '.join(f'{name!r}: …' for name in names)}}}")
    if (level := _network(spec)) != "public":
        arguments.append(f"network={level!r}")
    yield "from connector_core import Connector"
    yield ""
    yield f"async with Connector.open({', '.join(arguments)}) as connector:"
    if read := commands.first_read:
        yield f"    async for record in connector.read({read!r}):"
        yield "        ..."
    elif call := commands.first_call:
        yield f"    result = await connector.call({call!r}, …)"
    else:
        yield "    ..."


# ── API reference ─────────────────────────────────────────────────────────────────────────────────


def api_reference(spec: Spec, commands: Commands) -> Iterator[Block]:
    """What holds for all endpoints, and each of them."""
    yield heading(2, SECTIONS[3], SECTIONS[3])
    yield heading(3, "For all endpoints", "for all")
    yield from table("What holds for all endpoints", "what", "how", rows=_common(spec))
    for key, what in SENT.items():
        common = plain(getattr(spec, key)) or {}
        yield from table(f"{what.capitalize()}s of every request", what, "value", rows=values(common))
    inherited = {key: plain(getattr(spec, key)) for key in COMMON if getattr(spec, key)}
    yield from declared(inherited, descriptions(Spec))
    for name in spec.endpoints:
        yield from entry(spec, name, commands)
    rest = {
        field.alias or name: plain(getattr(spec, name))
        for name, field in type(spec).model_fields.items()
        if name not in _TOLD and name not in Inherited.model_fields and name in spec.model_fields_set
    }
    if rest:
        yield heading(3, "Besides")
        yield from declared(rest, descriptions(Spec))


def _common(spec: Spec) -> Iterator[Sequence[Said]]:
    yield "address", code(str(plain(spec.base_url))) if spec.base_url is not None else "each endpoint has its own"
    yield "sign-in", kind(spec.auth) if spec.auth is not None else "none"
    yield "limits", code(flow(plain(spec.rate_limit))) if spec.rate_limit is not None else "the spec declares none"
    yield "pages", kind(spec.pagination) if spec.pagination is not None else "each endpoint has its own, or one page"
    if spec.timeout is not None:
        yield "longest request", code(flow(plain(spec.timeout)))
    for host in spec.hosts:
        shown = "with the credentials" if host.credentials else "without the credentials"
        yield "links may also lead to", said(code(host.host), f", {shown}")
