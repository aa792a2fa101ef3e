"""Whether a failed request is sent again, and after how many seconds.

::

    retry: {attempts: 6, total: 5m, on: [connection, timeout, 429, 5xx]}

Rule 1: a request is repeated where that cannot do harm: it never left, the service says that it did not act (429, 503
        with Retry-After), or repeating is harmless by declaration (`safe`, `idempotency`, GET).
Rule 2: waits grow and are random over their whole length, so that many clients do not come back at once; what the
        service asks for is kept as the least.
Rule 3: everything ends: so many attempts, so many seconds, and for all requests of a connection to one host a quota,
        without which a service that fails would be asked several times as often as one that works.

==========  ===========================================
`family`    the key, and the decision about one failure
`hint`      what a Retry-After field asks for
`quota`     what the failures of one host may cost
==========  ===========================================
"""

from connector_core.retry.family import Exponential, Failure, Retry
from connector_core.retry.hint import retry_after
from connector_core.retry.quota import Quota

__all__ = ["Exponential", "Failure", "Quota", "Retry", "retry_after"]

Retry.live_in(__name__)
