"""What could be better in specs that load: each rule finds its case at its place, and nothing in a good spec."""

# ruff: noqa: E501 - a finding is told on one line

from __future__ import annotations

from pathlib import Path

import pytest

from connector_core.exceptions import SpecError
from connector_core.lint import RULES, findings, fixed, tier
from connector_core.load import available, load, parse

GOOD = """\
# yaml-language-server: $schema=connector.schema.json
connector: "1"
name: shop
title: Shop
description: Orders.
config: {url: {type: string, description: Address}}
secrets: {token: {description: API token}}
base_url: "{{ config.url }}"
auth: {type: bearer, token: "{{ secrets.token }}"}
rate_limit: {concurrency: 4}
pagination: {type: cursor, take: body.next}
records: body.data
primary_key: id
errors: [{status: 404, then: skip}]
endpoints:
  orders:
    description: All of them.
    get: /orders
    schema: {id: {type: integer}}
docs: {purpose: p, account: a, credentials: c}
"""

CASES: dict[str, tuple[str, str, str]] = {
    "C101": ("name: shop", "name: store", "3:1 C101 warning name: the file is called shop, and that is the name by which the spec is found"),
    "C102": ("Address}}", "Address}, old: {description: x}}", "6:53 C102 warning config.old: nothing reads it"),
    "C103": ("API token}}", "API token}, old: {description: x}}", "7:44 C103 warning secrets.old: nothing reads it"),
    "C104": ("    get: /orders\n", "    get: /orders\n    primary_key: id\n", "19:5 C104 advice endpoints.orders.primary_key: says what the top level says already"),
    "C105": ("endpoints:\n", "capture: {t: {call: one, take: body.id}}\nendpoints:\n  one: {get: /one, output: body, description: d}\n", "15:11 C105 warning capture.t: nothing reads it"),
    "C106": ("    get: /orders\n", "    get: /orders\n    private: true\n", "19:5 C106 warning endpoints.orders.private: nothing is read for it"),
    "C107": ("then: skip}]", "then: skip}, {status: [404], category: server}]", "14:37 C107 warning errors.1: an earlier rule takes every answer that it speaks of"),
    "C201": ("pagination: {type: cursor, take: body.next}\n", "", "15:3 C201 warning endpoints.orders: says nothing about further pages; if there are none, say pagination: none"),
    "C202": ("primary_key: id\n", "", "15:3 C202 warning endpoints.orders: has no primary_key: nobody can tell its records apart"),
    "C203": ("    schema: {id: {type: integer}}\n", "", "16:3 C203 advice endpoints.orders: has no schema: what its records hold is not known"),
    "C205": ("    get: /orders\n", "    get: /orders/{{ r }}\n    for_each: {values: [1], as: r, concurrency: 9}\n", "19:36 C205 warning endpoints.orders.for_each.concurrency: rate_limit.concurrency allows 4 requests at once"),
    "C206": ("rate_limit: {concurrency: 4}\n", "", "1:1 C206 advice there is no rate_limit: say how many requests may be under way at once"),
    "C207": ("pagination: {type: cursor, take: body.next}", "pagination: page_number", "11:1 C207 advice pagination: nothing but an empty page tells the end: give it a size, total or pages"),
    "C208": ("    get: /orders\n", "    get: /orders\n    cost: 7\n    rate_limit: {rates: [5/second]}\n", "19:5 C208 warning endpoints.orders.cost: no request can ever be sent: a rate limit gives 5 at most"),
    "C209": ("    get: /orders\n", "    get: /orders\n    timeout: 31s\n    circuit_breaker: {open_for: 1m}\n", "20:5 C209 warning endpoints.orders.circuit_breaker: 60s is less than two requests that take 31s each: max_age must be at least 62s"),
    "C210": ("    get: /orders\n", "    get: /orders\n    timeout: 2m\n    retry: {attempts: 3, total: 1m}\n", "20:26 C210 warning endpoints.orders.retry.total: 60s is less than the timeout of one attempt, 120s: what timed out is never sent again"),
    "C211": ("endpoints:\n", "endpoints:\n  pay: {post: /pay, description: Pays., retry: {attempts: 3}}\n", "16:41 C211 advice endpoints.pay.retry: what may have been acted on is not sent again: give it an idempotency key, or say safe: true"),
    "C301": ('base_url: "{{ config.url }}"', 'base_url: "http://{{ config.url }}.example"', "8:1 C301 warning base_url: http:// sends credentials and data in clear text: use https://"),
    "C302": ('{type: bearer, token: "{{ secrets.token }}"}', '{type: api_key, put: query.key, value: "{{ secrets.token }}"}', "9:1 C302 warning auth: the secret goes into the query, where logs keep it; use a header if the service takes one"),
    "C303": ("endpoints:\n", 'hosts: [{host: "*.shop.example", credentials: true}]\nendpoints:\n', "15:9 C303 warning hosts.0: every host below that domain is shown the credentials: name those that need them"),
    "C304": ('{type: bearer, token: "{{ secrets.token }}"}', '{type: oauth2, grant: client_credentials, client_id: a, client_secret: "{{ secrets.token }}", token_url: "http://id.shop.example/t", revoke_url: "http://127.0.0.1/r"}', "9:101 C304 warning auth.token_url: http:// sends credentials in clear text: use https://"),
    "C401": ("title: Shop\n", "", "1:1 C401 advice there is no title"),
    "C402": ("    description: All of them.\n", "", "16:3 C402 advice endpoints.orders: has no description"),
    "C403": (", description: Address", "", "6:10 C403 warning config.url: has no description: who fills it in has to guess"),
    "C404": ("account: a, ", "", "20:1 C404 advice docs: docs tells nothing of: account"),
    "C405": ("# yaml-language-server: $schema=connector.schema.json\n", "", "1:1 C405 advice editors are not told the schema; the first line does it: # yaml-language-server: $schema=connector.schema.json"),
}  # fmt: skip


def told(text: str) -> list[str]:
    return [str(finding).removeprefix("shop.yaml:") for finding in findings(text, "shop.yaml")]


def test_nothing_is_found_in_a_good_spec():
    """A spec that does everything right is gold."""
    assert told(GOOD) == []
    assert tier(findings(GOOD, "shop.yaml")) == "gold"


def test_every_rule_has_its_case():
    """No rule is without a case below, and each says in a sentence what it finds."""
    assert set(CASES) == set(RULES)
    assert all(rule.about.endswith(".") and "\n" not in rule.about for rule in RULES.values())


@pytest.mark.parametrize("code", CASES)
def test_a_rule_finds_its_case(code):
    """One change of the good spec brings its finding, at its place, and no other; ignoring the rule leaves nothing."""
    old, new, expected = CASES[code]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    assert told(text) == [expected]
    assert findings(text, "shop.yaml", ignore=[code]) == []
    assert tier(findings(text, "shop.yaml")) == ("bronze" if RULES[code].level == "warning" else "silver")


def test_a_spec_that_is_wrong_has_no_findings():
    """What does not load is told as what is wrong with it."""
    with pytest.raises(SpecError):
        findings("connector: '1'\n", "shop.yaml")


@pytest.mark.parametrize(
    "url, found",
    [("http://localhost:8000", False), ("http://127.0.0.1", False), ("HTTP://a.example", True), ("http://localhost.evil.example", True)],
)  # fmt: skip
def test_plain_http_on_this_machine_is_fine(url, found):
    """Clear text that does not leave the machine is nobody's business."""
    text = GOOD.replace('base_url: "{{ config.url }}"', f"base_url: {url}").replace(
        "config: {url: {type: string, description: Address}}\n", ""
    )
    assert bool([line for line in told(text) if "C301" in line]) is found


# ── mending ───────────────────────────────────────────────────────────────────────────────────────


def mended(text: str) -> tuple[str, list[str]]:
    after, done = fixed(text, "shop.yaml", None, findings(text, "shop.yaml"))
    return after, [finding.code for finding in done]


def test_what_is_said_again_is_taken_out():
    """A key and all that is indented below it goes, comments around it stay, and the spec means the same."""
    again = """\
    # before
    pagination:
      type: cursor

      take: body.next
    # after
    primary_key: id
"""
    text = GOOD.replace("    schema:", f"{again}    schema:")
    after, codes = mended(text)
    assert codes == ["C104", "C104"]
    assert after == GOOD.replace("    schema:", "    # before\n    # after\n    schema:")
    assert parse(after, "shop.yaml").endpoints == parse(GOOD, "shop.yaml").endpoints


def test_what_stands_behind_something_else_is_left():
    """A key that cannot be taken out with its line stays; the finding is still told."""
    text = GOOD.replace(
        "  orders:\n", "  more: {get: /more, description: d, schema: {id: {}}, primary_key: id}\n  orders:\n"
    )
    assert mended(text) == (text, [])
    assert [line.split()[1] for line in told(text)] == ["C104"]


def test_the_line_for_editors_is_written():
    """It becomes the first line."""
    assert mended(GOOD.partition("\n")[2]) == (GOOD, ["C405"])


@pytest.mark.parametrize("name", available())
def test_bundled_specs_have_no_warnings(name):
    """What comes with the package is an example to follow."""
    path: Path = available()[name]
    found = findings(path.read_bytes(), path.name, path.parent)
    assert [str(finding) for finding in found if finding.level == "warning"] == []
    assert load(name).name == name
