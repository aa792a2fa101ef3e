"""`connector login` in a real browser: a person fills in a certified provider's pages, and consents."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
PROVIDER = Path(os.environ.get("REAL") or Path(CACHE) / "connector-servers") / "oidc"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # https://www.w3.org/TR/webdriver2/#elements
NEEDED = {"chromium": "chromium", "chromedriver": "chromium-driver", "node": "nodejs"}
MISSING = [f"{name} is not installed (Debian: {package})" for name, package in NEEDED.items() if not shutil.which(name)]
if not (PROVIDER / "node_modules" / "oidc-provider").exists():
    MISSING.append(f"the provider is not at {PROVIDER}")
pytestmark = pytest.mark.skipif(bool(MISSING), reason="; ".join(MISSING))

SPEC = """\
connector: "1"
name: people
base_url: {home}
auth:
  type: oauth2
  grant: authorization_code
  authorize_url: {home}/auth
  token_url: {home}/token
  revoke_url: {home}/token/revocation
  client_id: app
  issuer: {home}
  scopes: [openid, profile, offline_access]
  extra: {{authorize: {{prompt: consent}}}}
endpoints: {{me: {{get: /me, records: "body"}}}}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def started(program: str, *arguments: str, **more: Any) -> asyncio.subprocess.Process:
    pipes: dict[str, Any] = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    return await asyncio.create_subprocess_exec(program, *arguments, **pipes, **more)


async def ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.communicate()


async def line(process: asyncio.subprocess.Process, marked: str) -> str:
    """The first line that holds the mark."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        async for found in process.stdout:
            if marked in found.decode():
                return found.decode().strip()
    raise AssertionError(f"it has ended without {marked!r}")


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """The address of the provider."""
    port = free_port()
    told = {**os.environ, "PORT": str(port), "OIDC_HOME": str(PROVIDER)}
    process = await started("node", str(Path(__file__).with_name("people.mjs")), env=told)
    await line(process, "ready")
    yield f"http://127.0.0.1:{port}"
    await ended(process)


class Browser:
    """Headless Chromium, by the WebDriver protocol."""

    def __init__(self, client: aiohttp.ClientSession, home: str) -> None:
        self._client, self._home = client, home

    async def does(self, what: str, **said: Any) -> Any:
        async with self._client.post(f"{self._home}/{what}", json=said) as answer:
            value = (await answer.json())["value"]
        assert answer.status == 200, value
        return value

    async def _find(self, css: str) -> str:
        found = await self.does("element", using="css selector", value=css)
        return f"element/{found[ELEMENT]}"

    async def types(self, css: str, text: str) -> None:
        await self.does(f"{await self._find(css)}/value", text=text)

    async def clicks(self, css: str) -> None:
        await self.does(f"{await self._find(css)}/click")

    async def shows(self, text: str) -> None:
        """Waits until the page shows the text."""
        await self.does("element", using="xpath", value=f"//*[contains(text(), '{text}')]")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    port = free_port()
    driver = await started("chromedriver", f"--port={port}")
    await line(driver, "started successfully")
    args = [
        "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        f"--user-data-dir={tmp_path}/profile",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]  # fmt: skip
    if os.geteuid() == 0:
        args.append("--no-sandbox")  # Chromium refuses to be root with one
    options = {"binary": shutil.which("chromium"), "args": args}
    wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "timeouts": {"implicit": 30_000}}}
    async with aiohttp.ClientSession() as client:
        root = f"http://127.0.0.1:{port}/session"
        begun = await Browser(client, f"http://127.0.0.1:{port}").does("session", capabilities=wanted)
        yield Browser(client, f"{root}/{begun['sessionId']}")
        await client.delete(f"{root}/{begun['sessionId']}")
    await ended(driver)


async def test_a_person_signs_in(provider, browser, tmp_path):
    """A person types a name and a password, consents, and sees that it is done; afterwards their data is read."""
    (tmp_path / "people.yaml").write_text(SPEC.format(home=provider), "utf-8")
    here: dict[str, Any] = {
        "cwd": tmp_path,
        "env": {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "settings"), "BROWSER": f"{sys.executable} -c pass %s"},
    }
    command = [sys.executable, "-m", "connector_core"]
    options = ["people.yaml", "--network", "loopback", "--store", "sqlite:///kept.db"]
    login = await started(*command, "login", *options, **here)
    try:
        await browser.does("url", url=(await line(login, "Open ")).removeprefix("Open "))
        await browser.types("input[name=login]", "ann")
        await browser.types("input[name=password]", "any")
        await browser.clicks("button[type=submit]")
        await browser.shows("profile")  # what is asked for
        await browser.clicks("button[type=submit]")
        await browser.shows("You have signed in")
        out, _ = await login.communicate()
        assert login.returncode == 0, out
    finally:
        await ended(login)
    read, _ = await (await started(*command, "read", options[0], "me", *options[1:], **here)).communicate()
    assert json.loads(read) == {"sub": "ann"}, read
    out, _ = await (await started(*command, "logout", *options, **here)).communicate()
    assert out.decode() == "people has signed out; nothing is left in kept.db\n"
