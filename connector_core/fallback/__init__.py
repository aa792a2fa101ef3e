"""Where an answer is taken from while the service can't give one: a list of places, tried in the order of the list.

::

    fallback: [{type: cache, max_age: 1d}, {type: endpoint, endpoint: mirrored_orders}, {type: value, value: []}]

Rule 1: only what is an outage leads here: no connection, no answer in time, 5xx, a rate limit, an open circuit. Refused
        credentials, a missing permission, a wrong input and what is not there are told as they are.
Rule 2: what comes from here says so: from where, how old, and why. It never looks like the service's own answer.
Rule 3: it is for what changes nothing. A write that failed has failed.
"""

from connector_core.fallback.family import Degraded, Failure, Fallback, FromCache, FromEndpoint, FromValue, Source

__all__ = ["Degraded", "Failure", "Fallback", "FromCache", "FromEndpoint", "FromValue", "Source"]

Fallback.live_in(__name__)
