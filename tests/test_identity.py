"""Two JSON values have one identity where they are the same, and two where they are not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.identity import identity

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 0.5, 1e300])
    | st.text('1,"[]{}', max_size=3)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('1,"', max_size=2), inner, max_size=3)
)


def same(one: Any, other: Any) -> bool:
    """JSON Schema's equality, as slowly as it is defined."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@given(VALUES, VALUES)
def test_two_values(one, other):
    """The identities are the same exactly where the values are."""
    assert (identity(one) == identity(other)) == same(one, other)


@pytest.mark.parametrize(
    "one, other",
    [(1, 1.0), (2**70, 2.0**70), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)
def test_the_same(one, other):
    """A number is the same with and without a fraction of zero, an object in any order of its keys."""
    assert identity(one) == identity(other)


def test_a_number_of_any_length():
    """Integers beyond Python's longest decimal have an identity too."""
    assert identity(10**5000) != identity(10**5000 + 1)


def test_what_is_no_json():
    """Bytes are the same by what they hold, anything else as itself alone."""
    thing, other = object(), object()
    assert identity([b"a"]) == identity([b"a"]) != identity([b"b"])
    assert identity(thing) == identity(thing) != identity(other)
