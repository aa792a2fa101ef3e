"""Signing in with OAuth 2.0 (RFC 6749): tokens that a service gives for an account, and renews.

::

    auth:
      type: oauth2
      grant: authorization_code
      authorize_url: https://id.shop.example/authorize
      token_url: https://id.shop.example/token
      client_id: "{{ secrets.client_id }}"
      client_secret: "{{ secrets.client_secret }}"
      scopes: [orders.read]

    fields     what a spec says, and what does not go together
    endpoint   what is sent to the token endpoint, and how the client shows who it is
    answers    from an answer to a token, or to the error that it is
    people     where a person has to sign in: the address, the way back, a code on another device
    kind       the kind itself: signs, and decides what a token is asked for with
    provider   the service's side, for the simulator
"""
