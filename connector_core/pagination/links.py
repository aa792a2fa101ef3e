"""Kinds where the service hands out the next page's address, in the body or in the Link header."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

from connector_core.address import MISSING, AnswerPath, Put
from connector_core.exceptions import ConfigError, ResponseError
from connector_core.http import Request, as_sent, encode_query
from connector_core.pagination.family import Answer, Pagination, Served, Size, Stop, contradiction, more, tokenless
from connector_core.pagination.provider import asked_number, asked_size, flagged
from connector_core.template import Flag, Reads
from connector_core.template.segments import climbs
from connector_core.template.written import kind_of

__all__ = ["LinkHeader", "NextUrl"]


class Linked(Pagination):
    """What linked kinds share: the position is the next page's whole address."""

    size: Size | None = None
    """How many records to ask for; the links repeat it."""

    def at(self, request: Request, position: Any) -> Request:
        """A later page is the link as it stands; whether its host is allowed is checked where it is sent."""
        if position is None:
            return self.size.put.put(request, self.size.value) if self.size and self.size.put else request
        try:
            return request.followed(str(position))
        except UnicodeError:
            raise ConfigError(
                "the position is no link: it holds half a character (a lone surrogate)",
                hint="pass the `following` of a page that was read",
            ) from None

    def _follow(self, answer: Answer, link: object, source: str) -> Any:
        if link is MISSING or link is None or link == "" or link is False:
            return Stop(f"there is no link in {source}")
        if not isinstance(link, str):
            raise ResponseError(f"{source} is not a link but {kind_of(link)}", code="pagination.link")
        if _UNSPEAKABLE.search(link):
            raise ResponseError(
                f"{source} holds a link with a space or control character in it", code="pagination.link"
            )
        try:  # one that is absolute already stays letter by letter, since it may be signed
            following = link if link.startswith(("https://", "http://")) else urljoin(answer.url, link)
        except ValueError:
            raise ResponseError(f"{source} holds a link that is no address", code="pagination.link") from None
        if climbs(re.split("[?#]", following, maxsplit=1)[0]):
            raise ResponseError(f"{source} holds a link with a segment . or .. in its path", code="pagination.link")
        return following

    def _link(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> tuple[Sequence[Any], str | None]:
        """The provider's page and the link to the one after it."""
        size = asked_size(request, self.size)
        start = asked_number(request, Put("query.after"), 0)
        kept = [(name, value) for name, value in request.query if name != "after"]
        query = encode_query([*kept, ("after", str(start + size))])
        link = f"{request.url}?{query}" if start + size < len(dataset) else None
        return dataset[start : start + size], link


class NextUrl(Linked):
    """The answer's body holds the next page's address.

    Example: `pagination: {type: next_url, take: body.links.next}`
    """

    type: Literal["next_url"] = "next_url"
    take: AnswerPath
    """Where the address stands, absolute or relative to the page it came with."""
    has_more: Annotated[Flag, Reads("pagination")] | None = None
    """A condition that is true while further pages follow."""

    def next(self, answer: Answer) -> Any:
        """The link made absolute, or Stop where there is none."""
        if self.has_more is not None and not more(self.has_more, answer):
            return Stop(f"has_more is false: {self.has_more.source}")
        following = self._follow(answer, self.take.take(answer.scope), str(self.take))
        if isinstance(following, Stop) and self.has_more is not None:
            contradiction(self.take, self.has_more)
        return following

    def unfound(self, answer: Answer) -> Iterator[tuple[str, AnswerPath]]:
        """`take`, unless a flag tells the end."""
        return tokenless(self.take, self.size, answer) if self.has_more is None else iter(())

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """An absolute link, null on the last page."""
        records, link = self._link(request, dataset)
        return Served(records, {str(self.take): link, **flagged(self.has_more, link is not None)})


class LinkHeader(Linked):
    """The `Link` header holds the next page's address (RFC 8288).

    Example: `pagination: {type: link_header, size: {put: query.per_page, value: 100}}`
    """

    type: Literal["link_header"] = "link_header"
    rel: str = "next"
    """The relation that marks the next page."""

    def next(self, answer: Answer) -> Any:
        """The link made absolute, or Stop where there is none."""
        return self._follow(
            answer, _linked(as_sent(answer.scope["header"].get("Link", "")), self.rel), f"Link rel={self.rel}"
        )

    def serve(self, request: Request, dataset: Sequence[Mapping[str, Any]]) -> Served:
        """Links to the next and the first page, as providers mix them."""
        records, link = self._link(request, dataset)
        first = f'<{request.url}>; rel="first"'
        return Served(records, {"header.Link": f'<{link}>; rel="{self.rel}", {first}' if link else first})


_UNSPEAKABLE = re.compile(r"[\x00-\x20\x7f]")
_PARAM = r';\s*([^\s;,="]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?'
_LINK, _PARAMS = re.compile(rf"<([^<>]*)>((?:\s*{_PARAM})*)"), re.compile(_PARAM)


def _linked(field_value: str, rel: str) -> str | None:
    """The target of the first link with that relation."""
    for link in _LINK.finditer(field_value):
        if rel.lower() in _relations(link[2]):
            return link[1].strip()
    return None


def _relations(params: str) -> list[str]:
    """What the first `rel` among a link's parameters says; later ones do not count (RFC 8288 §3.3)."""
    for name, quoted, plain in _PARAMS.findall(params):
        if name.lower() == "rel":
            return str(quoted or plain).lower().split()
    return []
