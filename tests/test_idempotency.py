"""The key that makes a call harmless to repeat: what it is, and where it goes."""

from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import ConfigError
from connector_core.http import Request
from connector_core.idempotency import Idempotency

POST = Request(method="POST", url="https://api.example/orders", body={"total": 1}, encoding="json")


def keyed(scope: dict[str, Any] | None = None, **keys: Any) -> Request:
    idempotency = Idempotency.model_validate({"put": "header.Idempotency-Key"} | keys)
    return idempotency.keyed(POST, scope or {}, "0b2c")


@pytest.mark.parametrize(
    "keys, key",
    [
        ({}, "0b2c"),
        ({"format": "structured"}, '"0b2c"'),
        ({"value": "order-{{ input.number }}"}, "order-7"),
        ({"value": "{{ input.number }}"}, "7"),
        ({"value": 'a"\\b', "format": "structured"}, '"a\\"\\\\b"'),
    ],
)
def test_what_it_is(keys, key):
    """A UUID, or what the spec says; as it is, or as a string of structured fields (RFC 9651 §3.3.3)."""
    assert keyed({"input": {"number": 7}}, **keys).headers["Idempotency-Key"] == key


def test_where_it_goes():
    """Anywhere that a value can be put, and the rest of the request stays what it is."""
    assert keyed(put="query.request_id").query == (("request_id", "0b2c"),)
    assert keyed(put="body.meta.key").body == {"total": 1, "meta": {"key": "0b2c"}}


@pytest.mark.parametrize("number", [None, ""])
def test_an_empty_key_is_no_key(number):
    """It would let the service take different requests for one, or none at all."""
    with pytest.raises(ConfigError) as wrong:
        keyed({"input": {"number": number}}, value="{{ input.number }}")
    assert wrong.value.what == "the idempotency key is empty"
    assert wrong.value.where == "idempotency.value: {{ input.number }}"


def test_what_structured_fields_cannot_say():
    """A key beyond printable ASCII is refused, and not shown."""
    with pytest.raises(ConfigError, match="characters that its form has no room for") as wrong:
        keyed({"input": {"number": "Ω"}}, value="{{ input.number }}", format="structured")
    assert "Ω" not in str(wrong.value)
