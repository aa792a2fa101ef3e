"""What is sent: method and path, params, headers, body, and the address that they are sent to.

::

    base_url: "{{ config.shop_url }}/api/v1"
    headers: {Accept: application/json}
    endpoints:
      orders:
        get: /customers/{{ input.customer }}/orders
        params: {status: open, tag: [a, b]}
      add_photo:
        post: /photos
        input: {photo: {type: string, format: binary}}
        body: {multipart: {title: A photo, photo: {file: "{{ input.photo }}", type: image/png}}}

Rule 1: a composed request is a value. A file in it is bytes, a path or an open file; the engine opens and reads it.
Rule 2: what a value holds never becomes a part of what surrounds it: not a path segment, a header, or markup.

::

    keys      path, params, headers, timeout; `compose`               base_url   where the service is
    body      the forms of a body          parts   the parts of a multipart one          values   what all of it shares
"""

from __future__ import annotations

from connector_core.request.base_url import BaseUrl
from connector_core.request.body import Body
from connector_core.request.keys import METHODS, FreeName, InlineRequest, Method, Path, RequestKeys, compose, time_limit
from connector_core.request.values import FixedName, Sent, render

__all__ = [
    "METHODS",
    "BaseUrl",
    "Body",
    "FixedName",
    "FreeName",
    "InlineRequest",
    "Method",
    "Path",
    "RequestKeys",
    "Sent",
    "compose",
    "render",
    "time_limit",
]
