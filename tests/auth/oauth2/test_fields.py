"""What a spec may say about OAuth 2.0, and where what is wrong with it stands."""

# ruff: noqa: E501, ISC004 - a message that is tested as text is not broken

from __future__ import annotations

from typing import Any

import pytest

from connector_core.exceptions import ConfigError, SpecError
from connector_core.load import load
from tests.auth.oauth2.kinds import kind

SPEC: dict[str, Any] = {
    "connector": "1",
    "name": "shop",
    "secrets": {"id": {}, "key": {}},
    "config": {"home": {"type": "string"}},
    "base_url": "https://api.example",
    "endpoints": {"things": {"get": "/things", "records": "body"}},
}


def problems(**auth: Any) -> list[str]:
    usual = {"type": "oauth2", "token_url": "https://id.example/token"}
    try:
        load({**SPEC, "auth": {**usual, **auth}})
    except SpecError as error:
        return [f"{problem.path}: {problem.what}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "auth, wrong",
    [
        ({"grant": "client_credentials"}, ["auth: missing key 'client_id', which the grant client_credentials needs"]),
        (
            {"grant": "authorization_code", "client_id": "a"},
            ["auth: missing key 'authorize_url', which the grant authorization_code needs"],
        ),
        (
            {"grant": "password", "username": "a"},
            ["auth: missing key 'password', which the grant password needs"],
        ),
        ({"grant": "jwt_bearer"}, ["auth: missing key 'jwt', which the grant jwt_bearer needs"]),
        (
            {"grant": "client_credentials", "client_id": "a", "device_url": "https://id.example/d", "pkce": False},
            [
                "auth.device_url: is for the grant device_code, and this one is client_credentials",
                "auth.pkce: is for the grant authorization_code, and this one is client_credentials",
            ],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "client_secret": "abc"},
            [
                "auth.client_secret: holds the credential itself: declare it under secrets, and read it:"
                " '{{ secrets.NAME }}'"
            ],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "client_auth": "post"},
            ["auth.client_auth: post needs client_secret"],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "client_secret": "{{ secrets.key }}", "client_auth": "none"},
            ["auth.client_secret: is not sent with client_auth none"],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "token_url": "https://id.example/t?k={{ config.home }}"},
            ["auth.token_url: must not hold a template in its query; say it under `extra`"],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "token_url": "https://id.example/{{ secrets.key }}"},
            [
                "auth.token_url: 'secrets' cannot be read here (sign_in_url);"
                " it can be read in headers, params, body and auth"
            ],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "extra": {"authorize": {"a": "b"}}},
            ["auth.extra: authorize is for what a person is sent to, and nobody is with client_credentials"],
        ),
        (
            {"grant": "client_credentials", "client_id": "a", "token": {"access": "status"}},
            ["auth.token.access: 'status' is not an address: unknown root 'status' (one of: body, header)"],
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together(auth, wrong):
    """Each mistake is told at its key, in words that say what to do."""
    assert problems(**auth) == wrong


def test_what_goes_together():
    """The usual forms of every grant are legal, whatever is left out that has a default."""
    client = {"client_id": "{{ secrets.id }}"}
    secret = {"client_secret": "{{ secrets.key }}"}
    for auth in (
        {"grant": "client_credentials", **client, **secret},
        {"grant": "authorization_code", "authorize_url": "https://id.example/a", **client},
        {"grant": "device_code", "device_url": "https://id.example/d", **client},
        {"grant": "password", "username": "ann", "password": "{{ secrets.key }}"},
        {"grant": "refresh_token", "refresh_token": "{{ secrets.key }}"},
        {"grant": "jwt_bearer", "jwt": {"algorithm": "HS256", "key": "{{ secrets.key }}"}},
        {"grant": "client_credentials", **client, "client_auth": "private_key_jwt",
         "jwt": {"algorithm": "RS256", "key": "{{ secrets.key }}"}},
    ):  # fmt: skip
        assert problems(**auth) == []


@pytest.mark.parametrize(
    "written, home, address",
    [
        ("https://id.example/token/", "", "https://id.example/token/"),
        ("https://id.example/token", "", "https://id.example/token"),
        ("{{ config.home }}", "https://me.example/o/token/", "https://me.example/o/token/"),
        ("{{ config.home }}/o/token", "https://me.example/", "https://me.example/o/token"),
        ("https://{{ config.home }}.id.example/t", "acme", "https://acme.id.example/t"),
        ("https://id.example/{{ config.home }}/t", "a/b", "https://id.example/a%2Fb/t"),
    ],
)
def test_addresses(written, home, address):
    """An address is asked as it stands, last slash and all, and what fills it stays in its place."""
    assert kind(token_url=written).token_url.render({"config": {"home": home}}) == address


def test_an_address_without_a_value():
    """What fills an address must be there and fit; the error says which address it is about."""
    with pytest.raises(ConfigError, match="the address of a sign-in has no value"):
        kind(token_url="{{ config.home }}").token_url.render({"config": {}})
    with pytest.raises(ConfigError, match=r"must be one label of a host name.* — the address of a sign-in"):
        kind(token_url="https://{{ config.home }}.id.example/t").token_url.render({"config": {"home": "a.evil/"}})
