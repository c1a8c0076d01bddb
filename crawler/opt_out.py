"""The list of those who asked to be left alone, and whether a host is on it.

An entry stands for its host and for every host below it, so a registered domain covers a firm's whole site. A leading
``www.`` is no part of an entry: who writes it means the site.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from urllib.parse import urlsplit

from crawler.errors import BadUrlError, SettingsError
from crawler.urls import canonical_host, is_ip, registered_domain

REASON = "on the opt-out list: nothing is requested from it"


def parse(text: str) -> tuple[str, ...]:
    """Read the lines of an opt-out file: one domain, host or URL a line, ``#`` begins a comment.

    Raises:
        SettingsError: A line names no host, or one under which strangers have their sites, such as ``co.uk``.
    """
    found: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        entry = line.split("#", 1)[0].strip()
        if entry:
            found.append(_entry(entry, f"line {number} of the opt-out list"))
    return tuple(dict.fromkeys(found))


def entries(listed: Iterable[str]) -> tuple[str, ...]:
    """The entries in the spelling by which hosts are compared.

    Raises:
        SettingsError: As ``parse``.
    """
    return tuple(dict.fromkeys(_entry(entry, "opt_out") for entry in listed))


def opted_out(host: str, listed: tuple[str, ...]) -> bool:
    """Whether a canonical host, or a domain above it, is among the entries."""
    if not listed:
        return False
    known = _index(listed)
    if is_ip(host):
        return host in known
    labels = host.split(".")
    return any(".".join(labels[start:]) in known for start in range(len(labels)))


@functools.lru_cache(maxsize=4)
def _index(listed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(listed)


def _entry(text: str, where: str) -> str:
    expected = "expected a domain or host such as firm.co.uk, one a line"
    try:
        host = canonical_host(urlsplit(text if "//" in text else f"//{text}").hostname or "")
    except (BadUrlError, ValueError) as error:
        raise SettingsError(f"{where} holds {text[:80]!r}: {expected} ({error})") from error
    host = host.removeprefix("www.")
    if not is_ip(host) and registered_domain(f"a.b.{host}") == f"b.{host}":  # a public suffix
        raise SettingsError(f"{where} holds {text[:80]!r}, under which anybody may have a site: {expected}")
    return host
