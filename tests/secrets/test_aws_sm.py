"""`aws-sm:`: what is asked, and what AWS's answers mean; tests/servers/test_moto.py asks a server."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import pytest

from connector_core.exceptions import ConfigError, IntegrationError, UnavailableError
from connector_core.http import Request, Response
from connector_core.secrets import World
from connector_core.secrets.aws_sm import AwsSm
from connector_core.testing import respond

KEYS = {"region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": "s3cr3t-key"}
NAMES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
)


@pytest.fixture(autouse=True)
def _no_account(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


class Service:
    """Gives one answer, and keeps what was asked."""

    def __init__(self, answer: Response) -> None:
        self.requests: list[Request] = []
        self.world = World(self._send, lambda: 1440938160.0)
        self._answer = answer

    async def _send(self, request: Request) -> Response:
        self.requests.append(request)
        return self._answer


async def fetched(rest: str, answer: dict[str, Any]) -> str:
    return await AwsSm(**KEYS).fetch(rest, Service(respond(json=answer)).world)


async def test_what_is_asked():
    """GetSecretValue of the region's endpoint, signed for Secrets Manager; a session's token is signed, too."""
    service = Service(respond(json={"Name": "prod/shop", "SecretString": "t0p"}))
    assert await AwsSm(**KEYS, session_token="sess").fetch("prod/shop", service.world) == "t0p"
    [request] = service.requests
    assert (request.method, request.url) == ("POST", "https://secretsmanager.eu-central-1.amazonaws.com/")
    assert request.content == b'{"SecretId":"prod/shop"}'
    assert request.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert request.headers["X-Amz-Security-Token"] == "sess"
    assert request.headers["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/secretsmanager/aws4_request, SignedHeaders="
    )
    assert "s3cr3t-key" not in repr(request)


@pytest.mark.parametrize(
    "rest, answer, secret",
    [
        ("prod/shop", {"SecretString": '{"token": "t0p"}'}, '{"token": "t0p"}'),
        ("prod/shop#token", {"SecretString": '{"token": "t0p"}'}, "t0p"),
        ("prod/shop#port", {"SecretString": '{"port": 5432}'}, "5432"),
        ("prod/shop", {"SecretBinary": b64encode("töp".encode()).decode()}, "töp"),
    ],
)
async def test_a_secret(rest, answer, secret):
    """All of it, or a field of its JSON; a binary one that is text."""
    assert await fetched(rest, answer) == secret


@pytest.mark.parametrize(
    "rest, answer, text",
    [
        (
            "prod/shop#tokn",
            {"SecretString": '{"token": "t0p"}'},
            "AWS's prod/shop has no field tokn — its fields are token",
        ),
        ("prod/shop#token", {"SecretString": "t0p"}, "AWS's prod/shop has no field token — it has no fields"),
        ("prod/shop#token", {"SecretString": "[1]"}, "AWS's prod/shop has no field token — it has no fields"),
        ("prod/shop", {"SecretBinary": "/w=="}, "AWS's prod/shop is no text — keep it as a SecretString"),
        ("prod/shop", {"Name": "prod/shop"}, "AWS has no value for prod/shop — put one there first"),
    ],
)
async def test_no_such_field(rest, answer, text):
    """What is there is told by its names alone."""
    with pytest.raises(ConfigError) as failed:
        await fetched(rest, answer)
    assert str(failed.value) == text


@pytest.mark.parametrize(
    "answer, kind, text",
    [
        (
            respond(400, json={"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find it"}),
            ConfigError,
            "AWS has no prod/shop — put it there first",
        ),
        (
            respond(400, json={"__type": "com.amazonaws#InvalidRequestException", "Message": "marked for deletion"}),
            ConfigError,
            "AWS has no prod/shop — put it there first",
        ),
        (
            respond(400, json={"__type": "AccessDeniedException", "Message": "arn:aws:iam::1:user/bot"}),
            ConfigError,
            (
                "AWS does not give prod/shop: AccessDeniedException — "
                "are the keys and the region right, and may they read it?"
            ),
        ),
        (
            respond(400, json={"__type": "ThrottlingException"}),
            UnavailableError,
            "AWS answered ThrottlingException — try later",
        ),
        (
            respond(403, content=b"<ErrorResponse><Code>SignatureDoesNotMatch</Code></ErrorResponse>"),
            ConfigError,
            "AWS does not give prod/shop: 403 — are the keys and the region right, and may they read it?",
        ),
        (respond(503, content=b"<html>"), UnavailableError, "AWS answered 503 — is it up?"),
        (respond(404, content=b"<html>"), ConfigError, "AWS answered 404 — is the address AWS's?"),
        (respond(content=b"<html>"), ConfigError, "what answers in AWS's place sends no JSON — is the address AWS's?"),
    ],
)
async def test_no_secret(answer, kind, text):
    """What AWS says in its place is told in our words."""
    with pytest.raises(IntegrationError) as failed:
        await AwsSm(**KEYS).fetch("prod/shop", Service(answer).world)
    assert (type(failed.value), str(failed.value)) == (kind, text)


async def test_from_the_environment(monkeypatch):
    """Keys, region and endpoint are looked up each time; what is missing is told when a connection is opened."""
    for name, value in (
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "s3cr3t-key"),
    ):
        with pytest.raises(ConfigError, match=f"AWS is not known here: {name} is not set"):
            AwsSm().check("prod/shop")
        monkeypatch.setenv(name, value)
    AwsSm().check("prod/shop")
    service = Service(respond(json={"SecretString": "t0p"}))
    for name, value, host in (
        ("AWS_REGION", "eu-west-1", "secretsmanager.eu-west-1.amazonaws.com"),
        ("AWS_REGION", "cn-north-1", "secretsmanager.cn-north-1.amazonaws.com.cn"),
        ("AWS_ENDPOINT_URL", "https://aws.example", "aws.example"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://secrets.example", "secrets.example"),
    ):
        monkeypatch.setenv(name, value)
        await AwsSm().fetch("prod/shop", service.world)
        assert service.requests[-1].host == host
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "secrets.example")
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL_SECRETS_MANAGER is no address"):
        AwsSm().check("prod/shop")


async def test_an_arn():
    """It says its region itself."""
    service = Service(respond(json={"SecretString": "t0p"}))
    arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/shop-AbCdEf"
    await AwsSm(**KEYS).fetch(f"{arn}#", service.world)
    [request] = service.requests
    assert request.host == "secretsmanager.us-west-2.amazonaws.com"
    assert re.search(r"/us-west-2/secretsmanager/", request.headers["Authorization"])


def test_no_reference():
    """One that names nothing."""
    with pytest.raises(ConfigError, match="the reference names no secret of AWS — such as aws-sm:prod/shop#token"):
        AwsSm(**KEYS).check("#token")


def test_repr():
    """Its options are not shown."""
    assert "s3cr3t" not in repr(AwsSm(**KEYS))
