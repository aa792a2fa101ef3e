"""Digests of requests (RFC 7616), against the RFC's examples, another library, and the simulator."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from connector_core import Connector
from connector_core.auth import Session
from connector_core.auth.digest import USES, Digest
from connector_core.engine.effects import Effects
from connector_core.exceptions import AuthenticationError, ConfigError
from connector_core.http import Headers, Request, Response
from connector_core.load import load
from connector_core.testing import Simulator, simulated

REQUEST = Request("GET", "http://www.example.org/dir/index.html")
KIND = Digest.model_validate({"type": "digest", "username": "{{ secrets.user }}", "password": "{{ secrets.password }}"})


def session(user: str = "Mufasa", password: str = "Circle of Life", cnonce: str = "c-1") -> Session:
    return Session({"secrets": {"user": user, "password": password}}, {}, unique=lambda: cnonce)


def refusal(*lines: str, request: Request = REQUEST) -> Response:
    return Response(401, Headers([("WWW-Authenticate", line) for line in lines]), b"", request)


def shown(session: Session, *lines: str, request: Request = REQUEST) -> str:
    """The Authorization header of the request, once the service has asked in these lines."""
    assert KIND.challenged(session, refusal(*lines, request=request))
    return KIND.sign(session, request, 0.0).headers["Authorization"]


def part(header: str, name: str) -> str:
    found = re.search(rf'(?:Digest|,) {re.escape(name)}="?([^",]*)', header)
    assert found is not None, f"{name} is not in {header}"
    return found[1]


# ── the RFC's examples ────────────────────────────────────────────────────────────────────────────

ASKED = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    "algorithm, response",
    [
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
    ],
)
def test_the_example_of_the_rfc(algorithm, response):
    """RFC 7616 §3.9.1, both algorithms, every part of the header."""
    header = shown(session(cnonce=CNONCE), ASKED.format(algorithm))
    assert header == (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        f'cnonce="{CNONCE}", qop=auth, response="{response}", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )


def test_a_hidden_name():
    """RFC 7616 §3.9.2 with its user: the name is sent hashed, and enters the digest as it is.

    The RFC's own numbers are SHA-512 cut to 256 bits, which is not the SHA-512/256 that it names.
    """
    name, realm, nonce = "Jäsøn Doe", "api@example.org", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"
    here = session(name, "Secret, or not?", "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm")
    asked = f'Digest realm="{realm}", qop="auth", algorithm=SHA-512-256, nonce="{nonce}", charset=UTF-8, userhash=true'
    header = shown(here, asked, request=Request("GET", "http://api.example.org/doe.json"))

    def hashed(text: str) -> str:
        return hashlib.new("sha512_256", text.encode()).hexdigest()

    assert part(header, "username") == hashed(f"{name}:{realm}")
    key, tried = hashed(f"{name}:{realm}:Secret, or not?"), hashed("GET:/doe.json")
    assert part(header, "response") == hashed(f"{key}:{nonce}:00000001:{here.unique()}:auth:{tried}")
    assert part(header, "userhash") == "true"


# ── what services ask for ─────────────────────────────────────────────────────────────────────────


def test_the_strongest_of_several():
    """Among challenges in one line or in several, beside other schemes, the strongest is met."""
    weak, strong = ASKED.format("MD5"), ASKED.format("SHA-256")
    for lines in (
        (weak, strong),
        (f"{weak}, {strong}",),
        ("Negotiate", f'Basic realm="a, Digest b", {strong}', weak),
        (f"Negotiate abc==, {strong}, NTLM",),
    ):
        assert part(shown(session(), *lines), "algorithm") == "SHA-256", lines


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512"])
def test_another_library_computes_the_same(algorithm):
    """What aiohttp's client answers to a challenge is what is answered here, its client nonce given."""
    aiohttp = pytest.importorskip("aiohttp")
    other = aiohttp.DigestAuthMiddleware("Mufasa", "Circle of Life")
    for number in ("1", "2"):
        asked = f'Digest realm="r \\"x\\"", nonce="n{number}", algorithm={algorithm}, qop="auth"'
        other._challenge = {"realm": 'r "x"', "nonce": f"n{number}", "algorithm": algorithm, "qop": "auth"}
        other._nonce_count = 0
        other._last_nonce_bytes = b""
        request = Request("POST", "http://a.example/x%20y", (("q", "a b"), ("c", "d,e")))
        theirs = run(other._encode("POST", url(request.target), b""))
        here = session(cnonce=part(theirs, "cnonce"))
        assert part(shown(here, asked, request=request), "response") == part(theirs, "response")


def run(awaitable: Any) -> Any:
    import asyncio

    return asyncio.run(awaitable)


def url(target: str) -> Any:
    from yarl import URL

    return URL(target, encoded=True)


def test_the_body_where_nothing_else_is_offered():
    """`auth-int` alone covers the body; a body that is a file cannot be."""
    asked = 'Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-256'
    request = Request("POST", "http://a.example/x", body={"a": 1}, encoding="json")
    header = shown(session(), asked, request=request)

    def hashed(text: bytes) -> str:
        return hashlib.sha256(text).hexdigest()

    body = request.content
    assert body == b'{"a":1}'
    key, tried = hashed(b"Mufasa:r:Circle of Life"), hashed(b"POST:/x:" + hashed(body).encode())
    assert part(header, "response") == hashed(f"{key}:n:00000001:c-1:auth-int:{tried}".encode())
    assert part(header, "qop") == "auth-int"


def test_a_service_of_before():
    """A challenge without qop and algorithm is answered as RFC 2069 says, without a count."""
    header = shown(session(), 'Digest realm="r", nonce="n"')
    key = hashlib.md5(b"Mufasa:r:Circle of Life", usedforsecurity=False).hexdigest()
    tried = hashlib.md5(b"GET:/dir/index.html", usedforsecurity=False).hexdigest()
    response = hashlib.md5(f"{key}:n:{tried}".encode(), usedforsecurity=False).hexdigest()
    assert header == f'Digest username="Mufasa", realm="r", uri="/dir/index.html", nonce="n", response="{response}"'


def test_names_that_a_header_has_no_room_for():
    """Quotes and backslashes are escaped, other letters are spelt out."""
    assert 'username="a\\"b\\\\c"' in shown(session('a"b\\c'), ASKED.format("MD5"))
    assert "username*=UTF-8''J%C3%A4s%20n" in shown(session("Jäs n"), ASKED.format("MD5"))


@pytest.mark.parametrize(
    "asked, told",
    [
        ('Digest realm="r", nonce="n", algorithm=SHA-1', "SHA-1"),
        ('Digest realm="r", nonce="n", qop="auth-conf"', "auth-conf"),
        ('Digest realm="r"', "one without a nonce"),
    ],
)
def test_what_nobody_can_make_is_told(asked, told):
    """A digest of another sort is an error that names it, not a puzzling 401."""
    with pytest.raises(AuthenticationError) as unknown:
        KIND.challenged(session(), refusal(asked))
    assert str(unknown.value) == (
        f"the service asks for a digest that nobody here can make: {told} — auth: digest — "
        "there are SHA-512-256, SHA-512, SHA-256, MD5, each with the qop auth or auth-int"
    )


@pytest.mark.parametrize(
    "line", ["", "Basic", 'Basic realm="x"', "Digest", "=", '"', 'Digest realm="r', "Digest,,,", "é", ", , ="]
)
def test_no_challenge_in_any_line(line):
    """What is no digest challenge, however broken, teaches nothing."""
    here = session()
    if line.startswith("Digest"):
        with pytest.raises(AuthenticationError, match="without a nonce"):
            KIND.challenged(here, refusal(line))
    else:
        assert not KIND.challenged(here, refusal(line))
    assert here.learnt == {}


# ── over and over ─────────────────────────────────────────────────────────────────────────────────


def test_requests_are_counted():
    """A nonce is used again with a count that rises; one origin's is not shown to another."""
    here = session()
    assert part(shown(here, ASKED.format("MD5")), "nc") == "00000001"
    assert part(KIND.sign(here, REQUEST, 0.0).headers["Authorization"], "nc") == "00000002"
    elsewhere = Request("GET", "http://www.example.net/")
    assert KIND.sign(here, elsewhere, 0.0) is elsewhere


def test_a_wrong_password_is_tried_once():
    """A challenge that is refused at its first use is not met again; one that has served is, and a stale one always."""
    here = session()
    first = KIND.sign(here, REQUEST, 0.0)
    assert KIND.challenged(here, refusal('Digest realm="r", nonce="n1"', request=first))
    signed = KIND.sign(here, REQUEST, 0.0)
    assert not KIND.challenged(here, refusal('Digest realm="r", nonce="n2"', request=signed))
    signed = KIND.sign(here, REQUEST, 0.0)
    assert part(signed.headers["Authorization"], "nonce") == "n2"
    assert KIND.challenged(here, refusal('Digest realm="r", nonce="n3", stale=TRUE', request=signed))
    KIND.sign(here, REQUEST, 0.0)
    signed = KIND.sign(here, REQUEST, 0.0)
    assert KIND.challenged(here, refusal('Digest realm="r", nonce="n4"', request=signed))


def test_nothing_is_sent_without_a_password():
    """An empty password is an error before the service is asked what it wants."""
    with pytest.raises(ConfigError, match=r"the credential is empty — auth\.password"):
        KIND.sign(session(password=""), REQUEST, 0.0)


# ── the simulator ─────────────────────────────────────────────────────────────────────────────────

DOCUMENT: dict[str, Any] = {
    "connector": "1",
    "name": "shop",
    "secrets": {"user": {}, "password": {}},
    "base_url": "https://shop.example",
    "auth": {"type": "digest", "username": "{{ secrets.user }}", "password": "{{ secrets.password }}"},
    "endpoints": {
        "orders": {
            "get": "/orders", "params": {"q": 'a,b "c"'}, "records": "body.data",
            "pagination": {"type": "offset", "put": "query.from", "size": {"put": "query.size", "value": 1}},
        },
        "create": {"post": "/orders", "input": {"name": {}}, "body": {"json": {"name": "{{ input.name }}"}}},
    },
}  # fmt: skip


async def test_one_challenge_serves_many_requests():
    """Pages are signed with one nonce until the service has had enough of it; the read goes on with another."""
    answers: list[int] = []
    listeners = [lambda event: answers.append(getattr(event, "status", 0))]
    async with simulated(DOCUMENT, records=USES + 20, listeners=listeners) as shop:
        assert len([record async for record in shop.read("orders")]) == USES + 20
        await shop.call("create", input={"name": "tea"})
    assert answers.count(401) == 2


async def test_a_wrong_password():
    """The service's refusal is told, the password is not, and the request was signed once."""
    spec = load(DOCUMENT)
    answers: list[int] = []
    async with Simulator(spec) as service:
        effects = Effects(transport=service.transport)
        effects.listeners.append(lambda event: answers.append(getattr(event, "status", 0)))
        secrets = {**service.secrets, "password": "hunter2-wrong"}
        async with Connector.open(spec, config=service.config, secrets=secrets, effects=effects) as shop:
            with pytest.raises(AuthenticationError) as refused:
                await shop.call("create", input={"name": "tea"})
    assert "hunter2" not in f"{refused.value} {refused.value!r}"
    assert answers.count(401) == 2
