from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import Problem, SpecError
from connector_core.source import Path, Source, dotted, read


@pytest.fixture(params=["libyaml", "pure Python"])
def parser(request, monkeypatch):
    """Both of PyYAML's parsers: some installations lack the one in C."""
    if request.param == "pure Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("this PyYAML was built without libyaml")


def mistakes(text: str | bytes, name: str = "shop.yaml") -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text, name)
    return str(caught.value).splitlines()


# ── meaning ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "written, value",
    [
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("010", "010"),
        ("-01", "-01"),
        ("00.5", "00.5"),
        ("0b1", "0b1"),
        ("1.2.3", "1.2.3"),
        ("+", "+"),
        (".", "."),
        ("=", "="),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("0o14", 12),
        ("0x1f", 31),
        ("0", 0),
        ("-17", -17),
        ("+4", 4),
        ("1" * 40, int("1" * 40)),
        ("1.10", 1.1),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ('"1"', "1"),
        ("|\n  a\n  b", "a\nb\n"),
        ("a.b # not more", "a.b"),
        ("body.entries.*.item", "body.entries.*.item"),
        ("body.ok == false and status != 200", "body.ok == false and status != 200"),
    ],
)
def test_yaml_means_what_1_2_says(parser, written, value):
    """A word is what YAML 1.2 says, and text where it has leading zeros."""
    found = read(f"a: {written}\n", "shop.yaml").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_json_is_json(parser):
    """JSON is read as JSON under any name: tabs, far colons, escapes and long keys included."""
    key = "k" * 2000
    text = '\t{\n\t"a"\n\t:\t"\\ud83d\\ude00\\/\\u0000",\r\n\t"b": [1.0, -0, 1e2, %d],\n"%s": {}}\n'
    for name in ("shop.json", "shop.yaml", "shop"):
        source = read(text % (10**30, key), name)
        assert source.data == {"a": "😀/\0", "b": [1, 0, 100, 10**30], key: {}}
        assert [type(item) for item in source.data["b"]] == [float, int, float, int]
        assert (source.at(("b", 3)), source.at_key(("b",))) == ((4, 22), (4, 2))


def test_byte_order_mark(parser):
    """A byte order mark is not part of the text, and moves no column."""
    for name, text in (("shop.yaml", "a: 1"), ("shop.json", '{"a": 1}')):
        source = read(b"\xef\xbb\xbf" + text.encode(), name)
        assert source.data == {"a": 1}
        assert source.at(("a",)) == (1, text.index("1") + 1)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, min_size=1)


@given(DOCUMENTS, st.sampled_from([None, 0, 2, "\t"]), st.sampled_from(["shop.json", "shop.yaml"]))
def test_data_comes_back(data, indent, name):
    """What is written as JSON is read as it was, in either notation."""
    source = read(json.dumps(data, indent=indent), name)
    assert source.data == data
    assert json.dumps(source.data) == json.dumps(data)


# ── positions ─────────────────────────────────────────────────────────────────────────────────────


def places(value: Any, path: Path = ()):
    """Every path below a value, and what stands there."""
    yield path, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@given(DOCUMENTS, st.sampled_from([None, 0, 3]))
def test_positions_in_json(data, indent):
    """Every value and every key stands where its position says."""
    text = json.dumps(data, indent=indent)
    source = read(text, "shop.json")
    lines = text.split("\n")
    for path, value in places(data):
        line, column = source.at(path)
        written = "[" if isinstance(value, list) else "{" if isinstance(value, dict) else json.dumps(value)
        assert lines[line - 1].startswith(written, column - 1)
        if path and isinstance(path[-1], str):
            line, column = source.at_key(path)
            assert lines[line - 1].startswith(json.dumps(path[-1]), column - 1)


WORDS = st.text("abcxyz", min_size=1, max_size=8)
TREES = st.recursive(
    WORDS, lambda inner: st.lists(inner, min_size=1) | st.dictionaries(WORDS, inner, min_size=1), max_leaves=20
)


@given(st.dictionaries(WORDS, TREES, min_size=1), st.booleans())
def test_positions_in_yaml(data, flow):
    """In block and in flow style too, with comments between."""
    text = "# a comment\n---\n" + yaml.safe_dump(data, default_flow_style=flow, width=30)
    source = read(text, "shop.yaml")
    lines = text.split("\n")
    for path, value in places(source.data):
        line, column = source.at(path)
        if isinstance(value, str):
            assert re.match(rf"['\"]?{value}\b", lines[line - 1][column - 1 :])
        if path and isinstance(path[-1], str):
            line, column = source.at_key(path)
            assert re.match(rf"['\"]?{path[-1]}\b", lines[line - 1][column - 1 :])


def test_position_of_what_is_not_there(parser):
    """What the file does not hold stands where its nearest ancestor stands; an item's key is the item."""
    source = read("a:\n  b: [1, 2]\n  c:\nd: e\n", "shop.yaml")
    assert source.at(("a", "b", 1)) == source.at_key(("a", "b", 1)) == (2, 10)
    assert source.at(("a", "b", 7, "x")) == (2, 6)
    assert source.at(("a", "c")) == (3, 5)
    assert source.at(("a", "z")) == source.at_key(("a", "z")) == (2, 3)
    assert source.at(("z",)) == source.at(()) == (1, 1)
    assert source.at_key(("d",)) == (4, 1)


def test_dotted():
    """A path is named with dots; a key that has some itself is quoted."""
    assert dotted(("endpoints", "orders", "errors", 0)) == "endpoints.orders.errors.0"
    assert dotted(("events", "order.updated", "a b", "", 'c"d')) == 'events."order.updated"."a b".""."c\\"d"'
    assert dotted(()) == ""


# ── what is refused ───────────────────────────────────────────────────────────────────────────────

SHARED = "(a schema that endpoints share is a file: schema: schemas/ticket.json)"
ALIAS = f"aliases are refused: write the value out {SHARED}, or if this is text, quote the whole value:"
ANCHOR = (
    f"anchors are refused: write the value out where it is used {SHARED}, or if this is text, quote the whole value:"
)
TAG = "tags are refused: remove it, or if this is text, quote the whole value:"
EMPTY = "the file is empty: a spec starts with connector: and name:"
NUMBER = "is not a number that a request can carry: quote it if it is text"
KEY = "a key cannot stand here: does the line above lack a ':', or is one of the two indented wrongly?"


@pytest.mark.parametrize(
    "text, found",
    [
        ("", [f"1:1 {EMPTY}"]),
        ("# nothing\n", [f"1:1 {EMPTY}"]),
        ("---\n", [f"1:1 {EMPTY}"]),
        ("- a\n", ["1:1 a spec is a mapping (name: shop), not a list"]),
        ("a\n", ["1:1 a spec is a mapping (name: shop), not a single value"]),
        ("a: 1\n---\nb: 1\n", ["2:1 a second document starts here: a file holds one spec"]),
        (
            "a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\nb: 4\n",
            [
                "3:1 a: duplicate key 'a' (first on line 1): keep one",
                "4:11 c.d: duplicate key 'd' (first on line 4): keep one",
                "5:1 b: duplicate key 'b' (first on line 2): keep one",
            ],
        ),
        ("a: {b: 1}\na: {b: 1}\n", ["2:1 a: duplicate key 'a' (first on line 1): keep one"]),
        ("a: &x 1\nb: *x\n", [f'1:4 a: {ANCHOR} a: "&x 1"', f'2:4 b: {ALIAS} b: "*x"']),
        ("a: &x [*x]\n", [f'1:4 a: {ANCHOR} a: "&x [*x]"', f'1:8 a.0: {ALIAS} "*x"']),
        ("a: !!str 5\n", [f'1:4 a: {TAG} a: "!!str 5"']),
        ("when: !body.x == 'a'\n", [f"1:7 when: {TAG} when: \"!body.x == 'a'\""]),
        ("<<: {a: 1}\n", ["1:1 merge keys are refused: write the keys out"]),
        ("1: a\n", ['1:1 a key has to be text: write "1":']),
        (
            "a:\n  true: b\n  ~: c\n",
            ['2:3 a: a key has to be text: write "true":', '3:3 a: a key has to be text: write "~":'],
        ),
        ("? # none\n: b\n", ["1:2 there is no key before the ':'"]),
        ("? [a, {1: 2}]\n: b\n", ["1:3 a key has to be text, not a mapping or a list"]),
        ("a: .inf\nb: -.INF\n", [f"1:4 a: .inf {NUMBER}", f"2:4 b: -.INF {NUMBER}"]),
        ("a: [.nan, 1e999]\n", [f"1:5 a.0: .nan {NUMBER}", f"1:11 a.1: 1e999 {NUMBER}"]),
        (f"a: {'1' * 1001}\n", ["1:4 a: a number of more than 1000 digits: quote it if it is text"]),
        (
            "a: 1\nb: x\0y\n",
            ["2:5 the invisible character U+0000: remove it, or write it in double quotes as \\u0000"],
        ),
        (
            "a: x\u2028y\n",
            ["1:5 the invisible character U+2028: remove it, or write it in double quotes as \\u2028"],
        ),
        ("a: x\ud800\n", ["1:5 the invisible character U+D800: remove it, or write it in double quotes as \\ud800"]),
        (b"a: 1\nb: \xc3\xa4 \xff\n", ["2:6 byte 0xff is not UTF-8: save the file as UTF-8"]),
        ("a: 1\n".encode("utf-16"), ["1:1 byte 0xff is not UTF-8: save the file as UTF-8"]),
        (b"#" * 1_048_577, ["1:1 the file has more than the 1 MiB that a spec may have"]),
        ("ä" * 600_000, ["1:1 the file has more than the 1 MiB that a spec may have"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refused(parser, text, found):
    """What is not plain data in one reading is refused where it stands, with what to do, all of it at once."""
    assert mistakes(text) == [f"shop.yaml:{line}" for line in found]


@pytest.mark.parametrize(
    "text, found",
    [
        # a template that is not quoted
        ("base_url: {{ config.x }}\n", '1:11 base_url: {t} base_url: "{{ config.x }}"'),
        ("x: {{ a }}/path # note\n", '1:4 x: {t} x: "{{ a }}/path"'),
        ('url: {{ a | default("x") }}\n', "1:6 url: {t} url: '{{ a | default(\"x\") }}'"),
        ("x: {{ c[\"a\"] ~ 'b' }}\n", '1:4 x: {t} x: "{{ c[\\"a\\"] ~ \'b\' }}"'),
        ("x: {{ a: b }}\n", '1:4 x: {t} x: "{{ a: b }}"'),
        ("x: {{ @a }}\n", '1:4 {t} x: "{{ @a }}"'),
        ("x: {{ a\ny: 1\n", '1:4 x: {t} x: "{{ a"'),
        ("auth: {type: bearer, token: {{ secrets.token }}}\n", '1:29 auth.token: {t} token: "{{ secrets.token }}"'),
        ("p: {since: {{ config.start }}/x, b: 1}\n", '1:12 p.since: {t} since: "{{ config.start }}/x"'),
        ("- {{ a }}\n- b: {{ c }}\n", None),
        ("{{ a }}: 1\n", '1:1 {t} "{{ a }}: 1"'),
        # a condition or text that is half quoted
        ("when: 'x' in body.y\n", "1:7 {q} when: \"'x' in body.y\""),
        ('filter: "a" == b\n', "1:9 {q} filter: '\"a\" == b'"),
        ("e:\n  - {status: 403, when: 'x' in body.y, category: rate_limit}\n", "2:25 {q} when: \"'x' in body.y\""),
        ('a:\n- "a" == b\n', "2:3 {q} - '\"a\" == b'"),
        ("a: [1, 'b' ~ c]\n", "1:8 {q} \"'b' ~ c\""),
        (f"when: 'x' in {'y' * 100}\n", '1:7 {q} when: "…"'),
        # a colon inside
        ("message: Shop says: {{ body.error }}\n", '1:10 {c} message: "Shop says: {{ body.error }}"'),
        ("a:\n  - title: b: c\n", '2:12 {c} title: "b: c"'),
        # a first letter that YAML keeps for itself
        ("a: @x\n", "1:4 text cannot start with '@'; quote the whole value: a: \"@x\""),
        ("a: `x`\n", "1:4 text cannot start with '`'; quote the whole value: a: \"`x`\""),
        ("a: %5\n", "1:4 text cannot start with '%'; quote the whole value: a: \"%5\""),
        ("take: *\n", "1:7 text cannot start with '*'; quote the whole value: take: \"*\""),
        ("a: ? b\n", "1:4 text cannot start with '?'; quote the whole value: a: \"? b\""),
    ],
)  # fmt: skip
def test_what_to_quote(parser, text, found):
    """A template or condition that is no YAML is told once, and shown with the quotes that it needs."""
    reasons = {
        "{t}": "an unquoted {{ starts a mapping; quote the whole value:",
        "{q}": "text goes on after the closing quote; quote the whole value:",
        "{c}": "a ': ' inside unquoted text starts a mapping; quote the whole value:",
    }
    if found is None:
        assert len(mistakes(text)) == 3
        return
    for mark, reason in reasons.items():
        found = found.replace(mark, reason)
    assert mistakes(text) == [f"shop.yaml:{found}"]


@pytest.mark.parametrize(
    "text, found",
    [
        ("a: [1\nb: 2\n", "2:2 expected ',' or ']' here: the bracket on line 1 is still open"),
        ("a: {b: 1\n", "2:1 expected ',' or '}' here: the bracket on line 1 is still open"),
        ('a: 1\nb: "x\nc: 1\n', "2:4 this quote is never closed"),
        ("a: 1\nb\n", "2:1 neither 'key: value' nor '- item'"),
        ("a: 1\n b: 2\n", f"2:3 {KEY}"),
        ("a\nb: 1\n", f"2:2 {KEY}"),
        ("a:\n    b: 1\n  c: 2\n", "3:3 expected a key here: is the line indented wrongly?"),
        ("a:\n- b\nc: 1\n- d\n", "4:1 expected a key here: is the line indented wrongly?"),
        ("- a\nb: 1\n", "2:1 expected '- ' here: is the line indented wrongly?"),
        (" a: 1\nb: 2\n", "2:1 expected the end of the file: is the line indented less than the first key?"),
        ("a: - b\n", "1:4 a list cannot start here: put its first '-' on the next line"),
        ("a: }\n", "1:4 expected a value before '}': quote it if this is text"),
        ("a: [b,,c]\n", "1:7 expected a value before ',': quote it if this is text"),
        ("a: |x\n  b\n", "1:5 after | or > the text starts on the next line"),
        ("a:\n\tb: 1\n", "2:1 a tab cannot indent: use spaces"),
        ("a: b\n\tc: 1\n", "2:1 a tab cannot indent: use spaces"),
        ("a: b: c: d\n" * 2, "1:4 a ': ' inside unquoted text starts a mapping; quote the whole value: a: \"b: c: d\""),
        ("a: " + "[" * 900, "1:67 more than 64 levels of mappings and lists"),
        ("- " * 3000, "1:129 more than 64 levels of mappings and lists"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_no_yaml(parser, text, found):
    """Why a text is not YAML is told in plain words, near the cause."""
    assert mistakes(text) == [f"shop.yaml:{found}"]


def test_no_yaml_however_deep(parser):
    """A text that is too deep for the parser itself is told in the same words, wherever the parser notices."""
    [mistake] = mistakes("a: " + "[" * 3000)
    assert mistake.endswith(" more than 64 levels of mappings and lists")


def test_no_yaml_as_each_parser_says(parser, request):
    """Where the two parsers see an escape differently, both are told in our words."""
    libyaml = "libyaml" in request.node.name
    bad = "no such escape in double quotes: write \\\\ for a backslash, or use single quotes"
    assert mistakes('a: "\\q"\n') == [f"shop.yaml:1:{5 if libyaml else 6} {bad}"]
    half = (
        "1:7 \\u stands for half of a character here: write the character itself"
        if libyaml
        else "1:4 a: \\ud800 is half of a character: write both halves, or the character"
    )
    assert mistakes('a: "\\ud800"\n') == [f"shop.yaml:{half}"]


@pytest.mark.parametrize(
    "text, found",
    [
        ("", f"1:1 {EMPTY}"),
        (" \n", f"1:1 {EMPTY}"),
        ("[1]", "1:1 a spec is a mapping (name: shop), not a list"),
        ("null", f"1:1 {EMPTY}"),
        ("a: 1\n", "1:1 expected a value"),
        ("{'a': 1}", "1:2 expected a key in double quotes"),
        ('{"a" 1}', "1:6 expected ':' after the key"),
        ('{"a": 1 "b": 2}', "1:9 expected ',' or a closing bracket"),
        ('{"a": 1,\n}', "1:8 a comma before '}': remove it"),
        ('{"a": [1, ]}', "1:9 a comma before ']': remove it"),
        ('{"a": }', "1:7 expected a value"),
        ('{"a": "b}', "1:7 this quote is never closed"),
        ('{"a": "b\nc"}', "1:9 a line break or tab inside quotes: write \\n or \\t"),
        ('{"a": "\\q"}', "1:8 no such escape: write \\\\ for a backslash"),
        ('{"a": "\\u12"}', "1:9 \\u needs four hexadecimal digits"),
        ('{"a": 1} x', "1:10 expected the end of the file"),
        ('{\n  // why\n  "a": 1}', "2:3 JSON has no comments: remove it, or put it under an x-… key"),
        ('{"a": NaN}', f"1:7 a: NaN {NUMBER}"),
        ('{"a": [-Infinity]}', f"1:8 a.0: -Infinity {NUMBER}"),
        ('{"a": 1e999}', f"1:7 a: 1e999 {NUMBER}"),
        ('{"a": "\\ud800x"}', "1:7 a: \\ud800 is half of a character: write both halves, or the character"),
        ('{"\\udc00": 1}', "1:2 \\udc00 is half of a character: write both halves, or the character"),
        ('{"a": 1, "\\u0061": 2}', "1:10 a: duplicate key 'a' (first on line 1): keep one"),
        ("[" * 100_000, "1:65 more than 64 levels of mappings and lists"),
        ('{"a":' * 100_000, "1:321 more than 64 levels of mappings and lists"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_no_json(text, found):
    """A .json file is held to JSON, with the place and in plain words."""
    assert mistakes(text, "shop.json") == [f"shop.json:{found}"]


# ── robustness ────────────────────────────────────────────────────────────────────────────────────

PIECES = st.lists(
    st.sampled_from(["a", "b: ", ": ", "- ", "  ", "{", "}", "{{ ", " }}", "[", "]", ",", '"', "'", "&x ", "*x", "!t "])
    | st.sampled_from(["? ", "#", "%", "<<: ", "1", ".inf", "~", "\\", "\\ud800", "@", "ä", "😀"])
    | st.sampled_from(["\n", "\t", "|\n", "---\n", "...\n", "\r", "\ufeff", "\0"])
).map("".join)


def attempt(text: str | bytes, name: str) -> tuple[Source | None, list[Problem]]:
    """What was read, or the problems, of which there is at least one."""
    try:
        return read(text, name), []
    except SpecError as error:
        return (None, error.problems) if error.problems else pytest.fail("no problem was told")


@given(st.text() | st.binary() | PIECES, st.sampled_from(["shop.yaml", "shop.json"]))
def test_any_text(text, name):
    """No text makes reading raise anything but SpecError, every problem has its line, and what is read is plain."""
    source, problems = attempt(text, name)
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else text).splitlines()
    assert all(1 <= problem.line <= len(lines) + 1 and problem.column >= 1 for problem in problems)
    if source is not None:
        json.dumps(source.data, allow_nan=False).encode()
        assert all(source.at(path) for path, _ in places(source.data))


@given(PIECES)
def test_any_text_without_libyaml(text):
    """The same holds for the parser in Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader", raising=False)
        attempt(text, "shop.yaml")


def test_a_hundred_mistakes_are_enough(parser):
    """Of a file with thousands of mistakes a hundred are told."""
    assert len(mistakes("".join(f"a{number}: *x\n" for number in range(10_000)))) == 100


@pytest.mark.parametrize(
    "piece",
    ["[", "{", "{a: ", "- ", "? ", "a: *x\n", "[a]: 1\n", "a: 'b' ", "{{ ", " #", "a:", "'", "&a ", "!a ", "\t"],
)
def test_a_mebibyte_of_anything(piece):
    """A megabyte of the same thing costs what its size says: nothing in here is quadratic."""
    begin = time.process_time()
    for name in ("shop.yaml", "shop.json"):
        mistakes(piece * (1_048_576 // len(piece)), name)
    assert time.process_time() - begin < 5


def test_yaml_is_imported_when_read():
    """Importing the module does not import PyYAML, and a spec in JSON never does."""
    code = (
        "import sys; from connector_core.source import read; before = 'yaml' in sys.modules;"
        "read('{\"a\": 1}', 'shop.json'); sys.exit(before or 'yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
