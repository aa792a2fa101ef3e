"""HTTP as values: requests, answers and headers, and what bodies are made of; nothing here sends, opens or reads.

Everything above speaks of requests and answers in these types; only the transport knows a library.

::

    messages    Request, Response, Headers, origin
    certificate what this side shows of itself in TLS
    credentials the names of headers and parameters that hold one
    multipart   parts, and the bytes around what they hold
    xml_text    a structure as an XML document
"""

from __future__ import annotations

from connector_core.http.certificate import ClientCertificate
from connector_core.http.credentials import without_credentials
from connector_core.http.messages import (
    RAISED,
    Arrived,
    Headers,
    Request,
    Response,
    Spooled,
    as_sent,
    encode_query,
    origin,
)
from connector_core.http.multipart import Binary, Multipart, Part, is_binary

__all__ = [
    "RAISED",
    "Arrived",
    "Binary",
    "ClientCertificate",
    "Headers",
    "Multipart",
    "Part",
    "Request",
    "Response",
    "Spooled",
    "as_sent",
    "encode_query",
    "is_binary",
    "origin",
    "without_credentials",
]
