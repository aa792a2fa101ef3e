"""Signing in by requests of the spec: they log in, and what comes back goes along with every later request.

::

    auth:
      type: session
      login: {post: /login, body: {json: {user: "{{ secrets.user }}", password: "{{ secrets.password }}"}}}
      token: {access: body.token, lifetime: 30m}
      put: header.X-Session-Token

    fields     what a spec says, and what does not go together
    kind       the kind itself: how a request is signed
    login      the requests that log in, and from their answers to a token
    provider   the service's side, for the simulator
"""
