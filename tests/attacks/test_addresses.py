"""Addresses inside: each way to write one, and each way to a name that turns out to be one; no socket is ever made."""

from __future__ import annotations

import ipaddress
import itertools
import socket
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from connector_core import Connector, Engine
from connector_core.engine import guard
from connector_core.engine.guard import Network, guarded_socket, refusal
from connector_core.engine.transport import AiohttpTransport
from connector_core.engine.wire import origin_called, target
from connector_core.exceptions import ConfigError, ConnectionError, IntegrationError
from connector_core.http import Request
from tests.attacks.service import document
from tests.engine.servers import answer, serving

INSIDE = [
    *("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::ffff:0:7f00:1"),
    *("0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.170.2", "::ffff:169.254.169.254", "fe80::a9fe:a9fe"),
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "198.18.0.1"),
    *("fd00::1", "fc00::1", "fec0::1", "fe80::1", "fe80::1%eth0", "fd00::1%1", "ff02::1", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "192.0.0.1", "192.0.0.192", "192.88.99.1", "168.63.129.16", "100.100.100.200"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b::7f00:1%1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe"),
    *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:a9fe:a9fe::1", "fd00:42::42"),
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_no_socket_for_an_address_inside(address):
    """As the final socket address, whatever name or number led there, none of these gets a socket."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(ConnectionError) as refused:
        guarded_socket("public")((family, socket.SOCK_STREAM, 0, "", (address, 80)))
    assert (refused.value.code, refused.value.retryable) == ("forbidden_address", False)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.170.2", "192.0.0.192", "168.63.129.16", "100.100.100.200", "fe80::a9fe:a9fe"),
        *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:a9fe:a9fe::1", "fd00:42::42"),
        *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
    ],
)
@pytest.mark.parametrize("network", ["public", "private", "loopback"])
def test_metadata_is_beyond_every_level(address, network):
    """What hands out a cloud's credentials is not reached even by a connection that may reach everything else."""
    assert "which no connection may reach" in (refusal(address, network) or "")


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_PACKET, getattr(socket, "AF_VSOCK", 40)])
@pytest.mark.parametrize("address", ["/var/run/docker.sock", "8.8.8.8", "\0abstract", (2, 1024)])
def test_no_socket_of_another_family(family, address):
    """A Unix socket, or whatever is not the internet, is refused even where its address looks like a public one."""
    with pytest.raises(ConnectionError):
        guarded_socket("loopback")((family, socket.SOCK_STREAM, 0, "", address))


# ── through the transport: names and spellings ────────────────────────────────────────────────────


@pytest.fixture
def no_sockets(monkeypatch):
    """The addresses for which a socket was wanted, of which none is made."""
    wanted: list[Any] = []

    def record(*_: Any) -> None:
        raise OSError("no socket is made here")

    fake = SimpleNamespace(**{**vars(socket), "socket": record})
    monkeypatch.setattr(guard, "socket", fake)
    real = guard.check

    def check(address: str, network: Network) -> None:
        real(address, network)
        wanted.append(address)

    monkeypatch.setattr(guard, "check", check)
    return wanted


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Every name has these addresses, one list after the other, the last one again and again."""
    left = itertools.chain(answers, itertools.repeat(answers[-1]))

    async def resolve(_: Any, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        found = [(address, socket.AF_INET6 if ":" in address else socket.AF_INET) for address in next(left)]
        about = {"hostname": host, "port": port, "proto": 0, "flags": family & 0}
        return [{**about, "host": address, "family": kind} for address, kind in found]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)


async def sent(url: str, network: Network = "public") -> IntegrationError:
    transport = AiohttpTransport(network=network)
    try:
        with pytest.raises(IntegrationError) as refused:
            await transport.send(Request("GET", url))
        return refused.value
    finally:
        await transport.aclose()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "127.0.1", "0", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001", "0x7f.1"),
        *("0x7f.0x0.0x0.0x1", "127.0.0.1.", "00000127.0.0.1", "0.0.0.0", "localhost", "LOCALHOST"),
        *("[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[::]"),
        *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]"),
        *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "10.1", "0xa.1"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_each_spelling_of_an_address_inside(scheme, host, no_sockets):
    """However an address is written into a URL, it is refused, or is no host; none is connected."""
    error = await sent(f"{scheme}://{host}/x")
    assert no_sockets == []
    if isinstance(error, ConnectionError):
        assert error.code == "forbidden_address"
    else:
        assert str(error).startswith("the host or port of the URL is not valid")


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside(address, no_sockets, monkeypatch):
    """A public name whose address is inside is refused by what it leads to, alone or beside a public address."""
    for found in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        names(monkeypatch, found)
        error = await sent("https://rebound.example/x")
        assert getattr(error, "code", "") == "forbidden_address"
    assert set(no_sockets) <= {"8.8.8.8"}  # judged, and not connected


async def test_a_name_that_is_bound_again(no_sockets, monkeypatch):
    """What was public when it was judged is judged again when it is connected: the socket's own address decides."""
    names(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    transport = AiohttpTransport()
    with pytest.raises(IntegrationError) as first:
        await transport.send(Request("GET", "https://rebound.example/x"))
    await transport.aclose()
    error = await sent("https://rebound.example/x")
    assert (first.value.code, error.code) == ("connection.unreachable", "forbidden_address")
    assert "127.0.0.1" not in no_sockets


async def test_a_resolver_that_is_fooled(no_sockets, monkeypatch):
    """Were a resolver not asked at all, the socket's factory would refuse all the same."""
    monkeypatch.setattr(guard.GuardedResolver, "resolve", lambda self, *about: self._resolver.resolve(*about))
    names(monkeypatch, ["127.0.0.1"])
    error = await sent("https://rebound.example/x")
    assert error.code != "connection.refused"
    assert no_sockets == []


@pytest.mark.parametrize("network", ["public", "private"])
async def test_a_level_is_each_connections_own(network, no_sockets):
    """In one engine, what one connection may reach opens nothing to another."""
    async with serving(answer(b"{}")) as server, Engine() as engine:
        spec = document(base_url=server.url)
        async with engine.open(spec, secrets=dict.fromkeys(spec["secrets"], "x"), network=network, id="a") as a:
            with pytest.raises(ConnectionError) as refused:
                await a.call("thing")
    assert refused.value.code == "forbidden_address"
    assert server.connections == 0


@pytest.mark.parametrize("network", ["all", "PUBLIC", "loopback ", "0.0.0.0/0"])
async def test_no_other_level(network: Any):
    """Only the three levels are one; nothing else is taken for the widest."""
    spec = document()
    with pytest.raises(ConfigError, match="unknown network"):
        async with Connector.open(spec, secrets=dict.fromkeys(spec["secrets"], "x"), network=network):
            pass


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_no_proxy_from_the_environment(variable, monkeypatch):
    """A proxy in the environment would see every request, and be asked in place of the address that was judged."""
    async with serving(answer(b"proxied")) as proxy, serving(answer(b"direct")) as server:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        transport = AiohttpTransport(network="loopback")
        assert (await transport.send(Request("GET", server.url))).content == b"direct"
        await transport.aclose()
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "url", ["http+unix://%2Fvar%2Frun%2Fdocker.sock/x", "unix:///var/run/docker.sock", "http://unix:/x"]
)
async def test_no_unix_socket(url):
    """No URL leads to a Unix socket."""
    with pytest.raises(ConfigError):
        target(Request("GET", url))


# ── any address at all, judged by others ──────────────────────────────────────────────────────────


def public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """What Python's own tables say, of the address and of any IPv4 address that it stands for."""
    inner = [address]
    if isinstance(address, ipaddress.IPv6Address):
        packed = int(address)
        inner += [found for found in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if found]
        if packed >> 32 in (0, 0xFFFF, 0xFFFF0000, 0x64FF9B << 64):
            inner.append(ipaddress.IPv4Address(packed & 0xFFFFFFFF))
    private = any(one.is_private or one.is_loopback or one.is_link_local or one.is_multicast for one in inner)
    return not private and not any(one.is_unspecified or one.is_reserved for one in inner if one.version == 4)


v4 = st.ip_addresses(v=4) | st.sampled_from([ipaddress.IPv4Address(a) for a in INSIDE if ":" not in a])
wrapped = st.builds(
    lambda prefix, address, shift: ipaddress.IPv6Address(prefix | int(address) << shift),
    st.sampled_from([0, 0xFFFF << 32, 0xFFFF0000 << 32, 0x64FF9B << 96, 0x64FF9B0001 << 80]),
    v4,
    st.just(0),
) | st.builds(lambda address: ipaddress.IPv6Address(0x2002 << 112 | int(address) << 80), v4)


@given(v4 | wrapped | st.ip_addresses(v=6))
def test_nothing_private_is_public(address):
    """No address that Python's tables call private, or that stands for one, is public here, as a number or as text."""
    if not public(address):
        assert refusal(str(address), "public")
        assert refusal(address.exploded, "public")


def spelt(address: ipaddress.IPv4Address) -> list[str]:
    """The ways in which C libraries read an IPv4 address."""
    number = int(address)
    a, b, c, d = address.packed
    return [
        *(str(address), str(number), hex(number), f"0{number:o}", f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{c << 8 | d}"),
        *(".".join(f"0{part:o}" for part in (a, b, c, d)), ".".join(map(hex, (a, b, c, d))), f"0x{a:x}.{b}.{c}.0{d:o}"),
    ]


@given(v4, st.integers(0, 8))
@example(ipaddress.IPv4Address("127.0.0.1"), 1)
def test_no_spelling_makes_an_address_public(address, at):
    """A text that the C library reads as an address inside is no public one here: it is that one, or none at all."""
    text = spelt(address)[at]
    assert socket.inet_aton(text) == address.packed
    if not public(address):
        assert refusal(text, "public")
    numeric = socket.getaddrinfo(text, 80, family=socket.AF_INET, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    decided = refusal(str(numeric[0][4][0]), "public")
    assert (decided is None) == (refusal(str(address), "public") is None)


@given(st.text(max_size=20) | st.text("0123456789abcdefx:.%[]", max_size=30))
def test_any_text_is_an_address_or_refused(text):
    """What is public is an address to Python too, and one of the internet."""
    if refusal(text, "public") is None:
        assert public(ipaddress.ip_address(text.partition("%")[0]))


HOSTS = st.text("abz019.-_:%[]@\\/?#;,\t\n ü\uff41\u3002\u0131ß", max_size=12) | st.sampled_from(
    [*(f"[{a}]" if ":" in a else a for a in INSIDE), "api.example", "API.example.", "0x7f.1", "1e3", "xn--a"]
)


@given(
    st.sampled_from(["https://", "http://", "HTTPS://", "//", "https:/", "https:\\\\"]),
    HOSTS,
    st.sampled_from(["", ":443", ":80", ":0", ":65536", ":", ":0443", ":44a", ":٤"]),
    st.sampled_from(["", "/", "/x", "\\x", "/@evil.example", "@evil.example/", "?@evil.example", "#@evil.example"]),
)
def test_three_programs_read_one_origin(scheme, host, port, rest):
    """A URL that may go out has one scheme, host and port to us, to urllib and to the client that calls it."""
    request = Request("GET", scheme + host + port + rest)
    try:
        target(request)
        called = origin_called(request)
    except (ConfigError, ValueError):
        return
    try:
        read = yarl.URL(request.url, encoded=True)
        found = f"{read.scheme}://{f'[{read.raw_host}]' if ':' in (read.raw_host or '') else read.raw_host}:{read.port}"
    except ValueError:
        return  # then it isn't called
    assert called == found.lower()
