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
LIMIT_S = 10.0  # a resolver asks its first two servers, 5 s each; who needs the third is as good as gone


@provider(IResolutionReceiver)
class _Filter:
    """Passes on the allowed addresses of one resolution and notes the others."""

    def __init__(self, receiver: Any, resolver: AddressGuardResolver, host: str, port: int) -> None:
        self.receiver, self.resolver, self.host, self.port = receiver, resolver, host, port
        self.ended = False
        self.timer: Any = None

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 (Twisted's name)
        self.receiver.resolutionBegan(resolution)
        self.timer = self.resolver.reactor.callLater(self.resolver.limit_s, self.resolutionComplete)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        if self.ended:
            return
        why = self.resolver.policy.refusal(address.host, self.port)
        if why:
            self.resolver.block(self.host, self.port, address.host, why)
        else:
            self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        """The resolution has ended, or has taken too long; it is reported once."""
        if self.ended:
            return
        self.ended = True
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.receiver.resolutionComplete()


@implementer(IHostnameResolver)
class AddressGuardResolver:
    """Resolver for the ``TWISTED_DNS_RESOLVER`` setting; reads its networks from ``FIRMSCOPE_ALLOW_ADDRESSES``.

    Args:
        reactor: The running reactor.
        policy: Which addresses may be handed out.
        inner: Who looks names up; the reactor's own resolver where nothing else is given.
        limit_s: Seconds after which a name counts as not resolvable. The system's own limit is up to a minute.
    """

    def __init__(self, reactor: Any, policy: AddressPolicy, inner: Any = None, limit_s: float = LIMIT_S) -> None:
        self.reactor = reactor
        self.policy = policy
        self.inner = inner or reactor.nameResolver
        self.limit_s = limit_s
        self.blocked: OrderedDict[tuple[str, int], Blocked] = OrderedDict()

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Self:
        """As Scrapy calls it."""
        policy = AddressPolicy(crawler.settings.getlist("FIRMSCOPE_ALLOW_ADDRESSES"))
        return cls(reactor, policy, limit_s=min(LIMIT_S, 0.5 * crawler.settings.getfloat("DOWNLOAD_TIMEOUT")))

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
