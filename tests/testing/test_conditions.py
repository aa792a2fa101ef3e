from __future__ import annotations

from typing import Any

import pytest

from connector_core.template import Condition, Flag
from connector_core.testing.conditions import Wanted, fitting

WORDS = ["running"]


@pytest.mark.parametrize(
    "condition, holds, found",
    [
        ("body.status == 'ready'", True, {("body", "status"): "ready"}),
        ("body.status == 'ready'", False, {("body", "status"): "running"}),
        ("body.status | lower in ['ready', 'done']", True, {("body", "status"): "ready"}),
        ("body.status != 'running'", False, {("body", "status"): "running"}),
        ("body.progress >= 100", False, {("body", "progress"): 99}),
        ("body.progress >= 100", True, {("body", "progress"): 100}),
        ("body.done", False, {("body", "done"): False}),
        ("not body.running", False, {("body", "running"): True}),
        ("body.urls | length > 0", True, {("body", "urls"): [{}]}),
        ("body.job.state == config.word", True, {("body", "job", "state"): "finished"}),
        ("status == 200", False, {("status",): 202}),
        ("status == 200", True, {("status",): 200}),
        ("header['X-State'] == 'done'", True, {("header", "X-State"): "done"}),
        ("body.here == 'yes'", True, {}),
        ("body.here.there == 1", True, None),
        ("body.a == 17 * 3", True, None),
    ],
)
def test_one_condition(condition, holds, found):
    """Values are found that make a condition come out as wanted, where one that it speaks of does."""
    scope = {"config": {"word": "finished"}, "body": {"here": "yes"}}
    assert fitting([(Flag(condition), holds)], scope, words=WORDS) == found


def test_several_conditions_at_once():
    """All conditions come out as wanted together, and what was there before is kept where it fits."""
    failed, done = Condition("body.error or body.state == 'dead'"), Flag("body.state == 'ready' and body.rows > 3")
    running = fitting([(failed, False), (done, False), (None, False)], {}, words=WORDS)
    assert running == {("body", "state"): "running", ("body", "rows"): 2}
    wanted: Wanted = [(failed, False), (done, True)]
    assert fitting(wanted, {}, before=running) == {("body", "state"): "ready", ("body", "rows"): 4}
    assert fitting([(failed, True)], {}, before=running) == {("body", "state"): "dead"}


def test_a_body_that_is_one_value():
    """A body that is compared as a whole is one value, unless something stands in it already."""
    assert fitting([(Flag("body == 'COMPLETE'"), True)], {}) == {("body",): "COMPLETE"}
    assert fitting([(Flag("body == 'COMPLETE'"), True)], {"body": {"id": 1}}) is None


def test_what_holds_always():
    """A condition that reads nothing is as it is."""
    assert fitting([(Flag(True), True)], {}) == {}
    assert fitting([(Flag(True), False)], {}) is None


def test_too_many_unknowns():
    """A condition on many things is given up, in bounded time, where the first tries do not make it hold."""
    reads = " or ".join(f"body.a{number}" for number in range(20))
    never: dict[str, Any] = {"body": {}}
    assert fitting([(Condition(f"({reads}) and body.b == 3 * 3"), True)], never) is None
