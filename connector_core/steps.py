"""A call that is made of others, one after another.

::

    endpoints:
      move_order:
        steps:
          - {call: create_order, input: {customer: "{{ input.customer }}"}, as: order}
          - {call: close_order, input: {id: "{{ input.id }}"}, when: order.id is defined}
        input: {id: {type: integer}, customer: {type: integer}}
        output: "{{ order.id }}"

What a step gave is known to later steps, and to `output`, by its name.
"""

from typing import Annotated

from pydantic import Field

from connector_core.component import Late, Model
from connector_core.request import FixedName, FreeName, Sent
from connector_core.template import Condition, Reads

__all__ = ["Step", "Steps"]


class Step(Model):
    """One call among several."""

    call: str
    """The endpoint that is called."""
    input: dict[FixedName, Sent] = {}
    """What it is given, by name; one that is a missing template is left out."""
    when: Annotated[Condition, Reads("call")] | None = None
    """A condition on `input` and the names of earlier steps; where it is false the step is left out."""
    as_: FreeName | None = Field(default=None, alias="as")
    """The name of what it gives, for later steps and `output`."""


Steps = Annotated[list[Late[Step]], Field(min_length=1, max_length=100)]
