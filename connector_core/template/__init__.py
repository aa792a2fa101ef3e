"""The one expression notation: Jinja's, with nothing in it that acts, compiled to closures when a spec loads.

::

    base_url: "{{ config.shop_url }}/api/v1"                  # text with values in it
    value: "{{ body.total - body.used }}"                     # one whole {{ }}: the value keeps its type
    when: "'rate limit' in body.message"                      # a condition is a bare expression

Rule 1: data in, data out: names, literals, subscripts, slices, arithmetic on numbers, comparisons, tests, filters.
        There are no calls and no statements, attributes are keys of objects, and text that came from a response is
        never rendered again.
Rule 2: missing is not null. What is missing below something missing is missing, and so is a filter of it, except
        `default`. A whole `{{ }}` that is missing is MISSING, and its key is dropped.

        =============  ================================  =====================================
        in a           missing inside text, or in `~`    missing in a comparison or a test
        =============  ================================  =====================================
        `Template`     MissingError                      false
        `Message`      empty                             false
        `Condition`    missing                           false; so is a type error
        `Flag`         missing                           MissingError; a type error is an error
        =============  ================================  =====================================

Rule 3: everything is checked when the template is made: grammar, filters, number of arguments, size. What it reads is
        known then (`reads`), and `unknown_names` says what its place does not have.
"""

from __future__ import annotations

from connector_core.template.fields import Condition, Flag, Message, PathText, Template, Value
from connector_core.template.filters import FILTERS
from connector_core.template.places import PLACES, Reads, unknown_names
from connector_core.template.within import templates
from connector_core.template.written import MissingError, TemplateError

__all__ = [
    "FILTERS",
    "PLACES",
    "Condition",
    "Flag",
    "Message",
    "MissingError",
    "PathText",
    "Reads",
    "Template",
    "TemplateError",
    "Value",
    "templates",
    "unknown_names",
]
