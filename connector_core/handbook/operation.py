"""The sections about a running integration: what its errors mean, how it is tried, and how it is watched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from connector_core import events
from connector_core.docs import Docs
from connector_core.engine.failures import EXCEPTIONS
from connector_core.errors import CATEGORIES, by_status
from connector_core.handbook.commands import Commands
from connector_core.handbook.content import (
    Block,
    Items,
    Listing,
    Said,
    Words,
    code,
    heading,
    link,
    paragraph,
    said,
    table,
)
from connector_core.handbook.endpoints import RULE_HEAD, endpoint_key, own_rules, rules, sentence
from connector_core.handbook.sections import SECTIONS, check
from connector_core.retry import Exponential
from connector_core.spec import Spec

__all__ = ["error_handling", "monitoring", "testing"]

_LINK = re.compile(r"https?://[^\s<>\"]+")
_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def _docs(spec: Spec) -> Docs:
    return spec.docs or Docs()


# ── error handling ────────────────────────────────────────────────────────────────────────────────


def error_handling(spec: Spec) -> Iterator[Block]:
    """What answers mean, what is sent again, and what to do about known problems."""
    docs = _docs(spec)
    yield heading(2, SECTIONS[4], SECTIONS[4])
    yield heading(3, "What answers mean")
    if spec.errors:
        yield paragraph("The first rule that matches decides; an endpoint's own rules come before these.")
        yield from table("Rules for all endpoints", *RULE_HEAD, rows=rules(spec.errors))
    else:
        yield paragraph("The spec declares no rules for all endpoints.")
    own = [name for name, endpoint in spec.endpoints.items() if own_rules(spec, endpoint)]
    if own:
        yield paragraph("Rules of their own: ", *_links(own), ".")
    yield paragraph("What no rule matches follows the status:")
    yield from table("What a status means", "status", "exception", "may pass by itself", rows=_statuses())
    yield heading(3, "What is sent again")
    yield Items(tuple(map(said, _retries(spec))))
    yield heading(3, "Troubleshooting")
    if docs.troubleshooting:
        yield from table(
            "Known problems", "problem", "cause", "what to do",
            rows=([str(one.problem), one.cause, one.answer] for one in docs.troubleshooting),
        )  # fmt: skip
    else:
        yield paragraph("The spec tells of no known problems.")
    yield heading(3, "Support")
    if docs.support:
        yield Items(tuple(said(f"{name}: " if name else "", _contact(found)) for name, found in docs.support.items()))
    else:
        yield paragraph("The spec names nobody to ask.")


def _links(names: Sequence[str]) -> Iterator[Said]:
    for number, name in enumerate(names):
        yield ", " if number else ""
        yield link(name, f"#{endpoint_key(name)}")


def _statuses() -> Iterator[Sequence[Said]]:
    known = sorted({*CATEGORIES, *(status for status in range(500, 505) if by_status(status).retryable)})
    found = [(EXCEPTIONS[by_status(status).category].__name__, by_status(status).retryable, status) for status in known]
    for (name, passes), group in groupby(sorted(found), lambda one: one[:2]):
        yield code(", ".join(str(status) for *_, status in group)), code(name), "yes" if passes else "no"
    for shown, status in (("other 4xx", 499), ("other 5xx", 599)):
        outcome = by_status(status)
        yield shown, code(EXCEPTIONS[outcome.category].__name__), "yes" if outcome.retryable else "no"


def _retries(spec: Spec) -> Iterator[str]:
    usual = spec.retry or Exponential()
    grow = ""
    if isinstance(usual, Exponential):
        grow = f" The waits grow from {usual.initial:g} to {usual.maximum:g} seconds and are random."
    if usual.attempts == 1:
        yield "A request that failed is not sent again, where its endpoint says nothing else."
        return
    yield f"A request is sent at most {usual.attempts} times, within {usual.total:g} seconds in all.{grow}"
    yield "A wait that the service asks for is kept as the least; one that does not fit in is told as an error at once."
    yield "What never left, and what the service refused with 429, or with 503 and Retry-After, is sent again."
    yield "What has an unknown outcome is sent again where that does no harm; each endpoint's entry says whether."


def _contact(text: str) -> Said:
    """A link where the text is an address and nothing else."""
    if _LINK.fullmatch(text):
        return link(text, text)
    return link(text, f"mailto:{text}") if _MAIL.fullmatch(text) else text


# ── testing ───────────────────────────────────────────────────────────────────────────────────────


def testing(spec: Spec, commands: Commands) -> Iterator[Block]:
    """The simulator, and what the spec says about test accounts and scenarios."""
    found = _docs(spec).testing
    yield heading(2, SECTIONS[5], SECTIONS[5])
    yield heading(3, "Without an account")
    if not commands.simulated:
        yield paragraph("The service cannot be simulated; ", code(f"connector simulate {commands.named}"), " says why.")
    else:
        yield paragraph("The service is simulated from the spec: nothing leaves the machine, and no secret is needed.")
        yield Listing("\n".join(_simulated(commands)), "sh")
    yield heading(3, "Test account")
    yield paragraph(found.account if found and found.account else "The spec tells of no test account.")
    if found and found.data:
        yield heading(3, "Test data")
        yield paragraph(found.data)
    yield heading(3, "Scenarios")
    if found and found.scenarios:
        yield Items(tuple(map(said, found.scenarios)), numbered=True)
    else:
        yield paragraph("The spec names no scenarios.")


def _simulated(commands: Commands) -> Iterator[str]:
    for name in (commands.first_read, commands.first_call):
        if name is not None and (line := commands.tried(name)):
            yield line
    yield f"connector simulate {commands.named}"


# ── monitoring ────────────────────────────────────────────────────────────────────────────────────


def monitoring(spec: Spec, commands: Commands) -> Iterator[Block]:
    """The health check, the events and the dashboards."""
    yield heading(2, SECTIONS[6], SECTIONS[6])
    yield heading(3, "Health check")
    read = commands.first_read
    if read is None:
        yield paragraph("Nothing can be read, so that no connection can be tried without acting.")
    else:
        yield paragraph(
            "This signs in and reads one page of ", link(read, f"#{endpoint_key(read)}"), ". Its exit code is 0 where "
            "that works, 1 where the service or the network fails, and 2 where config or secrets are wrong.",
        )  # fmt: skip
        yield Listing(check(spec, commands), "sh")
    yield heading(3, "Events")
    yield paragraph(
        "Told to the listeners of an engine, and to plug-ins; ", code("--trace"), " shows them on the command line."
    )
    yield from table(
        "What is announced", "event", "meaning", rows=([code(name), about] for name, about in _events(spec))
    )
    yield heading(3, "Alerting thresholds")
    yield paragraph("The spec declares none.")
    yield heading(3, "Dashboards")
    dashboards = _docs(spec).dashboards
    if dashboards:
        yield Items(tuple(said(link(name, target)) for name, target in dashboards.items()))
    else:
        yield paragraph("The spec names none.")


def _events(spec: Spec) -> Iterator[tuple[str, Words]]:
    endpoints = spec.endpoints.values()
    never = {
        "JobPolled": not any(endpoint.job is not None for endpoint in endpoints),
        "PartitionFinished": not any(endpoint.for_each for endpoint in endpoints),
        "RecordInvalid": not any(endpoint.on_invalid for endpoint in endpoints),
    }
    for name in events.__all__:
        found = getattr(events, name)
        if isinstance(found, type) and found is not events.Event and not never.get(name):
            yield name, sentence(found)
