"""What stands in the seven sections, and what does not: nothing is made up, and no secret is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from connector_core.config import variable
from connector_core.exceptions import SpecError
from connector_core.handbook import in_html, in_markdown
from connector_core.load import available, load, parse
from connector_core.schema import json_schema
from connector_core.source import read
from tests.docs.reference import every_example
from tests.docs.test_docs import BLOCKS, placed, shown
from tests.drawn import documents
from tests.handbook.reading import anchors, cells, commands, headings, links, page, section

SECTIONS = [
    "Overview", "Prerequisites", "Configuration", "API reference", "Error handling", "Testing", "Monitoring",
]  # fmt: skip
NAMES = sorted(available())
BARE: dict[str, Any] = {
    "connector": "1",
    "name": "bare",
    "base_url": "https://bare.example",
    "endpoints": {"things": {"get": "/things", "records": "body"}},
}
SHOP = in_markdown(load("shop"))


@pytest.mark.parametrize("name", NAMES)
def test_every_spec(name):
    """Each spec has its seven sections in order, and every endpoint, value and secret is told."""
    spec = load(name)
    text = in_markdown(spec)
    assert [title for level, title in headings(text) if level == 2] == SECTIONS
    assert {*spec.endpoints} <= {title for level, title in headings(section_of(text)) if level == 3}
    told = {row[0] for row in cells(section(text, "Configuration"))}
    assert {*spec.config, *spec.secrets, *spec.environments} <= told


def section_of(text: str) -> str:
    return "## " + section(text, "API reference")


@pytest.mark.parametrize("name", NAMES)
def test_links(name):
    """Every link within the page leads to a heading of it, in both forms."""
    text = in_markdown(load(name))
    inside = [link[1:] for link in links(text) if link.startswith("#")]
    assert inside
    assert set(inside) <= set(anchors(text))
    root = page(in_html(load(name)))
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    targets = [element.attrib["href"] for element in root.iter() if "href" in element.attrib]
    assert {target[1:] for target in targets if target.startswith("#")} <= set(ids)


@pytest.mark.parametrize("name, text", every_example().items())
def test_every_kind(name, text):
    """Whatever kind a spec uses can be documented."""
    spec = load(placed(read(text, f"{name}.yaml").data, ""))
    assert [title for level, title in headings(in_markdown(spec)) if level == 2] == SECTIONS
    page(in_html(spec))


@pytest.mark.parametrize("block", BLOCKS, ids=shown)
def test_every_fragment(block):
    """Whatever the pages show of the language can be documented, and links lead somewhere."""
    data = read(block.text, "block.yaml").data
    text = in_markdown(parse(block.text, block.page) if "connector" in data else load(placed(data, block.inside)))
    assert {link[1:] for link in links(text) if link.startswith("#")} <= set(anchors(text))


@settings(derandomize=True, database=None, max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(documents(json_schema(), always=("base_url", "endpoints")))
def test_every_document(drawn):
    """Any spec that loads has its page, in both forms."""
    try:
        spec = load(drawn)
    except SpecError:
        return
    assert [title for level, title in headings(in_markdown(spec)) if level == 2] == SECTIONS
    page(in_html(spec))


def test_overview():
    """Purpose, kind of integration, what is read and called, and the flow of data."""
    overview = section(SHOP, "Overview")
    assert "Orders for the warehouse" in overview
    assert ["orders", "GET /orders", "Orders in all states, the oldest first."] in cells(overview)
    assert ["create_order", "POST /orders", "Places an order for a customer."] in cells(overview)
    assert "  service -->|read| r1 --> app\n" in overview
    assert "  app -->|call| c1 --> service\n" in overview


def test_prerequisites():
    """Account, credentials step by step, and permissions with their reasons."""
    text = section(in_markdown(load("github")), "Prerequisites")
    assert [title for _, title in headings("## " + text)] == ["Prerequisites", "Account", "Credentials", "Permissions"]
    assert "\n1. Sign in" in text
    assert [
        "Issues: read and write",
        "To read, open and close issues; read alone if none is to be opened or closed",
    ] in (cells(text))


def test_configuration():
    """Every value with type, default and whether it is required; a secret with the variable that is really read."""
    rows = cells(section(SHOP, "Configuration"))
    assert ["shop_url", "text, format uri", "yes", "", "Address of the shop"] in rows
    assert ["start_date", "text, format date-time", "no", "2020-01-01T00:00:00Z", ANY] in rows
    assert ["token", variable("shop", "token"), "text", "yes", "API token from Settings → API"] in rows


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANY = _Any()


def test_the_variable_is_the_one_that_is_read(run):
    """A connection finds the secret in the variable that the page names."""
    [name] = [row[1] for row in cells(section(SHOP, "Configuration")) if row[0] == "token"]
    options = ["--config", "shop_url=https://127.0.0.1:1", "--network", "loopback"]
    assert "secret token is missing" in run("check", "shop", *options).stderr
    assert "secret token is missing" not in run("check", "shop", *options, env={name: "t"}).stderr


def test_api_reference():
    """An endpoint has its method, path, inputs, records, fields, pages, limits and sign-in."""
    text = section(SHOP, "API reference")
    rows = cells(text)
    assert ["request", "POST /orders"] in rows
    assert ["customer_id", "whole number", "yes", "Who orders"] in rows
    assert ["records", "at body.data, known by id"] in rows
    assert ["pages", "cursor, as for all"] in rows
    assert ["sign-in", "bearer, as for all"] in rows
    assert ["limits", "{type: exact_window, concurrency: 8}"] in rows  # for all endpoints, once
    assert ["limits", "as for all"] in rows
    assert ["items.*.quantity", "whole number, minimum: 1, maximum: 9", ""] in rows
    assert ["updated_since", "{{ config.start_date }}"] in rows


def test_what_all_share_is_told_once():
    """Keys that endpoints inherit stand above them; an endpoint shows what differs, and that alone."""
    spec = load(
        {
            **BARE,
            "retry": {"attempts": 6},
            "rate_limit": {"concurrency": 8},
            "endpoints": {
                **BARE["endpoints"],
                "others": {"get": "/others", "records": "body"},
                "ping": {"get": "/ping", "retry": {"attempts": 1}, "rate_limit": {"concurrency": 2}},
            },
        }
    )
    text = section(in_markdown(spec), "API reference")
    assert text.count("attempts: 6") == 1
    assert text.index("attempts: 6") < text.index("### others") < text.index("attempts: 1")
    assert text.count("concurrency: 8") == 1
    assert ["limits", "{type: exact_window, concurrency: 2} and as for all"] in cells(text)


@pytest.mark.parametrize(
    "url, level",
    [
        ("http://127.0.0.1:8700/api", "loopback"),
        ("http://localhost:8700", "loopback"),
        ("http://[::1]:8700", "loopback"),
        ("http://10.0.0.7", "private"),
        ("https://8.8.8.8", ""),
        ("https://things.example", ""),
        ("http://169.254.169.254", ""),
    ],
)
def test_a_service_nearby(url, level):
    """Where the address is private or loopback, the commands and the Python say what lets them reach it."""
    page = in_markdown(load({**BARE, "base_url": url}))
    monitoring = section(page, "Monitoring")
    assert (f" --network {level}\n" in monitoring) if level else "--network" not in monitoring
    assert (f"network='{level}'" in page) if level else "network=" not in page


def test_an_endpoint_of_many_keys():
    """A parent is linked, its own rules stand with it, and a key without words of its own is shown as it is written."""
    spec = load(
        {
            **BARE,
            "errors": [{"status": 404, "category": "not_found"}],
            "endpoints": {
                **BARE["endpoints"],
                "parts": {
                    "for_each": {"endpoint": "things", "as": "thing"},
                    "get": "/things/{{ thing.id }}/parts",
                    "records": "body",
                    "errors": [{"status": 410, "then": "skip"}],
                    "transform": [{"type": "drop", "fields": ["note"]}],
                    "rate_limit": {"concurrency": 2},
                },
            },
        }
    )
    text = section(in_markdown(spec), "API reference")
    assert ["read for each", "each record of things, {endpoint: things, as: thing, only: all}"] in cells(text)
    assert ["status 410", "nothing to read here, and no error"] in cells(text)
    assert ["status 404", "NotFoundError"] not in cells(text)
    assert "transform:\n- type: drop" in text
    assert ["limits", "{type: exact_window, concurrency: 2}"] in cells(text)
    assert "  r0 -.->|for each| r1\n" in section(in_markdown(spec), "Overview")


def test_what_every_request_has():
    """Headers and parameters of all requests are told once; an endpoint tells those that are its own or differ."""
    common = {"headers": {"X-A": "1", "X-B": "2", "X-C": "3"}, "params": {"v": "4"}}
    own = {"get": "/o", "headers": {"X-B": "5", "X-C": None, "X-D": "6"}}
    text = section(in_markdown(load({**BARE, **common, "endpoints": {"one": own}})), "API reference")
    everywhere, _, of_one = text.partition("### one")
    assert [row for row in cells(everywhere) if row[0].startswith("X-")] == [["X-A", "1"], ["X-B", "2"], ["X-C", "3"]]
    assert ["v", "4"] in cells(everywhere)
    assert [row for row in cells(of_one) if row[0].startswith(("X-", "v"))] == [
        ["X-B", "5"],
        ["X-C", "not sent"],
        ["X-D", "6"],
    ]


def test_a_health_check_names_what_it_needs():
    """Config that has no default stands in the command, to be filled in."""
    assert commands(section(SHOP, "Monitoring")) == ["connector check shop --config shop_url=…"]


def test_error_handling():
    """Declared rules, what HTTP says, what is sent again, known problems and whom to ask."""
    text = section(in_markdown(load("stripe")), "Error handling")
    rows = cells(text)
    assert ["status 402", "ValidationError", "body.error.code", "{{ body.error.message }}"] in rows
    assert ["429", "RateLimitError", "yes"] in rows
    assert ["401", "The key is wrong or was rolled.", "Copy it again."] in rows
    assert "at most 4 times" in text
    assert "https://docs.stripe.com/api" in links(text)


def test_testing():
    """Commands against the simulator, the test account, its data and the scenarios."""
    text = section(in_markdown(load("stripe")), "Testing")
    assert "connector read stripe customers --simulate --limit 5" in commands(text)
    assert "sk\\_test\\_" in text
    assert "\n1. Create a customer" in text


def test_monitoring():
    """The health check that there is, what is announced, and the dashboards."""
    text = section(in_markdown(load("stripe")), "Monitoring")
    assert commands(text) == ["connector check stripe"]
    assert links(text)[-1] == "https://dashboard.stripe.com/logs"
    announced = {row[0] for row in cells(text)}
    assert "PageRead" in announced
    assert "JobPolled" not in announced  # no endpoint is a job


def test_nothing_is_made_up():
    """Where a spec says nothing, that is said."""
    text = in_markdown(load(BARE))
    for words in (
        "The spec does not say what the integration is for.",
        "The spec does not say which account is needed.",
        "The connector has no secrets.",
        "The spec names no permissions.",
        "There is nothing to configure.",
        "The spec declares no rules for all endpoints.",
        "The spec tells of no known problems.",
        "The spec names nobody to ask.",
        "The spec tells of no test account.",
        "The spec names no scenarios.",
    ):
        assert words in text
    assert "Environments" not in text
    assert ["sign-in", "none"] in cells(text)


def test_nothing_to_read_or_call():
    """A spec without endpoints has its page too."""
    text = in_markdown(load({"connector": "1", "name": "empty"}))
    assert "nothing to read or call" in text
    assert "Nothing can be read" in text


def test_no_value_of_a_secret():
    """An example or a choice of a secret is on no page, however it is declared."""
    schema = {
        "type": "string", "examples": ["s3cret-b"], "enum": ["s3cret-a", "s3cret-c"],
        "anyOf": [{"const": "s3cret-d"}, {}], "pattern": "s3cret-e|.", "minLength": 3,
    }  # fmt: skip
    spec = load({**BARE, "secrets": {"key": schema}, "auth": {"type": "bearer", "token": "{{ secrets.key }}"}})
    for text in (in_markdown(spec), in_html(spec)):
        assert "s3cret" not in text
        assert "minLength: 3" in text


def test_a_name_that_is_a_sections():
    """An endpoint that is named as a section has an anchor of its own, and the links find each."""
    spec = load({**BARE, "endpoints": {"testing": {"get": "/t", "records": "body"}, "overview": {"get": "/o"}}})
    text = in_markdown(spec)
    assert sorted({link for link in links(text) if "testing" in link or link == "#overview-1"}) == [
        "#overview-1",
        "#testing",
        "#testing-1",
    ]
    assert {link[1:] for link in links(text)} <= set(anchors(text))


def test_a_large_spec():
    """The diagram shows the first endpoints and says how many more there are; the reference has all."""
    many = {f"things_{number}": {"get": f"/{number}", "records": "body"} for number in range(40)}
    text = in_markdown(load({**BARE, "endpoints": many}))
    assert '["and 28 more"]' in text
    assert "### things\\_39" in text


def test_the_same_text_each_time():
    """A page can be compared: nothing in it depends on when or where it was written."""
    assert in_markdown(load("shop")) == SHOP
    assert in_html(load("github")) == in_html(load("github"))
