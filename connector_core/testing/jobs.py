"""The service's side of jobs: a start is answered with an id, polls with what is under way and then with the end.

::

    start ──> {"id": "job-000001"}
    poll ───> {"status": "running"} twice, then {"status": "ready", "urls": […]}, or what makes `failed` or `empty` hold
    locate ─> {"url": …}

What the answers hold is what the spec reads of them: `{{ job.start.id }}` in a path makes an id, a path that is one
whole `{{ job.poll.url }}` makes an address of this service, and the conditions are made to hold by `conditions`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from connector_core.address import AnswerPath
from connector_core.http import Request
from connector_core.job import Job, JobResult
from connector_core.spec import templates
from connector_core.template import MissingError, PathText, Template, TemplateError
from connector_core.testing.conditions import Path, fitting, set_below
from connector_core.testing.matching import Route, Routes
from connector_core.testing.partitions import Told, told
from connector_core.testing.reply import Reply, headers_of, placed, refused

__all__ = ["Ending", "Jobs", "Started"]

Ending = Literal["done", "failed", "empty"]
"""How jobs end, where the spec has a condition for it; else they are done."""
RUNNING = 2
"""Polls that find a job under way."""
FILES = 2
"""Parts of a result of which `each` is fetched."""
_TOKEN = re.compile(r"(job-\d{6,})(?:-part-(\d+))?")
_HERE = "https://here.example"
"""Stands for this service while answers are tried out."""


class Started(Struct):
    """A job that was started."""

    name: str
    """The endpoint."""
    token: str
    places: list[Told]
    """What its requests say of the partition."""
    polls: int = 0
    state: str = "running"


class _Script(Struct, frozen=True):
    """What the answers to one endpoint's requests hold."""

    wanted: Mapping[str, Mapping[Path, str]]
    """Request → the paths of its answer that the spec reads later: an `id`, `files`, or the address of a request."""
    item: Mapping[Path, bool]
    """The paths of an item of `each` that are read, and whether as an address."""
    wrapping: Any
    """What an item of `each` stands in: an object's key, or None."""
    files: int
    """How many items `each` gives; 0: there is one result."""
    states: Mapping[str, Mapping[Path, Any]]
    """How a job may be → what a poll's answer holds besides."""


class Jobs:
    """The jobs of one service; raises ValueError, in words, for a spec whose answers cannot be made up."""

    def __init__(self, routes: Routes, scope: Mapping[str, Any], ending: Ending) -> None:
        self._routes, self._scope, self._ending = routes, scope, ending
        self._scripts: dict[str, _Script] = {}
        self._started: dict[str, Started] = {}

    def learn(self, name: str, job: Job) -> None:
        """Finds out what the answers to an endpoint's requests have to hold."""
        wanted, item = _wanted(job), _item(job.result)
        script = _Script(wanted, item, None, FILES, {})
        if job.result is not None and job.result.each is not None:
            script = self._with_files(name, script, job.result.each)
        else:
            script = replace(script, files=0)
        known = {**self._scope, "body": self._body(name, script, "poll", "job-000000", _HERE) or {}}
        self._scripts[name] = replace(script, states=_states(job, self._scope, known))

    def shares_its_answer(self, name: str, job: Job) -> bool:
        """Whether the last poll's answer holds the records: no request fetches them, or it is the same one."""
        poll, result = self._routes.parts[name, "poll"], self._routes.parts[name, "result"]
        same = (poll.shape, poll.endpoint.method, poll.fixed) == (result.shape, result.endpoint.method, result.fixed)
        return job.result is None or same

    # ── requests ──────────────────────────────────────────────────────────────────────────────────

    def meant(self, route: Route, request: Request) -> Route:
        """The route of the job that is asked about, where several endpoints have their jobs at the same address."""
        found = self.asked_about(route, request)[0] if route.part not in (None, "start") else None
        return route if found is None or route.part is None else self._routes.parts.get((found.name, route.part), route)

    def asked_about(self, route: Route, request: Request) -> tuple[Started | None, int | None]:
        """The job that a request is about, and the part of its result, counted from 1."""
        path, body = unquote(urlsplit(request.url).path), json.dumps(request.body, default=str)
        said = [path, *(value for _, value in request.query), *request.headers.values(), body]
        found = [(token, part) for text in said for token, part in _TOKEN.findall(text) if token in self._started]
        if found:  # a job's id may stand beside that of a part of its result
            token, part = next((pair for pair in found if pair[1]), found[0])
            return self._started[token], int(part) if part else None
        if self._scripts[route.name].wanted["start"]:
            return None, None
        mine = [started for started in self._started.values() if started.name == route.name]
        return (mine[-1] if mine else None), None  # the spec names none, so there is one at a time

    def answer(self, route: Route, request: Request) -> Reply:
        """What the service says to a start, a poll, or the question where the result is."""
        script, home = self._scripts[route.name], "://".join(urlsplit(request.url)[:2])
        if route.part == "start":
            started = Started(route.name, f"job-{len(self._started) + 1:06d}", _said(route, request))
            self._started[started.token] = started
            body = self._body(route.name, script, "start", started.token, home)
            return Reply(202, {"id": started.token} if body is None else body)
        found, _ = self.asked_about(route, request)
        if found is None:
            return refused(404, "there is no such job; start one, and ask with what the answer holds")
        if route.part == "locate":
            body = self._body(route.name, script, "locate", found.token, home)
            return refused(409, f"{found.token} is {found.state}") if found.state != "done" else Reply(200, body or {})
        if not found.polls:
            found.places += _said(route, request)
        found.polls += 1
        if found.polls > RUNNING:
            found.state = self._ending if self._ending in script.states else "done"
        return self._polled(route.name, script, found, home)

    def file_of(self, started: Started, number: int | None) -> tuple[int, int]:
        """Which of how many parts of the result is asked for, counted from 0."""
        files = self._scripts[started.name].files
        return (number - 1, files) if number is not None and files else (0, 1)

    # ── answers ───────────────────────────────────────────────────────────────────────────────────

    def last_answer(self, name: str) -> Any:
        """The body of a poll's answer where a job is done."""
        return self._polled(name, self._scripts[name], Started(name, "job-000000", [], state="done"), _HERE).body

    def _polled(self, name: str, script: _Script, started: Started, home: str) -> Reply:
        done = started.state == "done"
        names: dict[str, Any] = {
            "body": self._body(name, script, "poll", started.token, home) if done else None,
            "status": 200,
            "header": {},
        }
        for path, value in sorted(script.states[started.state].items(), key=lambda pair: len(pair[0])):
            set_below(names, path, value)
        body = {} if names["body"] is None else names["body"]
        if started.state == "failed" and isinstance(body, dict):
            body = {"message": f"{started.token} was made to fail", **body}
        return Reply(names["status"], body, headers_of({f'header."{k}"': v for k, v in names["header"].items()}))

    def _body(self, name: str, script: _Script, part: str, token: str, home: str) -> Any:
        """What the spec reads of the answer to a request; None where it reads nothing."""
        body: Any = None
        for path, meant in script.wanted[part].items():
            value: Any = token
            if meant == "files":
                value = self._files(name, script, token, home)
            elif meant != "id":
                value = self._address(name, meant, token, home)
            try:
                body = placed(body, AnswerPath(".".join(["body", *(f'"{key}"' for key in path)])), value)
            except ValueError as error:
                raise ValueError(f"the answer to job.{part} cannot be made up: {error}") from None
        return body

    def _address(self, name: str, part: Any, token: str, home: str) -> str:
        return home + self._routes.parts[name, part].shape.replace("{}", token)

    def _items(self, name: str, script: _Script, token: str, home: str) -> list[Any]:
        """What `each` is to give."""
        return [self._one(name, script.item, f"{token}-part-{at}", home) for at in range(1, FILES + 1)]

    def _one(self, name: str, item: Mapping[Path, bool], token: str, home: str) -> Any:
        names: dict[str, Any] = {}
        for path, is_address in item.items():
            value = self._address(name, "result", token, home) if is_address else token
            if not set_below(names, ("item", *path), value):
                raise ValueError("job.result reads an item of 'each' both as one value and as an object")
        return names.get("item", token)

    def _files(self, name: str, script: _Script, token: str, home: str) -> Any:
        """What `each` is computed from."""
        items = self._items(name, script, token, home)
        if script.files == 1:
            return items[0]
        return items if script.wrapping is None else [{script.wrapping: item} for item in items]

    def _with_files(self, name: str, script: _Script, each: Template) -> _Script:
        """The script with what makes `each` give its items: a list, one of objects to pluck from, or a single one."""
        tried = [replace(script, wrapping=word) for word in (None, *_texts_in(each))]
        for attempt in (*tried, replace(script, files=1)):
            answers = {part: self._body(name, attempt, part, "job-000000", _HERE) for part in attempt.wanted}
            try:
                found = each.value({**self._scope, "job": answers})
            except (MissingError, TemplateError):
                continue
            if found == self._items(name, attempt, "job-000000", _HERE)[: attempt.files]:
                return attempt
        raise ValueError(f"job.result.each is computed ({each.source}); take a list as an answer has it")


def _said(route: Route, request: Request) -> list[Told]:
    """What a request says of the partition; it is compared with nothing, since it asks for no records."""
    return [replace(place, compared=False) for place in told(route, request)]


def _texts_in(template: Template) -> list[str]:
    """The texts that the expression of a whole template writes out, such as the key that it plucks."""
    from jinja2 import nodes

    from connector_core.template.grammar import parsed

    tree = parsed(template.source.strip().removeprefix("{{").removesuffix("}}"))
    return [node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]


# ── what the spec reads ───────────────────────────────────────────────────────────────────────────


def _wanted(job: Job) -> dict[str, dict[Path, str]]:
    """Request → the paths of its answer that later requests read, and what for."""
    found: dict[str, dict[Path, str]] = {"start": {}, "poll": {}, "locate": {}}
    later = (("poll", job.poll), ("locate", job.locate), ("result", job.result))
    for part, request in later:
        for where, template in templates(request):
            whole = isinstance(template, PathText) and template.whole
            for root, *path in template.reads:
                if root != "job" or not path or path[0] == part or path[0] not in found:
                    continue
                kinds = found[path[0]]
                kind = "files" if where == ("each",) else part if whole else kinds.get(tuple(path[1:]), "id")
                kinds[tuple(path[1:])] = kind
    return found


def _item(result: JobResult | None) -> dict[Path, bool]:
    found: dict[Path, bool] = {}
    for _, template in templates(result):
        for root, *path in template.reads:
            if result is not None and root == result.as_:
                is_address = isinstance(template, PathText) and template.whole
                found[tuple(path)] = found.get(tuple(path), False) or is_address
    return found


def _states(job: Job, scope: Mapping[str, Any], done: Mapping[str, Any]) -> dict[str, Mapping[Path, Any]]:
    """How a job may be → what a poll's answer holds, beside what `done` has already."""
    going = [(job.failed, False), (job.empty, False)]
    running = fitting([*going, (job.done, False)], scope, words=["running"])
    finished = fitting([*going, (job.done, True)], done, words=["done"], before=running)
    if running is None or finished is None:
        outcome = "not hold, as it does while a job is under way" if running is None else "hold"
        raise ValueError(f"no answer was found that makes job.done {outcome}: {job.done.source}")
    states: dict[str, Mapping[Path, Any]] = {"running": running, "done": finished}
    for name, wanted in (("failed", [(job.failed, True)]), ("empty", [(job.failed, False), (job.empty, True)])):
        if wanted[-1][0] is not None:
            found = fitting(wanted, scope, words=[name], before=running)
            if found is None:
                raise ValueError(f"no answer was found that makes job.{name} hold: {wanted[-1][0].source}")
            states[name] = {**running, **found}
    return states
