"""Connectors written in YAML and run by one engine.

Read in this order: `spec` (what a connector says), `pagination` (a key with its kinds), `plan` (an endpoint ready to
run), `engine.call` and `engine.read` (the two loops), `connector` (what an app holds).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector_core.config import SecretRef
    from connector_core.connector import Connector, Engine, Result
    from connector_core.engine.effects import Effects
    from connector_core.engine.guard import Network
    from connector_core.engine.pages import Page, Pages, Records
    from connector_core.exceptions import ConfigError, IntegrationError, SpecError
    from connector_core.fallback import Degraded
    from connector_core.secret import Secret
    from connector_core.spec import Spec

__all__ = [
    "ConfigError",
    "Connector",
    "Degraded",
    "Effects",
    "Engine",
    "IntegrationError",
    "Network",
    "Page",
    "Pages",
    "Records",
    "Result",
    "Secret",
    "SecretRef",
    "Spec",
    "SpecError",
]

# What each name comes from; imported when first asked for, so that importing the package costs nothing.
_HOMES = {
    "ConfigError": "exceptions",
    "Connector": "connector",
    "Degraded": "fallback",
    "Effects": "engine.effects",
    "Engine": "connector",
    "IntegrationError": "exceptions",
    "Network": "engine.guard",
    "Page": "engine.pages",
    "Pages": "engine.pages",
    "Records": "engine.pages",
    "Result": "connector",
    "Secret": "secret",
    "SecretRef": "config",
    "Spec": "spec",
    "SpecError": "exceptions",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"connector_core.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'connector_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
