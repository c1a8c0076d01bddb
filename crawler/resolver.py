"""The one gate to the network: a Twisted name resolver that only hands out allowed addresses.

Twisted connects to exactly the address its resolver returned, literals and redirects included, so nothing can
rebind in between. Refusals are kept here, because Scrapy reports them as if the name did not exist.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Self

from scrapy.crawler import Crawler
from scrapy.http import Response
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer, provider

from crawler.errors import GuardError
from crawler.guard import AddressPolicy, Blocked

MAX_BLOCKED_KEPT = 10_000


@provider(IResolutionReceiver)
class _Filter:
    """Passes on the allowed addresses of one resolution and notes the others."""

    def __init__(self, receiver: Any, resolver: AddressGuardResolver, host: str, port: int) -> None:
        self.receiver, self.resolver, self.host, self.port = receiver, resolver, host, port

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 (Twisted's name)
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        why = self.resolver.policy.refusal(address.host, self.port)
        if why:
            self.resolver.block(self.host, self.port, address.host, why)
        else:
            self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
class AddressGuardResolver:
    """Resolver for the ``TWISTED_DNS_RESOLVER`` setting; reads its networks from ``FIRMSCOPE_ALLOW_ADDRESSES``."""

    def __init__(self, reactor: Any, policy: AddressPolicy) -> None:
        self.reactor = reactor
        self.policy = policy
        self.inner = reactor.nameResolver
        self.blocked: OrderedDict[tuple[str, int], Blocked] = OrderedDict()

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Self:
        """As Scrapy calls it."""
        return cls(reactor, AddressPolicy(crawler.settings.getlist("FIRMSCOPE_ALLOW_ADDRESSES")))

    def install_on_reactor(self) -> None:
        """As Scrapy calls it."""
        self.reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Resolve a name and pass on allowed addresses only."""
        receiver = _Filter(resolutionReceiver, self, hostName, portNumber)
        resolution: IHostResolution = self.inner.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )
        return resolution

    def block(self, host: str, port: int, address: str, why: str) -> None:
        """Note a refused address."""
        self.blocked[host.lower(), port] = Blocked(host, address, why)
        while len(self.blocked) > MAX_BLOCKED_KEPT:
            self.blocked.popitem(last=False)

    def blocked_for(self, host: str, port: int) -> Blocked | None:
        """The refusal noted for a host and port, if there was one."""
        return self.blocked.get((host.lower(), port))


def installed_guard() -> AddressGuardResolver:
    """The guard on the running reactor.

    Raises:
        GuardError: The reactor resolves names in another way, so nothing may be fetched.
    """
    from twisted.internet import reactor

    resolver = reactor.nameResolver
    if not isinstance(resolver, AddressGuardResolver):
        raise GuardError(
            f"address guard not installed: the reactor resolves names with {type(resolver).__name__}; "
            "crawl through crawler.process.crawl"
        )
    return resolver


def peer_refusal(response: Response, port: int, policy: AddressPolicy) -> str:
    """Second line: why the address that really answered is not allowed, or an empty string."""
    if response.ip_address is None:
        return "the peer's address is unknown"
    return policy.refusal(str(response.ip_address), port)
