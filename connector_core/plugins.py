"""Plug-ins: what installed distributions bring under the entry points of the group `connector_core`, and what it does.

A plug-in is a module (or any object) with functions marked `@hookimpl`; importing it defines its kinds, for the whole
process. Which hooks are called is each engine's own affair.

Rule: a plug-in that cannot be used (it fails to load, its hooks are written wrong, its kinds exist already) is left out
with a warning, and `connector plugins` says why. One that fails later fails what it was asked for, with its name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from functools import cache, wraps
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from connector_core.exceptions import ConfigError, IntegrationError
from connector_core.http import Request

if TYPE_CHECKING:
    from pluggy import HookImpl, PluginManager

    from connector_core.events import Event

__all__ = ["Plugin", "Plugins", "beside", "installed", "place_of"]

GROUP = "connector_core"
"""The group of entry points, and whose the hooks are; hookspecs says so too, and is imported only for plug-ins."""

log: logging.Logger = logging.getLogger(GROUP)


class Plugin(Struct, frozen=True):
    """One plug-in of an installed distribution."""

    name: str
    """Its entry point's."""
    distribution: str
    """Who brings it, such as `acme-connectors 1.2`."""
    module: Any = None
    """What the entry point names; None where that cannot be used."""
    problem: str = ""
    """Why it is left out."""

    @property
    def hooks(self) -> list[str]:
        """The hooks that it implements, in alphabetical order."""
        return [] if self.module is None else sorted(caller.name for caller in _trial(self.module, self.name))


@cache
def installed() -> tuple[Plugin, ...]:
    """Every plug-in of this environment in the order of their names, loaded once for the process."""
    from importlib.metadata import entry_points  # pydantic has imported it by then

    found: list[Plugin] = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        whose = f"{point.dist.name} {point.dist.version}" if point.dist is not None else "nobody knows which"
        plugin = _loaded(point, whose, {known.name: known for known in found})
        if plugin.problem:
            log.warning("the plug-in %s (%s) is left out: %s", plugin.name, plugin.distribution, plugin.problem)
        found.append(plugin)
    return tuple(found)


def _loaded(point: Any, whose: str, known: Mapping[str, Plugin]) -> Plugin:
    if (first := known.get(point.name)) is not None:
        return Plugin(point.name, whose, problem=f"{first.distribution} has one of that name already")
    try:
        module = point.load()
        list(_trial(module, point.name))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's module does
        return Plugin(point.name, whose, problem=f"{type(error).__name__}: {error}{place_of(error)}")
    if (same := next((first for first in known.values() if first.module is module), None)) is not None:
        return Plugin(point.name, whose, problem=f"it is the same as {same.name} of {same.distribution}")
    return Plugin(point.name, whose, module)


def _trial(module: Any, name: str) -> Iterator[Any]:
    """The hooks that a module implements; raises pluggy's errors where one is written wrong."""
    yield from _manager([(name, module)]).get_hookcallers(module) or ()


def _manager(modules: Iterable[tuple[str, Any]]) -> PluginManager:
    from pluggy import PluginManager

    from connector_core import hookspecs

    manager = PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for name, module in modules:
        manager.register(module, name)
    manager.check_pending()
    return manager


_OTHERS = frozenset({"connector_core", "importlib", "pluggy", "pydantic"})


def place_of(error: BaseException) -> str:
    """` (masks.py, line 12)`: the innermost line that is not ours; empty where there is none."""
    trace, last = error.__traceback__, None
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] not in _OTHERS:
            last = trace
        trace = trace.tb_next
    return f" ({PurePath(last.tb_frame.f_code.co_filename).name}, line {last.tb_lineno})" if last else ""


def beside(path: Path) -> Any:
    """The Python that belongs to one connector; raises ConfigError where it fails to load."""
    found = spec_from_file_location(f"connectors.{path.stem}", path)
    assert found is not None  # noqa: S101 - the file ends in .py
    assert found.loader is not None  # noqa: S101 - the same
    module = module_from_spec(found)
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever somebody's module does
        raise ConfigError(
            f"the connector's Python fails with {type(error).__name__}: {error}{place_of(error)}",
            where=str(path),
            code="plugin.invalid",
        ) from None
    return module


# ── what they do ──────────────────────────────────────────────────────────────────────────────────


class Plugins:
    """The plug-ins of one engine, or of one connection where the connector has Python of its own."""

    def __init__(self, further: Iterable[tuple[str, Any]] = ()) -> None:
        """`further`: modules beside the installed ones, by name; raises ConfigError where a hook is wrong."""
        self._further = list(further)
        own = [(plugin.name, plugin.module) for plugin in installed() if plugin.module is not None]
        _check_once([*own, *self._further])
        try:
            self._hooks = _manager([*own, *self._further]).hook if own or self._further else None
        except Exception as error:  # noqa: BLE001 - pluggy's own, which is imported only for plug-ins
            what = " ".join(str(error).split())
            raise ConfigError(f"a plug-in cannot be used: {what}", code="plugin.invalid") from None
        self.prepare_request: Callable[..., Any] | None = self._chain("prepare_request", "request")
        self.prepare_page: Callable[..., Any] | None = self._chain("prepare_page", "records")
        self.observe_response: Callable[..., None] | None = self._each("observe_response")
        self.observe_event: list[Callable[[Event], None]] = [self._watch(impl) for impl in self._of("observe_event")]

    def joined(self, name: str, module: Any) -> Plugins:
        """These and one more, which is one connector's own; what only a whole engine has a use for is told."""
        joined = Plugins([*self._further, (name, module)])
        if unused := [hook for hook in Plugin(name, "", module).hooks if hook in _OF_ENGINES]:
            log.warning("%s is one connector's own: nothing calls its %s", name, ", ".join(unused))
        return joined

    def specs(self) -> list[Path]:
        """The folders of specs that they bring."""
        hook = "register_specs"
        return [Path(folder) for impl in self._of(hook) for folder in self._called(impl, hook, {}) or ()]

    def transforms(self, connector: str) -> dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]]:
        """The functions for a connector by name; raises ConfigError where two have the same."""
        return self._named("register_transforms", {"connector": connector})

    def clients(self, connector: str) -> dict[str, Callable[..., Any]]:
        """What makes the clients of SDKs for a connector, by name; raises ConfigError where two have the same."""
        return self._named("register_clients", {"connector": connector})

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name; raises ConfigError where two have the same.

        One that fails raises ConfigError with its plug-in's name; its ValueError, about what it was given, it keeps.
        """
        return self._named(
            "register_filters",
            {},
            lambda impl, name, function: _told_whose(impl, f"the filter {name}", function, (ValueError,)),
        )

    def stores(self) -> dict[str, Callable[[str], Any]]:
        """What opens an address by its scheme; raises ConfigError where two have the same.

        One that fails raises ConfigError with its plug-in's name, and no word of the address.
        """
        return self._named(
            "register_stores", {}, lambda impl, name, opens: _told_whose(impl, f"the address {name}://…", opens)
        )

    def secrets(self) -> dict[str, Callable[[str], Any]]:
        """The backends of secrets by scheme; raises ConfigError where two have the same, or one is written wrong.

        One that fails raises ConfigError with its plug-in's name.
        """
        return self._named(
            "register_secrets", {}, lambda impl, name, find: _told_whose(impl, f"secrets of {name}:", find)
        )

    def commands(self) -> list[Any]:
        """The commands."""
        hook = "register_commands"
        return [command for impl in self._of(hook) for command in self._called(impl, hook, {}) or ()]

    def _of(self, hook: str) -> list[HookImpl]:
        """The implementations in the order in which pluggy would call them."""
        return [] if self._hooks is None else list(reversed(getattr(self._hooks, hook).get_hookimpls()))

    def _named(
        self, hook: str, given: Mapping[str, Any], made: Callable[[HookImpl, str, Any], Any] | None = None
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        whose: dict[str, str] = {}
        for impl in self._of(hook):
            for name, value in (self._called(impl, hook, given) or {}).items():
                if name in found:
                    raise ConfigError(
                        f"two plug-ins bring {name!r}: {whose[name]} and {impl.plugin_name}",
                        where=hook,
                        hint="uninstall one of them",
                        code="plugin.duplicate",
                    )
                found[name], whose[name] = value if made is None else made(impl, name, value), impl.plugin_name
        return found

    def _each(self, hook: str) -> Callable[..., None] | None:
        impls = self._of(hook)
        if not impls:
            return None

        def call(**given: Any) -> None:
            for impl in impls:
                self._called(impl, hook, given)

        return call

    def _watch(self, impl: HookImpl) -> Callable[[Event], None]:
        """A listener for each, so that one that fails silences no other."""

        def watch(event: Event) -> None:
            self._called(impl, "observe_event", {"event": event})

        return watch

    def _chain(self, hook: str, changed: str) -> Callable[..., Any] | None:
        """Calls them one after another, each with what the one before gave; None: there is none."""
        impls = self._of(hook)
        if not impls:
            return None

        def call(**given: Any) -> Any:
            for impl in impls:
                given[changed] = self._called(impl, hook, given, otherwise=given[changed])
            return given[changed]

        return call

    def _called(self, impl: HookImpl, hook: str, given: Mapping[str, Any], otherwise: Any = None) -> Any:
        """What it gives, else `otherwise`, which it may have changed; raises ConfigError where that does not fit."""
        try:
            found = impl.function(*[given[name] for name in impl.argnames])
        except IntegrationError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it does; its text may quote what it was given
            raise _failed(impl, f"fails with {type(error).__name__}{place_of(error)}") from None
        found = otherwise if found is None else found
        fits, wanted = _GIVEN.get(hook, (_ran, "nothing"))
        if found is not None and not fits(found):
            if isinstance(found, Coroutine):
                found.close()
            raise _failed(impl, f"gives a {type(found).__name__} for {hook}, where {wanted} is expected")
        return found


def _told_whose(
    impl: HookImpl, where: str, function: Callable[..., Any], kept: tuple[type[Exception], ...] = ()
) -> Callable[..., Any]:
    """A function whose failures are told with its plug-in's name; ours, and those `kept`, stay what they are."""

    @wraps(function)
    def run(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except IntegrationError:
            raise
        except kept:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it does; its text may quote what it was given
            how = f"fails with {type(error).__name__}{place_of(error)}"
            raise _failed(impl, how, where=where) from None

    return run


def _check_once(modules: Iterable[tuple[str, Any]]) -> None:
    """Raises ConfigError where a plug-in or a name is there twice; pluggy's words would quote all that is in it."""
    known: dict[str, Any] = {}
    for name, module in modules:
        if any(module is other for other in known.values()):
            what, hint = f"the plug-in {name} is there twice", "an installed one need not be passed, and any other once"
        elif name in known:
            what, hint = f"two plug-ins are called {name}", "give one of them another __name__"
        else:
            known[name] = module
            continue
        raise ConfigError(what, where="Engine(plugins=…)", hint=hint, code="plugin.duplicate")


def _failed(impl: HookImpl, how: str, where: str = "") -> ConfigError:
    return ConfigError(
        f"the plug-in {impl.plugin_name} {how}",
        where=where or impl.function.__name__,
        hint="tell whoever made it",
        code="plugin.failed",
    )


# ── what hooks may give ───────────────────────────────────────────────────────────────────────────


_OF_ENGINES = frozenset(
    {
        "observe_event",
        "register_commands",
        "register_filters",
        "register_secrets",
        "register_specs",
        "register_stores",
    }
)
"""Hooks that the Python beside a spec has in vain."""


def _ran(found: Any) -> bool:
    """Whether the hook is no coroutine and no generator: of those, nothing has run."""
    return not isinstance(found, (Coroutine, Generator))


def _list_of(found: Any, kind: Any) -> bool:
    return isinstance(found, (list, tuple)) and all(isinstance(item, kind) for item in found)


def _commands(found: Any) -> bool:
    from click import Command

    return _list_of(found, Command)


def _functions(found: Any) -> bool:
    return isinstance(found, Mapping) and all(isinstance(name, str) and callable(found[name]) for name in found)


def _request(found: Any) -> bool:
    if not isinstance(found, Request):
        return False
    given: Any = found  # what a plug-in put into it, nobody has checked
    if not isinstance(given.headers, Mapping) or not _list_of(given.query, tuple):
        return False
    pairs = [(given.method, given.url), *given.headers.items(), *given.query]
    return all(len(pair) == 2 and _list_of(pair, str) for pair in pairs)  # noqa: PLR2004 - names and values


_GIVEN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "register_specs": (lambda found: _list_of(found, (str, Path)), "a list of folders"),
    "register_filters": (_functions, "a mapping of names to functions"),
    "register_commands": (_commands, "a list of click commands"),
    "register_stores": (_functions, "a mapping of schemes to functions"),
    "register_secrets": (_functions, "a mapping of schemes to functions"),
    "register_clients": (_functions, "a mapping of names to functions"),
    "register_transforms": (_functions, "a mapping of names to functions"),
    "prepare_request": (_request, "a Request whose url, headers and query are text"),
    "prepare_page": (lambda found: isinstance(found, list) and _list_of(found, dict), "a list of records"),
}
"""By hook what its implementations may give beside None, and that in words; `observe_…` may give whatever has run."""
