"""The exceptions: their tree, their texts, and what they carry."""

from __future__ import annotations

import copy
import pickle
import re
from typing import get_args

import pytest

from connector_core import exceptions
from connector_core.errors import Category
from connector_core.exceptions import ConnectionError, IntegrationError, Problem, SpecError

KINDS = [
    kind
    for name in exceptions.__all__
    if isinstance(kind := getattr(exceptions, name), type) and issubclass(kind, IntegrationError)
]


def test_the_tree_is_the_one_that_is_drawn():
    """The module's drawing shows every exception under the one that it derives from."""
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)(\w+Error)\b", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not SpecError], ids=lambda kind: kind.__name__)
def test_an_exception_says_what_where_and_what_to_do(kind):
    """The text is what — where — hint, and everything is at hand as an attribute."""
    error = kind(
        "it broke",
        where="shop.orders",
        hint="mend it",
        code="x.y",
        retryable=True,
        retry_after=3.0,
        context={"status": 500},
    )
    assert str(error) == "it broke — shop.orders — mend it"
    assert (error.what, error.where, error.hint) == ("it broke", "shop.orders", "mend it")
    assert (error.code, error.retryable, error.retry_after, error.context) == ("x.y", True, 3.0, {"status": 500})
    assert isinstance(error, IntegrationError)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not SpecError], ids=lambda kind: kind.__name__)
def test_an_exception_has_sensible_defaults(kind):
    """Without more it has its category for a code, is not to be repeated, and has a context of its own."""
    error = kind("it broke")
    assert (str(error), error.code, error.retryable, error.retry_after) == ("it broke", kind.category, False, None)
    assert error.context == {}
    assert error.context is not kind("it broke").context


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not SpecError], ids=lambda kind: kind.__name__)
def test_an_exception_survives_a_process_boundary(kind):
    """Pickled and copied it is the same error, with all that it carries."""
    error = kind("it broke", where="shop", hint="mend it", code="x.y", retry_after=3.0, context={"status": 500})
    for found in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert (type(found), str(found), vars(found)) == (kind, str(error), vars(error))


def test_a_spec_error_survives_a_process_boundary():
    """Its problems come along."""
    error = SpecError([Problem("shop.yaml", 4, 5, "endpoints.a", "is wrong")], hint="correct the file")
    found = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(found), found.problems) == (str(error), error.problems)
    assert str(found) == "shop.yaml:4:5 endpoints.a: is wrong — correct the file"


@pytest.mark.parametrize("hint", ["", "mend it"])
@pytest.mark.parametrize("where", ["", "shop.orders"])
def test_the_text_has_no_empty_parts(where, hint):
    """What is not said leaves no dash behind."""
    expected = " — ".join(part for part in ("it broke", where, hint) if part)
    assert str(IntegrationError("it broke", where=where, hint=hint)) == expected


def test_every_kind_has_a_category_of_the_standard():
    """`category` is one of the standard's words, or one of the two for mistakes on this side."""
    assert {kind.category for kind in KINDS} == {*get_args(Category), "spec", "config"}


def test_a_connection_error_knows_how_far_it_came():
    """`phase` says what the service may have seen."""
    assert ConnectionError("cut").phase == "unsent"
    assert ConnectionError("cut", phase="sent").phase == "sent"


def test_a_problem_reads_like_a_compilers():
    """file:line:column path: what, which editors and terminals make a link of."""
    assert str(Problem("shop.yaml", 4, 5, "endpoints.a", "is wrong")) == "shop.yaml:4:5 endpoints.a: is wrong"
    assert str(Problem("shop.yaml", 1, 1, "", "is empty")) == "shop.yaml:1:1 is empty"


def test_problems_come_once_and_in_file_order():
    """A SpecError sorts its problems by place and tells each once, whichever path led to it."""
    late, early = Problem("a.yaml", 10, 1, "y", "late"), Problem("a.yaml", 2, 7, "x", "early")
    error = SpecError([late, early, Problem("a.yaml", 10, 1, "elsewhere.y", "late")])
    assert [problem.what for problem in error.problems] == ["early", "late"]
    assert str(error).splitlines()[0] == "a.yaml:2:7 x: early"
    assert error.category == "spec"
