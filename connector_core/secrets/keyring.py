"""Secrets in the keyring of the desktop or the system: `keyring:shop/ann` is the password of `ann` for `shop`.

Source: https://keyring.readthedocs.io
"""

from __future__ import annotations

from connector_core.exceptions import ConfigError, UnavailableError
from connector_core.secrets.backend import Backend, World
from connector_core.secrets.waiting import in_thread

__all__ = ["Keyring"]


class Keyring(Backend):
    """A password in the keyring, by its service and its name; in a thread, since a person may have to unlock it.

    Whatever stands before the last slash is the service.
    """

    scheme = "keyring"

    def check(self, rest: str) -> None:
        """Raises ConfigError where it names no service, or the package is missing."""
        service, _, name = rest.rpartition("/")
        if not service or not name:
            raise ConfigError(
                "the reference does not say which name of which service in the keyring",
                hint="such as keyring:shop/ann",
                code="secret.reference",
            )
        try:
            import keyring  # noqa: F401 - whether it is there
        except ImportError:
            raise ConfigError(
                "the keyring needs the package keyring",
                hint="pip install 'connector-core[keyring]'",
                code="extra.missing",
            ) from None

    async def fetch(self, rest: str, world: World) -> str:  # noqa: ARG002 - nobody is asked over the network
        """The password."""
        self.check(rest)
        service, _, name = rest.rpartition("/")
        found = await in_thread(lambda: _password(service, name))
        if found is None:
            raise ConfigError(
                f"the keyring has no {name} for {service}", hint=f"keyring set {service} {name}", code="secret.missing"
            )
        return found


def _password(service: str, name: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError, KeyringLocked, NoKeyringError

    try:
        return keyring.get_password(service, name)
    except NoKeyringError:
        raise ConfigError(
            "there is no keyring here", hint="use another reference, such as file:PATH", code="secret.backend"
        ) from None
    except KeyringLocked:
        raise UnavailableError(
            "the keyring is locked", hint="unlock it", code="secret.unavailable", retryable=True
        ) from None
    except KeyringError as error:
        raise ConfigError(
            f"the keyring fails with {type(error).__name__}", hint="try: keyring diagnose", code="secret.failed"
        ) from None
