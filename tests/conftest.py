"""What every test shares: patience with busy machines, and knowing which real servers are there."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import settings

from tests.canary import Canary

collect_ignore = ["plugin"]
"""The package of somebody else's: testing/test_contracts.py runs its tests in a process where its kinds are known."""

settings.register_profile("patient", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("patient")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `servers(name, port)` where that server is absent; CONNECTOR_TEST_SERVERS may require it."""
    for mark in item.iter_markers("servers"):
        name, port = mark.args
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            missing = f"the real server {name} is not running on 127.0.0.1:{port}"
            if name in os.environ.get("CONNECTOR_TEST_SERVERS", "").split(","):
                pytest.fail(f"{missing}, and CONNECTOR_TEST_SERVERS says that it is", pytrace=False)
            pytest.skip(missing)


def pytest_configure(config: pytest.Config) -> None:
    """Every test of the suite is watched for secrets that it leaves behind."""
    config.addinivalue_line("markers", "shows_secrets(why): the test itself writes secrets where they can be seen")
    config.pluginmanager.register(Canary(), "canary")
