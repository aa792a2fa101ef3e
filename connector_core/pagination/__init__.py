"""How an endpoint is read page by page: a small machine per kind, with both its sides, the client's and the provider's.

::

    pagination:
      type: cursor
      take: body.meta.next_cursor
      put: query.cursor
      size: {put: query.limit, value: 100}

Rule 1: a *position* says where a page stands: a page number, an offset, a token, a link; None is the first page.
        It is a JSON value and the only state, so that a reading can be resumed anywhere.
Rule 2: `at(request, position)` asks for that page, `next(answer)` says what follows it: a position, or `Stop` and why.
        `ahead` may guess what follows; a guess saves time and is dropped as soon as `next` says otherwise.
Rule 3: `serve` is the other side of the same protocol, for the simulator. It shares no code with `at` and `next`:
        together they prove each other.
"""

from connector_core.pagination.family import Answer, NoPagination, Pagination, Served, Size, Stop

__all__ = ["Answer", "NoPagination", "Pagination", "Served", "Size", "Stop"]

Pagination.live_in(__name__)
