"""Name what went wrong with a request: from an exception of Scrapy, Twisted or OpenSSL to an outcome word."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from OpenSSL import SSL
from scrapy import exceptions as scrapy_errors
from service_identity import VerificationError
from twisted.internet import error as net
from twisted.web._newclient import ParseError, ResponseFailed, ResponseNeverReceived
from twisted.web.http import _MalformedChunkedDataError

from crawler.resolver import AddressGuardResolver
from crawler.urls import DEFAULT_PORTS


@dataclass(frozen=True, slots=True)
class Failure:
    """An outcome word and a sentence about it; ``connected`` when the peer had taken the connection."""

    outcome: str
    reason: str
    connected: bool = False


def failure_of(error: BaseException, url: str, guard: AddressGuardResolver) -> Failure:
    """The outcome word and reason of a failed request.

    Args:
        error: What was raised.
        url: The URL asked for.
        guard: Asked whether an unresolvable name was in fact a refused address.
    """
    outcome, reason = getattr(error, "outcome", ""), getattr(error, "reason", "")
    if outcome:
        return Failure(outcome, str(reason or error))
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    causes = _causes(error)
    if _any(causes, scrapy_errors.CannotResolveHostError, net.DNSLookupError, UnicodeError):
        blocked = guard.blocked_for(host, port)
        if blocked:
            return Failure("blocked_address", f"blocked address {blocked.address} ({blocked.reason})")
        return Failure("dns_failed", f"the name {host} does not resolve")
    if _any(causes, SSL.Error, VerificationError, net.CertificateError):
        return Failure("tls_failed", f"TLS to {host} failed: {_short(causes, SSL.Error, VerificationError)}")
    if _any(causes, net.TimeoutError, net.TCPTimedOutError):  # Twisted's word for connecting only
        return Failure("connect_failed", f"no connection to {host} on port {port} in time")
    if _any(causes, scrapy_errors.DownloadTimeoutError):
        return Failure("timeout", f"{host} did not answer in time")
    if _any(causes, _MalformedChunkedDataError):
        return Failure("bad_response", f"chunks that cannot be read: {_short(causes, _MalformedChunkedDataError)}")
    if _any(causes, scrapy_errors.ResponseDataLossError):
        return Failure("truncated", "the connection ended before the body did")
    if _any(causes, scrapy_errors.DownloadCancelledError):
        return Failure("too_big", "the body is larger than the limit")
    if _any(causes, ParseError):
        return Failure("bad_response", f"not an HTTP response: {_short(causes, ParseError)}")
    if _any(causes, scrapy_errors.DownloadConnectionRefusedError, net.ConnectionRefusedError):
        return Failure("connect_failed", f"{host} refuses connections on port {port}")
    if _any(causes, net.ConnectBindError):  # no socket could be had here: says nothing about the site
        return Failure("internal_error", f"no connection to {host} could be begun (ulimit -n may be too low)")
    if _any(causes, net.ConnectError, net.ConnectionClosed, ResponseNeverReceived, OSError):
        # Over https a hang-up before any answer is as likely a failed handshake, so it counts as not connected.
        begun = _any(causes, ResponseFailed) and not _any(causes, ResponseNeverReceived)
        connected = begun or (parts.scheme == "http" and _any(causes, net.ConnectionClosed, ResponseFailed))
        return Failure("connect_failed", f"the connection to {host} failed ({type(causes[-1]).__name__})", connected)
    if _any(causes, scrapy_errors.DownloadFailedError, ResponseFailed, ValueError):
        return Failure("bad_response", f"the response could not be read ({_short(causes, ValueError)})")
    return Failure("internal_error", f"unexpected {type(error).__name__}")


def _causes(error: BaseException) -> list[BaseException]:
    """The error with all it wraps, outermost first; Twisted packs several failures into one."""
    found: list[BaseException] = []
    queue: list[BaseException | None] = [error]
    while queue and len(found) < 20:
        current = queue.pop(0)
        if current is None or current in found:
            continue
        found.append(current)
        queue.append(current.__cause__)
        reasons = getattr(current, "reasons", None)
        if isinstance(reasons, list):
            queue.extend(getattr(reason, "value", None) for reason in reasons)
    return found


def _any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _short(causes: list[BaseException], *kinds: type[BaseException]) -> str:
    named = [cause for cause in causes if isinstance(cause, kinds)] or causes
    return (str(named[-1]) or type(named[-1]).__name__)[:150].replace("\n", " ")
