"""How requests are signed, one kind per scheme, with both its sides: the client's `flow` and the provider's `refusal`.

::

    auth: {type: bearer, token: "{{ secrets.token }}"}

Rule 1: most kinds define `sign`, which returns the signed request. One that signs with a token says `tokened`, and its
        `obtain` is a generator: it yields requests, is sent their answers, and returns the token. The engine decides
        when: once for all who wait, before the token ends or when the service refuses it. A kind that has to ask for
        every single request defines `flow`, a generator that returns it signed.
Rule 2: a session belongs to one sign-in of one connection and is passed in; a kind keeps nothing.
Rule 3: `refusal`, `challenge` and `serve` are the provider's side of the same scheme, for the simulator; they share no
        code with what signs.
"""

from connector_core.auth.family import Auth, NoAuth, Session, Text
from connector_core.auth.token import Token

__all__ = ["Auth", "NoAuth", "Session", "Text", "Token"]

Auth.live_in(__name__)
