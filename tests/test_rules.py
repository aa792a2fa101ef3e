"""What must hold across the keys of a spec: names, references, defaults; the exact text of each refusal."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

import json
from typing import Any

import pytest

from connector_core.exceptions import SpecError
from connector_core.load import load, parse

HEAD = """\
connector: "1"
name: shop
base_url: https://a.example
config: {shop_url: {type: string}, start: {type: string, default: a}}
secrets: {token: {}}
"""


def mistakes(text: str) -> list[str]:
    """The problems of a spec whose head is right, without the file's name; its own lines begin with line 6."""
    with pytest.raises(SpecError) as wrong:
        parse(HEAD + text, "shop.yaml")
    return [line.removeprefix("shop.yaml:") for line in str(wrong.value).splitlines()]


# ── the names that templates read ─────────────────────────────────────────────────────────────────

READ = "endpoints: {{r: {{get: /r, records: body, {}}}}}"
CALL = "endpoints: {{c: {{post: /c, input: {{id: {{type: integer}}}}, {}}}}}"
SECRETS = "it can be read in headers, params, body and auth"
PAGE = "it can be read in the requests of a read"
INPUT = "it can be read in calls and steps"
ANSWER = "it can be read in pagination, errors and output"


@pytest.mark.parametrize(
    "text, what",
    [
        # everywhere
        ('headers: {X: "{{ config.shop_ulr }}"}', "6:14 headers.X: config.shop_ulr is not declared under config, did you mean 'shop_url'?"),
        ('headers: {X: "{{ conifg.shop_url }}"}', "6:14 headers.X: unknown name 'conifg', did you mean 'config'?"),
        ('headers: {X: "{{ connection.name }}"}', "6:14 headers.X: connection.name is not declared under connection (one of: id)"),
        ('headers: {X: "{{ endpoint.id }}"}', "6:14 headers.X: endpoint.id is not declared under endpoint (one of: name)"),
        # addresses and paths
        ('endpoints: {r: {get: "/r/{{ secrets.token }}"}}', f"6:22 endpoints.r.get: 'secrets' cannot be read here (call_path); {SECRETS}"),
        ('endpoints: {r: {get: "/r/{{ secrets.token }}", records: body}}', f"6:22 endpoints.r.get: 'secrets' cannot be read here (path); {SECRETS}"),
        ('endpoints: {r: {get: /r, base_url: "https://a/{{ secrets.token }}"}}', f"6:36 endpoints.r.base_url: 'secrets' cannot be read here (base_url); {SECRETS}"),
        ('timeout: "{{ secrets.token }}"', f"6:10 timeout: 'secrets' cannot be read here (base_url); {SECRETS}"),
        # sign-in
        ('auth: {type: bearer, token: "{{ secrets.tokn }}"}', "6:29 auth.token: secrets.tokn is not declared under secrets, did you mean 'token'?"),
        ('auth: {type: basic, username: "{{ input.x }}"}', f"6:31 auth.username: 'input' cannot be read here (auth); {INPUT}"),
        ('auth: {type: api_key, put: query.k, value: "{{ body.x }}"}', f"6:44 auth.value: 'body' cannot be read here (auth); {ANSWER}"),
        # requests of a read and of a call
        (READ.format('params: {q: "{{ input.id }}"}'), f"6:53 endpoints.r.params.q: 'input' cannot be read here (request); {INPUT}"),
        (READ.format('params: {q: "{{ page.nmber }}"}'), "6:53 endpoints.r.params.q: page.nmber is not declared under page, did you mean 'number'?"),
        (READ.format('params: {q: "{{ record.id }}"}'), "6:53 endpoints.r.params.q: 'record' cannot be read here (request); it can be read in filter, transform and pagination"),
        (CALL.format('params: {q: "{{ page.number }}"}'), f"6:69 endpoints.c.params.q: 'page' cannot be read here (call); {PAGE}"),
        (CALL.format('params: {q: "{{ input.idd }}"}'), "6:69 endpoints.c.params.q: input.idd is not declared under input, did you mean 'id'?"),
        (CALL.format('body: {json: {a: [{b: "{{ input.idd }}"}]}}'), "6:70 endpoints.c.body.json: input.idd is not declared under input, did you mean 'id'?"),
        (CALL.format('body: {form: {a: "{{ status }}"}}'), f"6:74 endpoints.c.body.form.a: 'status' cannot be read here (call); {ANSWER}"),
        (CALL.format('headers: {X: "{{ input.x }}-{{ page.y }}"}'), ["6:70 endpoints.c.headers.X: 'page' cannot be read here (call); it can be read in the requests of a read", "6:70 endpoints.c.headers.X: input.x is not declared under input (one of: id)"]),
        ('endpoints: {c: {delete: "/c/{{ input.id }}"}}', "6:25 endpoints.c.delete: input.id is not declared under input, which is empty"),
        # what looks at an answer
        ("errors: [{when: secrets.token, then: ok}]", f"6:17 errors.0.when: 'secrets' cannot be read here (errors); {SECRETS}"),
        ('errors: [{status: 400, category: server, message: "{{ record.id }}"}]', "6:51 errors.0.message: 'record' cannot be read here (errors); it can be read in filter, transform and pagination"),
        ("pagination: {type: next_url, take: body.n, has_more: input.x}", f"6:54 pagination.has_more: 'input' cannot be read here (pagination); {INPUT}"),
        (CALL.format('output: "{{ secrets.token }}"'), f"6:65 endpoints.c.output: 'secrets' cannot be read here (output); {SECRETS}"),
        # what looks at a record
        (READ.format("filter: secrets.token == record.a"), f"6:49 endpoints.r.filter: 'secrets' cannot be read here (filter); {SECRETS}"),
        (READ.format("filter: body.ok"), f"6:49 endpoints.r.filter: 'body' cannot be read here (filter); {ANSWER}"),
        # environments
        ('environments: {s: {base_url: "https://{{ config.x }}.example"}}', "6:30 environments.s.base_url: config.x is not declared under config (one of: shop_url, start)"),
        ('environments: {s: {auth: {type: bearer, token: "{{ input.x }}"}}}', f"6:48 environments.s.auth.token: 'input' cannot be read here (auth); {INPUT}"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_exist_there(text, what):
    """One wrong name for each place of a spec, refused without anything being sent."""
    assert mistakes(text) == ([what] if isinstance(what, str) else what)


@pytest.mark.parametrize(
    "text",
    [
        'params: {a: "{{ config.shop_url }}", b: "{{ secrets.token }}{{ uuid }}{{ now }}{{ connection.id }}{{ endpoint.name }}"}\n'
        + READ.format('params: {p: "{{ page.number }}{{ page.offset }}{{ page.size }}{{ page.count }}"}, filter: record.x and config.start'),
        CALL.format('params: {q: "{{ input.id }}"}, output: "{{ body.a }}{{ status }}{{ header.x }}"'),
        "pagination: {type: next_url, take: body.n, has_more: body.a and header.b and status and record.c and page.count}",
        'errors: [{when: body.a and header.b and status and config.start, category: server, message: "{{ body.m }}"}]',
        'endpoints: {r: {get: "/{{ config.start }}/{{ page.number }}", records: body}}',
        'endpoints: {r: {get: "{{ input.link }}", input: {link: {type: string}}}}',
        "endpoints: {r: {get: /r, input: {}, params: {q: x}}}",
        # at the top level, what either a read or a call may say
        'params: {q: "{{ input.id }}"}\n' + CALL.format("safe: true"),
        'params: {q: "{{ page.number }}"}\n' + READ.format("safe: true"),
    ],
)  # fmt: skip
def test_names_that_exist_there(text):
    """What each place may read loads."""
    parse(HEAD + text, "shop.yaml")


def test_what_an_endpoint_inherits_must_fit_it():
    """A name that the top level may say but the endpoint may not is told at the top level, for the first endpoint."""
    text = 'params: {q: "{{ page.number }}"}\nendpoints: {a: {get: /a, records: body}, b: {post: /b}, c: {post: /c}}'
    assert mistakes(text) == [f"6:13 params.q: 'page' cannot be read here (call); {PAGE} (inherited by b)"]


# ── methods, headers, addresses ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text, what",
    [
        ("endpoints: {a: {}}", ["6:16 endpoints.a: has no method: give it one of get, post, put, patch, delete, graphql, sdk, job, steps, such as get: /orders"]),
        (
            "endpoints: {a: {post: /b, get: /a, delete: /c}}",
            [
                "6:23 endpoints.a.post: has a second method; get is there already, and an endpoint has one",
                "6:44 endpoints.a.delete: has a second method; get is there already, and an endpoint has one",
            ],
        ),
        ("endpoints: {a: {get: /a, body: {json: 1}}}", ["6:32 endpoints.a.body: get sends no body; use params, or post"]),
        ("endpoints: {a: {get: /a, headers: {X-A: 1, x-a: 2}}}", ["6:49 endpoints.a.headers.x-a: is the same header as 'X-A': keep one"]),
    ],
)  # fmt: skip
def test_what_makes_an_endpoint(text, what):
    """One method, a body only where one is sent, each header once."""
    assert mistakes(text) == what


def test_an_address_is_needed():
    """Without base_url at the top, on the endpoint or in an environment, the first endpoint that needs one is told."""
    document: dict[str, Any] = {
        "connector": "1",
        "name": "shop",
        "endpoints": {"link": {"get": "{{ 'https://a.example' }}"}, "a": {"get": "/a"}, "b": {"get": "/b"}},
    }
    with pytest.raises(SpecError) as wrong:
        parse(json.dumps(document, indent=1), "shop.json")
    assert str(wrong.value) == "shop.json:8:8 endpoints.a.base_url: is missing, here and at the top level"
    load({**document, "environments": {"live": {"base_url": "https://a.example"}}})
    for name in ("a", "b"):
        document["endpoints"][name]["base_url"] = "https://a.example"
    load(document)


# ── references and defaults ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "keys, what",
    [
        ("primary_key: idd", ["8:15 endpoints.r.primary_key: idd is not in the schema of r, did you mean 'id'?"]),
        ("primary_key: [id, kind]", ["8:20 endpoints.r.primary_key.1: kind is not in the schema of r, did you mean 'id'?"]),
        ("primary_key: sop.id", ["8:15 endpoints.r.primary_key: sop.id is not in the schema of r, did you mean 'shop'?"]),
        ("filter: record.stats == 1", ["8:10 endpoints.r.filter: record.stats is not in the schema of r, did you mean 'status'?"]),
        ("filter: record.a and record.b", ["8:10 endpoints.r.filter: record.a is not in the schema of r (one of: id, shop, status)", "8:10 endpoints.r.filter: record.b is not in the schema of r (one of: id, shop, status)"]),
    ],
)  # fmt: skip
def test_fields_are_in_the_schema(keys, what):
    """A primary key and a filter speak of fields that the schema has, where there is a schema."""
    text = f"records: body\nendpoints: {{r: {{get: /r, schema: {{id: {{}}, shop: {{}}, status: {{}}}},\n {keys}}}}}"
    assert mistakes(text) == what
    parse(HEAD + f"records: body\nendpoints: {{r: {{get: /r, {keys}}}}}", "shop.yaml")


def test_an_inherited_key_is_in_each_schema():
    """A primary key of the top level that an endpoint's schema lacks is told with the endpoint's name."""
    text = "records: body\nprimary_key: id\nendpoints: {r: {get: /r, schema: {code: {}}}}"
    assert mistakes(text) == ["7:14 primary_key: id is not in the schema of r (one of: code) (inherited by r)"]
    parse(HEAD + text.replace("get: /r,", "get: /r, primary_key: code,"), "shop.yaml")


@pytest.mark.parametrize(
    "text, what",
    [
        ("config: {n: {type: integer, default: x}}", ['3:38 config.n.default: must be a whole number, not "x"']),
        ("config: {u: {type: string, format: uri, default: x}}", ['3:50 config.u.default: must be an http or https address such as https://shop.example, not "x"']),
        ("config: {p: {enum: [a, b], default: c}}", ['3:37 config.p.default: must be one of "a", "b", not "c"']),
        ("secrets: {t: {default: hunter2}}", ["3:24 secrets.t.default: a secret has no default: a spec is no place for one"]),
        ("config: {n: {type: integer}}\nenvironments: {s: {config: {n: x, m: 1}}}", ['4:32 environments.s.config.n: must be a whole number, not "x"', "4:38 environments.s.config.m: 'm' is not declared under config (one of: n)"]),
    ],
)  # fmt: skip
def test_defaults_fit_their_schemas(text, what):
    """A default of config, here or in an environment, is a legal value; a secret has none."""
    with pytest.raises(SpecError) as wrong:
        parse(f'connector: "1"\nname: shop\n{text}', "shop.yaml")
    assert [str(problem).removeprefix("shop.yaml:") for problem in wrong.value.problems] == what


def test_the_value_of_a_wrong_secret_default_is_not_shown():
    """What somebody wrote as a secret's default is not repeated in the message."""
    with pytest.raises(SpecError) as wrong:
        parse('connector: "1"\nname: shop\nsecrets: {t: {type: integer, default: hunter2}}', "shop.yaml")
    assert "hunter2" not in str(wrong.value)


# ── what leads to what is bounded ─────────────────────────────────────────────────────────────────


def chain(first: str, following: str) -> str:
    """Endpoints of which each is written with its own number (@) and that of the one before (#)."""
    lines = [following.replace("@", str(number)).replace("#", str(number - 1)) for number in range(1, 53)]
    return "endpoints:\n" + "\n".join(f"  {line}" for line in [first, *lines])


CAPTURES = "capture: {" + ", ".join(f"c{number}: {{call: e{number}, take: body.id}}" for number in range(53)) + "}\n"


@pytest.mark.parametrize(
    "text, what",
    [
        (
            chain("e0: {get: /a, records: body}", "e@: {get: /a, records: body, for_each: {endpoint: e#, as: p@}}"),
            "endpoints.e51.for_each.endpoint: leads to more than 50 endpoints, each read for another: nobody waits for so many",
        ),
        (
            chain("e0: {post: /a}", "e@: {steps: [{call: e#}]}"),
            "endpoints.e51.steps.0.call: leads to more than 50 endpoints, each called by another",
        ),
        (
            CAPTURES + chain("e0: {get: /a}", 'e@: {get: "/{{ connection.c# }}"}'),
            "capture.c50.call: needs more than 50 calls, each for what another asks for",
        ),
        (
            "endpoints:\n  p: {get: /p, records: body}\n  e: {get: /a, records: body, for_each: ["
            + ", ".join(f"{{endpoint: p, as: a{number}}}" for number in range(21))
            + "]}",
            "endpoints.e.for_each: has more than 20 items",
        ),
        (
            "endpoints: {p: {post: /p}, e: {steps: [" + ", ".join("{call: p}" for _ in range(101)) + "]}}",
            "endpoints.e.steps: has more than 100 items",
        ),
        (
            "environments: {" + ", ".join(f"v{number}: {{base_url: https://b.example}}" for number in range(51)) + "}",
            "environments: has more than 50: whoever checks the spec loads it in each of them",
        ),
    ],
    ids=["for_each", "steps", "capture", "product", "calls", "environments"],
)
def test_what_leads_to_what_is_bounded(text, what):
    """Checking takes no longer than the file is long: what would be looked up again and again has a bound."""
    assert mistakes(text)[0].partition(" ")[2] == what


@pytest.mark.parametrize(
    "schema, value",
    [
        ({"items": {"enum": list(range(2000))}}, [1] * 2000),
        ({"anyOf": [{"items": {"type": "string"}}] * 300}, list(range(1000))),
    ],
)
def test_what_values_cost_is_bounded(schema, value):
    """A value times its schema, which is what judging it may cost, has a bound for all values of a spec together."""
    with pytest.raises(SpecError) as wrong:
        load({"connector": "1", "name": "x", "config": {"a": {**schema, "default": value}, "b": {"default": 1}}})
    assert [(problem.path, problem.what) for problem in wrong.value.problems] == [
        ("config.a.default", "would take too long to check: make this value or its schema smaller, or those before it")
    ]


def test_a_long_description_costs_nothing():
    """What says nothing about a value does not count."""
    schema = {"type": "string", "description": "x" * 500_000, "default": "y" * 1000}
    assert load({"connector": "1", "name": "x", "config": {"a": schema}}).config["a"] == schema


# ── what is for reads, and what is no text ────────────────────────────────────────────────────────

FOR_READS = "is for reads: an endpoint with records, and without input or output"
NO_TEXT = "is an object or a list of lists, and only text and numbers can be sent there: name its parts one by one, such as filter[status]: open"


@pytest.mark.parametrize(
    "text, what",
    [
        ("endpoints: {c: {post: /c, pagination: offset}}", f"6:39 endpoints.c.pagination: {FOR_READS}"),
        ("endpoints: {c: {get: /c, pagination: offset}}", f"6:38 endpoints.c.pagination: {FOR_READS}"),
        ("endpoints: {c: {post: /c, safe: true, records: body, output: body, pagination: offset}}", f"6:80 endpoints.c.pagination: {FOR_READS}"),
        ("endpoints: {c: {delete: /c, filter: record.a}}", f"6:37 endpoints.c.filter: {FOR_READS}"),
        ("pagination: offset\nendpoints: {c: {put: /c, pagination: {first: 1}}}", f"7:38 endpoints.c.pagination: {FOR_READS}"),
        ("endpoints: {c: {post: /c, errors: [{status: 404, then: skip}]}}", "6:56 endpoints.c.errors.0.then: skip is for reads, and this is a call: say ok, or a category"),
        ("endpoints: {c: {get: /c, errors: [{status: 400, then: ok}, {status: 404, then: stop}]}}", "6:80 endpoints.c.errors.1.then: stop is for reads, and this is a call: say ok, or a category"),
        ("params: {filter: {a: 1}}", f"6:18 params.filter: {NO_TEXT}"),
        ("params: {filter: [a, {b: 1}]}", f"6:18 params.filter: {NO_TEXT}"),
        ("headers: {X-Filter: [[a]]}", f"6:21 headers.X-Filter: {NO_TEXT}"),
        ("headers: {X-Filter: {}}", f"6:21 headers.X-Filter: {NO_TEXT}"),
        ("endpoints: {c: {post: /c, body: {form: {a: {b: '{{ config.start }}'}}}}}", f"6:44 endpoints.c.body.form.a: {NO_TEXT}"),
        ("endpoints: {j: {records: body, job: {start: {post: /j, params: {a: {b: 1}}}, poll: {get: /j}, done: body.ok}}}", f"6:68 endpoints.j.job.start.params.a: {NO_TEXT}"),
    ],
)  # fmt: skip
def test_what_can_mean_nothing(text, what):
    """Pages and records on a call, and objects where text is sent, are refused when the spec loads."""
    assert mistakes(text) == [what]


@pytest.mark.parametrize(
    "text",
    [
        "pagination: offset\nrecords: body\nfilter: record.a\nerrors: [{status: 404, then: skip}]\nendpoints: {r: {get: /r}, c: {post: /c}}",
        "pagination: offset\nendpoints: {c: {get: /c, pagination: offset}, d: {get: /d, pagination: none}}",
        "endpoints: {s: {post: /s, records: body, pagination: offset, filter: record.a, errors: [{status: 404, then: stop}]}}",
        "endpoints: {c: {post: /c, errors: [{status: 404, then: ok}, {status: 409, then: retry}]}}",
        "params: {a: [1, b, true, null], b: '{{ config.start }}', c: null, d: 1.5}",
    ],
)
def test_what_calls_may_inherit(text):
    """What the top level says for the reads is no mistake of the calls beside them."""
    parse(HEAD + text, "shop.yaml")


def test_a_group_has_one_limit():
    """Endpoints that share a rate limit say the same of it."""
    one, other = "{rates: [1/second], scope: search}", "{rates: [2/second], scope: search}"
    ends = "endpoints: {{a: {{get: /a, rate_limit: {}}}, b: {{get: /b, rate_limit: {}}}}}"
    [told] = mistakes(ends.format(one, other))
    assert told.endswith(
        "b.rate_limit.scope: 'search' is the scope of another limit, that of a: say the same, or rename it"
    )
    assert list(parse(HEAD + ends.format(one, one), "shop.yaml").endpoints) == ["a", "b"]
