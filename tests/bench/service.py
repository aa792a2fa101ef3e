"""A service that is never the bottleneck: every page is serialised once, answered by a bare asyncio protocol.

    python -m tests.bench.service      prints its port

`/items?page=N`, `/cursor?cursor=N` and `/link?page=N` give 100 records a page out of `?pages=N` (default 1,000);
`/slow/…` waits 20 ms before it answers; `/json` and `/csv` give all pages in one answer, the thousand again and again.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from functools import cache
from urllib.parse import parse_qsl

PER_PAGE = 100
FIRST_ID = 1_000_000_000
ONCE = 1000
"""Pages that differ in one large answer."""
LATENCY = 0.020


def record(index: int) -> dict[str, object]:
    """One record of about 560 bytes as JSON, of the sort that issue trackers send."""
    mix = (index * 2_654_435_761) & 0xFFFFFFFF
    stamp = f"{mix % 12 + 1:02}-{mix % 28 + 1:02}T{mix % 24:02}:{mix % 60:02}:{(mix >> 6) % 60:02}Z"
    return {
        "id": FIRST_ID + index,
        "node_id": f"I_{mix:08x}",
        "title": f"Reading stops after page {mix % 997} of the \u201citems\u201d endpoint",
        "state": "open" if mix & 1 else "closed",
        "locked": False,
        "score": (mix % 1000) / 7,
        "user": {"login": f"user{mix % 5000}", "id": mix % 5000, "type": "User", "site_admin": False},
        "labels": [{"id": n, "name": f"label-{n}", "color": "d73a4a"} for n in (mix % 8, (mix >> 3) % 8)],
        "assignee": None,
        "comments": mix % 40,
        "created_at": f"2024-{stamp}",
        "updated_at": f"2025-{stamp}",
        "body": f'Steps:\n1. run it\n2. "observe" {mix % 100_000}',
        "reactions": {"total_count": mix % 9, "+1": mix % 5, "-1": mix % 3},
    }


@cache
def page_of(number: int) -> str:
    """The records of one page as a JSON array."""
    start = (number - 1) * PER_PAGE
    return json.dumps([record(start + n) for n in range(PER_PAGE)], ensure_ascii=False, separators=(",", ":"))


COLUMNS = ("id", "node_id", "title", "state", "score", "comments", "created_at", "updated_at", "body")


@cache
def rows_of(number: int) -> str:
    """The same page as rows of CSV, without what is nested."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    start = (number - 1) * PER_PAGE
    rows.writerows([record(start + n)[name] for name in COLUMNS] for n in range(PER_PAGE))
    return table.getvalue()


def whole(form: str, pages: int) -> bytes:
    """Every page in one answer."""
    numbers = [number % ONCE + 1 for number in range(pages)]
    if form == "csv":
        content = f"{','.join(COLUMNS)}\n{''.join(map(rows_of, numbers))}".encode()
    else:
        content = f"[{','.join(page_of(number)[1:-1] for number in numbers)}]".encode()
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


@cache
def answer(path: str, query: str, host: str) -> bytes:
    """The whole answer to a request line."""
    asked = dict(parse_qsl(query))
    pages = int(asked.get("pages", "1000"))
    number = int(asked.get("page") or asked.get("cursor") or 1)
    more, fields = number < pages, ""
    records = page_of(number) if number <= pages else "[]"
    if path.endswith("/items"):
        body = f'{{"total_pages":{pages},"page":{number},"data":{records}}}'
    elif path.endswith("/cursor"):
        body = f'{{"next_cursor":{json.dumps(str(number + 1) if more else None)},"data":{records}}}'
    else:
        body = records
        fields = f'Link: <http://{host}{path}?pages={pages}&page={number + 1}>; rel="next"\r\n' if more else ""
    content = body.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}Content-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


class Service(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, just enough of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the socket."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answers every request that is complete."""
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head, self.received = self.received[:end].decode("latin-1"), self.received[end + 4 :]
            target = head.split(" ", 2)[1]
            host = next(line[5:].strip() for line in head.split("\r\n") if line.lower().startswith("host:"))
            path, _, query = target.partition("?")
            form = path.strip("/")
            large = form in ("json", "csv")
            reply = whole(form, int(dict(parse_qsl(query))["pages"])) if large else answer(path, query, host)
            if path.startswith("/slow"):
                asyncio.get_running_loop().call_later(LATENCY, self.write, reply)
            else:
                self.write(reply)

    def write(self, reply: bytes) -> None:
        """Sends it, if somebody still listens."""
        if not self.transport.is_closing():
            self.transport.write(reply)


async def main() -> None:
    """Serves on a free port of loopback until it is ended."""
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", 0)
    for number in range(1, ONCE + 1):
        page_of(number)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
