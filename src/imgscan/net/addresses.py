"""How far inside the network a host lies, so that nobody outside can send us to what only we can reach.

Knows nothing of HTTP. ``reach`` judges names alone: a name that later resolves to something else still has to show a
certificate for itself. Whoever must be certain connects to what ``endpoints`` gave and ``is_public`` passed.
"""

from __future__ import annotations

import ipaddress
import socket
from enum import IntEnum
from typing import Final, NamedTuple

from imgscan.errors import UnreachableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNROUTED: Final = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b:1::/48", "fec0::/10")))
"""Not private to the ``ipaddress`` module of every Python: IPv4-compatible, local NAT64 and site-local addresses."""

NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 show the rest of the world."""


class Reach(IntEnum):
    """From outside to inside."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2


class Endpoint(NamedTuple):
    """Where a connection goes: a literal address and a port."""

    address: str
    port: int


def endpoints(host: str, port: int) -> list[Endpoint]:
    """What a name stands for, in the order of the system.

    Raises:
        UnreachableError: it does not resolve.
    """
    found = [Endpoint(address, port) for address in dict.fromkeys(_lookup(host.strip("[]"), 0))]
    if not found:
        raise UnreachableError("the name of the host does not resolve", where=host)
    return found


def is_public(address: str) -> bool:
    """Whether a literal address is one machine that the whole internet reaches under it."""
    found = _embedded(ipaddress.ip_address(address.partition("%")[0]))
    return _is_routed(found) and not found.is_multicast and not found.is_reserved


def is_loopback(host: str) -> bool:
    """Whether a name or literal address means this machine, without asking anybody."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def reach(host: str, *, resolve: bool) -> Reach:
    """The innermost place ``host`` stands for; a name that does not resolve, or may not be resolved, is public."""
    if is_loopback(host):
        return Reach.LOOPBACK
    name = host.strip("[]")
    try:
        return _reach_of(name)
    except ValueError:
        # Numeric forms such as 0x7f.1 are addresses to the socket library, though not to the ipaddress module.
        found = _lookup(name, socket.AI_NUMERICHOST) or (_lookup(name, 0) if resolve else ())
        return max((_reach_of(address) for address in found), default=Reach.PUBLIC)


def _lookup(name: str, flags: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError):
        return ()
    return tuple(str(entry[4][0]) for entry in found)


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address is another way to write of, or the way to; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _reach_of(text: str) -> Reach:
    address = _embedded(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_loopback or address.is_unspecified:  # connecting to 0.0.0.0 reaches this machine
        return Reach.LOOPBACK
    return Reach.PUBLIC if _is_routed(address) else Reach.PRIVATE


def _is_routed(address: Address) -> bool:
    return address.is_global and not any(address in network for network in UNROUTED)
