"""URLs: what a website cell means, the one spelling of a URL, and which URLs are one site.

Hosts are read as browsers read them, so ``2130706433`` and ``①②⑦.0.0.1`` come out as ``127.0.0.1`` and meet
the address guard under their real name.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
import unicodedata
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from crawler.errors import BadUrlError, BadWebsiteError
from crawler.links import refusal

MAX_URL_CHARS = 2000  # sitemaps.org allows 2,048; longer ones are session state
DEFAULT_PORTS = {"http": 80, "https": 443}
NO_WEBSITE = {"n/a", "na", "none", "null", "nan", "unknown", "tbc", "-", "--", "nil", "no", "no website", "not known"}
TRACKING = re.compile(
    r"utm_\w+|(?:mtm|pk|piwik|matomo|hsa|vero)_\w+|gclid|gclsrc|[wg]braid|dclid|fbclid|msclkid|yclid|twclid|ttclid|li_fat_id|igshid|"
    r"srsltid|epik|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|hsctatracking|_ga|_gl|s_cid|cmpid|zanpid|phpsessid|jsessionid|aspsessionid\w*|"
    r"sid|sessid|sessionid|session_id|oscsid|zenid|xtcsid|modsid|cftoken|cfid",
    re.IGNORECASE,
)
# Where a reader came from, or a copy for telephones: another request, the same page. Not taken off what is requested,
# because on some site one of them means something.
IDLE = re.compile(r"ref|referr?er|source|src|from|via|campaign|amp|mobile", re.IGNORECASE)
SESSION_IN_PATH = re.compile(r";(?:jsessionid|sid|phpsessid)=[^/?#]*", re.IGNORECASE)
INDEX_NAME = re.compile(r"/(?:index|default)\.(?:html?|php\d?|aspx?|jsp|shtml|cfm)$", re.IGNORECASE)
HOME_NAME = re.compile(r"^/home\.(?:html?|php\d?|aspx?|jsp|shtml|cfm)$", re.IGNORECASE)
MOBILE_HOST = re.compile(r"^(?:www\.)?(?:m|mobile|mobil)\.")
UNSAFE = ' \t\n\r"<>\\^`{|}'


def start_urls(website: str) -> tuple[str, ...]:
    """The URLs at which a firm's site may begin, best first.

    Args:
        website: A register's website cell; the scheme may be missing.

    Returns:
        One URL when the cell states the scheme; otherwise https, then http.

    Raises:
        BadWebsiteError: The cell is empty, not a http(s) URL or host, or holds more than one.
    """
    cell = website.strip().strip("\ufeff\u200b<>\"'").strip()
    if not cell or cell.lower() in NO_WEBSITE:
        raise BadWebsiteError(f"the website cell is {website[:80]!r}, which names no site")
    if len(cell) > MAX_URL_CHARS:
        raise BadWebsiteError(f"the website cell has {len(cell)} characters, more than {MAX_URL_CHARS}")
    if re.search(r"[\s,|]", cell) or cell.lower().count("http://") + cell.lower().count("https://") > 1:
        raise BadWebsiteError(f"the website cell {website[:80]!r} holds more than one address; keep one")
    scheme = re.match(r"([a-z][a-z0-9+.-]*):(?!\d+(?:/|$))", cell, re.IGNORECASE)
    if scheme and scheme[1].lower() not in DEFAULT_PORTS:
        raise BadWebsiteError(f"the website cell {website[:80]!r} is not an http(s) address")
    if "@" in cell and not scheme and "/" not in cell.split("@")[0]:
        raise BadWebsiteError(f"the website cell {website[:80]!r} looks like an e-mail address")
    try:
        if scheme:
            return (canonical_url(cell),)
        bare = cell.removeprefix("//")
        return canonical_url(f"https://{bare}"), canonical_url(f"http://{bare}")
    except BadUrlError as error:
        raise BadWebsiteError(f"the website cell {website[:80]!r} is not an address: {error}") from error


def canonical_url(url: str, base: str = "") -> str:
    """The one spelling under which a URL is requested and recorded; idempotent.

    Lower-case scheme and host, ASCII host, no credentials, fragment, default port, dot segments, session ids or
    tracking parameters; the rest of the query keeps its order, because some servers care.

    Raises:
        BadUrlError: Not http(s), no usable host or port, or longer than ``MAX_URL_CHARS``.
    """
    text = re.sub(r"[\t\r\n]", "", url.strip())
    if len(text) > MAX_URL_CHARS:
        raise BadUrlError(f"{len(text)} characters, more than {MAX_URL_CHARS}")
    try:
        parts = urlsplit(_ascii_netloc(urljoin(base, text) if base else text))
        scheme, port = parts.scheme.lower(), parts.port
        if scheme not in DEFAULT_PORTS:
            raise BadUrlError(f"scheme is {scheme[:20]!r}: expected http or https")
        host = canonical_host(parts.hostname or "")
    except ValueError as error:
        raise BadUrlError(str(error)[:200]) from error
    if port == 0:
        raise BadUrlError("port is 0")
    netloc = f"[{host}]" if ":" in host else host
    if port and port != DEFAULT_PORTS[scheme]:
        netloc += f":{port}"
    path = _dotless(_quoted(SESSION_IN_PATH.sub("", parts.path), "/;:@!$&'()*+,=~-._%")) or "/"
    canonical = urlunsplit((scheme, netloc, path, _kept_query(parts.query), ""))
    if len(canonical) > 3 * MAX_URL_CHARS:
        raise BadUrlError("too long once escaped")
    return canonical


def canonical_host(host: str) -> str:
    """A host as a browser would read it: ASCII, lower case, numbers as a dotted IPv4 address.

    Raises:
        BadUrlError: Empty, malformed, or not expressible in DNS.
    """
    text = unicodedata.normalize("NFKC", host).replace("\u3002", ".").strip().lower().rstrip(".")
    if not text or len(text) > 253 or re.search(r"[\s/?#@\\%<>^`{|}\"]", text):
        raise BadUrlError(f"host is {host[:80]!r}")
    if ":" in text:
        try:
            return ipaddress.ip_address(text.split("%")[0]).compressed
        except ValueError as error:
            raise BadUrlError(f"host is {host[:80]!r}") from error
    if re.fullmatch(r"(?:0x[0-9a-f]*|\d+)", text.rsplit(".", 1)[-1]):
        try:
            return socket.inet_ntoa(socket.inet_aton(text))
        except OSError as error:
            raise BadUrlError(f"host {host[:80]!r} is not an IPv4 address") from error
    if not text.isascii():
        import idna

        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise BadUrlError(f"host {host[:80]!r} has no DNS form") from error
    if not all(re.fullmatch(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in text.split(".")):
        raise BadUrlError(f"host is {host[:80]!r}")
    return text


def page_key(url: str) -> str:
    """A key under which spellings of one page meet.

    Scheme, www, telephone host, index name, final slash and order of the parameters do not count, nor do parameters
    that only say where a reader came from. Letter case counts: on some servers only one of two spellings is there.

    Args:
        url: A canonical URL.
    """
    parts = urlsplit(url)
    path = INDEX_NAME.sub("/", parts.path).rstrip("/") or "/"
    query = ""
    if parts.query:
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = urlencode(sorted(pair for pair in pairs if not IDLE.fullmatch(pair[0])))
    return f"{_bare_host(parts.netloc)}{path}?{query}"


def same_page(url: str, canonical_href: str, base: str) -> str:
    """The URL under which a page is recorded, given what its canonical link says.

    Many sites state one canonical address on every page, mostly the home page's. One page cannot tell that from a true
    one, so the link is followed only where the two addresses look like one page: spellings of one address; the same
    without a filter; the same last part of the path in another folder; or a page by number (``/?p=12``,
    ``/index.php?id=5``) with a path of its own. It never leads to the first page of the site or of a language, to
    another site, from https to http, or to what would not be followed as a link.

    Args:
        url: Canonical URL of the page.
        canonical_href: The link as it stands in the page; may be empty.
        base: What it is relative to.
    """
    try:
        target = canonical_url(canonical_href, base) if canonical_href.strip() else url
    except BadUrlError:
        return url
    if target == url or not same_site(target, url):
        return url
    ours, theirs = urlsplit(url), urlsplit(target)
    if ours.scheme == "https" != theirs.scheme:
        return url
    if page_key(target).lower() == page_key(url).lower():
        return target
    if not _tail(theirs.path) or refusal(target):
        return url
    asked, kept = set(parse_qsl(ours.query)), set(parse_qsl(theirs.query))
    same_query = asked == kept or (asked > kept and bool(refusal(url)))  # a bare ?id= is most often the page itself
    moved = _tail(ours.path) == _tail(theirs.path) and same_query
    numbered = bool(ours.query) and not theirs.query and INDEX_NAME.sub("/", ours.path) == "/"
    amp = _bare_page(ours.path) == f"{_bare_page(theirs.path)}/amp"
    return target if moved or numbered or amp else url


def site_key(website: str) -> str:
    """A key under which two firms' website cells name the same site.

    Raises:
        BadWebsiteError: As ``start_urls``.
    """
    parts = urlsplit(start_urls(website)[0])
    return page_key(parts._replace(path=HOME_NAME.sub("/", parts.path)).geturl())


@functools.lru_cache(4096)
def is_ip(host: str) -> bool:
    """Whether a canonical host is an address literal."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@functools.lru_cache(4096)
def registered_domain(host: str) -> str:
    """``firm.co.uk`` for ``www.firm.co.uk``; an address, or a name without a public suffix, stands for itself."""
    if is_ip(host):
        return host
    return _suffixes()(host).top_domain_under_public_suffix or host


def same_site(url: str, other: str) -> bool:
    """Whether two canonical URLs belong to one firm's site: one registered domain, or one address and port."""
    left, right = urlsplit(url), urlsplit(other)
    if is_ip(left.hostname or "") or is_ip(right.hostname or ""):
        return left.hostname == right.hostname and _port(url) == _port(other)
    return registered_domain(left.hostname or "") == registered_domain(right.hostname or "")


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or DEFAULT_PORTS[parts.scheme]


@functools.cache
def _suffixes():  # type: ignore[no-untyped-def]
    import tldextract

    # The packaged list only: no fetch, no cache folder. Private suffixes count, so x.github.io is its own site.
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


def _ascii_netloc(url: str) -> str:
    """Escape the host's odd characters first: ``urlsplit`` refuses those whose NFKC form holds ``/`` or ``?``."""
    match = re.match(r"([a-z][a-z0-9+.-]*:)[/\\]{2,}([^/?#\\]*)(.*)", url, re.IGNORECASE | re.DOTALL)
    if not match:
        return url
    scheme, netloc, rest = match.groups()
    netloc = netloc.rpartition("@")[2]
    return f"{scheme}//{unicodedata.normalize('NFKC', netloc)}{rest}"


def _quoted(text: str, safe: str) -> str:
    text = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    text = quote(text, safe=safe, errors="replace")
    return re.sub(r"%[0-9A-Fa-f]{2}", _tidy_escape, text)


def _tidy_escape(match: re.Match[str]) -> str:
    char = chr(int(match[0][1:], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else match[0].upper()


def _dotless(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            if len(kept) > 1:
                kept.pop()
        elif part != ".":
            kept.append(part)
    if parts[-1] in {".", ".."}:
        kept.append("")
    joined = re.sub(r"/{2,}", "/", "/".join(kept))
    return joined if joined.startswith("/") else f"/{joined}"


def _kept_query(query: str) -> str:
    pairs = [pair for pair in query.split("&") if pair and not TRACKING.fullmatch(pair.split("=")[0])]
    return _quoted("&".join(pairs), "/;:@!$&'()*+,=~-._%?[]")


def _bare_host(netloc: str) -> str:
    bare = MOBILE_HOST.sub("", netloc)
    if bare != netloc and registered_domain(bare.partition(":")[0]) == registered_domain(netloc.partition(":")[0]):
        return bare.removeprefix("www.")
    return netloc.removeprefix("www.")


def _bare_page(path: str) -> str:
    return re.sub(r"\.\w{2,5}$", "", INDEX_NAME.sub("/", path)).strip("/").lower()


def _tail(path: str) -> str:
    """The last part of a path, bare; empty for the first page of a site or of a language."""
    tail = _bare_page(path).rpartition("/")[2]
    return "" if re.fullmatch(r"(?:[a-z]{2}(?:[-_][a-z]{2})?|home|start|startseite|accueil)?", tail) else tail
