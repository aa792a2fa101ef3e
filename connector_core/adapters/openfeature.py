"""Feature flags of an app that has OpenFeature, for `Engine(flags=…)`; needs the extra `openfeature`.

::

    async with Engine(flags=OpenFeatureFlags()) as engine: ...      # asks the provider that the app has set

Source: https://openfeature.dev/specification/
"""

from __future__ import annotations

from collections.abc import Mapping

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext

__all__ = ["OpenFeatureFlags"]


class OpenFeatureFlags:
    """Asks for boolean flags; the connection is the targeting key, and `connector` an attribute."""

    def __init__(self, client: OpenFeatureClient | None = None, *, domain: str | None = None) -> None:
        """`client`: left out, one of the app's provider for that `domain`, or of its default provider."""
        self._client: OpenFeatureClient = client or api.get_client(domain)

    async def __call__(self, flag: str, default: bool, context: Mapping[str, str]) -> bool:
        """Whether the flag is on; what the provider can't tell is the default."""
        about = EvaluationContext(context["connection"], {"connector": context["connector"]})
        return bool(await self._client.get_boolean_value_async(flag, default, about))
