"""What validation refuses, in the language's own words and at the place where it was written: each exact text."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import pytest

from connector_core.exceptions import SpecError
from connector_core.load import parse

HEAD = 'connector: "1"\nname: shop\nbase_url: https://a.example\n'
KINDS = "cursor, iterator, link_header, next_url, none, offset, page_number, relay"


def mistakes(text: str, environment: str | None = None) -> list[str]:
    """The problems of a spec whose head is right, without the file's name; its own lines begin with line 4."""
    with pytest.raises(SpecError) as wrong:
        parse(HEAD + text, "shop.yaml", environment)
    assert str(wrong.value) == "\n".join(map(str, wrong.value.problems))
    return [line.removeprefix("shop.yaml:") for line in str(wrong.value).splitlines()]


# ── unknown keys, at every depth ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text, what",
    [
        ("endpionts: {}", "4:1 endpionts: unknown key 'endpionts', did you mean 'endpoints'?"),
        ("endpoints:\n  a:\n    get: /a\n    recrods: body", "7:5 endpoints.a.recrods: unknown key 'recrods', did you mean 'records'?"),
        (
            "pagination: {type: next_url, take: body.n, tkae: body.n}",
            "4:44 pagination.tkae: unknown key 'tkae', did you mean 'take'?",
        ),
        (
            "pagination: {type: offset, size: {value: 5, putt: query.n}}",
            "4:45 pagination.size.putt: unknown key 'putt', did you mean 'put'?",
        ),
        ("pagination: {tpye: cursor}", "4:14 pagination.tpye: unknown key 'tpye', did you mean 'type'?"),
        ("auth: {type: basic, username: u, pasword: p}", "4:34 auth.pasword: unknown key 'pasword', did you mean 'password'?"),
        ("auth: {type: none, token: t}", "4:20 auth.token: unknown key 'token' (one of: type)"),
        ("rate_limit: {concurency: 3}", "4:14 rate_limit.concurency: unknown key 'concurency', did you mean 'concurrency'?"),
        ("errors:\n  - {status: 404, thne: skip}", "5:19 errors.0.thne: unknown key 'thne', did you mean 'then'?"),
        ("body: {jsn: {}}", "4:8 body.jsn: unknown key 'jsn', did you mean 'json'?"),
        ("config: {url: {type: string, formt: uri}}", "4:30 config.url.formt: unknown key 'formt', did you mean 'format'?"),
        (
            "config: {o: {type: object, properties: {a: {typ: string}}}}",
            "4:45 config.o.properties.a.typ: unknown key 'typ', did you mean 'type'?",
        ),
        (
            "endpoints: {a: {get: /a, schema: {id: {tipe: string}}}}",
            "4:40 endpoints.a.schema.id.tipe: unknown key 'tipe', did you mean 'type'?",
        ),
        ("hosts: [{host: a.example, credential: true}]", "4:27 hosts.0.credential: unknown key 'credential', did you mean 'credentials'?"),
        ("environments: {s: {base_ulr: x}}", "4:20 environments.s.base_ulr: unknown key 'base_ulr', did you mean 'base_url'?"),
        ("docs: {purpos: x}", "4:8 docs.purpos: unknown key 'purpos', did you mean 'purpose'?"),
        ("docs: {troubleshooting: [{problem: 401, anwser: x, answer: y}]}", "4:41 docs.troubleshooting.0.anwser: unknown key 'anwser', did you mean 'answer'?"),
        ("get: /a", "4:1 get: the key 'get' belongs to an endpoint"),
        ("endpoints: {a: {get: /a, config: {}}}", "4:26 endpoints.a.config: the key 'config' belongs to the top level"),
        ('"a b": 1', "4:1 \"a b\": unknown key 'a b' (one of: $schema, auth, availability, base_url, body, cache, capture, circuit_breaker, columns, config, connector, decode, description, docs, endpoints, environments, errors, fallback, filter, headers, health, hosts, idempotency, name, on_invalid, pagination, params, primary_key, rate_limit, records, retry, safe, sdk, secrets, timeout, title, transform, version)"),
    ],
)  # fmt: skip
def test_unknown_keys(text, what):
    """A key that does not exist is told at the key, with the nearest legal one, at each depth."""
    assert mistakes(text) == [what]


# ── kinds ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text, what",
    [
        ("pagination: {type: curser}", "4:20 pagination.type: unknown type 'curser', did you mean 'cursor'?"),
        ("pagination: ofset", "4:13 pagination: unknown type 'ofset', did you mean 'offset'?"),
        ("pagination: {type: 3}", f"4:20 pagination.type: unknown type 3 (one of: {KINDS})"),
        ("pagination: {type: [offset]}", "4:20 pagination.type: unknown type ['offset'], did you mean 'offset'?"),
        ("pagination: {put: query.p}", f"4:13 pagination: missing key 'type' (one of: {KINDS})"),
        ("pagination: {type: next_url}", "4:13 pagination: missing key 'take'"),
        ("pagination: next_url", "4:13 pagination: missing key 'take'"),
        ("pagination: [next_url]", f"4:13 pagination: must be a mapping with a 'type', or the bare name of a kind (known: {KINDS})"),
        ("pagination: 3", f"4:13 pagination: must be a mapping with a 'type', or the bare name of a kind (known: {KINDS})"),
        ("pagination:", "4:12 pagination: is empty: write none, or leave the key out"),
        ("endpoints: {a: {get: /a, auth: }}", "4:32 endpoints.a.auth: is empty: write none, or leave the key out"),
        ("rate_limit: ~", "4:13 rate_limit: is empty: leave the key out"),
        ("pagination: {put: query.p, type: ofset}", "4:34 pagination.type: unknown type 'ofset', did you mean 'offset'?"),
        ("pagination:\n  put: query.p\n  type: ofset", "6:9 pagination.type: unknown type 'ofset', did you mean 'offset'?"),
        ("auth: {type: barer}", "4:14 auth.type: unknown type 'barer', did you mean 'bearer'?"),
    ],
)  # fmt: skip
def test_kinds(text, what):
    """A component without a kind, or of one that does not exist, is told with the known kinds."""
    assert mistakes(text) == [what]


# ── sorts of values ───────────────────────────────────────────────────────────────────────────────

FORMAT = "must be the name of a format, such as rfc3339, or a pattern such as %d.%m.%Y"
CONDITION = "must be a condition: an expression without {{ }}, not a number"


@pytest.mark.parametrize(
    "text, what",
    [
        ("title: 123", '4:8 title: must be text; quote it: "123"'),
        ("title: true", '4:8 title: must be text; quote it: "true"'),
        ("title: 1.10", "4:8 title: must be text, not a number; quote it as it is written"),
        ("title: {a: b}", "4:8 title: must be text, not a mapping"),
        ("title: [a]", "4:8 title: must be text, not a list"),
        ("title:", "4:7 title: must be text, not empty"),
        ("version: 1", '4:10 version: must be text; quote it: "1"'),
        ("version: 1.0", "4:10 version: must be text, not a number; quote it as it is written"),
        ('version: "1.0"', "4:10 version: must be a version such as 1.0.0"),
        ("endpoints: {a: {get: /a, base_url: 3}}", '4:36 endpoints.a.base_url: must be text; quote it: "3"'),
        ("endpoints: [a]", "4:12 endpoints: must be a mapping, not a list"),
        ("endpoints:", "4:11 endpoints: must be a mapping, not empty"),
        ("endpoints:\n  a: /a", "5:6 endpoints.a: must be a mapping, not text"),
        ("endpoints: {a: {get: 3}}", "4:22 endpoints.a.get: must be text, not a number"),
        ("endpoints: {a: {get: /a, input: [x]}}", "4:33 endpoints.a.input: must be a mapping, not a list"),
        ("params: [a]", "4:9 params: must be a mapping, not a list"),
        ("headers: x", "4:10 headers: must be a mapping, not text"),
        ('headers: {"X Y": x}', '4:11 headers."X Y": cannot be the name of a header: use letters, digits and hyphens'),
        ('params: {"{{ a }}": x}', '4:10 params."{{ a }}": holds a template; only values can'),
        ("body: 3", "4:7 body: must be a mapping, not a number"),
        ("body: {}", "4:7 body: must have exactly one of: json, form, multipart, xml, text, bytes"),
        ("body: {json: 1, form: {}}", "4:7 body: must have exactly one of: json, form, multipart, xml, text, bytes"),
        ("body: {json: '{{', form: 3}", "4:7 body: must have exactly one of: json, form, multipart, xml, text, bytes"),
        ("body: {multipart: {f: {text: a, json: '{{'}}}", "4:23 body.multipart.f: a part has exactly one of: file, json, text"),
        ("body: {xml: 3}", "4:13 body.xml: must be a mapping with one key, the root element, or one whole template"),
        ("body: {text: }", "4:14 body.text: is empty: say what is sent, or leave the body out"),
        ("body: {form: }", "4:14 body.form: must be a mapping, not empty"),
        ("hosts: [{host: 3}]", '4:16 hosts.0.host: must be text; quote it: "3"'),
        ("hosts: [{}]", "4:9 hosts.0: missing key 'host'"),
        ("rate_limit: {concurrency: 1.5}", "4:27 rate_limit.concurrency: must be a whole number, not 1.5"),
        ("rate_limit: {concurrency: 2.0}", "4:27 rate_limit.concurrency: must be a whole number: write 2"),
        ("errors: [{status: 429, retry_after: {take: header.X, format: [a]}}]", f"4:62 errors.0.retry_after.format: {FORMAT}"),
        ("errors: [{status: 429, retry_after: {take: header.X, format: {}}}]", f"4:62 errors.0.retry_after.format: {FORMAT}"),
        ("transform: [{type: cast, fields: {at: {from: [a]}}}]", f"4:46 transform.0.fields.at.from: {FORMAT}"),
        ("endpoints: {a: {get: /a, schema: a b.json}}", "4:34 endpoints.a.schema: must be a mapping, not text"),
        ("safe: yes", "4:7 safe: must be true or false, not text"),
        ("safe: 1", "4:7 safe: must be true or false, not a number"),
        ("timeout: 5", "4:10 timeout: say the unit: 5s"),
        ("timeout: 5x", "4:10 timeout: '5x' is not a duration: unknown unit 'x', one of ms, s, m, h, d, w"),
        ("timeout: 0s", "4:10 timeout: must be longer than nothing"),
        ("timeout: [5s]", "4:10 timeout: this is not a duration: write a number and a unit (ms, s, m, h, d, w), such as 30s"),
        ("records: 7", "4:10 records: must be text, an address such as body.data"),
        ("primary_key: 1", "4:14 primary_key: must be text, an address such as customer.id"),
        ("primary_key: [id, 1]", "4:19 primary_key.1: must be text, an address such as customer.id"),
        ("filter: 3", f"4:9 filter: {CONDITION}"),
        ("hosts: cdn.example", "4:8 hosts: must be a list, not text: put it in [ ]"),
        ("config: []", "4:9 config: must be a mapping, not a list"),
        ("config: {url: string}", "4:15 config.url: must be a mapping, not text"),
        ("config: {url: {type: text}}", "4:22 config.url.type: unknown type 'text' (one of: array, boolean, integer, null, number, object, string)"),
        ("secrets: 3", "4:10 secrets: must be a mapping, not a number"),
        ("environments: []", "4:15 environments: must be a mapping, not a list"),
        ("environments: {s: }", "4:19 environments.s: must be a mapping, not empty"),
        ("rate_limit: {concurrency: 0}", "4:27 rate_limit.concurrency: must be at least 1"),
        ("rate_limit: {concurrency: 5000}", "4:27 rate_limit.concurrency: must be at most 1000"),
        ("circuit_breaker: {group: ''}", "4:26 circuit_breaker.group: must have at least 1 character"),
        (f"circuit_breaker: {{group: {'g' * 101}}}", "4:26 circuit_breaker.group: must have at most 100 characters"),
        ("rate_limit: {concurrency: many}", "4:27 rate_limit.concurrency: must be a whole number, not text"),
        ("pagination: {type: offset, size: 100}", "4:34 pagination.size: must be a mapping, not a number"),
        ("pagination: {type: offset, size: {value: 0}}", "4:42 pagination.size.value: must be at least 1"),
        ("pagination: {type: offset, size: {value: '{{ config.n }}'}}", "4:42 pagination.size.value: must be a whole number: no template is filled in here"),
        ("pagination: {type: offset, total: body.total}", "4:13 pagination: 'total' counts records: say how many a page has, as size: {value: …}"),
        ("docs: x", "4:7 docs: must be a mapping, not text"),
        ("docs: {troubleshooting: [{problem: [], answer: x}]}", "4:36 docs.troubleshooting.0.problem: must be text, not a list"),
        ("docs: {troubleshooting: [{problem: 401}]}", "4:26 docs.troubleshooting.0: missing key 'answer'"),
        ("docs: {scopes: read}", "4:16 docs.scopes: must be a mapping from each name to what it is for, or a list of names"),
        ("docs: {testing: {scenarios: read}}", "4:29 docs.testing.scenarios: must be a list, not text: put it in [ ]"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_sort(text, what):
    """A value is told with what it must be, in YAML's words, and how to quote what was meant as text."""
    assert mistakes(text) == [what]


@pytest.mark.parametrize(
    "text, what",
    [
        ("errors: {status: 404}", "4:9 errors: must be a list, not a mapping: put it in [ ]"),
        ("errors:", "4:8 errors: must be a list, not empty"),
        ("errors: [404]", "4:10 errors.0: must be a mapping, not a number"),
        ("errors: [{}]", "4:10 errors.0: matches every answer: give it a 'status', a 'header' or a 'when'"),
        ("errors: [{status: 404}]", "4:10 errors.0: says nothing: give it a 'category', or a 'then'"),
        ("errors: [{status: 40, then: ok}]", "4:19 errors.0.status: must be a status such as 404, a class such as 5xx, or a list of them"),
        ("errors: [{status: [404, 6xx], then: ok}]", "4:19 errors.0.status: must be a status such as 404, a class such as 5xx, or a list of them"),
        ("errors: [{status: 404, then: skp}]", "4:30 errors.0.then: unknown value 'skp', did you mean 'skip'?"),
        ("errors: [{status: 404, then: 1}]", '4:30 errors.0.then: must be text; quote it: "1"'),
        ("errors: [{status: 404, category: rate_limt}]", "4:34 errors.0.category: unknown category 'rate_limt', did you mean 'rate_limit'?"),
        ("errors: [{when: body.a ==, then: ok}]", "4:17 errors.0.when: `body.a ==` is not an expression: it ends too early"),
        ("errors: [{status: 404, then: ok, header: {X: 1}}]", '4:46 errors.0.header.X: must be text; quote it: "1"'),
        ("errors: [{status: 404, category: server, code: 7}]", "4:48 errors.0.code: must be text, an address such as body.meta.next"),
    ],
)  # fmt: skip
def test_error_rules(text, what):
    """Each way to write a rule of the error map wrongly."""
    assert mistakes(text) == [what]


@pytest.mark.parametrize(
    "text, what",
    [
        ("records: data", "4:10 records: 'data' is not an address: unknown root 'data', did you mean 'body.data'?"),
        ("pagination: {type: next_url, take: bdy.next}", "4:36 pagination.take: 'bdy.next' is not an address: unknown root 'bdy', did you mean 'body'?"),
        ("pagination: {type: offset, put: query}", "4:33 pagination.put: 'query' is not an address: say what of query: query.NAME"),
        ("endpoints: {a: {post: /a, output: order}}", "4:35 endpoints.a.output: 'order' is not an address: unknown root 'order', did you mean 'body.order'?"),
        ("endpoints: {a: {post: /a, output: record.id}}", "4:35 endpoints.a.output: record.id cannot be read here (output): a call has no records"),
    ],
)  # fmt: skip
def test_addresses(text, what):
    """An address that can't be taken or put is told with the reason."""
    assert mistakes(text) == [what]


@pytest.mark.parametrize(
    "path, what",
    [
        ("orders", "must begin with a slash, or be one whole template: /orders"),
        ("GET:/orders", "must begin with a slash; the method is the key alone: get: /orders"),
        ("'post: orders'", "must begin with a slash; the method is the key alone: post: /orders"),
        ("GET /orders", "must begin with a slash; the method is the key alone: get: /orders"),
        ("getting/orders", "must begin with a slash, or be one whole template: /getting/orders"),
        ("https://a.example/orders", "must begin with a slash; scheme and host stand in base_url: /orders"),
        ("https://a.example", "must begin with a slash; scheme and host stand in base_url: /"),
        ('"{{ input.a }}/b"', "must begin with a slash, or be one whole template: /{{ input.a }}/b"),
        ('"/a/../b"', "a segment of the path is . or ..; write the path that is meant"),
        ('"/a?b=c"', "must not hold a query or fragment; put the query under 'params'"),
        ('"/a#b"', "must not hold a query or fragment; put the query under 'params'"),
        ('"/a/{id}"', "a single brace stands for nothing; a value is written {{ input.id }}"),
        ('"/a b"', "must not hold spaces, line breaks or backslashes; a space is written %20"),
        ('"/a\\n"', "must not hold spaces, line breaks or backslashes; a space is written %20"),
        ("'/a\\b'", "must not hold spaces, line breaks or backslashes; a space is written %20"),
        ('"/a/{{ input.id"', "{{ is never closed; write {{ name }}, and {{ '{{' }} for the two braces themselves"),
    ],
)
def test_paths(path, what):
    """A path that can't be one is refused when the spec loads."""
    assert mistakes(f"endpoints: {{a: {{get: {path}}}}}") == [f"4:22 endpoints.a.get: {what}"]


@pytest.mark.parametrize(
    "host",
    [
        '"https://a.example"',
        "a.example/x",
        "A.example",
        '"a.example:99999"',
        '"a.example:0"',
        '"a b"',
        '""',
        "3",
        "[a]",
    ],
)
def test_hosts(host):
    """A host is a name, not a URL, and its port is one."""
    what = "must be a host name such as cdn.example.com, in lower case, without scheme or path"
    assert mistakes(f"hosts: [ok.example, {host}]") == [f"4:21 hosts.1: {what}"]
    assert mistakes(f"environments: {{s: {{hosts: [{host}]}}}}") == [f"4:28 environments.s.hosts.0: {what}"]


def test_the_host_of_a_mapping():
    """A host that is written as a mapping is told at its name, with whatever else is wrong there."""
    what = "must be a host name such as cdn.example.com, in lower case, without scheme or path"
    assert mistakes("hosts: [{host: HTTP}]") == [f"4:16 hosts.0.host: {what}"]
    assert mistakes("hosts: [{host: 'a.example:0', credential: true}]") == [
        f"4:16 hosts.0.host: {what}",
        "4:31 hosts.0.credential: unknown key 'credential', did you mean 'credentials'?",
    ]


WORD = "must be letters, digits and _, and not begin with a digit"
NAME = "must be lower-case letters, digits, _ and -, and begin with a letter"


@pytest.mark.parametrize(
    "text, what",
    [
        ("endpoints: {1a: {get: /a}}", f"4:13 endpoints.1a: {WORD}"),
        ('endpoints: {"a b": {get: /a}}', f'4:13 endpoints."a b": {WORD}'),
        ("config: {shop-url: {type: string}}", f"4:10 config.shop-url: {WORD}"),
        ("secrets: {a.b: {}}", f'4:11 secrets."a.b": {WORD}'),
        ("environments: {Sand: {}}", f"4:16 environments.Sand: {NAME}"),
    ],
)
def test_names(text, what):
    """Names are told at the key."""
    assert mistakes(text) == [what]


# ── what is told once, and where ──────────────────────────────────────────────────────────────────


def test_an_inherited_mistake_is_told_once_where_it_stands():
    """However many endpoints inherit it, or lay something over it, a mistake is told at the top level."""
    text = """\
pagination: {type: cursor, put: query.c, size: {value: many}}
errors: [{status: 404, thne: skip}]
params: {a: "{{ config. }}"}
endpoints:
  a: {get: /a}
  b: {get: /b, pagination: {size: {put: query.n}}, errors: [{status: 500, then: ok}]}
  c: {get: /c, params: {b: 1}}
"""
    assert mistakes(text) == [
        "4:13 pagination: missing key 'take'",
        "4:56 pagination.size.value: must be a whole number, not text",
        "5:24 errors.0.thne: unknown key 'thne', did you mean 'then'?",
        "6:13 params.a: `config.` is not an expression: after a dot stands a name; other keys are written a['key']",
    ]


def test_an_inherited_unknown_kind_is_told_once():
    """An endpoint that completes a component of an unknown kind is not to blame for it."""
    text = "pagination: {type: curser}\nendpoints: {a: {get: /a, pagination: {size: {value: 5}}}}"
    assert mistakes(text) == ["4:20 pagination.type: unknown type 'curser', did you mean 'cursor'?"]


def test_a_mistake_in_an_endpoints_part_is_told_at_the_endpoint():
    """What an endpoint lays over the top level is its own, though the rest of the component is inherited."""
    text = """\
pagination: {type: offset, size: {put: query.n, value: 5}}
endpoints:
  a: {get: /a, pagination: {size: {vlaue: 3}}}
  b: {get: /b, pagination: {size: {value: 0}}}
  c: {get: /c, pagination: {type: next_url, size: {value: 1}}}
  d: {get: /d, errors: [{status: 4}]}
"""
    assert mistakes(text) == [
        "6:36 endpoints.a.pagination.size.vlaue: unknown key 'vlaue', did you mean 'value'?",
        "7:43 endpoints.b.pagination.size.value: must be at least 1",
        "8:28 endpoints.c.pagination: missing key 'take'",
        "9:34 endpoints.d.errors.0.status: must be a status such as 404, a class such as 5xx, or a list of them",
    ]


@pytest.mark.parametrize("chosen", [None, "s"])
def test_mistakes_in_an_environment_are_told_there(chosen):
    """An environment's mistakes stand at the environment, whether it is chosen or not."""
    text = """\
auth: {type: bearer, token: t}
config: {n: {type: integer, default: 1}}
endpoints: {a: {get: /a}}
environments:
  s: {base_url: "ftp://x", auth: {tokn: x}, config: {n: x, m: 1}, hosts: [X]}
"""
    assert mistakes(text, chosen) == [
        "8:17 environments.s.base_url: must begin with https://, http:// or one whole template",
        "8:35 environments.s.auth.tokn: unknown key 'tokn', did you mean 'token'?",
        '8:57 environments.s.config.n: must be a whole number, not "x"',
        "8:63 environments.s.config.m: 'm' is not declared under config (one of: n)",
        "8:75 environments.s.hosts.0: must be a host name such as cdn.example.com, in lower case, without scheme or path",
    ]


def test_the_top_levels_own_mistake_is_not_an_environments():
    """With an environment chosen, what the top level wrote wrongly is still told there."""
    text = "auth: {type: bearer, tokn: t}\nendpoints: {a: {get: /a}}\nenvironments: {s: {auth: {token: x}}}"
    assert mistakes(text, "s") == ["4:22 auth.tokn: unknown key 'tokn', did you mean 'token'?"]


# ── every mistake at once ─────────────────────────────────────────────────────────────────────────


def test_what_is_refused_does_not_hide_the_rest():
    """Structure, names in templates, references and defaults of one file are told together, in the file's order."""
    text = """\
titel: Shop
config: {url: {type: string, formt: uri}, n: {type: integer, default: x}}
secrets: {token: {default: abc}, Bad-one: {}}
pagination: {type: curser}
errors:
  - {status: 404, thne: skip}
  - {when: body.ok == secrets.token, then: ok}
params: {a: "{{ config.ulr }}", b: "{{ secrets.tokn }}"}
endpoints:
  r: {get: "/x/{{ secrets.token }}", records: body, params: {q: "{{ input.a }}"}}
  c: {post: /x, input: {a: 3}, params: {q: "{{ input.a }}", z: "{{ input.b }}"}, output: order}
  n: {records: body}
  t: {get: x, post: /x}
  s: {get: /x, records: body, primary_key: idd, schema: {id: {type: integr}}}
"""
    assert mistakes(text) == [
        "4:1 titel: unknown key 'titel', did you mean 'title'?",
        "5:30 config.url.formt: unknown key 'formt', did you mean 'format'?",
        '5:71 config.n.default: must be a whole number, not "x"',
        "6:28 secrets.token.default: a secret has no default: a spec is no place for one",
        f"6:34 secrets.Bad-one: {WORD}",
        "7:20 pagination.type: unknown type 'curser', did you mean 'cursor'?",
        "9:19 errors.0.thne: unknown key 'thne', did you mean 'then'?",
        "10:12 errors.1.when: 'secrets' cannot be read here (errors); it can be read in headers, params, body and auth",
        "11:13 params.a: config.ulr is not declared under config, did you mean 'url'?",
        "11:36 params.b: secrets.tokn is not declared under secrets, did you mean 'token'?",
        "13:12 endpoints.r.get: 'secrets' cannot be read here (path); it can be read in headers, params, body and auth",
        "13:65 endpoints.r.params.q: 'input' cannot be read here (request); it can be read in calls and steps",
        "14:28 endpoints.c.input.a: must be a mapping, not a number",
        "14:64 endpoints.c.params.z: input.b is not declared under input (one of: a)",
        "14:90 endpoints.c.output: 'order' is not an address: unknown root 'order', did you mean 'body.order'?",
        "15:6 endpoints.n: has no method: give it one of get, post, put, patch, delete, graphql, sdk, job, steps, such as get: /orders",
        "16:12 endpoints.t.get: must begin with a slash, or be one whole template: /x",
        "17:44 endpoints.s.primary_key: idd is not in the schema of s, did you mean 'id'?",
        "17:69 endpoints.s.schema.id.type: unknown type 'integr', did you mean 'integer'?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        'config: 3\nendpoints: {a: {get: /a, params: {q: "{{ config.x }}"}}}',
        'endpoints: {a: {post: /a, input: 3, params: {q: "{{ input.x }}"}}}',
        "endpoints: {a: {gett: /a}}",
        "endpoints: {a: {get: 3}}",
        'endpoints: {a: {post: /a, records: 3, params: {q: "{{ page.number }}"}}}',
        "endpoints: {a: {get: /a, records: body, schema: [id], primary_key: key}}",
        "endpoints: {a: {post: /a, output: '{{ a b }}'}}",
        "environments: {s: {config: 3}}",
        "errors: [3]",
        "pagination: {type: offset}\nendpoints: {a: {get: /a, pagination: {type: ofset, size: {value: 5}}}}",
    ],
)
def test_no_mistake_follows_from_another(text):
    """What can't be known because of one mistake is not told as a second one."""
    assert len(mistakes(text)) == 1
