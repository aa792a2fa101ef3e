from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ValidationError

from connector_core.address import MISSING
from connector_core.http import Headers
from connector_core.template import (
    PLACES,
    Condition,
    Flag,
    Message,
    MissingError,
    PathText,
    Reads,
    Template,
    TemplateError,
    Value,
    unknown_names,
)
from connector_core.template.compiler import compiled
from connector_core.template.parts import expression
from connector_core.template.places import EVERYWHERE, READABLE
from connector_core.template.quotes import marks

FIELDS = [Template, Message, Condition, Flag, Value, PathText]


class Host:
    """What must never be reached: an object with attributes and methods."""

    secret = "s3cr3t"

    def delete(self) -> str:
        return "CALLED"


SCOPE: dict[str, Any] = {
    "config": {"shop_url": "https://shop.example", "keys": 1, "items": ["a"]},
    "header": Headers([("X-Next", "7"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]),
    "status": 200,
    "obj": Host(),
    "body": {
        "ok": False,
        "count": 3,
        "price": 2.5,
        "null": None,
        "name": "True",
        "hex": "0x10",
        "dict": "{'admin': True}",
        "underscored": "1_000",
        "huge": "1e400",
        "digits": "123",
        "crlf": "a\r\nX-Evil: 1",
        "parentheses": "(" * 5000,
        "template": "{{ config.shop_url }}",
        "data": [{"id": 1}, {"id": 2}],
        "items": {"a.b": 1},
        "empty": "",
        "none": [],
    },
}


# ── types ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "source, expected",
    [
        ("{{ body.count }}", 3),
        ("{{body.count}}", 3),
        ("  {{ body.count }}\n", 3),
        ("{{ body.ok }}", False),
        ("{{ body.null }}", None),
        ("{{ body.data }}", [{"id": 1}, {"id": 2}]),
        ("{{ body.name }}", "True"),
        ("{{ body.hex }}", "0x10"),
        ("{{ body.dict }}", "{'admin': True}"),
        ("{{ body.underscored }}", "1_000"),
        ("{{ body.huge }}", "1e400"),
        ("{{ body.digits }}", "123"),
        ("{{ body.digits ~ '' }}", "123"),
        ("{{ body.dict ~ '' }}", "{'admin': True}"),
        ("{{ '007' }}", "007"),
        ("x{{ body.name }}", "xTrue"),
        ("{{ body.ok }}{{ body.price }}", "false2.5"),
        ("{{ true ~ 1 ~ 1.0 ~ 1e16 }}", "true11.01e+16"),
        ("a {{ body.count }} b", "a 3 b"),
        ("plain } text }} with { braces", "plain } text }} with { braces"),
        ("{{ '{{' }} and {{ '}}' }}", "{{ and }}"),
        ("{{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("{{ {'a': {'b': 1}}}}", {"a": {"b": 1}}),
        ("{{ {1: 'one', 3: 'three'}[body.count] }}", "three"),
        ("line\r\n{{ body.count }}\n", "line\r\n3\n"),
        (100, 100),
        (1.5, 1.5),
        (True, True),
        ("", ""),
    ],
)
def test_native_type(source, expected):
    """One whole `{{ }}` keeps the value's own type and text is never read as code; around it there is text."""
    found = Template(source).value(SCOPE)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "source, expected",
    [
        ("{{ body.count }}", "3"),
        ("{{ body.price }}", "2.5"),
        ("{{ body.ok }}", "false"),
        ("{{ 1e400 if body.ok else 1.0 }}", None),
        (100, "100"),
        (True, "true"),
        (1e16, "1e+16"),
        ("{{ body.null }}", MISSING),
        ("{{ body.absent }}", MISSING),
        ("{{ body.absent | upper }}", MISSING),
    ],
)
def test_text(source, expected):
    """`text` writes numbers and booleans as JSON does; null and missing are dropped where they are the whole value."""
    if expected is None:
        with pytest.raises(TemplateError, match=r"^the number is too large$"):
            Template(source)
    else:
        assert Template(source).text(SCOPE) == expected


@pytest.mark.parametrize(
    "source, message",
    [
        ("{{ body.data }}", "body.data: a list has no form as text; write it as JSON: | json"),
        ("x{{ body.items }}", "body.items: an object has no form as text; write it as JSON: | json"),
        ("x{{ body.null }}", "body.null: null has no form as text; say what it means: | default('', true)"),
        ("{{ obj }}", "obj: a Host has no form as text; write it as JSON: | json"),
        ("{{ nan }}", "nan: an infinite number or NaN has no form as text"),
        ("{{ long }}", "long: a number of thousands of digits has no form as text"),
    ],
)
def test_no_text(source, message):
    """What has no form as text is an error that says what to write."""
    with pytest.raises(TemplateError) as caught:
        Template(source).text({**SCOPE, "nan": float("nan"), "long": 10**5000})
    assert str(caught.value) == message


def test_response_is_data():
    """Text from a response that looks like a template is never rendered."""
    assert Template("{{ body.template }}").value(SCOPE) == "{{ config.shop_url }}"
    assert Template("a {{ body.template }}").text(SCOPE) == "a {{ config.shop_url }}"
    assert Template("{{ body.template ~ body.template | lower }}").value(SCOPE) == "{{ config.shop_url }}" * 2
    assert Value({"x": ["{{ body.template }}"]}).value(SCOPE) == {"x": ["{{ config.shop_url }}"]}


@pytest.mark.parametrize(
    "source, reads",
    [
        ("{{ config.shop_url }}/x", {("config", "shop_url")}),
        ("{{ body.meta.next }}", {("body", "meta", "next")}),
        ("{{ header['X-A'] }}", {("header", "X-A")}),
        ("{{ status }}{{ body['a b'].c }}", {("status",), ("body", "a b", "c")}),
        ("{{ body.data[0].id }}", {("body", "data")}),
        ("{{ body[config.key].x }}", {("body",), ("config", "key")}),
        ("{{ (body.data | last).id }}", {("body", "data")}),
        (
            "{{ a.x if b.y is defined else c.z | default(d, empty=e) }}",
            {("a", "x"), ("b", "y"), ("c", "z"), ("d",), ("e",)},
        ),
        ("{{ {'k': [a, {'l': b}]} }}", {("a",), ("b",)}),
        ("{{ 'config.shop_url' }}", set()),
        ("no braces", set()),
    ],
)
def test_reads(source, reads):
    """`reads` has every path that an expression reads, up to where a subscript is computed."""
    assert Template(source).reads == reads


# ── missing is not null ────────────────────────────────────────────────────────────────────────────

ABSENT = "missing"  # what the rendering raises
MISSING_TABLE = [
    # expression                          Template     Message   Condition  Flag
    ("body.absent",                       MISSING,     "",       False,     ABSENT),
    ("absent",                            MISSING,     "",       False,     ABSENT),
    ("absent.below.that",                 MISSING,     "",       False,     ABSENT),
    ("body.null.below",                   MISSING,     "",       False,     ABSENT),
    ("body.name.upper",                   MISSING,     "",       False,     ABSENT),
    ("body['absent']",                    MISSING,     "",       False,     ABSENT),
    ("body.data[9]",                      MISSING,     "",       False,     ABSENT),
    ("body.data[9].id",                   MISSING,     "",       False,     ABSENT),
    ("body.absent[1:]",                   MISSING,     "",       False,     ABSENT),
    ("body.absent | upper",               MISSING,     "",       False,     ABSENT),
    ("body.absent + 1",                   MISSING,     "",       False,     ABSENT),
    ("-body.absent",                      MISSING,     "",       False,     ABSENT),
    ("'a' ~ body.absent",                 ABSENT,      "a",      False,     ABSENT),
    ("body.absent == 1",                  False,       "false",  False,     ABSENT),
    ("body.absent != 1",                  False,       "false",  False,     ABSENT),
    ("body.absent == body.gone",          False,       "false",  False,     ABSENT),
    ("1 < body.absent",                   False,       "false",  False,     ABSENT),
    ("'x' in body.absent",                False,       "false",  False,     ABSENT),
    ("body.absent in ['x']",              False,       "false",  False,     ABSENT),
    ("body.absent not in ['x']",          False,       "false",  False,     ABSENT),
    ("body.absent is none",               False,       "false",  False,     ABSENT),
    ("body.absent is defined",            False,       "false",  False,     False),
    ("body.absent is not defined",        True,        "true",   True,      True),
    ("body.null is none",                 True,        "true",   True,      True),
    ("body.null is defined",              True,        "true",   True,      True),
    ("not body.absent",                   True,        "true",   True,      ABSENT),
    ("body.absent or body.count",         3,           "3",      True,      ABSENT),
    ("body.count or body.absent",         3,           "3",      True,      True),
    ("body.absent and body.count",        MISSING,     "",       False,     ABSENT),
    ("1 if body.absent else 2",           2,           "2",      True,      ABSENT),
    ("1 if body.ok",                      MISSING,     "",       False,     ABSENT),
    ("body.absent | default(true)",       True,        "true",   True,      True),
    ("(1 < body.absent) | default(true)", False,       "false",  False,     True),
    ("('a' ~ body.absent) | default('b')", "b",        "a",      True,      True),
    ("[body.absent, 1]",                  [1],         "[1]",    True,      True),
    ("{'a': body.absent}",                {},          "{}",     False,     False),
]  # fmt: skip


def outcome(render: Callable[[Any], Any]) -> Any:
    try:
        return render(SCOPE)
    except MissingError:
        return ABSENT


@pytest.mark.parametrize(
    "source, value, message, condition, flag", MISSING_TABLE, ids=[row[0] for row in MISSING_TABLE]
)
def test_missing(source, value, message, condition, flag):
    """What is missing means in each sort of field what the module's table says."""
    assert outcome(Template("{{ " + source + " }}").value) == value
    assert outcome(Message("{{ " + source + " }}").text) == message
    assert outcome(Condition(source).holds) == condition
    assert outcome(Flag(source).holds) == flag


@pytest.mark.parametrize(
    "field, render, message",
    [
        (Template("next: {{ body.meta.next }}"), "text", "body.meta.next is missing"),
        (Template("{{ config.shop_url }}/{{ body.x | upper }}"), "value", "body.x is missing"),
        (Template("{{ 'a' ~ body.count ~ body.x }}"), "value", "body.x is missing"),
        (Template("a{{ body.data[9].id }}"), "text", "body.data[9].id is missing"),
        (Flag("body.has_more"), "holds", "body.has_more is missing"),
        (Flag("body.count < body.total"), "holds", "body.total is missing"),
        (Flag("not header['X-Last']"), "holds", "header.X-Last is missing"),
        (PathText("/a/{{ body.x }}"), "text", "body.x is missing"),
        (PathText("{{ body.x }}"), "text", "body.x is missing"),
        (Value({"a": "x{{ body.x }}"}), "value", "body.x is missing"),
    ],
)
def test_missing_is_named(field, render, message):
    """The error names what is not there, dotted, as the answer would have it."""
    with pytest.raises(MissingError) as caught:
        getattr(field, render)(SCOPE)
    assert str(caught.value) == message
    assert caught.value.path == message.removesuffix(" is missing")


# ── conditions ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "source, holds",
    [
        ("body.ok == false", True),
        ("body.ok", False),
        ("body.count", True),
        ("body.empty", False),
        ("body.count > 2 and body.price < 3", True),
        ("1 < body.count <= 3", True),
        ("1 < body.count < 3", False),
        ("'Tr' in body.name", True),
        ("'data' in body", True),
        ("2 in [1, 2]", True),
        ("body.name not in ['x']", True),
        ("status == 200", True),
        ("header['x-next'] == '7'", True),
        ("header['SET-COOKIE'] == 'a, b'", True),
        ("body.items['a.b'] == 1", True),
        ("body.data[-1].id == 2", True),
        ("(body.data | last).id == 2", True),
        ("body.data.0.id == 1", True),
        ("body.data | length >= 2", True),
        ("body.name[:1] == 'T'", True),
        ("not body.ok and not body.null", True),
        ("body.null == none", True),
        (True, True),
        (False, False),
        # a type error does not hold, whichever way it is asked
        ("body.name > 1", False),
        ("body.name <= 1", False),
        ("body.null > 1", False),
        ("body.ok < 2", False),
        ("not (body.name > 1)", False),
        ("body.name + 1 == 2", False),
        ("1 in body.count", False),
        ("1 in body.name", False),
        ("[] in body", False),
        ("1 / 0 == 1", False),
        ("body.name | sum > 0", False),
    ],
)
def test_condition(source, holds):
    """A condition is a bare expression; what cannot be compared does not hold."""
    assert Condition(source).holds(SCOPE) is holds


@pytest.mark.parametrize(
    "source, message",
    [
        ("body.name < 3", "body.name < 3: text and a number have no order"),
        ("body.null > 3", "body.null > 3: null and a number have no order"),
        ("'x' in body.count", "'x' in body.count: `in` looks into a list, an object or text, not into a number"),
    ],
)
def test_flag_of_another_type(source, message):
    """A flag whose operands have changed their type is an error: a false would end a reading silently."""
    with pytest.raises(TemplateError) as caught:
        Flag(source).holds(SCOPE)
    assert str(caught.value) == message


# ── operators ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "source, expected",
    [
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("-7 % 3", 2),
        ("-(body.count)", -3),
        ("body.price * 2", 5.0),
        ("body.data[0:1]", [{"id": 1}]),
        ("body.digits[::2]", "13"),
        ("body.digits[0]", "1"),
        ("'a' ~ (1 + 2)", "a3"),
        ("9007199254740993 + 0", 9007199254740993),
    ],
)
def test_operators(source, expected):
    """Arithmetic is Python's on numbers, whole numbers stay exact, slices take lists and text."""
    found = Template("{{ " + source + " }}").value(SCOPE)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "source, message",
    [
        ("'a' + 'b'", "+ takes numbers, not text; join text with ~"),
        ("body.ok + 1", "+ takes numbers, not true or false"),
        ("body.data + body.data", "+ takes numbers, not a list"),
        ("'a' * 10", "* takes numbers, not text"),
        ("[1] * 10", "* takes numbers, not a list"),
        ("'%0900000000d' % 1", "% takes numbers, not text"),
        ("-body.name", "- takes numbers, not text"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("1e308 * 10", "the result is not a finite number"),
        ("big * big * big * big", "the number is too large to compute with"),
        ("big / 1", "the number is too large to compute with"),
        ("body.data[1.5:]", "a slice is written [from:to], with whole numbers"),
        ("body.data[::0]", "a slice is written [from:to], with whole numbers"),
        ("{body.null: 1}", "an object's key is text, not null"),
        ("'a' ~ body.data", "a list has no form as text; write it as JSON: | json"),
        ("deep == other", "the value is nested too deeply"),
    ],
)
def test_operand_refused(source, message):
    """An operand that an operator can't take is an error that names the expression and shows no value."""
    deep: list[Any] = []
    other: list[Any] = []
    for _ in range(50_000):
        deep, other = [deep], [other]
    with pytest.raises(TemplateError) as caught:
        Template("{{ " + source + " }}").value({**SCOPE, "big": 2**4000, "deep": deep, "other": other})
    assert str(caught.value) == f"{source}: {message}"


# ── what is refused ────────────────────────────────────────────────────────────────────────────────

BARE = "{{ }} is not written inside of {{ }}, nor in a condition: write the bare expression"
PAGES = "it belongs to templates that make pages, and there is nothing of it here"
STATEMENT = "{% … %} is a statement, and there are none; write {{ a if condition else b }} or a filter"
CALL = "is a call, and there are none; write"
ADDRESS = "is an address, and this is an expression; write"


@pytest.mark.parametrize(
    "source, message",
    [
        ("{{ body.get('x') }}", f"`body.get('x')` {CALL} `body.x | default(…)`"),
        ("{{ body.get('a-b', 1) }}", f"`body.get('a-b')` {CALL} `body['a-b'] | default(…)`"),
        ("{{ body.name.lower() }}", f"`body.name.lower(…)` {CALL} `body.name | lower`"),
        ("{{ body.name.strip() }}", f"`body.name.strip(…)` {CALL} `body.name | trim`"),
        ("{{ config.update({'a': 1}) }}", f"`config.update(…)` {CALL} a filter: `value | filter`"),
        ("{{ len(body.data) }}", f"`len(…)` {CALL} `value | length`"),
        ("{{ range(9) }}", f"`range(…)` {CALL} a filter: `value | filter`"),
        ("{{ (body.x | first)(1) }}", "a call is not available; write a filter: `value | filter`"),
        ("{{ 2 ** 3 }}", "** is not available; write the product: a * a"),
        ("{{ 5 // 2 }}", "// is not available; write (a / b) | int"),
        ("{{ (1, 2) }}", "(a, b) is not available; write a list: [a, b]"),
        ("{{ 1, 2 }}", "(a, b) is not available; write a list: [a, b]"),
        ("{{ +1 }}", "a + in front of a number says nothing; leave it out"),
        ("{{ x is number }}", "`is number` is not available; the tests are `is none` and `is defined`"),
        ("{{ x is divisibleby 3 }}", "`is divisibleby` is not available; the tests are `is none` and `is defined`"),
        ("{{ x.__class__ }}", "`.__class__` is Python's; an expression sees keys of objects only"),
        (
            "{{ self }}",
            "there is no name 'self'; " + PAGES,
        ),
        ("{{ null }}", "there is no name 'null'; write none, or test with `is none` and `is defined`"),
        (
            "{% if x %}a{% endif %}",
            STATEMENT,
        ),
        ("a {# b #}", "{# … #} is a comment of templates; write it as a comment of YAML: # …"),
        ("{{ header.X-Next }}", f"`header.X-Next` {ADDRESS} header['X-Next']"),
        ("{{ body.data.-1.id }}", f"`body.data.-1` {ADDRESS} body.data | last"),
        ("{{ body.data.-2 }}", f"`body.data.-2` {ADDRESS} body.data[-2]"),
        ("{{ body.data.*.id }}", f"`body.data.*.id` {ADDRESS} body.data | pluck('id')"),
        ("{{ body.data.* }}", f"`body.data.*` {ADDRESS} body.data"),
        ("{{ body.'@odata.nextLink' }}", f"`body.'@odata.nextLink'` {ADDRESS} body['@odata.nextLink']"),
        ('{{ body."a.b" }}', f'`body."a.b"` {ADDRESS} body["a.b"]'),
        ("{{ a && b }}", "`a && b` is not an expression: write `and`"),
        ("{{ a || b }}", "`a || b` is not an expression: write `or`"),
        ("{{ !a }}", "`!a` is not an expression: write `not`, or != between two values"),
        ("{{ a === b }}", "`a === b` is not an expression: write =="),
        ("{{ a = b }}", "`a = b` is not an expression: to compare, write =="),
        ("{{ a ? b : c }}", "`a ? b : c` is not an expression: write `a if condition else b`"),
        ("{{ a b }}", "`a b` is not an expression: nothing can stand where 'b' stands"),
        ("{{ a + }}", "`a +` is not an expression: it ends too early"),
        ("{{ a | }}", "`a |` is not an expression: it ends too early"),
        ("{{ (a }}", "`(a` is not an expression: it ends too early"),
        ("{{ a) }}", "`a)` is not an expression: unexpected ')'"),
        ("{{ 'a }}", "`'a` is not an expression: unexpected char \"'\""),
        ("{{ a $ b }}", "`a $ b` is not an expression: unexpected char '$'"),
        ("{{ }}", "there is nothing in it; write a name, such as {{ config.shop_url }}"),
        ("{{ a", "{{ is never closed; write {{ name }}, and {{ '{{' }} for the two braces themselves"),
        (
            "{{ {{ a }} }}",
            "`{{ a }}` is not an expression: " + BARE,
        ),
        ("{{-1}}", "{{- and -}} are not available; for a negative number write {{ -1 }}, with a space"),
        ("{{ a -}}", "{{- and -}} are not available; for a negative number write {{ -1 }}, with a space"),
        ("{{ 1e999 }}", "the number is too large"),
        ("{{ 1.5٣ }}", "`1.5٣` is not an expression: a number is written with the digits 0 to 9"),
        ("{{ a" + " " * 8192 + "}}", "longer than 8192 characters; split it, or build it with a hook"),
        ("{{ a" + " ~ 1" * 400 + " }}", "the expression is too complex (at most 400 parts, 60 deep)"),
        ("{{ a" + " + 1" * 60 + " }}", "the expression is too complex (at most 400 parts, 60 deep)"),
        ("{{ " + "(" * 21 + "a" + ")" * 21 + " }}", "brackets are nested more than 20 deep"),
        (None, "must be text, a number, true or false, not null"),
        ([], "must be text, a number, true or false, not a list"),
    ],
)
def test_refused(source, message):
    """Everything that is not in the language is refused when the template is made, in words that say what to write."""
    with pytest.raises(TemplateError) as caught:
        Template(source)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "source, message",
    [
        (
            "{{ body.ok }}",
            "`{{ body.ok }}` is not an expression: " + BARE,
        ),
        ("", "there is nothing in it; write a name, such as {{ config.shop_url }}"),
        (1, "must be a condition: an expression without {{ }}, not a number"),
        (
            "body.ok }} {{ body.x",
            "`body.ok }} {{ body.x` is not an expression: " + BARE,
        ),
    ],
)
def test_condition_refused(source, message):
    """A condition is written bare."""
    with pytest.raises(TemplateError) as caught:
        Condition(source)
    assert str(caught.value) == message


def test_no_attributes():
    """Attributes are keys: of Python's objects nothing is seen, and an object's keys come before its methods."""
    assert Template("{{ obj.secret }}").value(SCOPE) is MISSING
    assert Template("{{ obj['secret'] | default('-') }}").value(SCOPE) == "-"
    assert Template("{{ body.name.upper }}").value(SCOPE) is MISSING
    assert Template("{{ body.items }}").value(SCOPE) == {"a.b": 1}
    assert Template("{{ config.keys }}").value(SCOPE) == 1
    assert Template("{{ config.update }}").value(SCOPE) is MISSING
    assert Template("{{ body.data[0].items | default('-') }}").value(SCOPE) == "-"


def test_graphql_typename():
    """A key that starts with two underscores is a key like any other."""
    assert Template("{{ record.__typename }}").value({"record": {"__typename": "User"}}) == "User"


@pytest.mark.parametrize("source", ["{{ big }}{{ big }}", "{{ big }}-{{ big }}-", "x{{ big }}"])
def test_output_cap(source):
    """Text grows to a million characters and no further."""
    with pytest.raises(TemplateError, match=r"^the text grows longer than 1000000 characters$"):
        Template(source).text({"big": "x" * 1_000_000})


class Counting(dict[str, Any]):
    """A scope's object that counts how often it is read."""

    reads = 0

    def __getitem__(self, key: str) -> Any:
        self.reads += 1
        return super().__getitem__(key)


def test_joining_stops_at_the_cap():
    """What `~` joins is measured as it comes: the rest is not even read."""
    body = Counting(b="x" * 300_000)
    with pytest.raises(TemplateError, match=r"makes more than 1000000 characters$"):
        Template("{{ " + " ~ ".join(["body.b"] * 150) + " }}").value({"body": body})
    assert body.reads == 4


def test_a_message_stops_at_the_cap():
    """A message for people holds its first million characters, and the rest is not even read."""
    body = Counting(b="x" * 300_000)
    assert Message("{{ body.b }}" * 100).text({"body": body}) == "x" * 1_000_000
    assert body.reads == 4


SLOW = [
    "{{ " + "a." * 3990 + "a + b.* }}",
    "{{ " + "a." * 3900 + "a ~ b.'x' }}",
    "{{ '" + "\\'" * 4000 + " }}",
    "{{ '" + "\\'" * 4000,
    "{{ " + "1.1" * 2600 + " }}",
]
"""Expressions as long as they may be, whose checks looked through them again from each of their parts."""


def test_checks_take_linear_time():
    """A hundred of the longest templates are read in seconds; these took minutes."""
    code = f"""
from connector_core.template import Template
for text in {SLOW!r}:
    for number in range(100):
        try:
            Template(text + str(number))
        except ValueError:
            pass
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "source, message",
    [
        ("'a' ~ b.*", "`b.*` is an address, and this is an expression; write b"),
        ("it's", "`it's` is not an expression"),
        ("a." * 40 + "*", "`" + "a." * 28 + "a…` is an address, and this is an expression; write a.a."),
    ],
)
def test_addresses_in_expressions(source, message):
    """Addresses are told where they stand outside of quoted text; a long one is cut."""
    with pytest.raises(TemplateError) as wrong:
        Condition(source)
    assert str(wrong.value).startswith(message)


@given(st.text("'\"\\{}a", max_size=20))
def test_quoted_texts(source):
    """Quoted texts and braces are what a pattern finds that looks for them one by one, however quotes are left open."""
    pattern = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}]"""
    assert list(marks(source)) == [found.span() for found in re.finditer(pattern, source)]


def test_long_literal():
    """The cap on the source is one on expressions: text without any may be as long as a spec may be."""
    assert Template("x" * 20_000).text({}) == "x" * 20_000


# ── paths ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "source, value, expected",
    [
        ("/customers/{{ v }}/orders", 12, "/customers/12/orders"),
        ("/customers/{{ v }}", "a/b", "/customers/a%2Fb"),
        ("/customers/{{ v }}", "a?b#c&d=é", "/customers/a%3Fb%23c%26d%3D%C3%A9"),
        ("/customers/{{ v }}", "a\r\nb\0\u202e", "/customers/a%0D%0Ab%00%E2%80%AE"),
        ("/customers/{{ v }}", "100%", "/customers/100%25"),
        ("/customers/{{ v }}", "...", "/customers/..."),
        ("/customers/{{ v }}.json", "a.b", "/customers/a.b.json"),
        ("/files/{{ v | path }}", "a b/c.txt", "/files/a%20b/c.txt"),
        ("/files/{{ v | upper | path }}", "a/b", "/files/A/B"),
        ("/a:b/(c)/{{ v }}?x=1", "d", "/a:b/(c)/d?x=1"),
        ("/a/.{{ v }}/b", ".x", "/a/..x/b"),
        ("{{ v | path }}", "a b/c", "a%20b/c"),
        ("{{ v }}", "https://api.example/next?page=2", "https://api.example/next?page=2"),
        ("/plain", None, "/plain"),
    ],
)
def test_path(source, value, expected):
    """Each value is one segment, percent-encoded; the spec's own text and a whole URL stay as they are."""
    path = PathText(source)
    assert path.text({"v": value}) == path.value({"v": value}) == expected


@pytest.mark.parametrize(
    "source, value, message",
    [
        *(
            ("/a/{{ v }}/b", value, "v: a segment that is . or .. would make it another path")
            for value in (
                *(".", "..", "%2e", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e."),
                *("../admin", "x/../y", "..\\x", "x%5c..%5cy", "%" + "25" * 9 + "x"),
            )
        ),
        ("/a/{{ v }}/b", "x%2f..%2fy", "v: a segment that is . or .. would make it another path"),
        ("/a/{{ v | path }}/b", "x/../y", "v | path: a segment that is . or .. would make it another path"),
        ("/a/{{ v | path }}/b", "x/%2e%2e/y", "v | path: a segment that is . or .. would make it another path"),
        ("/a/{{ v | path }}/b", "x//y", "v | path: an empty segment would make it another path"),
        ("/a/{{ v | path }}/b", "/x", "v | path: an empty segment would make it another path"),
        ("/a/{{ v }}/b", "", "v: empty in a path"),
        ("/a/{{ v }}/b", None, "v: null has no form as text; say what it means: | default('', true)"),
        ("/a/{{ v }}/b", [], "v: a list has no form as text; write it as JSON: | json"),
        ("/a/{{ v }}/b", "\ud800", "v: it holds half a character (a lone surrogate), which has no place in a URL"),
        ("/a/%2{{ v }}./b", "e", "a segment of the path is . or ..; write the path that is meant"),
    ],
)  # fmt: skip
def test_path_refused(source, value, message):
    """A value that is empty or climbs, however it is encoded, is refused; so is a climb made of two halves."""
    with pytest.raises(TemplateError) as caught:
        PathText(source).text({"v": value})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "source, message",
    [
        ("/a/../b", "a segment of the path is . or ..; write the path that is meant"),
        ("/a/%2E%2e/{{ v }}", "a segment of the path is . or ..; write the path that is meant"),
        ("/a/{{ v | url }}", "`v | url`: a path encodes its values itself; leave out | url"),
        (
            "/a/{{ v | path | lower }}",
            "`v | path | lower`: | path stands last, or the value is encoded twice",
        ),
        (
            "/a/{{ (v | path) if v else 'x' }}",
            "`(v | path) if v else 'x'`: | path stands last, or the value is encoded twice",
        ),
        (12, "must be text, not a number"),
    ],
)
def test_path_written_wrong(source, message):
    """A path that climbs, or encodes twice, is found when it is made."""
    with pytest.raises(TemplateError) as caught:
        PathText(source)
    assert str(caught.value) == message


# ── messages and structures ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "source, expected",
    [
        ("Shop says: {{ body.error }}", "Shop says: "),
        ("{{ body.absent }}", ""),
        ("{{ body.null }}|{{ body.count }}", "|3"),
        ("{{ body.data }}", '[{"id":1},{"id":2}]'),
        ("{{ body.name + 1 }}!", "!"),
        ("{{ body.name ~ body.absent }}", "True"),
        ("{{ obj }}", ""),
        ("plain", "plain"),
    ],
)
def test_message(source, expected):
    """A message is always text: an error that can't be told is worse than one told with a gap."""
    assert Message(source).text(SCOPE) == Message(source).value(SCOPE) == expected


def test_value_structure():
    """A structure keeps types and order, drops what is missing, and keeps null."""
    value = Value(
        {
            "id": "{{ body.count }}",
            "gone": "{{ body.absent }}",
            "null": "{{ body.null }}",
            "fixed": {"a": [1, None, "x"]},
            "list": ["{{ body.absent }}", 1, "{{ body.ok }}", ["n{{ body.count }}"]],
            "last": True,
        }
    )
    found = value.value(SCOPE)
    assert found == {
        "id": 3,
        "null": None,
        "fixed": {"a": [1, None, "x"]},
        "list": [1, False, ["n3"]],
        "last": True,
    }
    assert list(found) == ["id", "null", "fixed", "list", "last"]
    assert value.reads == {("body", "count"), ("body", "absent"), ("body", "null"), ("body", "ok")}
    assert not value.literal


def test_value_shares_literals():
    """Parts without templates are the spec's own, not copies; a structure without any is itself."""
    raw = {"a": {"b": [1]}, "c": "{{ body.count }}"}
    value = Value(raw)
    assert value.value(SCOPE)["a"] is raw["a"]
    assert value.value(SCOPE) is not value.value(SCOPE)
    assert raw["c"] == "{{ body.count }}"
    literal = Value({"a": [1, 2]})
    assert literal.literal
    assert literal.value(SCOPE) is literal.raw


@pytest.mark.parametrize("raw", ["{{ body.count }}", "{{ body.absent }}", 1, None, True, [], "text"])
def test_value_root(raw):
    """Any JSON value may be the root; one template that is missing is MISSING."""
    expected = {"{{ body.count }}": 3, "{{ body.absent }}": MISSING}.get(raw, raw) if isinstance(raw, str) else raw
    assert Value(raw).value(SCOPE) == expected


@pytest.mark.parametrize(
    "raw, message",
    [
        ({"{{ a }}": 1}, "the key '{{ a }}' holds a template; only values can"),
        ({1: 1}, "the key 1 is a number; an object's keys are text"),
        ({"a": [object()]}, "must be a JSON value, and there is a object in it"),
        ({"a": "{{ x | uper }}"}, "unknown filter 'uper', did you mean 'upper'?"),
        (object(), "must be a JSON value, not a object"),
    ],
)
def test_value_refused(raw, message):
    """A structure holds JSON values only, and templates in its values only."""
    with pytest.raises(TemplateError) as caught:
        Value(raw)
    assert str(caught.value) == message


# ── names by place ─────────────────────────────────────────────────────────────────────────────────

KNOWN = {"config": {"shop_url", "start_date"}, "secrets": {"token"}, "connection": None}
MADE_UP = {"customer": None, "event": {"id"}}
COULD = "cannot be read here"


@pytest.mark.parametrize(
    "place, source, message",
    [
        (
            "base_url",
            "secrets.token",
            f"'secrets' {COULD} (base_url); it can be read in headers, params, body and auth",
        ),
        ("auth", "body.token", f"'body' {COULD} (auth); it can be read in pagination, errors and output"),
        ("signature", "event.id", f"'event' {COULD} (signature); it can be read in webhooks"),
        ("capture", "record.id", f"'record' {COULD} (capture); it can be read in filter, transform and pagination"),
        ("request", "input.id", f"'input' {COULD} (request); it can be read in calls and steps"),
        ("path", "secrets.token", f"'secrets' {COULD} (path); it can be read in headers, params, body and auth"),
        ("call", "page.number", f"'page' {COULD} (call); it can be read in the requests of a read"),
        ("call_path", "uuid", f"'uuid' {COULD} (call_path); it can be read in headers, params, body and auth"),
        (
            "pagination",
            "secrets.token",
            f"'secrets' {COULD} (pagination); it can be read in headers, params, body and auth",
        ),
        ("errors", "record.id", f"'record' {COULD} (errors); it can be read in filter, transform and pagination"),
        ("output", "input.x", f"'input' {COULD} (output); it can be read in calls and steps"),
        ("poll", "page.count", f"'page' {COULD} (poll); it can be read in the requests of a read"),
        ("filter", "secrets.token", f"'secrets' {COULD} (filter); it can be read in headers, params, body and auth"),
        ("transform", "body.x", f"'body' {COULD} (transform); it can be read in pagination, errors and output"),
        ("cursor", "status", f"'status' {COULD} (cursor); it can be read in pagination, errors and output"),
        ("batch", "body.x", f"'body' {COULD} (batch); it can be read in pagination, errors and output"),
        ("signing", "redirect.code", f"'redirect' {COULD} (signing); it can be read in the answers of a sign-in"),
        ("sign_in", "nonce", f"'nonce' {COULD} (sign_in); it can be read in what auth signs"),
        ("webhooks", "record", f"'record' {COULD} (webhooks); it can be read in filter, transform and pagination"),
        ("request", "config.shop_ulr", "config.shop_ulr is not declared under config, did you mean 'shop_url'?"),
        ("request", "config.x", "config.x is not declared under config (one of: shop_url, start_date)"),
        ("request", "secrets.tokn", "secrets.tokn is not declared under secrets, did you mean 'token'?"),
        ("request", "page.numbr", "page.numbr is not declared under page, did you mean 'number'?"),
        ("request", "endpoint.title", "endpoint.title is not declared under endpoint (one of: name)"),
        ("filter", "recrod.id", "unknown name 'recrod', did you mean 'record'?"),
        ("base_url", "zzz", "unknown name 'zzz' (one of: config, connection, customer, endpoint, now)"),
    ],
)
def test_names(place, source, message):
    """Each place has its row of names; the error for another says where it can be read, or what is meant."""
    assert unknown_names(Template("{{ " + source + " }}").reads, place, KNOWN, {"customer": None}) == [message]


@pytest.mark.parametrize("place", sorted(PLACES))
def test_legal_names(place):
    """What a place's row has is legal there: the names of everywhere, its own, and those that the spec makes up."""
    reads = {(name,) for name in PLACES[place]} | {("config", "shop_url"), ("connection", "any"), ("customer", "id")}
    assert unknown_names({*reads, ("event", "id")}, place, KNOWN, MADE_UP) == []
    assert PLACES[place] >= EVERYWHERE


def test_names_have_words():
    """Every name that is not everywhere says in words where it can be read."""
    assert set().union(*PLACES.values()) - EVERYWHERE == READABLE.keys()


def test_names_of_empty_declaration():
    """A spec that declares no config says so."""
    assert unknown_names({("config", "x")}, "path", {"config": []}) == [
        "config.x is not declared under config, which is empty"
    ]


def test_several_names():
    """Every wrong name of a template is told, once each."""
    reads = Template("{{ config.a }}{{ config.b }}{{ config.a }}{{ nope }}").reads
    assert unknown_names(reads, "path", {"config": ["c"]}) == [
        "config.a is not declared under config (one of: c)",
        "config.b is not declared under config (one of: c)",
        "unknown name 'nope' (one of: config, connection, endpoint, now, page)",
    ]


def test_unknown_place():
    """An annotation that names no place fails where it is written."""
    with pytest.raises(ValueError, match=r"^unknown place 'requests', did you mean 'request'\?$"):
        Reads("requests")


# ── fields of models ───────────────────────────────────────────────────────────────────────────────


class Everything(BaseModel):
    template: Annotated[Template, Reads("request")]
    message: Message
    condition: Condition
    flag: Flag
    value: Value
    path: PathText


RAW = {
    "template": 5,
    "message": "m {{ body.x }}",
    "condition": True,
    "flag": "body.more",
    "value": {"a": ["{{ b }}", None]},
    "path": "/a/{{ b }}",
}


def test_model():
    """The types validate from what YAML holds, compare by it, and are written back as they were."""
    model = Everything.model_validate(RAW)
    assert model.template.value({}) == 5
    assert model == Everything.model_validate(RAW)
    assert model.model_dump() == RAW
    assert Everything.model_validate(dict(model)) == model
    assert Template("1") != Template(1)
    assert hash(Template("a")) == hash(Template("a"))
    assert repr(model.path) == "PathText('/a/{{ b }}')"


def test_model_errors():
    """A mistake is pydantic's error with our words and the field's path."""
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(
            {**RAW, "template": "{{ x | uper }}", "condition": "{{ x }}", "message": 5, "value": {1: 2}}
        )
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [
        (("template",), "unknown filter 'uper', did you mean 'upper'?"),
        (("message",), "must be text, not a number"),
        (
            ("condition",),
            "`{{ x }}` is not an expression: " + BARE,
        ),
        (("value",), "the key 1 is a number; an object's keys are text"),
    ]


def test_json_schema():
    """Editors learn what YAML may hold there."""
    properties = Everything.model_json_schema()["properties"]
    assert {name: shape.get("type") for name, shape in properties.items()} == {
        "template": ["string", "number", "boolean"],
        "message": "string",
        "condition": ["string", "boolean"],
        "flag": ["string", "boolean"],
        "value": None,
        "path": "string",
    }


@pytest.mark.parametrize("field", [Template("{{ a | upper }}"), Condition("a == 1"), Value({"a": "{{ b }}"})])
def test_copies(field):
    """Fields survive copying and pickling: they are made anew from what the spec says."""
    assert copy.deepcopy(field) == field
    assert pickle.loads(pickle.dumps(field)) == field  # noqa: S301 - our own bytes


def test_jinja_stays_away():
    """A spec of literals and dotted names never imports Jinja."""
    program = (
        "import sys; from connector_core.template import *;"
        "Template('{{ config.shop_url }}/v1').text({'config': {'shop_url': 'x'}}); PathText('/a/{{ a.b.c }}');"
        "Value({'a': ['{{ input.x }}', 1]}); Condition('body.ok'); Flag('body.more'); Message('m {{ body.e }}');"
        "assert 'jinja2' not in sys.modules; Condition('body.ok == true'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# ── against Jinja, and against chance ──────────────────────────────────────────────────────────────

NAMES = st.sampled_from(["a", "b", "items", "keys", "x_1", "get", "in", "is", "not", "if", "true", "none"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b", "{{ a }}", "0x10"])
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
SCOPES = st.dictionaries(st.sampled_from(["a", "b", "items"]), DATA, max_size=3)


@given(st.lists(NAMES, min_size=1, max_size=4), SCOPES)
def test_fast_path(path, scope):
    """A plain dotted name gives the same by the short way, by the compiler, and by Jinja itself."""
    source = ".".join(path)
    assume(path[0] not in ("not", "true", "none", "in", "is", "if"))
    found = expression(source, "value").evaluate(scope)
    assert compiled(source, "value").evaluate(scope) is found
    subscripts = path[0] + "".join(f"['{key}']" for key in path[1:])
    assert compiled(subscripts, "value").evaluate(scope) is found
    # bracketed to keep the compiler from seeing the chain
    stepwise = path[0]
    for key in path[1:]:
        stepwise = f"({stepwise} if true).{key}"
    assert compiled(stepwise, "value").evaluate(scope) is found
    oracle: Any = scope
    for key in path:
        oracle = oracle.get(key, MISSING) if isinstance(oracle, dict) else MISSING
    assert oracle is found
    if found is not MISSING:
        assert JINJA.compile_expression(subscripts)(**scope) == found


JINJA = ImmutableSandboxedEnvironment()
ORACLE = {"i": 3, "f": 2.5, "s": "ab", "t": True, "n": None, "l": [3, 1, 2], "d": {"k": 1, "s": "b"}, "z": 0}
LEAVES = st.sampled_from(
    ["i", "f", "s", "t", "n", "l", "d", "z", "d.k", "d['s']", "l[0]", "l[1:]", "s[-1]", "1", "'a'", "[]", "none"]
)


def combined(inner):
    two = st.tuples(inner, inner)
    return st.one_of(
        st.builds("({0[0]} {1} {0[1]})".format, two, st.sampled_from(["+", "-", "*", "/", "%"])),
        st.builds(
            "({0[0]} {1} {0[1]})".format, two, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
        ),
        st.builds("({0[0]} {1} {0[1]})".format, two, st.sampled_from(["and", "or"])),
        st.builds("({0[0]} < {0[1]} < {1})".format, two, inner),
        st.builds("({0[0]} if {1} else {0[1]})".format, two, inner),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("({} is {})".format, inner, st.sampled_from(["none", "not none", "defined"])),
        st.builds("[{0[0]}, {0[1]}]".format, two),
        st.builds("({{'k': {}}}).k".format, inner),
        st.builds("({} | {})".format, inner, st.sampled_from(["length", "lower", "upper", "default(1)"])),
    )


@given(st.recursive(LEAVES, combined, max_leaves=8))
def test_jinja_agrees(source):
    """Where nothing is missing, an expression means what it means to Jinja, or is refused."""
    try:
        found = Template("{{ " + source + " }}").value(ORACLE)
    except TemplateError:
        return
    assume(found is not MISSING)
    try:
        expected = JINJA.compile_expression(source, undefined_to_none=False)(**ORACLE)
    except TypeError:  # a list or an object is looked for among keys: to us it is just not there
        assume(False)
    assert (found, type(found)) == (expected, type(expected))


TOKENS = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{#", "#}", *"{}()[]'\"\\.,:|~+-*/%<>=!?", "**", "//", "==", "!=", "&&"),
        *("and", "or", "not", "in", "is", "if", "else", "none", "true", "defined", "null", "self", "loop"),
        *("a", "b", "items", "body.get('x')", "header.X-A", ".-1", ".*", "__class__", " ", "\n", "\r\n"),
        *("0", "1.5", "1e9", "0x1f", "1_0", "9" * 40, "é", "\ud800", "\0", "٣"),
        *("default", "upper", "json", "path", "sort", "first", "join(',')"),
    ]
)
SOURCES = (
    st.lists(TOKENS, max_size=14).map("".join) | st.lists(TOKENS, max_size=12).map(" ".join) | st.text(max_size=20)
)


@given(st.sampled_from(FIELDS), SOURCES, st.booleans(), SCOPES)
def test_any_source(field, source, wrapped, scope):
    """Any text is a field or is refused, and renders over any names or raises one of the two errors; nothing else."""
    try:
        made = field("{{ " + source + " }}" if wrapped and not issubclass(field, Condition) else source)
    except TemplateError as refused:
        assert str(refused)  # noqa: PT017 - one of two outcomes
        return
    render = made.holds if isinstance(made, Condition) else made.value
    try:
        render(scope)
        if isinstance(made, Template):
            made.text(scope)
    except (TemplateError, MissingError) as wrong:
        assert not isinstance(made, Message)
        assert str(wrong)  # noqa: PT017 - one of two outcomes


@given(
    st.text(max_size=8)
    | st.lists(st.sampled_from([".", "..", "%2e", "%", "/", "\\", "2", "e", "5"]), max_size=8).map("".join)
)
def test_path_stays_below(value):
    """Whatever a value is, the path keeps its shape: three segments, none of which climbs."""
    try:
        path = PathText("/a/{{ v }}/b").text({"v": value})
    except TemplateError:
        return
    assert path.count("/") == 3
    assert path.isascii()
    assert not {".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("'2024-01-01T00:00:00Z' < '2024-01-01T00:00:00.5Z'", True),
        ("'2024-01-01T00:00:00.25Z' < '2024-01-01T00:00:00.5Z'", True),
        ("'2024-01-01T01:00:00+02:00' < '2024-01-01T00:00:00Z'", True),
        ("'2024-01-01T00:00:00+00:00' >= '2024-01-01T00:00:00Z'", True),
        ("'2024-01-01T00:00:00+00:00' == '2024-01-01T00:00:00Z'", False),
        ("'2024-01-01' < '2024-01-01T00:00:00Z'", True),
        ("now | add('-1d') < '2024-01-01T00:00:00.001Z' < now", True),
    ],
)
def test_times_in_order(expression, expected):
    """Text that is a time beyond doubt is in the order of times; equality is of the text."""
    assert Template("{{ " + expression + " }}").value({"now": "2024-01-01T12:00:00Z"}) is expected


@pytest.mark.parametrize("written", [r"'\d\.\w'", r"'\\d\\.\\w'", r'"\d\.\w"'])
def test_backslashes(written):
    """A backslash that escapes nothing is itself, so that a pattern can be written as it is."""
    assert Template("{{ " + written + " }}").value({}) == r"\d\.\w"


def test_usual_escapes():
    """What escapes something still does."""
    assert Template(r"""{{ '\n\t\'\x41\u00e9\\' ~ "\"" }}""").value({}) == "\n\t'A\u00e9\\" + '"'
