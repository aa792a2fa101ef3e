"""A folder with a spec, the command line in this process and in its own, and a service that is told what to say."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector_core.cli import connector

ROOT = Path(__file__).parent.parent.parent

SHOP = """\
connector: "1"
name: shop
config:
  shop_url: {type: string, format: uri, description: Address of the shop}
  page_size: {type: integer, default: 100}
  strict: {type: boolean, default: true}
secrets:
  token: {description: API token from Settings → API}
base_url: "{{ config.shop_url }}/api/v1"
auth: {type: bearer, token: "{{ secrets.token }}"}
environments:
  sandbox: {config: {shop_url: "http://127.0.0.1:9"}}
pagination:
  type: cursor
  take: body.meta.next_cursor
  put: query.cursor
  size: {put: query.limit, value: 100}
records: body.data
primary_key: id
endpoints:
  orders:
    get: /orders
    schema: {id: {type: integer}, status: {type: string, enum: [open, paid]}, customer: {type: object}}
  create_order:
    post: /orders
    input:
      customer_id: {type: integer}
      items: {type: array}
      note: {type: string, optional: true}
    body: {json: {customer_id: "{{ input.customer_id }}", items: "{{ input.items }}", note: "{{ input.note }}"}}
"""


DEMO = """\
connector: "1"
name: demo
base_url: http://127.0.0.1:9
retry: {attempts: 1}
endpoints: {things: {get: /things, records: body}}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory of the commands: a folder with `specs/demo.yaml`, whose service is not there."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "demo.yaml").write_text(DEMO, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory of the commands: a folder with `specs/shop.yaml`."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "shop.yaml").write_text(SHOP, "utf-8")
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("CONNECTOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path


@pytest.fixture
def run(folder) -> Callable[..., Result]:
    """Runs a command line in this process: `run("read", "shop", "orders", input=…, env=…)`."""

    def invoke(*words: str, **more: Any) -> Result:
        return CliRunner().invoke(connector, words, **more)

    return invoke


@pytest.fixture
def program(folder) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command line as a process of its own, and leaves none behind."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **more: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
        env = {**os.environ, "PYTHONPATH": str(ROOT), **pipes.pop("env", {})}
        command = [sys.executable, "-m", "connector_core", *words]
        started.append(subprocess.Popen(command, text=True, encoding="utf-8", env=env, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def service() -> Iterator[Callable[..., str]]:
    """Serves what it is told on loopback: `service(200, b"…")` gives the address."""
    with _serving() as serve:
        yield serve


@contextmanager
def _serving() -> Iterator[Callable[..., str]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int, body: bytes) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def live(run, service) -> Callable[..., Any]:
    """Runs a command against a service that gives one answer: `live(401, b"{}", "read", "shop", "orders")`."""

    def invoke(status: int, body: bytes, command: str, *words: str) -> Any:
        options = ["--config", f"shop_url={service(status, body)}", "--network", "loopback"]
        return run(command, *words, *options, env={"CONNECTOR_SHOP_TOKEN": "t0p-secret"})

    return invoke
