"""A double of an opened connector for the tests of an app: its records and answers are those that the test gives.

::

    shop = fake("shop", records={"orders": [{"id": 1, "total": 9.5}]}, calls={"create_order": {"id": 2}})
    await the_app(shop)
    assert shop.calls == [Called("create_order", {"customer_id": 7, "items": []})]

Rule 1: what the spec says of an app's side holds as ever: endpoints have their names, inputs and records their schemas.
Rule 2: nothing of the spec's other side happens: no request is made, signed, or answered, and nothing is transformed.
Rule 3: what the test did not give is an error, never an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from inspect import isawaitable
from pathlib import Path
from typing import Any

from msgspec import Struct

from connector_core.config import settle
from connector_core.connector import Connector, Result
from connector_core.engine.connection import Connection
from connector_core.engine.pages import Closing, Page, Pages
from connector_core.exceptions import ConfigError
from connector_core.json_schema import judge
from connector_core.load import load
from connector_core.plan import endpoint_of
from connector_core.plugins import Plugins
from connector_core.spec import Spec
from connector_core.testing.accounts import account
from connector_core.testing.fakes import effects, respond

__all__ = ["Called", "FakeConnector", "fake"]

Given = Iterable[Mapping[str, Any]] | Exception
"""An endpoint's records in order, or what reading it raises."""
Kept = Sequence[Mapping[str, Any]] | Exception
Answer = Any | Exception | Callable[[dict[str, Any]], Any]
"""What a call gives or raises, or a function (a coroutine's, too) of its input that gives or raises it."""


class Called(Struct, frozen=True):
    """One call that the app made."""

    endpoint: str
    input: dict[str, Any]
    """What was passed, with the defaults of what was left out."""


def fake(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    records: Mapping[str, Given] | None = None,
    calls: Mapping[str, Answer] | None = None,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Any] | None = None,
    page_size: int = 100,
    environment: str | None = None,
    specs: Sequence[str | Path] = (),
) -> FakeConnector:
    """A connector whose reads give `records` and whose calls give `calls`; what the spec rules out raises ConfigError.

    Records are given as `read` hands them out, some fields of them or all. An exception in their place is raised. What
    is missing in `config` and `secrets` is made up. The rest is as for `Connector.open`; it may be used at once, or
    with `async with`, whose end closes it.
    """
    loaded = spec if isinstance(spec, Spec) else load(spec, [Path(folder) for folder in specs], environment)
    return FakeConnector(loaded, records or {}, calls or {}, (config or {}, secrets or {}), page_size)


class FakeConnector(Connector, Closing):
    """What `fake` gives."""

    def __init__(
        self,
        spec: Spec,
        records: Mapping[str, Given],
        calls: Mapping[str, Answer],
        account_given: tuple[Mapping[str, Any], Mapping[str, Any]],
        page_size: int,
    ) -> None:
        config, secrets = account(spec, *account_given, seed=0)
        silent = effects(lambda _: respond(501))
        super().__init__(
            Connection(spec, silent, Plugins(), config=config, secrets=secrets, name=spec.name, network="public")
        )
        self._records: dict[str, Kept] = {}
        self._answers, self._page_size = dict(calls), page_size
        self.calls: list[Called] = []
        """Every call that was made, in order; those of reads are among them."""
        if type(page_size) is not int or page_size < 1:
            raise ConfigError("page_size is a number of records, from 1 on", code="fake.invalid")
        for name, given in records.items():
            self._records[name] = self._checked(name, given)
        for name in calls:
            endpoint_of(spec, name)

    def _checked(self, name: str, given: Given) -> Kept:
        """The records as a list; raises ConfigError for those of no endpoint, or that its schema does not allow."""
        discovered = name not in self.spec.endpoints and self._discovery
        if not discovered:
            self._check_read(name, None)
        if isinstance(given, Exception):
            return given
        where = f"fake(records={{{name!r}: …}})"
        anything: object = given
        if not isinstance(anything, Iterable) or isinstance(anything, str | bytes | Mapping):
            raise ConfigError(
                f"what is given for {self.spec.name}.{name} is no list of records",
                where=where,
                hint="give a list, or an exception that is to be raised",
                code="fake.invalid",
            )
        found = list(given)
        judged = judge({} if discovered else self.spec.endpoints[name].schema_ or {})
        for number, record in enumerate(found):
            if wrong := judged(record):
                raise ConfigError(
                    f"record {number} of {self.spec.name}.{name} is none that it could give: {wrong.lstrip(': ')}",
                    where=where,
                    hint="give records as the endpoint's schema tells them",
                    code="fake.invalid",
                )
        return found

    def pages(self, endpoint: str, *, position: Any = None, timeout: float | None = None) -> Pages[Any]:  # noqa: ARG002
        """The given records in pages of `page_size`; a position is the number of the records before it."""
        known = self._discovery and endpoint in self._records
        if not known:
            self._check_read(endpoint, position)
        if endpoint not in self._records:
            raise self._missing(endpoint, "records", "[…]")
        pages = _Given(self._connection, self._records[endpoint], position, self._page_size)
        self._connection.own(pages)
        return pages

    async def endpoints(self) -> list[str]:
        """The names of what can be read: the spec's own, and others that records were given for."""
        own = [name for name, endpoint in self.spec.endpoints.items() if endpoint.readable]
        return [*own, *(name for name in self._records if name not in own)]

    async def call(
        self,
        endpoint: str,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - the spec's word
        *,
        timeout: float | None = None,  # noqa: ARG002 - nothing takes any time here
    ) -> Result[Any]:
        """The given answer, once the input was found to fit; a readable endpoint gives its first page's records."""
        found = endpoint_of(self.spec, endpoint)
        self._connection.ready()
        values = settle(found.input or {}, input or {}, what="input")
        self.calls.append(Called(endpoint, deepcopy(values)))
        if found.readable and endpoint not in self._answers:
            page = await anext(self.pages(endpoint), None)
            return Result(page.records if page is not None else [], 1)
        if endpoint not in self._answers:
            raise self._missing(endpoint, "calls", "…")
        answer = self._answers[endpoint]
        data = answer(values) if callable(answer) else answer
        if isawaitable(data):
            data = await data
        if isinstance(data, Exception):
            raise data
        return Result(deepcopy(data), 1)

    def _missing(self, endpoint: str, argument: str, example: str) -> ConfigError:
        return ConfigError(
            f"the fake was given no {argument} of {self.spec.name}.{endpoint}",
            hint=f'fake("{self.spec.name}", {argument}={{"{endpoint}": {example}}})',
            code="fake.missing",
        )

    async def aclose(self) -> None:
        """Ends every reading; nothing can be read or called afterwards."""
        await self._connection.aclose()


class _Given(Pages[Any]):
    """Records that were given, page by page."""

    def __init__(self, connection: Connection, given: Kept, position: Any, size: int) -> None:
        super().__init__()
        self._connection, self._given, self._size = connection, given, size
        self._position = position
        self._number = 0

    async def _next(self) -> Page[Any]:
        self._connection.ready()
        if isinstance(self._given, Exception):
            raise self._given
        start = 0 if self._position is None else self._position
        if isinstance(start, bool) or not isinstance(start, int) or not 0 <= start <= len(self._given):
            raise ConfigError(
                f"{start!r} is no position of these records",
                hint="pass on what a page's `following` was",
                code="position.invalid",
            )
        end = start + self._size
        following = end if end < len(self._given) else None
        self._number += 1
        rows = [deepcopy(dict(record)) for record in self._given[start:end]]
        page = self._ready = Page(rows, self._position, following, self._number)
        self._position, self._ended, self.attempts = following, following is None, 1
        return page

    async def _drop(self) -> None:
        """Nothing is ever under way."""
