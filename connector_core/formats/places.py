"""Addresses that say the format of what stands there.

::

    take: {take: header.X-Reset, format: epoch_seconds}
    put:  {put: query.since, format: date}

The short form is the address alone; what is meant without a format, the key says.
"""

from typing import Any

from connector_core.address import MISSING, AnswerPath, Put, Scope
from connector_core.component import Model
from connector_core.formats.declared import Format
from connector_core.http import Request

__all__ = ["FormattedPut", "FormattedTake", "formatted", "put_in", "take_from"]


class FormattedTake(Model):
    """Where a value is taken from an answer, and what it is written in."""

    take: AnswerPath
    """Where it stands."""
    format: Format
    """What it is written in."""


class FormattedPut(Model):
    """Where a value is put in a request, and what it is written in."""

    put: Put
    """Where it goes."""
    format: Format
    """What it is written in."""


def formatted(place: AnswerPath | FormattedTake | Put | FormattedPut, otherwise: Format) -> Format:
    """The format of a place, long or short."""
    return place.format if isinstance(place, FormattedTake | FormattedPut) else otherwise


def take_from(place: AnswerPath | FormattedTake, scope: Scope, otherwise: Format) -> Any:
    """What stands there, read; MISSING where nothing does, or null. Raises ValueError where it is something else."""
    found = (place.take if isinstance(place, FormattedTake) else place).take(scope)
    return MISSING if found is MISSING or found is None else formatted(place, otherwise).read(found)


def put_in(place: Put | FormattedPut, request: Request, value: Any, otherwise: Format) -> Request:
    """The request with the value written there; raises ValueError where the format has no form for it."""
    address = place.put if isinstance(place, FormattedPut) else place
    return address.put(request, formatted(place, otherwise).write(value))
