"""Patterns of specs: what they mean with either engine, and that none can run long."""

from __future__ import annotations

import random
import re
import time
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.patterns import Pattern
from connector_core.patterns.engines import written
from connector_core.patterns.syntax import parsed


@pytest.mark.parametrize(
    "pattern, text, expected",
    [
        ("rate.?limit", "the rate-limit", "rate-limit"),
        ("rate.?limit", "the rate  limit", None),
        (r"^\d+$", "12\n", None),
        (r"\d", "٣", None),
        (r"\w+", "é", None),
        (r"\s", "\v", "\v"),
        (r"\bb", "a b", "b"),
        ("(?i)RATE", "Rate", "Rate"),
        ("(?i)[a-f]+x", "AbFX", "AbFX"),
        ("(?i)Ä", "ä", "ä"),
        ("(?i)k", "\u212a", None),
        ("(?s)a.b", "a\nb", "a\nb"),
        ("a.b", "a\nb", None),
        ("[^a]", "a\n", "\n"),
        ("[]a]+", "]a", "]a"),
        ("a|ab", "ab", "a"),
        ("a+?", "aaa", "a"),
        ("(?:ab){2,3}", "abababab", "ababab"),
        (r"\.\*", ".*", ".*"),
        (r"\x41\u0042", "AB", "AB"),
        ("é|\U0001f600", "\U0001f600", "\U0001f600"),
        ("", "", ""),
        ("[^\\s\\S]", "a", None),
        (r"\A.\Z", "a", "a"),
        (r"(?P<n>\d+)%", "12 34%", "34%"),
        (".*b", "aab", "aab"),
    ],
)
def test_find(pattern, text, expected):
    """A pattern means what it means in Python, with ASCII's classes, and `$` at the end only."""
    assert Pattern(pattern).find(text) == expected
    assert Pattern(pattern).matches(text) is (expected is not None)


def test_groups():
    """Groups are known by number and by name; one that took no part is nothing."""
    pattern = Pattern(r"(?P<key>\w+)=(?:(\d+)|(x))")
    assert pattern.groups == {0: 0, 1: 1, 2: 2, 3: 3, "key": 1}
    assert [pattern.find("a=12", group) for group in range(4)] == ["a=12", "a", "12", None]


@pytest.mark.parametrize(
    "pattern, message",
    [
        ("^(a+)+$", "has a repeat without bound inside of another: its ways double with each character"),
        ("(?:a*b)*c", "has a repeat without bound inside of another: its ways double with each character"),
        (
            "(?:ab|[ac]b)*x",
            "has a repeat in which what comes next may begin alike in two ways: they double with each time",
        ),
        ("(?:aa?)*b", "has a repeat in which what comes next may begin alike in two ways: they double with each time"),
        (
            "(?:a{1,2})*b",
            "has a repeat in which what comes next may begin alike in two ways: they double with each time",
        ),
        (
            "(?:x(?:ab|[ac]))*",
            "has a repeat in which what comes next may begin alike in two ways: they double with each time",
        ),
        ("(?:a?){30}a{30}", "repeats, or chooses, what may be empty in two ways"),
        ("(?:x(?:a?)?)*y", "repeats, or chooses, what may be empty in two ways"),
        ("(?:|a|b*)c", "repeats, or chooses, what may be empty in two ways"),
        ("(?:^a)*", r"has ^, $ or \b inside of a repeat"),
        ("(?:a{50}b{60})*", "has a repeat without bound of more than 100 parts"),
        ("(?:a{100}b){100}", "has more than 1000 parts, with its repeats written out"),
        ("a{1001}", "repeats more than 1000 times"),
        ("(?=a)", "looks around, (?=…) or (?<=…), and nothing bounds the time of that"),
        ("(?<!a)b", "looks around, (?=…) or (?<=…), and nothing bounds the time of that"),
        (r"(a)\1", "refers back to a group, and nothing bounds the time of that"),
        ("a++", "has a possessive repeat, such as a++, and nothing bounds the time of that"),
        ("(?>a)", "has an atomic group, (?>…), and nothing bounds the time of that"),
        (r"\B", r"uses \B, and nothing bounds the time of that"),
        ("(?m)^a", "has flags; (?i) and (?s) are those that it may begin with"),
        ("a(?i:b)", "has flags inside of it; they stand at the beginning, for all of it"),
        ("\b", r"holds a control character; in an expression, write '\\b' with two backslashes"),
        ("(", "is not a regular expression: missing ), unterminated subpattern at position 0"),
        ("[[a]", "is not a regular expression: Possible nested set at position 1"),
        ("a" * 501, "must be a regular expression of at most 500 characters"),
    ],
)
def test_refused(pattern, message):
    """What could run away, and what the engines do not share, is refused when the spec loads."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Pattern(pattern)
    assert str(caught.value) == message


MANY = "can try too many ways through a long text; say what stands between, [^,]* for .*, or how long it is, .{0,20}"


@pytest.mark.parametrize(
    "pattern, instead",
    [
        ("rate.*limit", "rate.{0,100}limit"),
        (r"error.*code (\d+)", r"error.{0,60}code (\d+)"),
        ("<([^>]+)>; rel", "<([^<>]+)>; rel"),
        ("xa*a*b", "xa*b"),
        ("a*a*b", "a+b"),
        ("(?:ab)+c", "^(?:ab)+c"),
        ("a?" * 20 + "a" * 20, "a{20,40}"),
        ("(?:a|ab)(?:c|bc)" * 15 + "d", "(?:ab{0,2}c){15}d"),
    ],
)
def test_many_ways(pattern, instead):
    """A pattern that wanders is refused, and one that says how far is not."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Pattern(pattern)
    assert str(caught.value) == MANY
    assert Pattern(instead).source == instead


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d+%", r"(\d+)-(\d+)", r"\w+@\w+\.\w+", r"^.*foo", r"page=(\w+)", r'"id":\s*(\d+)', r"https?://[^/\s]+/(\S+)",
        r"\b\d{1,3}(?:\.\d{1,3}){3}\b", r"retry (?:after|in) (\d+)(?:\.\d+)? ?(?:s|sec|seconds)\b", r"\s+$",
        r"^(?:\d{1,3},)*\d{1,3}$", '"([^"]*)"',
        r"^https://[a-z0-9-]+\.example\.com$", r"^(?P<name>\w+): (?P<value>.*)$",
    ],
)  # fmt: skip
def test_usual_patterns(pattern):
    """What specs look for usually is taken on long texts."""
    assert Pattern(pattern).longest == 10_000


def test_shorter_texts():
    """The shorter the longest text, the more a pattern may wander; what doubles is refused all the same."""
    assert Pattern("rate.*limit", 1000).find("rate of the limit") == "rate of the limit"
    with pytest.raises(ValueError, match=r"^takes text of at most 1000 characters$"):
        Pattern("rate.*limit", 1000).find("x" * 1001)
    with pytest.raises(ValueError, match=r"double with each character"):
        Pattern("(a+)+b", 1000)


def test_texts():
    """A text beyond the bound, and half a character, are errors: nothing is cut off silently."""
    with pytest.raises(ValueError, match=r"^takes text of at most 10000 characters$"):
        Pattern("a").find("a" * 10_001)
    with pytest.raises(ValueError, match="lone surrogate"):
        Pattern("a").matches("a\ud800")
    assert Pattern("a").matches("é" * 9_999 + "a")


# ── whatever the pattern ──────────────────────────────────────────────────────────────────────────

PIECES = ["a", "b", "x", ".", "[ab]", "[^a]", r"\w", r"\d", r"\s", r"\b", "^", "$"]
REPEATS = ["", "", "", "*", "+", "?", "{0,3}", "{2}", "{1,9}", "{0,60}", "{2,}", "{30}", "*?", "+?", "??"]


def made(dice: random.Random, depth: int = 0) -> str:
    """A pattern by chance."""
    options = []
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        parts = []
        for _ in range(dice.randint(1, 4)):
            nested = depth < 3 and dice.random() < 0.2
            piece = f"({dice.choice(['', '?:'])}{made(dice, depth + 1)})" if nested else dice.choice(PIECES)
            parts.append(piece + ("" if piece in (r"\b", "^", "$") else dice.choice(REPEATS)))
        options.append("".join(parts))
    return "|".join(options)


def accepted(seed: int) -> str | None:
    pattern = made(random.Random(seed))  # noqa: S311 - no secret
    try:
        Pattern(pattern)
    except ValueError:
        return None
    return pattern


def shape(found: Any) -> Any:
    return found and (found.span(), found.groups())


@given(st.integers(0, 2**32), st.text("aabbx1 \né!", max_size=14))
def test_means_what_it_says(seed, text):
    """As it is written for the engines, an accepted pattern finds what Python finds with the spec's own text."""
    if (pattern := accepted(seed)) is None:
        return
    plain = re.compile(pattern.replace("$", r"\Z"), re.ASCII)
    ours = re.compile(written(parsed(pattern), python=True), re.ASCII)
    assert shape(ours.search(text)) == shape(plain.search(text)), pattern


@pytest.mark.skipif(find_spec("re2") is None, reason="the extra `regex` is not installed: there is one engine only")
@given(st.integers(0, 2**32), st.text("aabbx1 \né!", max_size=14))
def test_both_engines_agree(seed, text):
    """RE2 finds what Python's engine finds, group by group."""
    import re2

    if (pattern := accepted(seed)) is None:
        return
    tree = parsed(pattern)
    ours = re.compile(written(tree, python=True), re.ASCII)
    assert shape(re2.compile(written(tree, python=False)).search(text)) == shape(ours.search(text)), pattern


UNITS = ["a", "b", "ab", "x", "ax", "aab", "abx", "a x", "a1", "1", "aaab", "a\n"]


def test_none_runs_long():
    """The worst of hundreds of accepted patterns, by chance and by malice, stays within a blink on the worst text."""
    found = (accepted(seed) for seed in range(400))
    patterns = [pattern for pattern in found if pattern is not None]
    patterns += ["a{1,9}a{0,60}$.", ".{0,60}a{30}", r"\d+%", "rate.{0,100}limit", ".*b"]
    slowest = 0.0
    for pattern in patterns:
        search = re.compile(written(parsed(pattern), python=True), re.ASCII).search
        for unit in UNITS:
            started = time.process_time()
            search((unit * 10_000)[:9_999] + "!")
            slowest = max(slowest, time.process_time() - started)
    assert len(patterns) > 100
    assert slowest < 0.25  # measured: 0.04
