"""Facts about an account that the service is asked for once, and that templates read as `connection.…`.

::

    capture:
      tenant_id: {call: tenants, take: body.0.tenantId}
      properties: {call: contact_properties, take: body.results.*.name, every: 1d}
    endpoints:
      tenants: {get: /connections, output: body}
      contacts: {get: "/{{ connection.tenant_id }}/contacts", params: {fields: "{{ connection.properties | join }}"}}

The service is asked when something that reads the fact is about to be sent, and again when it is older than `every`.
"""

from connector_core.address import AnswerPath
from connector_core.component import Model
from connector_core.units import Duration

__all__ = ["Capture"]


class Capture(Model):
    """One fact, and how it is found."""

    call: str
    """The endpoint that is asked, without input."""
    take: AnswerPath
    """Where the fact stands in the answer."""
    every: Duration | None = None
    """How old it may grow; left out, it is kept as long as the connection is open."""
