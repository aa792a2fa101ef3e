"""A certified OpenID provider: every way in, and refresh tokens of which each serves once."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from connector_core import Connector
from connector_core.engine.effects import Effects
from connector_core.events import Event, TokenRefreshed
from connector_core.exceptions import AuthenticationError, ReauthenticationError

pytestmark = pytest.mark.servers("oidc", 18005)

HOME = "http://127.0.0.1:18005"
BACK = "http://127.0.0.1:9/cb"
CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
KEY = Path(os.environ.get("REAL") or Path(CACHE) / "connector-servers") / "oidc" / "client.pem"
CLIENT = {"client_id": "{{ secrets.id }}", "client_secret": "{{ secrets.key }}"}
BY_CODE = {"grant": "authorization_code", "authorize_url": f"{HOME}/auth", "scopes": ["openid", "offline_access"],
           "issuer": HOME, "extra": {"authorize": {"prompt": "consent"}}, **CLIENT}  # fmt: skip
ON_DEVICE = {"grant": "device_code", "device_url": f"{HOME}/device/auth", "scopes": ["openid"], **CLIENT}


def document(**auth: Any) -> dict[str, Any]:
    return {
        "connector": "1",
        "name": "items",
        "secrets": {"id": {}, "key": {"optional": True}, "pem": {"optional": True}},
        "base_url": f"{HOME}/api",
        "auth": {"type": "oauth2", "token_url": f"{HOME}/token", **auth},
        "endpoints": {
            "items": {
                "get": "/items",
                "records": "body.items",
                "pagination": {"type": "offset", "put": "query.offset", "size": {"put": "query.limit", "value": 50}},
            }
        },
    }


def opened(auth: dict[str, Any], secrets: dict[str, str], **more: Any) -> Any:
    return Connector.open(document(**auth), secrets=secrets, network="loopback", **more)


class Browser:
    """A person's browser: keeps cookies, follows redirects by hand, and says yes to what it is shown."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self._client = client

    async def goes_to(self, url: str) -> str:
        """Where the person comes back to, or the page where they stay."""
        for _ in range(12):
            if url.startswith(BACK):
                return url
            async with self._client.get(url, allow_redirects=False) as answer:
                if answer.status not in (302, 303):
                    return await answer.text()
                url = urljoin(url, answer.headers["Location"])
        raise AssertionError(f"the provider redirects without end: {url}")

    async def says_yes(self, page: str) -> None:
        """Confirms the device code of a page, and what is asked next."""
        while fields := dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page)):
            sent = {**fields, "confirm": "yes"}
            async with self._client.post(f"{HOME}/device", data=sent, allow_redirects=False) as answer:
                page = await answer.text()
                if answer.status in (302, 303):
                    page = await self.goes_to(urljoin(HOME, answer.headers["Location"]))


@pytest.fixture
async def browser():
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        yield Browser(client)


@pytest.mark.parametrize(
    "auth, secrets",
    [
        (CLIENT, {"id": "m2m", "key": "m2m-secret"}),
        (CLIENT, {"id": "m2m+weird", "key": "s:e/c%r+t"}),
    ],
    ids=["basic", "basic with reserved characters"],
)
async def test_client_credentials(auth, secrets):
    """The application signs in by its secret, form-encoded first, and reads all 300 items."""
    async with opened({"grant": "client_credentials", **auth}, secrets) as items:
        assert len({item["id"] async for item in items.read("items")}) == 300


@pytest.mark.skipif(not KEY.exists(), reason=f"the provider's client key is not at {KEY}")
async def test_private_key_jwt():
    """The application signs in by a token that it signs, twice, since each serves once."""
    jwt = {"algorithm": "RS256", "key": "{{ secrets.pem }}", "key_id": "k1", "audience": HOME}
    auth = {
        "grant": "client_credentials",
        "client_id": "{{ secrets.id }}",
        "client_auth": "private_key_jwt",
        "jwt": jwt,
    }
    for _ in range(2):
        async with opened(auth, {"id": "m2m-jwt", "pem": KEY.read_text()}) as items:
            assert len((await items.call("items")).data) == 50


async def test_a_wrong_secret():
    """A wrong secret is told as what it is, in the provider's words and without the secret."""
    async with opened({"grant": "client_credentials", **CLIENT}, {"id": "m2m", "key": "wr0ng-secret"}) as items:
        with pytest.raises(AuthenticationError) as refused:
            await items.call("items")
    assert str(refused.value) == (
        "the sign-in was refused: invalid_client: client authentication failed — auth: POST http://127.0.0.1:18005/token"
        " — check client_id and client_secret, and auth.client_auth"
    )


async def test_a_code_and_rotating_refresh_tokens(browser):
    """A person signs in; afterwards 20 callers at a time find the token ended, ten times over, and none is refused.

    A refresh token that came twice would end the whole sign-in.
    """
    ahead, heard = [0.0], []

    def hear(event: Event) -> None:
        heard.extend([event] if isinstance(event, TokenRefreshed) else [])

    effects = Effects(now=lambda: time.time() + ahead[0], listeners=[hear])
    async with opened(BY_CODE, {"id": "web", "key": "web-secret"}, effects=effects) as items:
        with pytest.raises(ReauthenticationError, match="nobody has signed in"):
            await items.call("items")
        begun = await items.sign_in.begin(BACK)
        await items.sign_in.finish(await browser.goes_to(begun.url), begun.cookie)
        assert len({item["id"] async for item in items.read("items")}) == 300
        for round_ in range(1, 11):
            ahead[0] += 30  # more than a token's life
            answers = await asyncio.gather(*(items.call("items") for _ in range(20)))
            assert {len(answer.data) for answer in answers} == {50}
            assert len(heard) == round_


async def test_a_code_on_another_device(browser):
    """A code is shown, typed and confirmed elsewhere, and then the connector reads."""
    async with opened(ON_DEVICE, {"id": "device", "key": "device-secret"}) as items:
        typing: list[asyncio.Task[None]] = []

        async def confirm(address: str) -> None:
            await browser.says_yes(await browser.goes_to(address))

        await items.sign_in.on_device(lambda shown: typing.append(asyncio.create_task(confirm(shown.direct))))
        await asyncio.gather(*typing)
        assert len((await items.call("items")).data) == 50


async def test_a_token_is_given_back(browser):
    """Who signs out has both tokens taken back: the provider knows neither of them afterwards."""
    auth = {**BY_CODE, "revoke_url": f"{HOME}/token/revocation"}
    async with opened(auth, {"id": "web", "key": "web-secret"}) as items:
        begun = await items.sign_in.begin(BACK)
        await items.sign_in.finish(await browser.goes_to(begun.url), begun.cookie)
        tokens = items._connection.effects.tokens_kept()
        [name] = await tokens.names()
        kept = (await tokens.get(name)).token
        assert await items.sign_in.end() is None
        await tokens.put(name, kept, None)
        with pytest.raises(ReauthenticationError, match="its refresh token is not accepted any more"):
            await items.call("items")
