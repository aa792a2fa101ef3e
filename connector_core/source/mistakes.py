"""Why a text is not YAML, in plain words and near the cause: mostly a value that has to be quoted, which is shown.

::

    base_url: {{ config.shop_url }}/v1       an unquoted {{ starts a mapping; quote the whole value:
                                             base_url: "{{ config.shop_url }}/v1"
    when: 'x' in body.y                      text goes on after the closing quote; quote the whole value:
                                             when: "'x' in body.y"
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from connector_core.exceptions import SpecError
from connector_core.source.tree import MAX_LEVELS, Path, Tree

__all__ = ["TEMPLATE", "explain", "unquoted"]

TEMPLATE = "an unquoted {{ starts a mapping; quote"
LONGEST_LINE = 1000
"""What is longer is not searched for values to quote: the patterns are not linear."""
LONGEST_SHOWN = 100


def unquoted(tree: Tree, number: int, start: int, why: str, path: Path = ()) -> None:
    """Notes a value that needs quotes, and shows it with them; it starts at the line's index `start`."""
    shown = _in_quotes(tree.line(number), start)
    tree.problem((number, start + 1), f"{why} the whole value: {shown}", path)


def _in_quotes(line: str, start: int) -> str:
    before, rest = line[:start], line[start : start + LONGEST_LINE]
    bare = _without_quotes(before)
    in_flow = bare.count("{") + bare.count("[") > bare.count("}") + bare.count("]")
    value = _to_the_comma(rest) if in_flow else re.sub(r"\s#[^\"'}]*$", "", rest).rstrip()
    key = re.search(r"([^\s,\[\]{}]+:|-)\s*$", before[-LONGEST_SHOWN:])
    shown = _quoted(value) if len(value) <= LONGEST_SHOWN else '"…"'
    return f"{key[1]} {shown}" if key else shown


def _without_quotes(line: str) -> str:
    """The line with a dash for every character that stands in quotes."""
    return re.sub(r"\"[^\"]*\"|'[^']*'", lambda quoted: "-" * len(quoted[0]), line[:LONGEST_LINE])


def _to_the_comma(text: str) -> str:
    """The text up to the comma or bracket that ends a value in a list or mapping of one line."""
    depth, quote = 0, ""
    for index, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif depth == 0 and letter in ",]}":
            return text[:index].rstrip()
        else:
            depth += (letter in "[{") - (letter in "]}")
    return text.rstrip()


def _quoted(value: str) -> str:
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    return f"'{value}'" if "'" not in value else json.dumps(value, ensure_ascii=False)


# ── the parser's errors ───────────────────────────────────────────────────────────────────────────

_SENTENCES = (
    # what PyYAML says, with libyaml or without it; where its cause is; what to say
    (r"',' or '(.)'", "mark", "expected ',' or '{0}' here: the bracket on line {line} is still open"),
    (r"unexpected end of stream", "context", "this quote is never closed"),
    (r"could not find expected ':'", "context", "neither 'key: value' nor '- item'"),
    (
        r"mapping values",
        "mark",
        "a key cannot stand here: does the line above lack a ':', or is one of the two indented wrongly?",
    ),
    (r"sequence entries", "mark", "a list cannot start here: put its first '-' on the next line"),
    (r"<block end>|expected key|'-' indicator", "mark", "expected {wanted} here: is the line indented wrongly?"),
    (r"Unicode character", "mark", "\\u stands for half of a character here: write the character itself"),
    (r"escape|hex", "mark", "no such escape in double quotes: write \\\\ for a backslash, or use single quotes"),
    (r"node content", "mark", "expected a value before {got}: quote it if this is text"),
    (r"document start", "mark", "expected the end of the file: is the line indented less than the first key?"),
    (r"line break|chomping", "mark", "after | or > the text starts on the next line"),
    (r"nesting depth", "mark", f"more than {MAX_LEVELS} levels of mappings and lists"),  # libyaml's own, while it scans
)


def explain(tree: Tree, error: Any) -> NoReturn:
    """Ends the reading of a text that is not YAML; `error` is PyYAML's."""
    mark, context = error.problem_mark, error.context_mark or error.problem_mark
    problem, about = error.problem or "", error.context or ""
    lines = {mark.line + 1, context.line + 1} if "flow" in about else {mark.line + 1}
    if any(found.line in lines for found in tree.problems):
        raise SpecError(tree.problems)  # the template or alias that broke this line has been told
    if found := _to_be_quoted(tree, mark, context, problem):
        tree.unmute()
        unquoted(tree, *found)
        raise SpecError(tree.problems)
    if any(re.match(r" *\t", tree.line(number)) for number in lines):
        tree.fail((mark.line + 1, mark.column + 1), "a tab cannot indent: use spaces")
    for pattern, where, sentence in _SENTENCES:
        if match := re.search(pattern, problem):
            at = context if where == "context" else mark
            got = tree.line(mark.line + 1)[mark.column : mark.column + 1]
            text = sentence.format(
                *match.groups(),
                line=context.line + 1,
                got=repr(got) if got else "the end of the line",
                wanted="'- '" if "collection" in about or "sequence" in about else "a key",
            )
            tree.fail((at.line + 1, at.column + 1), text)
    tree.fail((mark.line + 1, mark.column + 1), f"not YAML: {problem}")


def _to_be_quoted(tree: Tree, mark: Any, context: Any, problem: str) -> tuple[int, int, str] | None:
    """Line, index and reason of the value that needs quotes, where that explains the error."""
    number, line = mark.line + 1, tree.line(mark.line + 1)
    if len(line) > LONGEST_LINE:
        return None
    before = line[: mark.column]
    if "mapping values" in problem and (first := re.match(r"\s*(?:-\s+)*[^\s'\"{\[#]+:\s+(?=\S)", before)):
        return number, first.end(), "a ': ' inside unquoted text starts a mapping; quote"
    for where in (number, context.line + 1):
        if template := re.search(r"(?:[:\-\[{,]\s+|[\[,]|^\s*)(\{\{)", _without_quotes(tree.line(where))):
            return where, template.start(1), TEMPLATE
    if quoted := re.search(r"(?:[:-]\s+|[\[{,]\s*)(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')\s*$", before):
        return number, quoted.start(1), "text goes on after the closing quote; quote"
    if "alphabetic" in problem:
        return number, context.column, f"text cannot start with {line[context.column]!r}; quote"
    if re.search("start any token|mapping keys", problem) and line[mark.column : mark.column + 1] != "\t":
        return number, mark.column, f"text cannot start with {line[mark.column]!r}; quote"
    return None
