"""nginx redirects to another host, which writes down all that it was sent: no credential is among it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connector_core import Connector
from connector_core.exceptions import ResponseError
from tests.attacks.service import HOME, PLACEMENTS, SECRETS, document

CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
UNPACKED = Path(os.environ.get("REAL") or Path(CACHE) / "connector-servers") / "nginx" / "root" / "usr"
NGINX = shutil.which("nginx") or shutil.which(str(UNPACKED / "sbin" / "nginx"))
CODES = [301, 302, 303, 307, 308]

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIGURATION = """
pid {folder}/pid; error_log {folder}/error.log; daemon off; master_process off;
events {{ worker_connections 64; }}
http {{
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type application/json;
  log_format seen escape=json '{{"line": "$request", "Host": "$host", "Authorization": "$http_authorization",'
    ' "Cookie": "$http_cookie", "X-Api-Key": "$http_x_api_key", "X-Sign": "$http_x_sign", "X-Team": "$http_x_team",'
    ' "X-Amz-Date": "$http_x_amz_date", "Content-Length": "$http_content_length", "Referer": "$http_referer",'
    ' "Content-Type": "$http_content_type", "Transfer-Encoding": "$http_transfer_encoding"}}';
  server {{ listen 127.0.0.1:{home}; access_log off;
    location /token {{ return 200 '{{"access_token": "issued-canary", "token_type": "Bearer"}}'; }}
    location /asks {{
      if ($http_authorization = "") {{ add_header WWW-Authenticate 'Digest realm="r", nonce="n"' always; return 401; }}
      return 302 http://localhost:{other}/seen?page=2; }}
    {redirects} }}
  server {{ listen 127.0.0.1:{other}; access_log {folder}/seen.log seen; location / {{ return 200 '{{"id": 1}}'; }} }}
}}
"""


class Pair(NamedTuple):
    """The service, and the other host that it leads to."""

    home: str
    other: str
    log: Path

    def seen(self) -> list[dict[str, str]]:
        """What the other host was sent, oldest first; what is empty is left out."""
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [{name: value for name, value in json.loads(line).items() if value} for line in lines]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, home, other = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    redirects = " ".join(
        f"location /{code} {{ return {code} http://localhost:{other}/seen?page=2; }}" for code in CODES
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, home=home, other=other, redirects=redirects), "utf-8")
    libraries = {"LD_LIBRARY_PATH": str(UNPACKED / "lib" / "x86_64-linux-gnu")} if str(UNPACKED) in str(NGINX) else {}
    command = [str(NGINX), "-c", str(configuration), "-p", str(folder)]
    with subprocess.Popen(command, env={**os.environ, **libraries}, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", other), timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "error.log").read_text("utf-8")
                    time.sleep(0.05)
            yield Pair(f"http://127.0.0.1:{home}", f"localhost:{other}", folder / "seen.log")
        finally:
            process.terminate()


@pytest.fixture
def pair(running: Pair) -> Pair:
    """The two, with nothing seen."""
    running.log.write_text("", "utf-8")
    return running


def opened(pair: Pair, endpoint: dict[str, Any], **more: Any) -> Any:
    spec = json.loads(json.dumps(document(endpoint, **more)).replace(HOME, pair.home))
    return Connector.open(spec, secrets=SECRETS, network="loopback")


def path(placement: str, code: int) -> str:
    return "/asks" if placement == "digest" else f"/{code}"


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_an_undeclared_host_is_sent_nothing(pair, placement, code):
    """Whatever a read is signed with, no request arrives at a host that the spec does not name."""
    async with opened(pair, {"get": path(placement, code)}, **PLACEMENTS[placement]) as demo:
        with pytest.raises(ResponseError, match=r"was led to http://localhost:\d+, which is not one of its hosts"):
            await demo.call("thing")
    assert pair.seen() == []


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_a_declared_host_is_sent_no_credential(pair, placement, code):
    """At a declared host the address that nginx gave arrives, and no header, query, cookie or body of ours."""
    async with opened(pair, {"get": path(placement, code)}, hosts=[pair.other], **PLACEMENTS[placement]) as demo:
        assert (await demo.call("thing")).data == {"id": 1}
    assert pair.seen() == [{"line": "GET /seen?page=2 HTTP/1.1", "Host": "localhost"}]


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("code", CODES)
async def test_no_body_is_sent_on(pair, code, declared):
    """A body with a credential in it reaches neither; with 303 the declared host is asked, without it."""
    endpoint = {"post": f"/{code}", "body": {"json": {"key": "{{ secrets.token }}"}}}
    async with opened(pair, endpoint, hosts=[pair.other] if declared else []) as demo:
        if code == 303 and declared:
            await demo.call("thing")
        else:
            with pytest.raises(ResponseError):
                await demo.call("thing")
    expected = [{"line": "GET /seen?page=2 HTTP/1.1", "Host": "localhost"}] if code == 303 and declared else []
    assert pair.seen() == expected


async def test_the_other_host_would_show_it(pair):
    """What was sent is written down: a host that the spec trusts is sent the token, and it is there."""
    trusted = [{"host": pair.other, "credentials": True}]
    async with opened(pair, {"get": "/302"}, hosts=trusted, **PLACEMENTS["bearer"]) as demo:
        await demo.call("thing")
    assert [seen["Authorization"] for seen in pair.seen()] == ["Bearer t0ken-canary"]


SHARED = pytest.mark.servers("nginx", 18030)


@SHARED
@pytest.mark.parametrize("placement", [name for name in PLACEMENTS if name not in ("oauth2", "digest")])
async def test_the_shared_nginx_echoes_no_authorization(placement):
    """`/off-host/` leads from 127.0.0.1 to localhost, which answers with the Authorization that it got: none."""
    endpoint = {"get": "/off-host/", "decode": "text"}
    spec = document(endpoint, base_url="http://127.0.0.1:18030", **PLACEMENTS[placement])
    opening: Any = Connector.open(spec | {"hosts": ["localhost:18030"]}, secrets=SECRETS, network="loopback")
    async with opening as demo:
        assert (await demo.call("thing")).data == "auth="
    refused: Any = Connector.open(spec, secrets=SECRETS, network="loopback")
    async with refused as demo:
        with pytest.raises(ResponseError, match="was led to http://localhost:18030, which is not one of its hosts"):
            await demo.call("thing")
