"""How requests are signed, one kind per scheme, with both its sides: the client's `flow` and the provider's `refusal`.

::

    auth: {type: bearer, token: "{{ secrets.token }}"}

Rule 1: `flow` is a generator: it yields requests that it needs answered first (a token, a challenge), is sent their
        answers, and returns the signed request. Kinds that need none only define `sign`.
Rule 2: a session belongs to one connection and is passed in; a kind keeps nothing.
Rule 3: `refusal` is the provider's check of the same scheme, for the simulator; it shares no code with `sign`.
"""

from connector_core.auth.family import Auth, NoAuth, Session, Text

__all__ = ["Auth", "NoAuth", "Session", "Text"]

Auth.live_in(__name__)
