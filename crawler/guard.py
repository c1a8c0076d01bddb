"""Which addresses the crawler may connect to.

``ipaddress.is_global`` is not the rule: it calls multicast, NAT64 and 6to4 forms of loopback and two cloud
metadata services global. The policy is pure; ``resolver`` applies it at the one place every connection passes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

PUBLIC_PORTS = frozenset({80, 443})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Each of these is "global" to some CPython release, or carries a cloud's control service.
DENIED: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("192.0.0.0/24", "protocol assignments, cloud metadata"),
        ("192.88.99.0/24", "6to4 relay"),
        ("168.63.129.16/32", "Azure wire server"),
        ("100.100.100.200/32", "Alibaba metadata"),
        ("169.254.0.0/16", "link-local, cloud metadata"),
        ("198.18.0.0/15", "benchmarking"),
        ("64:ff9b:1::/48", "local-use NAT64"),
        ("100::/64", "discard"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("fd00:ec2::254/128", "AWS metadata"),
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Blocked:
    """One connection that was refused: the host asked for, the address it stands for, and why."""

    host: str
    address: str
    reason: str


class AddressPolicy:
    """Public addresses on ports 80 and 443, and the given networks on any port.

    Args:
        allow: Networks allowed besides, such as ``127.0.0.0/8`` for a demo; empty means public addresses only.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self.allow: tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in allow)

    def refusal(self, address: str, port: int) -> str:
        """Why a connection to this address and port is refused, or an empty string when it is allowed."""
        try:
            ip = ipaddress.ip_address(address.split("%")[0])
        except ValueError:
            return "not an IP address"
        if any(ip in network for network in self.allow if network.version == ip.version):
            return ""
        why = _not_public(ip)
        if why:
            return why
        if port not in PUBLIC_PORTS:
            return f"port {port} is not 80 or 443"
        return ""


def _not_public(ip: Address) -> str:
    for network, why in DENIED:
        if network.version == ip.version and ip in network:
            return why
    for inner in _inner(ip):
        why = _not_public(inner)
        if why:
            return f"carries {inner}: {why}"
    if ip.is_multicast:
        return "multicast"
    if ip.is_loopback:
        return "loopback"
    if ip.is_unspecified:
        return "unspecified"
    if ip.is_private:
        return "private"
    # An IPv6 form that carries a public IPv4 address is reserved by itself; its inner address has just passed.
    if not ip.is_global or (ip.is_reserved and not (ip.version == 6 and _inner(ip))):
        return "reserved"
    return ""


def _inner(ip: Address) -> list[ipaddress.IPv4Address]:
    """IPv4 addresses that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    inner: list[ipaddress.IPv4Address] = []
    if ip.ipv4_mapped is not None:
        inner.append(ip.ipv4_mapped)
    if ip.sixtofour is not None:
        inner.append(ip.sixtofour)
    if ip.teredo is not None:
        inner.extend(ip.teredo)
    if ip in NAT64 or ip in NAT64_LOCAL or (ip in IPV4_COMPATIBLE and int(ip) > 1):
        inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return inner
