"""How fast a service may be asked.

::

    rate_limit: {rates: [10/second, 5000/hour], concurrency: 8}

===========  =====================================================================
`family`     the key's models: what a spec says, and the terms that it comes to
`bucket`     what was taken under these terms, and how long the next one waits
`answers`    what an answer says about the limit, in declared fields and in RFC form
===========  =====================================================================

Every kind but the usual one has a module of its own.
"""

from connector_core.rate_limit.answers import Told, told
from connector_core.rate_limit.bucket import UNSENT, Bucket, Delay, Gate, Terms
from connector_core.rate_limit.family import ExactWindow, Feedback, RateLimit

__all__ = [
    "UNSENT",
    "Bucket",
    "Delay",
    "ExactWindow",
    "Feedback",
    "Gate",
    "RateLimit",
    "Terms",
    "Told",
    "told",
]

RateLimit.live_in(__name__)
