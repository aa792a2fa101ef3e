"""A secret is shown by nothing but `reveal`, and taken wherever a secret is."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback

import msgspec
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from connector_core import Connector, Secret
from connector_core.config import Secrets
from connector_core.testing import FakeTransport, effects, respond

VALUE = "sk_live_hunter2"


@pytest.mark.parametrize("written", ["{}", "{!r}", "{!s:>40}", "{:>40}", "{!a}"])
def test_no_text_shows_it(written):
    """Whatever makes text of it."""
    for shown in (written.format(Secret(VALUE)), repr([Secret(VALUE)]), str(Secret(VALUE))):
        assert "***" in shown
        assert VALUE not in shown


def test_it_is_given_by_name_alone():
    """`reveal` gives it, of whatever type it is; one in another is the same."""
    assert Secret(VALUE).reveal() == VALUE
    assert Secret({"a": 1}).reveal() == {"a": 1}
    assert Secret(Secret(VALUE)).reveal() == VALUE


@pytest.mark.parametrize("dump", [json.dumps, pickle.dumps, msgspec.json.encode], ids=["json", "pickle", "msgspec"])
def test_what_writes_values_out_refuses_it(dump):
    """It comes into no file by accident."""
    with pytest.raises(TypeError) as refused:
        dump(Secret(VALUE))
    assert VALUE not in "".join(traceback.format_exception(refused.value))
    with pytest.raises(TypeError):
        pickle.dumps(Secrets(token=VALUE))


def test_copies_are_itself():
    """What copies a structure keeps it hidden."""
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy({"token": secret})["token"] is secret


def test_nothing_finds_it_by_walking_attributes():
    """Tools that show objects by their attributes find a function."""
    secret = Secret(VALUE)
    assert not hasattr(secret, "__dict__")
    assert VALUE not in repr([getattr(secret, name) for name in dir(secret)])

    @dataclasses.dataclass
    class Account:
        token: Secret

    assert VALUE not in repr(Account(secret))
    assert VALUE not in repr(dataclasses.asdict(Account(secret)))


class Settings(BaseModel):
    """An app's own settings."""

    token: Secret
    size: int = 1


def test_in_models_of_pydantic():
    """A field takes it, dumps it masked, and a mistake elsewhere does not show it."""
    settings = Settings.model_validate({"token": VALUE})
    assert settings.token.reveal() == VALUE
    assert (VALUE in repr(settings), VALUE in settings.model_dump_json(), VALUE in str(settings.model_dump())) == (
        False, False, False,
    )  # fmt: skip
    assert Settings.model_json_schema()["properties"]["token"]["writeOnly"] is True
    with pytest.raises(ValidationError) as wrong:
        Settings.model_validate({"token": Secret(VALUE), "size": "many"})
    assert VALUE not in str(wrong.value)
    assert TypeAdapter(Secret).validate_python(VALUE).reveal() == VALUE


def test_in_logs(caplog):
    """A log line shows that there is one."""
    logging.getLogger("app").warning("signed in with %s", Secret(VALUE))
    assert caplog.messages == ["signed in with ***"]


async def test_it_is_taken_for_a_secret():
    """It opens a connection as the text would."""
    service = FakeTransport(lambda _request: respond(json={"data": [], "meta": {}}))
    async with Connector.open(
        "shop",
        config={"shop_url": "https://shop.example"},
        secrets={"token": Secret(VALUE)},
        effects=effects(service),
    ) as shop:
        await shop.call("orders")
    assert service.requests[0].headers["Authorization"] == f"Bearer {VALUE}"
