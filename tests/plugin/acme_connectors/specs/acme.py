"""What the spec of Acme cannot say."""

from collections.abc import Mapping
from typing import Any

from connector_core.hookspecs import hookimpl


@hookimpl
def register_transforms() -> Mapping[str, Any]:
    return {"own": lambda record: {**record, "own": True}}
