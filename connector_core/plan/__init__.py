"""A plan is one endpoint ready to run: every default filled in and everything that can be decided beforehand decided.

It is all that the engine sees of an endpoint. It holds nothing of a connection, so that all connections of a spec share
it.
"""

from connector_core.plan.chosen import choose, optional_secrets, ways, with_choice
from connector_core.plan.compiled import base_urls, base_urls_of, compile_plan, credential_of, endpoint_of
from connector_core.plan.plan import JobPlan, Plan

__all__ = [
    "JobPlan",
    "Plan",
    "base_urls",
    "base_urls_of",
    "choose",
    "compile_plan",
    "credential_of",
    "endpoint_of",
    "optional_secrets",
    "ways",
    "with_choice",
]
