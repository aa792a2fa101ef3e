"""What every kind must keep, as claims that the author of a kind checks: in one line, or each as a test of its own.

::

    from connector_core.testing import contracts

    contracts.check(Letters)

    @pytest.mark.parametrize("claim", contracts.claims(Letters), ids=str)
    def test_letters(claim):
        claim()

The kind is tried as its docstring's example says, and as each further example that is given. A claim that does not hold
is an AssertionError whose text says what the kind must do, and what it does instead. Nothing is drawn at random: what
fails once fails every time. Neither pytest nor another library for tests is needed.

::

    claim: one sentence and its check       samples: the kind as its examples say      purity: same answers, no changes
    kind: what all of them must keep        pagination, auth, decode, transform: what those of a family must keep
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from connector_core.component import Component
from connector_core.testing.contracts.claim import Claim
from connector_core.testing.contracts.kind import every_kind
from connector_core.testing.contracts.samples import Samples

__all__ = ["Claim", "check", "claims"]

FAMILIES = ("auth", "decode", "pagination", "transform")
"""The families whose kinds have more to keep than all kinds do, each in a module of that name."""


def claims(kind: type[Component], *examples: Any) -> list[Claim]:
    """Every claim about a kind, each to be called.

    `examples`: further ways to write it, as a spec has it under the key: a mapping, or the kind's name. Raises
    AssertionError where there is nothing to try: the class is no kind, or an example is not valid.
    """
    samples = Samples(kind, examples)
    found = list(every_kind(samples))
    if kind.key in FAMILIES:
        module = import_module(f"connector_core.testing.contracts.{kind.key}")
        of_family: Callable[[Samples], Iterator[Claim]] = module.claims
        found += of_family(samples)
    return found


def check(kind: type[Component], *examples: Any) -> None:
    """Checks every claim about a kind; raises one AssertionError, which tells all those that do not hold."""
    broken: Sequence[str] = [text for claim in claims(kind, *examples) if (text := claim.broken())]
    if broken:
        raise AssertionError("\n\n".join(broken))
