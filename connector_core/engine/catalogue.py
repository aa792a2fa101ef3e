"""What one engine knows: the specs it has loaded, the plug-ins it has, and the plans that connections share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from connector_core.exceptions import ConfigError
from connector_core.load import add_filters, load
from connector_core.plan import choose, with_choice
from connector_core.plugins import Plugin, Plugins, beside
from connector_core.secrets import Backend, Backends
from connector_core.spec import Spec

if TYPE_CHECKING:
    from connector_core.engine.effects import Effects
    from connector_core.plan import Plan
    from connector_core.secrets.store import SecretStore

__all__ = ["Catalogue"]


class Catalogue:
    """Specs by name, path or document, each loaded once; plug-ins are made known to the effects when first needed."""

    def __init__(
        self,
        specs: Sequence[str | Path],
        plugins: Sequence[Any],
        effects: Effects,
        backends: Sequence[str | Backend] | None,
    ) -> None:
        """`specs`, `plugins`, `backends`: as Engine takes them, the last as `secret_backends`."""
        self.store: SecretStore | None = None
        """Where `store:` leads to."""
        self._folders = [Path(folder) for folder in specs]
        self._further = [(_name_of(plugin), plugin) for plugin in plugins]
        self._effects = effects
        self._backends = backends
        self._plugins: Plugins | None = None
        self._own: dict[Path, Plugins] = {}
        self._specs: dict[tuple[str, str | None], Spec] = {}
        self._plans: dict[int, dict[str, Plan]] = {}
        self._chosen: dict[int, dict[tuple[tuple[str, str], ...], Spec]] = {}

    def spec(self, spec: str | Path | Mapping[str, Any] | Spec, environment: str | None) -> Spec:
        """The spec, loaded with what plug-ins bring; raises SpecError or ConfigError."""
        self._ready_plugins()
        if isinstance(spec, Spec):
            if environment is not None:
                raise ConfigError("a loaded spec has its environment already", hint="pass it to load instead")
            return spec
        if isinstance(spec, Mapping):
            return load(spec, self._folders, environment)
        known = (str(spec), environment)
        if known not in self._specs:
            self._specs[known] = load(spec, self._folders, environment)
        return self._specs[known]

    def chosen(self, spec: Spec, sign_in: str | None, secrets: Any) -> Spec:
        """The spec with the sign-in that an account takes; accounts that take the same share it, and its plans.

        Raises ConfigError where nothing has that name, or where the account has the secrets of no option.
        """
        choice = choose(spec, sign_in, secrets if isinstance(secrets, Mapping) else {})
        if not choice:
            return spec
        if (known := self._chosen.get(id(spec))) is None:
            known = self._chosen[id(spec)] = {}
            finalize(spec, self._chosen.pop, id(spec)).atexit = False
        key = tuple(choice.items())
        if key not in known:
            known[key] = with_choice(spec, choice)
        return known[key]

    def plans_of(self, spec: Spec) -> dict[str, Plan]:
        """The plans that are made already; all connections of a spec share them, as long as somebody has the spec."""
        if (known := self._plans.get(id(spec))) is None:
            known = self._plans[id(spec)] = {}
            finalize(spec, self._plans.pop, id(spec)).atexit = False
        return known

    def plugins_of(self, spec: Spec) -> Plugins:
        """The plug-ins, with the connector's own Python where it has any; raises ConfigError where that fails."""
        plugins = self._ready_plugins()
        if spec.python is None:
            return plugins
        if spec.python not in self._own:
            self._own[spec.python] = plugins.joined(spec.python.name, beside(spec.python))
        return self._own[spec.python]

    def stores(self) -> Mapping[str, Any]:
        """What plug-ins open by an address, by its scheme."""
        return Plugins(self._further).stores()

    def _ready_plugins(self) -> Plugins:
        """The plug-ins, made known by the first that asks; raises ConfigError where one is wrong."""
        if self._plugins is None:
            plugins = Plugins(self._further)
            for name, module in self._further:
                if not Plugin(name, "", module).hooks:
                    raise ConfigError(
                        f"the plug-in {name} has no hook",
                        where="Engine(plugins=…)",
                        hint="pass the module itself, with its functions marked by @hookimpl",
                        code="plugin.invalid",
                    )
            if self._further:
                self._folders += plugins.specs()
                add_filters(plugins)
            self._effects.listeners += plugins.observe_event
            brought = plugins.secrets()
            if brought or self._backends is not None or self.store is not None:
                self._effects.secrets = Backends(self._backends, brought, self._made())
            self._plugins = plugins
        return self._plugins

    def _made(self) -> list[Backend]:
        if self.store is None:
            return []
        from connector_core.secrets.store import Store

        return [Store(self.store)]


def _name_of(plugin: Any) -> str:
    return str(getattr(plugin, "__name__", None) or type(plugin).__name__)
