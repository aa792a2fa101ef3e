"""The documents of an integration, written from its spec: seven sections, as Markdown or as one HTML page.

::

    content     what a page is made of           markdown, html    how it is written down: everything is escaped there
    sections    overview to API reference        operation         errors, testing, monitoring
    endpoints   the entry of one endpoint        schemas           JSON Schemas as rows
    commands    what tries an endpoint           drawing           where everything in the diagram stands
"""

from __future__ import annotations

from connector_core.handbook.page import handbook, in_html, in_markdown

__all__ = ["handbook", "in_html", "in_markdown"]
