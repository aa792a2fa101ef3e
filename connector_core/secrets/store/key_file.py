"""The key of a store in a file of this user, far from the database: `~/.config/connector-core/keys/STORE.key`.

::

    newest key
    older key      only while a new one takes its place

Rule 1: a key is made where nothing is sealed yet, and never in place of one that is missing.
Rule 2: the file is whole at every moment: it is written beside, and takes the other's place in one step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from connector_core.exceptions import ConfigError
from connector_core.secrets.file import text_in
from connector_core.secrets.store.keys import Keys
from connector_core.secrets.store.sealing import Key, Ring
from connector_core.secrets.waiting import in_thread

__all__ = ["KeyFile"]


class KeyFile(Keys):
    """A file for each store, which only its user can read."""

    def __init__(self, folder: Path | None = None, made: Callable[[Path], None] | None = None) -> None:
        """`folder`: left out, that of the user's settings. `made`: told where a key was made; None: none is made."""
        self._folder, self._made = folder, made
        self._known: dict[bytes, Ring] = {}

    def __repr__(self) -> str:
        return "KeyFile()"

    def path(self, store: bytes) -> Path:
        """The file of a store; raises ConfigError where this user has no home."""
        return (self._folder or _settings()) / f"{store.hex()}.key"

    async def ring(self, store: bytes, *, anew: bool = False, make: bool = False) -> Ring:
        """The keys in the file; raises ConfigError where there is none, or others may read it."""
        if anew or store not in self._known:
            self._known[store] = await in_thread(lambda: self._read(store, make=make))
        return self._known[store]

    def write(self, store: bytes, keys: Sequence[Key]) -> None:
        """Puts these keys in place of those in the file, in one step; raises ConfigError."""
        path = self.path(store)
        with _told(path), _beside(path, keys) as new:
            new.replace(path)
        self._known.pop(store, None)

    @contextmanager
    def alone(self, store: bytes) -> Iterator[None]:
        """While this lasts, no other process changes the keys in this way; raises ConfigError where one does."""
        path = self.path(store).with_suffix(".lock")
        try:
            import fcntl
        except ImportError:  # only POSIX has it; elsewhere the store's own lease has to do
            yield
            return
        with _told(path), os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    "another process gives the store a new key at this moment",
                    where=str(path),
                    hint="wait until it is done",
                    code="store.busy",
                ) from None
            yield

    def _read(self, store: bytes, *, make: bool) -> Ring:
        path = self.path(store)
        try:
            return Ring.read(text_in(str(path)), str(path))
        except ConfigError as error:
            if error.code != "secret.missing":
                raise
        if make and self._made is not None:
            self._make(path)
            return Ring.read(text_in(str(path)), str(path))
        if make:
            raise ConfigError(
                "the store has no key yet",
                where=str(path),
                hint="make one, openssl rand -base64 32, and have CONNECTOR_STORE_KEY refer to it, as in file:PATH",
                code="store.key",
            )
        raise ConfigError(
            "the key of the store is not here",
            where=str(path),
            hint="put it there, or have CONNECTOR_STORE_KEY say where it is, such as file:PATH; "
            "if it is lost, so is what it sealed: move the store away and set the secrets anew",
            code="store.key",
        )

    def _make(self, path: Path) -> None:
        with _told(path), suppress(FileExistsError), _beside(path, [Key.new()]) as new:
            os.link(new, path)  # which fails where another process was quicker: then its key is the one
            if self._made is not None:
                self._made(path)


def _settings() -> Path:
    try:
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "connector-core" / "keys"
    except RuntimeError:
        raise ConfigError(
            "this user has no home for the key of the store",
            hint="have CONNECTOR_STORE_KEY say where it is, such as file:PATH",
            code="store.key",
        ) from None


@contextmanager
def _beside(path: Path, keys: Sequence[Key]) -> Iterator[Path]:
    """A file with the keys, on the disk, that stands beside until it is put in place."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.writelines(f"{key.written()}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        yield new
    finally:
        new.unlink(missing_ok=True)
    with suppress(OSError):  # not every system can
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the key of the store cannot be written: {error.strerror}", where=str(path), code="store.key"
        ) from None
