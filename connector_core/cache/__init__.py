"""Whether answers are kept and used again: a private cache of one account's answers, as RFC 9111 describes it.

::

    cache: {ttl: 5m, stale_if_error: 1h}

Rule 1: what one account was told no other is told: the key holds the connection and what it signs with.
Rule 2: the service has the last word: what it forbids to keep is not kept, what it calls old is asked for again. `ttl`
        only makes the time shorter, or says it where the service says nothing.
Rule 3: what is old is asked about by its ETag or its date, and "not modified" (304) makes it new.

==========  ===============================================
`family`    the key's models: what a spec says, and the terms
`kept`      an answer that is kept, and what RFC 9111 says of it
==========  ===============================================

Each kind has a module of its own.
"""

from connector_core.cache.family import Cache, Terms
from connector_core.cache.kept import Kept, keep

__all__ = ["Cache", "Kept", "Terms", "keep"]

Cache.live_in(__name__)
