"""What answers hold because a spec takes it from them elsewhere: captured facts, and what later steps read.

::

    capture: {tenant_id: {call: tenants, take: body.0.tenantId}}
    # tenants answers [{"tenantId": "tenant_id-000001"}]
    steps: [{call: create, as: order}, {call: close, input: {id: "{{ order.number }}"}}]
    # create answers {…, "number": "number-000001"}

Only what is not in an answer anyway is added: records stay as their schema describes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from connector_core.address import MISSING, AnswerPath, BodyPath
from connector_core.http import Headers
from connector_core.spec import Endpoint, Spec, templates
from connector_core.testing.reply import Reply, headers_of, placed

__all__ = ["Facts"]

NO_CONTENT = 204
_OF_LISTS = "join|first|last|sort|unique|min|max|sum|pluck|where|length"
"""Filters that make of a list what one template needs."""


class Facts:
    """The addresses of a spec that its other keys take values from, by the endpoint that is asked."""

    def __init__(self, spec: Spec) -> None:
        self._expected: dict[str, list[tuple[AnswerPath, Any]]] = {}
        for name, path, value in (*_captured(spec), *_of_steps(spec)):
            self._expected.setdefault(name, []).append((path, value))

    def are_taken_from(self, endpoint: str) -> bool:
        """Whether something is taken from the endpoint's answers."""
        return endpoint in self._expected

    def added(self, endpoint: str, reply: Reply, *, beside: BodyPath | None = None) -> Reply:
        """The reply with what is taken from it; raises ValueError, in words, where there is no room for that.

        `beside`: the place of records, which nothing is added to.
        """
        for path, value in self._expected.get(endpoint, ()):
            if beside is not None and path.root == "body" and path.keys[: len(beside.keys)] == beside.keys:
                continue
            found = path.take({"body": reply.body, "header": Headers(reply.headers), "status": reply.status})
            if found is not MISSING and found is not None:
                continue
            if path.root == "header":
                reply = replace(reply, headers={**reply.headers, **headers_of({str(path): value})})
            elif path.root == "body":
                status = 200 if reply.status == NO_CONTENT else reply.status
                reply = replace(reply, status=status, body=placed(reply.body, path, value))
        return reply


def _captured(spec: Spec) -> Iterator[tuple[str, AnswerPath, Any]]:
    for name, capture in spec.asked_facts.items():
        several = "*" in capture.take.keys or any(_is_list(name, where, value) for where, value in templates(spec))
        yield capture.call, capture.take, [_made(name, at) for at in (1, 2, 3)] if several else _made(name)


def _is_list(fact: str, where: tuple[str | int, ...], value: Any) -> bool:
    """Whether the spec reads the fact as a list there."""
    if where[-1] == "values" and "for_each" in where and ("connection", fact) in value.reads:
        return True
    return re.search(rf"connection\.{fact}\s*\|\s*({_OF_LISTS})\b", value.source) is not None


def _of_steps(spec: Spec) -> Iterator[tuple[str, AnswerPath, Any]]:
    for endpoint in spec.endpoints.values():
        reads = {read for _, value in templates(endpoint) for read in value.reads}
        for step in endpoint.steps or ():
            home = _output(spec.endpoints.get(step.call))
            for root, *below in sorted(reads):
                if home is not None and root == step.as_ and below:
                    address = ".".join([home, *(f'"{key}"' for key in below)])
                    yield step.call, AnswerPath(address), _made(below[-1])


def _output(called: Endpoint | None) -> str | None:
    """Where a call's answer has what it gives; None where that is no object of the answer."""
    if called is None or called.steps or called.job or called.batch or called.readable:
        return None
    if called.output is None:
        return "body"
    raw = called.output.raw
    return raw if called.output.literal and isinstance(raw, str) and AnswerPath(raw).root == "body" else None


def _made(name: str, number: int = 1) -> str:
    return f"{name}-{number:06d}"
