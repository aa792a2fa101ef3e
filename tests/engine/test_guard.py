"""The guard's decisions on addresses; nothing here opens a connection."""

from __future__ import annotations

import ipaddress
import socket
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_core.engine.guard import GuardedResolver, Network, check, guarded_socket, refusal
from connector_core.exceptions import ConnectionError

PUBLIC = "8.8.8.8 172.32.0.1 100.128.0.1 198.20.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808"
PRIVATE = """
    10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 198.18.0.1 fd00::1 fd00::1%eth0 fec0::1
    ::ffff:10.0.0.1 64:ff9b::a00:1 2002:a00:1::
"""
LOOPBACK = "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::"
METADATA = """
    169.254.169.254 192.0.0.192 168.63.129.16 100.100.100.200 fd00:ec2::254 fd00:ec2::23 fd20:ce::254
    fd00:a9fe:a9fe::1 fd00:42::42 fd00:c1::a9fe:a9fe
    ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::
"""
NOWHERE = """
    0.0.0.0 0.1.2.3 169.254.1.1 224.0.0.1 255.255.255.255 240.0.0.1 192.0.0.1 192.88.99.1
    192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1
    :: fe80::1 fe80::1%eth0 ff02::1 100::1 2001:10::1 4000::1 64:ff9b:1::1 ::7f00:1 ::ffff:0:7f00:1
    2001:0:4136:e378:8000:63bf:3fff:fdd2
"""
NOT_ADDRESSES = "localhost 0x7f000001 2130706433 127.1 0177.0.0.1 [::1] 127.0.0.1. /run/docker.sock"

ALLOW = 'allow it with network="{0}" (command line: --network {0})'
TEXTS = {
    ("127.0.0.1", "public"): (
        "127.0.0.1 is a loopback address, and this connection may only reach public ones — " + ALLOW.format("loopback")
    ),
    ("::ffff:127.0.0.1", "private"): (
        "::ffff:127.0.0.1 (which is 127.0.0.1) is a loopback address, and this connection may only reach public and"
        " private ones — " + ALLOW.format("loopback")
    ),
    ("10.0.0.1", "public"): (
        "10.0.0.1 is a private address, and this connection may only reach public ones — " + ALLOW.format("private")
    ),
    ("169.254.169.254", "loopback"): "169.254.169.254 is a cloud metadata address, which no connection may reach",
    ("224.0.0.1", "loopback"): "224.0.0.1 is a multicast address, which no connection may reach",
    ("0.0.0.0", "loopback"): "0.0.0.0 is an unspecified address, which no connection may reach",
    ("0x7f000001", "loopback"): ("'0x7f000001' is not an IP address, and connections are made to IP addresses only"),
}


@pytest.mark.parametrize("network", get_args(Network))
@pytest.mark.parametrize(
    "addresses, allowed",
    [
        (PUBLIC, {"public", "private", "loopback"}),
        (PRIVATE, {"private", "loopback"}),
        (LOOPBACK, {"loopback"}),
        (METADATA, set()),
        (NOWHERE, set()),
        (NOT_ADDRESSES, set()),
    ],
    ids=["public", "private", "loopback", "metadata", "nowhere", "not addresses"],
)
def test_levels(addresses, allowed, network):
    """Each kind of address is reached from its level upwards, in whatever form it is written; some from none."""
    reached = {address: refusal(address, network) is None for address in addresses.split()}
    assert reached == dict.fromkeys(addresses.split(), network in allowed)


@pytest.mark.parametrize("address, network", TEXTS)
def test_texts(address, network):
    """A refusal says which address it is, what may be reached, and how it is allowed where it can be."""
    assert refusal(address, network) == TEXTS[address, network]


@given(st.ip_addresses())
def test_nothing_that_is_not_global(address):
    """What Python knows not to be global is never public; a mapped address is what it maps."""
    if not address.is_global and not (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped):
        assert refusal(str(address), "public")


@given(st.ip_addresses())
def test_levels_are_cumulative(address):
    """A level allows what a lower one allows."""
    allowed = [refusal(str(address), network) is None for network in get_args(Network)]
    assert allowed == sorted(allowed)


@given(st.ip_addresses(v=4))
def test_forms(address):
    """However an IPv4 address is wrapped into an IPv6 one, the decision is the same."""
    number = int(address)
    forms = [0xFFFF << 32 | number, int(ipaddress.ip_address("64:ff9b::")) | number, 0x2002 << 112 | number << 80]
    decided = {refusal(str(ipaddress.IPv6Address(form)), "private") is None for form in forms}
    assert decided == {refusal(str(address), "private") is None}


def test_check():
    """A refusal becomes an error that nobody retries, with the way out as its hint."""
    with pytest.raises(ConnectionError) as caught:
        check("127.0.0.1", "public")
    error = caught.value
    assert (error.code, error.phase, error.retryable) == ("forbidden_address", "unsent", False)
    assert error.hint == 'allow it with network="loopback" (command line: --network loopback)'
    check("127.0.0.1", "loopback")


@pytest.mark.parametrize(
    "family, address",
    [
        (socket.AF_INET, ("10.0.0.1", 80)),
        (socket.AF_INET6, ("::ffff:10.0.0.1", 80, 0, 0)),
        (socket.AF_INET6, ("fe80::1", 80, 0, 2)),
        (socket.AF_UNIX, "/run/docker.sock"),
        (socket.AF_UNIX, "127.0.0.1"),
    ],
)
def test_no_socket(family, address):
    """For a refused address no socket is made, whatever its family."""
    with pytest.raises(ConnectionError):
        guarded_socket("public")((family, socket.SOCK_STREAM, 0, "", address))


def test_socket():
    """For an allowed address there is an ordinary socket, not connected."""
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("8.8.8.8", 80))
    with guarded_socket("public")(info) as made:
        assert (made.family, made.type) == (socket.AF_INET, socket.SOCK_STREAM)


class Names:
    """A resolver that knows the answers."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.closed = addresses, False

    async def resolve(self, host, port, family):  # noqa: ARG002 - as aiohttp calls it
        return [{"hostname": host, "host": address, "port": port} for address in self.addresses]

    async def close(self):
        self.closed = True


async def test_names():
    """A name is refused as soon as one of its addresses is, so that no race among them can hide it."""
    with pytest.raises(ConnectionError, match=r"10\.0\.0\.1 is a private address"):
        await GuardedResolver(Names("8.8.8.8", "10.0.0.1"), "public").resolve("rebound.example", 443)
    names = Names("8.8.8.8", "2606:4700::1111")
    resolver = GuardedResolver(names, "public")
    assert [entry["host"] for entry in await resolver.resolve("api.example", 443)] == ["8.8.8.8", "2606:4700::1111"]
    await resolver.close()
    assert names.closed
