"""A page as Markdown (CommonMark, with the tables of GitHub): nothing that a spec says is markup in it.

Rule 1: in a line, a character that could begin markup is escaped; so is what would only mean something at the beginning
        of a line, and what would become a link by itself. Those that only some dialects escape by a backslash are
        written by their number.
Rule 2: code stands between more backticks than it holds. In a table, where a bar would end the cell, it is HTML.
Rule 3: a listing is fenced with more backticks than it holds.
Rule 4: a label of the diagram is letters, digits and spaces; everything else is written by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from connector_core.handbook.content import (
    Block,
    Diagram,
    Heading,
    Items,
    Listing,
    Paragraph,
    Span,
    Table,
    Words,
    clean,
    clean_lines,
    cut,
)

__all__ = ["LONGEST_LABEL", "escaped", "markdown", "mermaid"]

_BACKSLASHED = "\\`*_[]{}#"
_MARKUP = re.compile(r"[\\`*_\[\]{}#<>&~$|^@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_AT_START = re.compile(r"^([-+=:!]|[0-9]+(?=[.)]))")
LONGEST_LABEL = 60


def markdown(blocks: Iterable[Block]) -> str:
    """The page."""
    return "\n\n".join(_written(block) for block in blocks) + "\n"


def _written(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {escaped(block.text)}"
        case Paragraph():
            return _line(block.words)
        case Items():
            marks = (f"{number}." for number in range(1, len(block.items) + 1)) if block.numbered else None
            return "\n".join(f"{next(marks) if marks else '*'} {_line(item)}" for item in block.items)
        case Table():
            return "\n".join(_table(block))
        case Listing():
            return _fenced(clean_lines(block.text), block.language)
        case Diagram():
            return _fenced(mermaid(block), "mermaid")


def _table(block: Table) -> Iterator[str]:
    yield f"| {' | '.join(map(escaped, block.head))} |"
    yield f"|{'---|' * len(block.head)}"
    for row in block.rows:
        yield f"| {' | '.join(_line(cell, in_table=True) for cell in row)} |"


def _line(words: Words, *, in_table: bool = False) -> str:
    line = ""
    for span in words:
        line += _span(span, in_table=in_table, first=not line)
        line = line.lstrip()
    return line.rstrip()


def _span(span: Span, *, in_table: bool, first: bool) -> str:
    match span.kind:
        case "code":
            return _code(span.text, in_table=in_table)
        case "link":
            return f"[{escaped(span.text)}]({_target(span.target)})" if span.text else ""
    return _inline(span.text, first=first)


def escaped(text: str) -> str:
    """The text as a line that shows it, and nothing else."""
    return _inline(clean(text), first=True)


def _inline(text: str, *, first: bool) -> str:
    start = _AT_START.match(text := text.lstrip()) if first else None
    mark = start[0] if start is not None else ""
    rest = text[len(mark) :]
    return _not_at_start(mark) + _MARKUP.sub(_shown, rest)


def _shown(what: re.Match[str]) -> str:
    return f"\\{what[0]}" if what[0] in _BACKSLASHED else f"&#{ord(what[0])};"


def _not_at_start(mark: str) -> str:
    """The mark of a list, a rule or a heading as plain text; the number of a list has its backslash behind it."""
    if mark in (":", "="):
        return f"&#{ord(mark)};"
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}" if mark else ""


def _code(text: str, *, in_table: bool) -> str:
    text = clean(text)
    if in_table and "|" in text:
        return f"<code>{_inline(text, first=False)}</code>"
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if text.startswith("`") or text.endswith("`") or (longest and text.strip("`") != text) else ""
    return f"{fence}{space}{text}{space}{fence}"


def _target(target: str) -> str:
    """The address; between angle brackets where it has more in it than most, so that only these and bars matter."""
    if re.fullmatch(r"[\w#./:@%?=&+-]+", target, re.ASCII):
        return target
    return f"<{re.sub(r'[<>|]|[^!-~]', _percent, target)}>".replace("\\", "%5C")


def _percent(what: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in what[0].encode("utf-8", "replace"))


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


# ── the diagram ───────────────────────────────────────────────────────────────────────────────────


def mermaid(diagram: Diagram) -> str:
    """The diagram for Mermaid, which Git hosts draw."""
    return "\n".join(chain(_nodes(diagram), _edges(diagram)))


def _nodes(diagram: Diagram) -> Iterator[str]:
    yield "flowchart LR"
    yield f'  service["{_label(diagram.service)}"]'
    yield f'  subgraph connector["{_label(diagram.connector)}"]'
    for letter, names, more in (("r", diagram.reads, diagram.more_reads), ("c", diagram.calls, diagram.more_calls)):
        for number, name in enumerate(names):
            yield f'    {letter}{number}["{_label(name)}"]'
        if more:
            yield f'    {letter}more["and {more} more"]'
    if not diagram.reads and not diagram.calls:
        yield '    none["nothing to read or call"]'
    yield "  end"
    yield f'  app["{_label(diagram.app)}"]'


def _edges(diagram: Diagram) -> Iterator[str]:
    for number in range(len(diagram.reads)):
        yield f"  service -->|read| r{number} --> app"
    for number in range(len(diagram.calls)):
        yield f"  app -->|call| c{number} --> service"
    for parent, child in diagram.parents:
        yield f"  r{parent} -.->|for each| r{child}"


def _label(text: str) -> str:
    shown = cut(clean(text), LONGEST_LABEL) or "–"
    return "".join(letter if letter.isalnum() or letter in " _" else f"#{ord(letter)};" for letter in shown)
