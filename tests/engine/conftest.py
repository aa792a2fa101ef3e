"""Whom connections trust in these tests."""

from __future__ import annotations

import ssl

import pytest

from tests.auth.certificates import authority


@pytest.fixture
def trusted(monkeypatch, tmp_path):
    """Everybody here trusts the authority, as SSL_CERT_FILE has it."""
    file = tmp_path / "authority.pem"
    file.write_text(authority().certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context())
