"""`env:`: the environment's variables."""

from __future__ import annotations

import pytest

from connector_core.exceptions import ConfigError
from connector_core.secrets.env import Env
from tests.secrets.world import NOBODY


async def test_a_variable(monkeypatch):
    """Its value, as it is at that moment."""
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t")
    Env().check("SHOP_TOKEN")
    assert await Env().fetch("SHOP_TOKEN", NOBODY) == "s3cr3t"
    monkeypatch.setenv("SHOP_TOKEN", "another")
    assert await Env().fetch("SHOP_TOKEN", NOBODY) == "another"


@pytest.mark.parametrize("value, how", [(None, "not set"), ("", "empty")])
async def test_no_value(monkeypatch, value, how):
    """One that is not set, or holds nothing, is told when a connection is opened, and later."""
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_TOKEN", value)
    for refused in (pytest.raises(ConfigError), pytest.raises(ConfigError)):
        with refused as error:
            Env().check("SHOP_TOKEN")
        assert str(error.value) == f"the environment variable SHOP_TOKEN is {how} — export SHOP_TOKEN first"
    with pytest.raises(ConfigError, match=how):
        await Env().fetch("SHOP_TOKEN", NOBODY)
