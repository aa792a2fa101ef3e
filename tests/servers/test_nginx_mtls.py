"""nginx, which asks for a client certificate of its own authority, and answers 400 to whoever has none of it.

Each reading is a process of its own: whom it trusts is read from SSL_CERT_FILE when it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.auth.certificates import issued

pytestmark = [pytest.mark.servers("nginx", 18030), pytest.mark.servers("drf", 18002)]
SPEC = Path(__file__).parent / "mutual.yaml"
SERVERS = Path(os.environ.get("REAL") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache/", "connector-servers"))
CERTIFICATES = SERVERS.expanduser() / "nginx" / "certs"


@pytest.fixture
def known() -> dict[str, str]:
    """What makes a client that nginx knows."""
    files = {"certificate": CERTIFICATES / "client.pem", "key": CERTIFICATES / "client.key"}
    if not all(file.is_file() for file in files.values()):
        pytest.skip(f"nginx's certificates are not in {CERTIFICATES}")
    return {name: file.read_text() for name, file in files.items()}


def run(command: str, endpoint: str, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    known = {**secrets, "token": "0123456789abcdef0123456789abcdef01234567"}
    return subprocess.run(
        [sys.executable, "-m", "connector_core", command, str(SPEC), endpoint, "--network=loopback"],
        env={
            **os.environ,
            "SSL_CERT_FILE": str(CERTIFICATES / "ca.pem"),
            **{f"CONNECTOR_MUTUAL_{name.upper()}": text for name, text in known.items()},
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_let_in(known):
    """With the right certificate, and a token on top, every ticket is read once."""
    done = run("read", "tickets", known)
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == list(range(1, 1235))


def test_without_one(known):
    """An endpoint that shows none is refused in nginx's words."""
    done = run("call", "openly", known)
    assert done.returncode != 0
    assert "No required SSL certificate was sent" in done.stderr


def test_a_stranger():
    """So is one of another authority, and nothing of the key is told."""
    stranger = issued("stranger")
    done = run("call", "tickets", {"certificate": stranger.certificate, "key": stranger.key})
    assert done.returncode != 0
    assert "The SSL certificate error" in done.stderr
    assert "BEGIN" not in done.stderr


def test_a_key_of_another(known):
    """A key that is not the certificate's is told before anything is sent."""
    done = run("call", "tickets", {**known, "key": issued("other").key})
    assert done.returncode != 0
    assert "the private key is not the client certificate's" in done.stderr
    assert "auth.key: {{ secrets.key }}" in done.stderr
