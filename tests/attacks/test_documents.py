"""Documents that would fill the memory, never end or read files: specs, schemas, patterns, archives and answers."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.exceptions import ConfigError, IntegrationError, ResponseError, SpecError
from connector_core.load import bundled, load, parse
from connector_core.spec import Spec
from connector_core.testing import respond
from tests.attacks.service import document, opened

SECONDS = 5.0
"""The processor's time that no document may take."""

HEAD = 'connector: "1"\nname: x\nbase_url: https://api.example\nendpoints: {a: {get: /a, records: body}}\n'
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
YAML_BOMBS = {
    "aliases": HEAD + LAUGHS,
    "an alias in itself": HEAD + "title: &a [*a]\n",
    "a merge": HEAD + "x-a: &a {b: 1}\nx-b: {<<: *a}\n",
    "a merge of merges": HEAD + "x-a: {<<: [{a: 1}, {b: 2}]}\n",
    "a Python object": HEAD + "title: !!python/object/apply:os.system ['true']\n",
    "a Python name": HEAD + "title: !!python/name:os.system\n",
    "a tag of one's own": HEAD + "title: !evil x\n",
    "a set": HEAD + "x-a: !!set {a, b}\n",
    "binary": HEAD + "title: !!binary aGk=\n",
    "a key twice": HEAD + "name: y\n",
    "a key twice, deep inside": HEAD + "x-a: {b: {c: 1, c: 2}}\n",
    "two documents": HEAD + "---\n" + HEAD,
    "open lists": "[" * 3000,
    "open mappings": "{a: " * 3000,
    "open keys": "? " * 3000,
    "deep lists": HEAD + "x-a: " + "[" * 100 + "]" * 100,
    "deep by indentation": HEAD + "x-a:\n" + "".join(" " * n + "a:\n" for n in range(1, 300)),
    "3 MiB": HEAD + "title: " + "x" * 3_000_000,
    "a mebibyte of items": HEAD + "x-a: [" + "1," * 600_000 + "1]",
    "a NUL": HEAD + "title: a\0b",
    "a directive": "%YAML 9.9\n---\n" + HEAD,
    "UTF-16": (HEAD + "title: x").encode("utf-16"),
    "UTF-32": (HEAD + "title: x").encode("utf-32"),
    "no UTF-8": HEAD.encode() + b"title: \xff\xfe\xed\xa0\x80\n",
    "half a character": HEAD + 'title: "\\ud800"\n',
    "a number of 5000 digits": HEAD + f"x-a: {'9' * 5000}\n",
    "a number without end": HEAD + "x-a: 1e99999\n",
}
JSON_BOMBS = {
    "100,000 lists": "[" * 100_000,
    "100,000 closed lists": '{"x-a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "100,000 mappings": '{"a":' * 100_000,
    "a key twice": '{"connector": "1", "connector": "2"}',
    "NaN": '{"connector": "1", "x-a": NaN}',
    "infinity": '{"connector": "1", "x-a": -Infinity}',
    "a number without end": '{"connector": "1", "x-a": 1e99999}',
    "a number of 5000 digits": '{"connector": "1", "x-a": ' + "9" * 5000 + "}",
    "half a character": '{"connector": "1", "x-a": "\\ud800"}',
    "half a character in a name": '{"connector": "1", "\\udfff": 1}',
    "2 MiB": '{"connector": "' + "1" * 2_000_000 + '"}',
    "UTF-16": '{"connector": "1"}'.encode("utf-16"),
    "a comment": '{"connector": "1" /* x */}',
    "words after the end": '{"connector": "1"} x',
}


@pytest.mark.parametrize(
    "text, name",
    [
        *(pytest.param(text, "bomb.yaml", id=f"YAML: {name}") for name, text in YAML_BOMBS.items()),
        *(pytest.param(text, "bomb.json", id=f"JSON: {name}") for name, text in JSON_BOMBS.items()),
    ],
)
def test_a_spec_that_is_a_bomb(text, name):
    """Each is refused at a line, in a time that its size explains, before anything is made of what it says."""
    started = time.process_time()
    with pytest.raises(SpecError) as refused:
        parse(text, name)
    assert time.process_time() - started < SECONDS
    assert all(problem.line >= 1 and problem.column >= 1 for problem in refused.value.problems)
    assert len(str(refused.value)) < 100_000


SPECS = [path.read_text("utf-8") for path in sorted(bundled().glob("*.*")) if path.suffix in (".yaml", ".json")]
WORDS = sorted({word for text in SPECS for word in text.split()})
PIECES = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            ":",
            "- ",
            "? ",
            "&a ",
            "*a",
            "!!set ",
            "|\n",
            ">-\n",
            "'",
            '"',
            "\n",
            "  ",
            "\t",
            "#",
            "%",
            "<<: ",
        )
    ]
) | st.text(max_size=3)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """One of the bundled specs, with a few places cut out, doubled, or replaced by something else."""
    text = draw(st.sampled_from(SPECS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        instead = draw(st.one_of(PIECES, st.sampled_from(WORDS), st.just(text[start:end] * 2)))
        text = text[:start] + instead + text[end:]
    return text


@given(
    mutated() | st.lists(PIECES | st.sampled_from(WORDS), max_size=30).map(" ".join) | st.binary(max_size=80),
    st.sampled_from(["a.yaml", "a.json"]),
)
def test_any_text_is_a_spec_or_refused(text, name):
    """Of any text the loader makes a spec, or a SpecError whose every problem has a place, within the time."""
    started = time.process_time()
    refused: SpecError | None = None
    try:
        found = parse(text, name)
    except SpecError as error:
        refused = error
    assert time.process_time() - started < SECONDS
    if refused is None:
        assert isinstance(found, Spec)
    else:
        assert refused.problems
        assert all(problem.line >= 1 and problem.column >= 1 and problem.what for problem in refused.problems)


# ── schemas and patterns ──────────────────────────────────────────────────────────────────────────

RUNAWAYS = [
    *("^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*b", "(?:a?){50}a{50}"),
    *("^(\\d+)*x", "(x+x+)+y", '([^"]*)*"', "(.*)(.*)(.*)(.*)(.*)x", "(a{1,1000}){1,1000}", "((((a+)+)+)+)+$"),
    *("(?=(a+)+b)", "(a)\\1+$", "(?P<n>a)(?P=n)", "(?>a+)b", "[a-z]{99999999}", "(" * 500 + ")" * 500, "(?R)"),
]


@pytest.mark.parametrize("pattern", RUNAWAYS)
@pytest.mark.parametrize(
    "place",
    [
        lambda pattern: {"config": {"a": {"type": "string", "pattern": pattern}}},
        lambda pattern: {"endpoints": {"a": {"get": "/a", "records": "body", "schema": {"a": {"pattern": pattern}}}}},
        lambda pattern: {
            "endpoints": {"a": {"get": "/a", "records": "body", "schema": {"a": {"patternProperties": {pattern: {}}}}}}
        },
        lambda pattern: {
            "endpoints": {"a": {"get": "/a", "output": "{{ body.a | match(" + json.dumps(pattern) + ") }}"}}
        },
    ],
    ids=["config", "schema", "names", "template"],
)
async def test_a_pattern_that_never_ends(pattern, place):
    """It is refused at load, or ends on every text: 30,000 characters of the worst cost next to nothing."""
    started = time.process_time()
    try:
        spec = load(document(**place(pattern)))
    except SpecError:
        spec = None
    if spec is not None and "a" in spec.config:
        for text in ("a" * 30_000, "a" * 999 + "!"):
            with pytest.raises(ConfigError):
                async with opened(document(**place(pattern)), lambda _: respond(json={}), config={"a": text}):
                    raise ConfigError("it fits")
    assert time.process_time() - started < 2


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$schema", "$id", "$recursiveRef", "$vocabulary"])
@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:1/x", "https://evil.example/schema", "file:///etc/passwd", "#/x", "../x.json"]
)
def test_a_schema_that_leads_elsewhere(keyword, to):
    """No schema refers to anything: nothing is fetched or opened for it, at load or later."""
    try:
        load(document(endpoints={"a": {"get": "/a", "records": "body", "schema": {"a": {keyword: to}}}}))
    except SpecError as refused:
        assert keyword in str(refused)  # noqa: PT017 - refused is the rule
        return
    pytest.fail(f"{keyword} was accepted")


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": list(range(200_000))},
        {"anyOf": [{"anyOf": [{"anyOf": [{"type": "string"}] * 40}] * 40}] * 4},
        {"properties": {f"p{n}": {"type": "string"} for n in range(20_000)}},
        {"maxLength": 10**5000},
        {"multipleOf": 1e-320},
        {"const": [[[[[[[[[[1]]]]]]]]]]},
    ],
    ids=lambda schema: next(iter(schema)),
)
async def test_a_schema_that_is_large(schema):
    """A large schema costs what its size says, when it is loaded and when records are judged."""
    endpoint = {"output": None, "records": "body", "schema": {"a": schema}}
    started = time.process_time()
    try:
        async with opened(document(endpoint), lambda _: respond(json=[{"a": "x"}, {"a": 1}, {"a": {"p1": 1}}])) as demo:
            [record async for record in demo.read("thing")]
    except (IntegrationError, ValueError) as refused:
        assert isinstance(refused, IntegrationError) or "digits" in str(refused)  # noqa: PT017 - json's own limit
    assert time.process_time() - started < SECONDS


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.json", "/etc/secret.json", "a/../../secret.json", "..\\secret.json", "a\\..\\secret.json"),
        *(
            "link.json",
            "folder/secret.json",
            "loop.json",
            "~/secret.json",
            "file:///etc/secret.json",
            "//etc/secret.json",
        ),
        *(
            "/dev/stdin.json",
            "pipe.json",
            "folder.json",
            "secret.json\0.json",
            "$HOME/secret.json",
            "%2e%2e/secret.json",
        ),
        *("C:\\secret.json", "..;/secret.json", "./../secret.json", "...json/secret.json"),
    ],
)
@pytest.mark.parametrize("key", ["schema", "graphql"])
def test_a_file_outside_of_the_folder(key, name, tmp_path):
    """No name that a spec writes leads out of its folder: not by `..`, not by a link, not by another notation."""
    name = name.replace(".json", ".graphql") if key == "graphql" else name
    ending = ".graphql" if key == "graphql" else ".json"
    home, outside = tmp_path / "specs", tmp_path / f"secret{ending}"
    home.mkdir()
    outside.write_text('{"canary": {"type": "string"}}' if key == "schema" else "query { canary }", "utf-8")
    (home / f"link{ending}").symlink_to(outside)
    (home / "folder").symlink_to(tmp_path, target_is_directory=True)
    (home / f"loop{ending}").symlink_to(home / f"loop{ending}")
    (home / f"folder{ending}").mkdir()
    os.mkfifo(home / f"pipe{ending}")
    written = "schema: " if key == "schema" else "graphql: "
    path = home / "x.yaml"
    path.write_text(HEAD.replace("records: body}", f"records: body, {written}{json.dumps(name)}}}"), "utf-8")
    with pytest.raises(SpecError) as refused:
        load(path)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../secret", "..\\secret", "https://evil.example/x.yaml", "", "."]
)
def test_a_spec_by_a_name_that_is_a_path(name, tmp_path):
    """A name is looked up among names: it opens no file that it describes."""
    (tmp_path / "secret.yaml").write_text(HEAD, "utf-8")
    (tmp_path / "specs").mkdir()
    with pytest.raises((ConfigError, SpecError)):
        load(name, [tmp_path / "specs"])


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, '[{"id": 1}]')
    return packed.getvalue()


@pytest.mark.parametrize(
    "name",
    ["../../evil.json", "/nowhere/evil.json", "a/../../evil.json", "..\\evil.json", "C:\\evil.json", "\x1b[31m.json"],
)
async def test_an_archive_whose_names_are_paths(name, tmp_path, monkeypatch):
    """A member's name is text: what is in it is read in memory, and no file is written under any name."""
    opened_files: list[Any] = []
    monkeypatch.setattr("builtins.open", lambda *about, **_: opened_files.append(about))
    monkeypatch.chdir(tmp_path)
    endpoint = {"output": None, "records": "body", "decode": ["zip", "json"]}
    async with opened(document(endpoint), lambda _: respond(content=zipped(name))) as demo:
        assert [record async for record in demo.read("thing")] == [{"id": 1}]
    assert not any(tmp_path.glob("**/*"))
    assert opened_files == []


# ── answers ───────────────────────────────────────────────────────────────────────────────────────

XXE = '<!DOCTYPE a [<!ENTITY e SYSTEM "{}">]><a>&e;</a>'
BILLION = "<!DOCTYPE l [<!ENTITY a 'lol'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
) + "]><l>&j;</l>"  # fmt: skip
ANSWERS: dict[str, tuple[str, bytes]] = {
    "JSON: 100,000 lists": ("json", b"[" * 100_000 + b"]" * 100_000),
    "JSON: 100,000 open mappings": ("json", b'{"a":' * 100_000),
    "JSON: 5000 digits": ("json", b"9" * 5000),
    "JSON: bytes": ("json", bytes(range(256)) * 1000),
    "XML: a billion laughs": ("xml", BILLION.encode()),
    "XML: an entity of a file": ("xml", XXE.format("file:///etc/passwd").encode()),
    "XML: an entity of an address": ("xml", XXE.format("http://127.0.0.1:1/").encode()),
    "XML: a parameter entity": ("xml", b'<!DOCTYPE a [<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;]><a/>'),
    "XML: an outside DTD": ("xml", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>'),
    "XML: 100,000 elements deep": ("xml", b"<a>" * 100_000),
    "XML: UTF-7": ("xml", b'<?xml version="1.0" encoding="utf-7"?>+ADw-a/+AD4-'),
    "NDJSON: 100,000 lists": ("ndjson", b"[" * 100_000),
    "CSV: a quote without end": ("csv", b'a\n"' + b"x" * 1_000_000),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_that_is_a_bomb(name):
    """Each is refused as what the service sent, in bounded time; nothing is fetched or opened for it."""
    kind, content = ANSWERS[name]
    started = time.process_time()
    async with opened(document({"decode": kind}), lambda _: respond(content=content)) as demo:
        with pytest.raises(ResponseError) as refused:
            await demo.call("thing")
    assert time.process_time() - started < SECONDS
    assert "root:" not in str(refused.value)


@pytest.mark.parametrize(
    "content, body",
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": NaN, "b": -Infinity, "c": 1e99999}', {"a": None, "b": None, "c": None}),
        (b'{"__proto__": 1, "__class__": 2}', {"__proto__": 1, "__class__": 2}),
    ],
    ids=["a key twice", "no numbers", "names of Python and JavaScript"],
)
async def test_an_answer_that_is_odd(content, body):
    """What is odd and harmless is read as what it says: the last of two keys, null for what is no number, any name."""
    async with opened(document(), lambda _: respond(content=content)) as demo:
        found: Any = (await demo.call("thing")).data
    assert found == body
