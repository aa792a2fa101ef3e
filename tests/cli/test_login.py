"""`connector login`, `logout` and `connections`: a person, a browser, and a file that keeps the token."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

SPEC = """\
connector: "1"
name: crm
base_url: {url}/api
auth:
  type: oauth2
  grant: {grant}
  {way}: {url}/{path}
  token_url: {url}/token
  client_id: app
  client_auth: none
endpoints: {{me: {{get: /me, records: body}}}}
"""
BROWSER = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=10).read()"
TOKEN = {"CONNECTOR_SHOP_TOKEN": "t0ken"}
OPTIONS = ["--network", "loopback"]


class Answer(BaseHTTPRequestHandler):
    """A provider whose person says yes at once."""

    codes: set[str] = set()
    says_no = False

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == "/authorize":
            back = {"error": "access_denied"} if self.says_no else {"code": "c0de"}
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{urlencode({**back, 'state': query['state']})}")
            self.end_headers()
        elif self.headers["Authorization"] == "Bearer the-token":
            self._json(200, [{"name": "Ann"}])
        else:
            self._json(401, {})

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.path == "/device":
            found = {"device_code": "d", "user_code": "WX-YZ", "verification_uri": "https://id.example/go"}
            self._json(200, found | {"interval": 0.01})
        else:
            assert form.get("code_verifier") or form.get("device_code")
            self._json(200, {"access_token": "the-token", "refresh_token": "r", "expires_in": 3600})

    def _json(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider(folder):
    """Writes a spec of the grant, and gives the environment in which a browser is a program that follows addresses."""
    servers: list[ThreadingHTTPServer] = []

    def provide(grant: str = "authorization_code", *, says_no: bool = False) -> dict[str, str]:
        answer = type("Answers", (Answer,), {"says_no": says_no})
        server = ThreadingHTTPServer(("127.0.0.1", 0), answer)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        way, path = ("device_url", "device") if grant == "device_code" else ("authorize_url", "authorize")
        url = f"http://127.0.0.1:{server.server_port}"
        Path("specs/crm.yaml").write_text(SPEC.format(url=url, grant=grant, way=way, path=path), "utf-8")
        Path("browser.py").write_text(BROWSER, "utf-8")
        return {"BROWSER": f"{sys.executable} browser.py %s"}

    yield provide
    for server in servers:
        server.shutdown()
        server.server_close()


def test_from_login_to_logout(program, run, provider):
    """A browser comes back, the token is kept for later commands, listed without being shown, and forgotten."""
    env = provider()
    out, err = (login := program("login", "crm", *OPTIONS, env=env)).communicate(timeout=30)
    assert login.returncode == 0, err
    assert out.startswith("Open http://127.0.0.1:")
    [made, said] = err.splitlines()
    assert made.startswith("the key of the store was made: ")
    assert said == "crm has signed in; the token is kept in .connector/secrets.db, encrypted"
    assert Path(".connector/secrets.db").stat().st_mode & 0o777 == 0o600
    assert not any(b"the-token" in path.read_bytes() for path in Path(".connector").iterdir())
    assert json.loads(run("read", "crm", "me", *OPTIONS).stdout) == {"name": "Ann"}
    listed = run("connections")
    assert listed.stdout == "crm  crm  ends in 60 min, renewed by itself\n"
    named = {"CONNECTOR_STORE": "sqlite:///.connector/secrets.db"}
    [row] = map(json.loads, run("connections", "--json", env=named).stdout.splitlines())
    assert (row["connection"], row["renewable"], "the-token" in str(row)) == ("crm", True, False)
    assert run("logout", "crm", *OPTIONS).stderr == "crm has signed out; nothing is left in .connector/secrets.db\n"
    assert run("logout", "crm", *OPTIONS).stderr == "crm had not signed in at .connector/secrets.db\n"
    done = run("read", "crm", "me", *OPTIONS)
    assert done.exit_code == 1
    assert done.stderr == "error: nobody has signed in — crm: auth — sign in: connector login crm\n"


STRAYS = """\
import socket, sys, urllib.parse, urllib.request
address = sys.argv[1]
back = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["redirect_uri"][0]
port = urllib.parse.urlsplit(back).port
slow = []
for _ in range(50):
    slow.append(socket.create_connection(("127.0.0.1", port)))
    slow[-1].sendall(b"GET /callback?code=x HTTP/1.1\\r\\nHost: 127")
for query in ("", "?code=x", "?code=x&state=guess", "?error=access_denied&state=", "?code=x&state=%FF%00") * 40:
    said = urllib.request.urlopen(back + query, timeout=10).read()
    assert said.startswith(b"That is not the way back"), said
urllib.request.urlopen(address, timeout=10).read()
"""


def test_strangers_at_the_way_back(program, run, provider):
    """Who guesses, floods or says nothing does not end it: whoever was sent comes back later, and has signed in."""
    env = provider()
    Path("browser.py").write_text(STRAYS, "utf-8")
    _, err = (login := program("login", "crm", *OPTIONS, env=env)).communicate(timeout=60)
    assert login.returncode == 0, err
    assert json.loads(run("read", "crm", "me", *OPTIONS).stdout) == {"name": "Ann"}


def test_a_service_that_cannot_be_told(program, run, provider):
    """Whoever signs out has signed out, and is told where the service does not know."""
    _, err = (login := program("login", "crm", *OPTIONS, env=provider())).communicate(timeout=30)
    assert login.returncode == 0, err
    spec = Path("specs/crm.yaml")
    spec.write_text(
        spec.read_text("utf-8").replace("  client_id", "  revoke_url: http://127.0.0.1:9/gone\n  client_id"), "utf-8"
    )
    done = run("logout", "crm", *OPTIONS)
    first, second = done.stderr.splitlines()
    assert (done.exit_code, first) == (0, "crm has signed out; nothing is left in .connector/secrets.db")
    assert second.startswith("the service does not know: end the access there, too: ")


def test_a_person_who_says_no(program, provider):
    """What the service says is told, and the exit code is that of a failure."""
    _, err = (login := program("login", "crm", *OPTIONS, env=provider(says_no=True))).communicate(timeout=30)
    assert login.returncode == 1
    assert "access_denied" in err


def test_another_device(program, run, provider):
    """A code is shown where there is no browser; accounts are told apart by --id."""
    env = provider("device_code")
    out, err = (login := program("login", "crm", "--id", "ann", *OPTIONS, env=env)).communicate(timeout=30)
    assert login.returncode == 0, err
    assert out == "Open https://id.example/go in any browser, and type WX-YZ\n"
    assert run("read", "crm", "me", *OPTIONS).exit_code == 1
    assert json.loads(run("read", "crm", "me", "--id", "ann", *OPTIONS).stdout) == {"name": "Ann"}


def test_what_does_not_work(run, provider):
    """No place for the token, an address that nothing here listens at, a spec that nobody signs in to."""
    provider()
    done = run("login", "crm", *OPTIONS, "--store", "mysql://me:hunter2@host")
    assert (done.exit_code, "hunter2" in done.stderr) == (2, False)
    assert done.stderr.startswith("error: secrets cannot be kept at mysql://… — an address begins with sqlite:// or ")
    done = run("login", "crm", *OPTIONS, "--redirect-uri", "https://app.example/back")
    assert (done.exit_code, "with --paste" in done.stderr) == (2, True)
    done = run(
        "login", "shop", *OPTIONS, "--config", "shop_url=http://127.0.0.1:9", env={"CONNECTOR_SHOP_TOKEN": "t0ken"}
    )
    assert (done.exit_code, "nobody signs in to shop" in done.stderr) == (2, True)
    assert run("connections").stderr == (
        "nothing is set up, and nobody has signed in at .connector/secrets.db; connector login NAME\n"
    )


def test_an_address_that_is_pasted(run, provider):
    """What was copied from elsewhere is looked at as any way back is."""
    provider()
    done = run("login", "crm", "--paste", *OPTIONS, input="http://127.0.0.1/callback?code=c0de&state=another\n")
    assert done.exit_code == 1
    assert "state" in done.stderr
