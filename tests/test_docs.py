"""What a person has to know: both forms of each key mean the same, and a mistake is told at its place."""

# ruff: noqa: E501 - a message that is tested as text is not broken

from __future__ import annotations

from typing import Any

import pytest

from connector_core import docs
from connector_core.exceptions import SpecError
from connector_core.load import load, parse

SPEC = """\
connector: "1"
name: shop
base_url: https://shop.example
endpoints: {orders: {get: /orders, records: body}}
docs:
"""


def said(**keys: Any) -> docs.Docs:
    data = {"connector": "1", "name": "shop", "base_url": "https://a.example", "docs": keys}
    found = load({**data, "endpoints": {"orders": {"get": "/orders", "records": "body"}}}).docs
    assert found is not None
    return found


def told(line: str) -> str:
    with pytest.raises(SpecError) as wrong:
        parse(f"{SPEC}  {line}\n", "shop.yaml")
    return str(wrong.value)


def test_everything_said():
    """Each key is there as it was written, in its long form."""
    found = said(
        purpose="Orders.",
        account="A developer role.",
        credentials=["Open Settings.", "Choose New token."],
        scopes={"read": "To read."},
        support={"Help": "help@shop.example"},
        testing={"account": "Free.", "data": "Made up.", "scenarios": ["Read."]},
        dashboards={"Errors": "https://dash.example/e"},
        troubleshooting=[{"problem": 401, "cause": "It is old.", "answer": "Renew it."}],
    )
    assert found == docs.Docs(
        purpose="Orders.",
        account="A developer role.",
        credentials=["Open Settings.", "Choose New token."],
        scopes={"read": "To read."},
        support={"Help": "help@shop.example"},
        testing=docs.Testing(account="Free.", data="Made up.", scenarios=["Read."]),
        dashboards={"Errors": "https://dash.example/e"},
        troubleshooting=[docs.Trouble(problem=401, cause="It is old.", answer="Renew it.")],
    )


def test_short_forms():
    """What has no steps, reasons or names is written without them, and means the long form."""
    short = said(credentials="Ask.", scopes=["a", "b"], support="Ann", dashboards=["https://d.example"])
    assert short.credentials == ["Ask."]
    assert short.scopes == {"a": "", "b": ""}
    assert short.support == {"": "Ann"}
    assert short.dashboards == {"https://d.example": "https://d.example"}


def test_nothing_said():
    """Everything may be left out, and nothing is made up for it."""
    assert said() == docs.Docs()
    assert said().testing is None


def test_a_template_stays_text():
    """Prose is never rendered, and reads no names that would have to be there."""
    assert said(purpose="{{ secrets.none }}").purpose == "{{ secrets.none }}"


@pytest.mark.parametrize(
    "line, message",
    [
        ("credentials: 5", "shop.yaml:6:16 docs.credentials: must be text, or a list of steps, each of them text"),
        ("credentials: [5]", 'shop.yaml:6:17 docs.credentials.0: must be text; quote it: "5"'),
        ("scopes: read", "shop.yaml:6:11 docs.scopes: must be a mapping from each name to what it is for, or a list of names"),
        ("scopes: {read: }", "shop.yaml:6:18 docs.scopes.read: must be text, not empty"),
        ("scopes: [1]", "shop.yaml:6:11 docs.scopes: must be a mapping from each name to what it is for, or a list of names"),
        ("support: [Ann]", "shop.yaml:6:12 docs.support: must be text, or a mapping from each name to an address or a link"),
        ("dashboards: https://d.example", "shop.yaml:6:15 docs.dashboards: must be a mapping from each name to a link, or a list of links"),
        ("dashboards: {Errors: 'javascript:alert(1)'}", "shop.yaml:6:24 docs.dashboards.Errors: must be a link that begins with https:// or http://"),
        ("testing: {acount: Free}", "shop.yaml:6:13 docs.testing.acount: unknown key 'acount', did you mean 'account'?"),
        ("testing: ", "shop.yaml:6:11 docs.testing: is empty: leave the key out"),
        ("testing: {scenarios: Read.}", "shop.yaml:6:24 docs.testing.scenarios: must be a list, not text: put it in [ ]"),
        ("troubleshooting: [{problem: 401}]", "shop.yaml:6:21 docs.troubleshooting.0: missing key 'answer'"),
        ("troubleshooting: [{symptom: a, answer: b}]", "shop.yaml:6:22 docs.troubleshooting.0.symptom: unknown key 'symptom' (one of: answer, cause, problem)"),
    ],
)  # fmt: skip
def test_mistakes(line, message):
    """A mistake is told at its place, with what to write."""
    assert message in told(line)
