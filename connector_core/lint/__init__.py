"""What could be better in a spec that loads: findings with stable codes, each at its place, and a tier for the whole.

A *warning* is likely to cost somebody something; *advice* would make the spec better. A tier sums them up: `gold` where
there is nothing to say, `silver` where there is advice only, `bronze` where there are warnings.

Rule 1: a code keeps its meaning for ever; one that is retired is not used again.
Rule 2: a fix changes nothing that the spec means. It is made only where the spec loads as the same afterwards.
"""

# each module's rules are in RULES once it is imported
from connector_core.lint import documentation as documentation
from connector_core.lint import reading as reading
from connector_core.lint import resilience as resilience
from connector_core.lint import safety as safety
from connector_core.lint import unused as unused
from connector_core.lint.finding import findings, fixed, tier
from connector_core.lint.rule import RULES as _FOUND
from connector_core.lint.rule import Finding, Level, Rule

RULES: dict[str, Rule] = dict(sorted(_FOUND.items()))
"""Every rule by its code, in order."""

__all__ = ["RULES", "Finding", "Level", "Rule", "findings", "fixed", "tier"]
