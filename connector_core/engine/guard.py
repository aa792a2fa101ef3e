"""Which addresses a connection may reach: public ones, unless whoever runs it says more.

The decision is made on the final socket address, after names were resolved, so that no spelling of a host gets around
it (`0x7f000001`, a name that points inside, an IPv6 address that stands for an IPv4 one). Levels are cumulative:

    public ⊂ private ⊂ loopback

Metadata services of clouds, link-local and reserved addresses are beyond every level. The ranges are those of the IANA
special-purpose registries (RFC 6890), written out because what `ipaddress` calls global differs between Pythons.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Literal, get_args

from connector_core.exceptions import ConnectionError

__all__ = ["GuardedResolver", "Network", "check", "guarded_socket", "refusal"]

Network = Literal["public", "private", "loopback"]
"""What a connection may reach; each level includes those before it."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
AddrInfo = tuple[int, int, int, str, Any]
"""As `socket.getaddrinfo` gives it: family, type, protocol, canonical name, socket address."""

_LEVELS: tuple[Network, ...] = get_args(Network)
_INTERNET = (socket.AF_INET, socket.AF_INET6)

# The first row that holds an address decides; where it names no level, no level allows the address.
_RANGES: tuple[tuple[Network | None, str, str], ...] = (
    # AWS and most others; Oracle; Azure; Alibaba; by IPv6: AWS with EKS, Google, Oracle, Linode, Scaleway
    (None, "a cloud metadata", "169.254.169.254 192.0.0.192 168.63.129.16 100.100.100.200"),
    (None, "a cloud metadata", "fd00:ec2::/32 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:a9fe:a9fe::1 fd00:42::42"),
    (None, "a link-local", "169.254.0.0/16 fe80::/10"),
    (None, "an unspecified", "0.0.0.0 ::"),
    (None, "a broadcast", "255.255.255.255"),
    (None, "a multicast", "224.0.0.0/4 ff00::/8"),
    (None, "a documentation", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
    (None, "a Teredo tunnel", "2001::/32"),
    (None, "a reserved", "0.0.0.0/8 192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 2001::/23"),
    ("loopback", "a loopback", "127.0.0.0/8 ::1"),
    ("private", "a private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10"),
    ("private", "a shared (carrier-grade NAT)", "100.64.0.0/10"),
    ("private", "a benchmark", "198.18.0.0/15"),
    ("public", "a public", "0.0.0.0/0 2000::/3"),
    (None, "a reserved", "::/0"),
)
_TABLE = [(level, kind, ipaddress.ip_network(text)) for level, kind, row in _RANGES for text in row.split()]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def refusal(address: str, network: Network) -> str | None:
    """Why a socket may not be connected to this address, and how that is allowed; None: it may."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"{address!r} is not an IP address, and connections are made to IP addresses only"
    inner = _stands_for(found)
    level, kind = next((level, kind) for level, kind, row in _TABLE if row.version == inner.version and inner in row)
    name = address if inner.version == found.version else f"{address} (which is {inner})"
    if level is None:
        return f"{name} is {kind} address, which no connection may reach"
    if _LEVELS.index(level) <= _LEVELS.index(network):
        return None
    allowed = " and ".join(_LEVELS[: _LEVELS.index(network) + 1])
    return (
        f"{name} is {kind} address, and this connection may only reach {allowed} ones"
        f' — allow it with network="{level}" (command line: --network {level})'
    )


def _stands_for(address: IPAddress) -> IPAddress:
    """The address that packets reach in the end: an IPv4 one behind v4-mapped, 6to4 and NAT64 addresses."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    # no zone: `%eth0` says through which interface, not where to
    return address.ipv4_mapped or address.sixtofour or ipaddress.IPv6Address(int(address))


def check(address: str, network: Network) -> None:
    """Raises ConnectionError (code `forbidden_address`) for an address that may not be reached."""
    if reason := refusal(address, network):
        what, _, hint = reason.partition(" — ")
        raise ConnectionError(what, hint=hint, code="forbidden_address", phase="unsent", retryable=False)


def guarded_socket(network: Network) -> Callable[[AddrInfo], socket.socket]:
    """Makes sockets for allowed addresses only; what `TCPConnector(socket_factory=…)` takes."""

    def open_socket(info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        check(address[0] if family in _INTERNET else f"{address} of family {int(family)}", network)
        return socket.socket(family, kind, protocol)

    return open_socket


class GuardedResolver:
    """Looks names up, and refuses a name as soon as one of its addresses is refused.

    Racing a name's addresses against each other ("happy eyeballs") drops what a socket factory raises for one of them
    and goes on with the rest; so a name is judged as a whole, before the race.
    """

    def __init__(self, resolver: Any, network: Network) -> None:
        """`resolver`: an `aiohttp.abc.AbstractResolver`, which is not imported here."""
        self._resolver = resolver
        self._network = network

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Any]:
        """What the resolver found; raises ConnectionError where an address is refused."""
        found: list[Any] = await self._resolver.resolve(host, port, family)
        for entry in found:
            check(entry["host"], self._network)
        return found

    async def close(self) -> None:
        """Closes the resolver."""
        await self._resolver.close()
