"""The kind that calls a function which a plug-in brought."""

from collections.abc import Callable, Iterator
from typing import Literal

from connector_core.component import suggestion
from connector_core.exceptions import ConfigError, IntegrationError, ResponseError
from connector_core.plugins import place_of
from connector_core.template.written import kind_of
from connector_core.transform.family import NO_HOOKS, Hooks, Record, Scope, Step, Transform
from connector_core.transform.paths import copied

__all__ = ["Hook"]


class Hook(Transform):
    """Gives every record to a function that a plug-in brought.

    The function takes the record, which it may change, and returns it or another one; None means the one it was given.

    Example: `transform: [{type: hook, name: mask_email}]`
    """

    type: Literal["hook"] = "hook"
    name: str
    """The name that the plug-in gave it."""

    def apply(self, record: Record, scope: Scope, hooks: Hooks = NO_HOOKS) -> Record:  # noqa: ARG002 - the family's
        """What the function makes of a copy."""
        return self._called(self._function(hooks), copied(record))

    def steps(self, hooks: Hooks) -> Iterator[Step]:
        """One."""
        function, called = self._function(hooks), self._called

        def run(records: list[Record], _scope: Scope) -> None:
            records[:] = [called(function, record) for record in records]

        yield run

    def _function(self, hooks: Hooks) -> Callable[[Record], Record | None]:
        if self.name not in hooks:
            raise ConfigError(
                f"no plug-in provides the hook {self.name!r}{suggestion(self.name, hooks)}",
                where="transform",
                hint="install the plug-in that does, or correct the name in the spec",
                code="hook.unknown",
            )
        return hooks[self.name]

    def _called(self, function: Callable[[Record], Record | None], record: Record) -> Record:
        try:
            found = function(record)
        except IntegrationError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plug-in does; its text may quote the record
            raise self._failed(f"fails with {type(error).__name__}{place_of(error)}") from None
        if found is not None and not isinstance(found, dict):
            raise self._failed(f"gives {kind_of(found)}, not a record")
        return record if found is None else found

    def _failed(self, how: str) -> ResponseError:
        return ResponseError(
            f"the hook {self.name!r} {how}",
            hint="tell whoever made the plug-in that provides it",
            code="transform.hook",
        )
