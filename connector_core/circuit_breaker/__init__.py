"""Whether a service that fails is asked at all.

::

    circuit_breaker: {window: 20, failure_rate: 50%, open_for: 30s, probes: 3}

Rule 1: one circuit for each host of a connection, or each `group` of endpoints on it. It opens when so large a part of
        the last calls has failed, or was slow; what the caller did wrong (4xx), what a rate limit refuses (429) and
        what was cancelled counts as nothing.
Rule 2: every transition begins a new generation, and a result counts in the generation that its call was admitted in:
        what was sent before the circuit opened can neither close it nor keep it open.
Rule 3: half open it admits so many probes and not one more; a probe that is cancelled gives its permit back, and one
        that is never heard of again loses it when its lease ends.
Rule 4: time alone ends the open state. Nothing that looks at a circuit keeps it open.

==========  ======================================================
`family`    the key's models: what a spec says, and the terms
`circuit`   the table of transitions, and what is done at each of them
`window`    the calls that count
==========  ======================================================

Every kind but the usual one has a module of its own.
"""

from connector_core.circuit_breaker.circuit import (
    LEASE,
    TRANSITIONS,
    Circuit,
    Permit,
    Refusal,
    State,
    admit,
    force,
    record,
)
from connector_core.circuit_breaker.family import CircuitBreaker, CountWindow
from connector_core.circuit_breaker.window import Terms, Window

__all__ = [
    "LEASE",
    "TRANSITIONS",
    "Circuit",
    "CircuitBreaker",
    "CountWindow",
    "Permit",
    "Refusal",
    "State",
    "Terms",
    "Window",
    "admit",
    "force",
    "record",
]

CircuitBreaker.live_in(__name__)
