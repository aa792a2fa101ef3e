"""What every kind of pagination is: positions, the answer seen as a page, and the end with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NoReturn

from msgspec import Struct
from pydantic import Field

from connector_core.address import MISSING, AnswerPath, Put
from connector_core.component import Component, Model
from connector_core.exceptions import ResponseError
from connector_core.http import Request
from connector_core.template import Flag, MissingError, TemplateError

__all__ = ["Answer", "NoPagination", "Pagination", "Served", "Size", "Stop", "contradiction", "more", "tokenless"]


class Answer(Struct, frozen=True):
    """One page as pagination sees it: where it stood, the URL it came from, and what was in it."""

    position: Any
    """What `next` gave for it: a JSON value; None: the first page."""
    url: str
    """Where it came from, without the query: links in the answer are relative to that."""
    count: int
    """Records on the page as received, before `filter`."""
    scope: Mapping[str, Any]
    """The names of an answer: body, header, status, and record (the last one) where there is any. Of a large answer the
    body lacks its records, unless a field of the kind is an address that leads to them."""


class Stop(Struct, frozen=True):
    """There is no further page; `reason` in words."""

    reason: str
    """Why, in words."""


class Served(Struct, frozen=True):
    """A provider's page: the records, values to place in the answer by address, and header fields."""

    records: Sequence[Mapping[str, Any]]
    """Those of the page, in order."""
    values: Mapping[str, Any] = {}
    """By address (`body.next`, `header.Link`): what the answer holds besides the records."""


class Size(Model):
    """How many records to ask for, and where to say so."""

    put: Put | None = None
    """Where the number is sent; left out where the service has one fixed size."""
    value: Annotated[int, Field(ge=1)]
    """Records per page."""


class Pagination(Component, key="pagination"):
    """How an endpoint's pages follow each other."""

    counts: ClassVar[bool] = False
    """Whether the client works positions out, as numbers that grow, and the service hands none out.

    Circles are looked for accordingly. Where the service hands out tokens or links, each is remembered, and one that
    comes twice is an error. Positions that are worked out never come twice: there, a page that holds the same records
    as the one before is the error, since the service takes no notice of the page asked for.
    """

    max_pages: Annotated[int, Field(ge=1)] = 100_000
    """More pages than this are an error, never a silent end."""

    def at(self, request: Request, position: Any) -> Request:
        """The request for the page at `position` (None: the first), made from the endpoint's own request."""
        raise NotImplementedError

    def next(self, answer: Answer) -> Any:
        """The position after this page, or Stop."""
        raise NotImplementedError

    def ahead(self, answer: Answer) -> Iterator[Any]:  # noqa: ARG002 - for kinds that can count
        """Positions that will follow this page if nothing surprising happens; empty where that can't be known."""
        return iter(())

    def unfound(self, answer: Answer) -> Iterator[tuple[str, AnswerPath]]:  # noqa: ARG002 - for kinds that look
        """The keys whose addresses find nothing on this first page, where that is no natural end; with the address."""
        return iter(())

    def names(self, position: Any) -> dict[str, Any]:  # noqa: ARG002 - for kinds that have such names
        """What `page.…` means in the request for `position`."""
        return {}

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """The provider's answer to `request` over the whole dataset; raises ValueError where it can't be simulated."""
        raise NotImplementedError


class NoPagination(Pagination):
    """The answer holds everything; there is one page.

    Example: `pagination: none`
    """

    type: Literal["none"] = "none"

    def at(self, request: Request, position: Any) -> Request:  # noqa: ARG002 - there is one page
        """The request as it is."""
        return request

    def next(self, answer: Answer) -> Stop:  # noqa: ARG002 - there is one page
        """Always Stop."""
        return Stop("the endpoint has one page")

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:  # noqa: ARG002
        """Everything."""
        return Served(dataset)


# ── what an answer lacks ──────────────────────────────────────────────────────────────────────────


def tokenless(take: AnswerPath, size: Size | None, answer: Answer) -> Iterator[tuple[str, AnswerPath]]:
    """`take`, where it finds nothing on a page that has records and is not known to be short; null is no nothing."""
    short = answer.count == 0 or (size is not None and answer.count < size.value)
    if not short and take.take(answer.scope) is MISSING:
        yield "take", take


# ── what a declared flag says ──────────────────────────────────────────────────────────────────────


def more(flag: Flag, answer: Answer) -> bool:
    """Whether further pages follow; raises ResponseError where the answer does not say so."""
    try:
        return flag.holds({**answer.scope, "page": {"count": answer.count}})
    except TemplateError as wrong:
        raise ResponseError(
            f"has_more cannot be told: {wrong} ({flag.source})",
            hint="compare the condition with what the service sends",
            code="pagination.flag",
        ) from None
    except MissingError as missing:
        raise ResponseError(
            f"{missing.path} is not in the answer, and has_more needs it ({flag.source})",
            hint="correct the condition, or say what its absence means: | default(false)",
            code="pagination.flag_missing",
        ) from None


def contradiction(take: object, flag: Flag) -> NoReturn:
    """Raises for a flag that promises pages which nothing leads to."""
    raise ResponseError(
        f"has_more says that pages follow ({flag.source}), but there is nothing at {take} to ask for them with",
        hint="correct one of the two in the spec",
        code="pagination.token_missing",
    )
