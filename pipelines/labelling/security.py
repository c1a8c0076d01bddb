"""Who may talk to the labelling page, and with what: rules over a request's head, before any of its body is read.

Loopback is not private: every page that the user's browser has open can send requests to it, and so can every other
user of the machine. So a request must name this server, come from this page, and carry the secret that was printed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, unquote

from pipelines.errors import UsageError

MAX_BODY_BYTES = 64 * 1024  # a judgement with a note of 2,000 characters needs 10 kB
MAX_BODY_S = 10.0
MIN_PASSWORD_CHARS = 12
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_ENTER = (
    "This page opens with the link that firmscope labels serve printed when it started. Copy the whole link, with its "
    "token, into the address bar. After a restart there is a new one."
)


@dataclass(frozen=True)
class Door:
    """What a request has to show."""

    hosts: tuple[str, ...]  # values of Host that name this server, port included
    cookie: str  # the cookie's name; browsers share cookies between ports, so the port is part of it
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    password: str = field(default="", repr=False)  # asked for as well where the page can be reached from elsewhere

    @property
    def link(self) -> str:
        """The page's address with the token: for the person who started the server, and for no log."""
        return f"http://{self.hosts[0]}/?token={self.token}"

    @property
    def session(self) -> str:
        """Value of the cookie: follows from the token, does not tell it."""
        return hmac.new(self.token.encode(), b"session", hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Head:
    """A request's head; names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Values of a header, in the order in which they came."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str | None:
        """The header's value; None when it is missing or stands there twice."""
        found = self.all(name)
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Answer:
    """An answer that the gate gives by itself."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


def doorstep(host: str, port: int, reached_as: str, password: str) -> Door:
    """The door of a server on ``host`` and ``port``.

    Args:
        host: Address to listen on.
        port: Port it listens on.
        reached_as: Name by which other machines reach it; empty: they do not.
        password: Secret that a person on another machine has to know.

    Raises:
        UsageError: The address is open to other machines, and name or password is missing.
    """
    if not is_loopback(host):
        if not reached_as:
            raise UsageError(
                f"--host {host} opens the page to other machines: say with --reached-as NAME by which name they will "
                "call it, and set a password in FIRMSCOPE_PAGE_PASSWORD; or leave --host out and use an SSH tunnel"
            )
        if len(password) < MIN_PASSWORD_CHARS:
            raise UsageError(
                f"FIRMSCOPE_PAGE_PASSWORD has {len(password)} characters, expected {MIN_PASSWORD_CHARS} or more: the "
                "page would be open to other machines"
            )
        return Door((f"{reached_as.lower()}:{port}",), f"firmscope-{port}", password=password)
    if reached_as:
        raise UsageError(f"--reached-as {reached_as} is for a page open to other machines; --host {host} is not")
    return Door((f"127.0.0.1:{port}", f"localhost:{port}"), f"firmscope-{port}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; names other than localhost are not looked up."""
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return host == "localhost"


def judge_head(head: Head, door: Door) -> Answer | None:
    """The answer that ends this request here; None lets it in."""
    host = (head.one("host") or "").lower()
    if host not in door.hosts:
        return Answer(400, "This is not the address of the labelling page.")
    if head.method not in ("GET", "HEAD", "POST"):
        return Answer(405, "The page knows GET, HEAD and POST.", (("allow", "GET, HEAD, POST"),))
    if foreign := _foreign(head, host):
        return foreign
    if door.password and not _knows_password(head, door.password):
        return Answer(401, "A password is needed.", (("www-authenticate", 'Basic realm="firmscope", charset="UTF-8"'),))
    return _enter(head, door) or _refuse_body(head)


def coder_of(head: Head, door: Door) -> str:
    """Who judges, as kept in the browser; empty when nobody said yet."""
    return unquote(_cookies(head).get(f"{door.cookie}-coder", ""), errors="replace")


def coder_cookie(coder: str, door: Door) -> str:
    """Header value that makes the browser remember the coder."""
    return f"{door.cookie}-coder={quote(coder, safe='')}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"


def _foreign(head: Head, host: str) -> Answer | None:
    """Refuse what another site, or a page on another port, makes the browser send."""
    refused = Answer(403, "This request did not come from the labelling page.")
    sites = head.all("sec-fetch-site")
    if head.method == "POST":
        origins = (f"http://{host}", f"https://{host}")  # https: behind somebody's TLS proxy
        return refused if head.one("origin") not in origins or sites not in ([], ["same-origin"]) else None
    followed = head.all("sec-fetch-mode") == ["navigate"] and head.all("sec-fetch-dest") == ["document"]
    return None if followed or all(site in ("same-origin", "none") for site in sites) else refused


def _enter(head: Head, door: Door) -> Answer | None:
    """Let in who has the cookie; give it to who brings the token, and take the token out of the address."""
    given = parse_qs(head.query, max_num_fields=20).get("token") if head.query.count("&") < 20 else None
    if given and head.path == "/" and head.method == "GET":
        if not _same(given[0], door.token):
            return Answer(403, _ENTER)
        cookie = f"{door.cookie}={door.session}; Path=/; HttpOnly; SameSite=Strict"
        return Answer(303, "", (("location", "/"), ("set-cookie", cookie)))
    return None if _same(_cookies(head).get(door.cookie, ""), door.session) else Answer(403, _ENTER)


def _refuse_body(head: Head) -> Answer | None:
    lengths, chunked = head.all("content-length"), bool(head.all("transfer-encoding"))
    if head.method != "POST":
        return Answer(400, "A request for a page has no body.") if chunked or lengths not in ([], ["0"]) else None
    kind = (head.one("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Answer(415, "Expected JSON.")
    if lengths and (not lengths[0].isdecimal() or int(lengths[0][:20]) > MAX_BODY_BYTES):
        return Answer(413, f"More than {MAX_BODY_BYTES} bytes.")
    return None


def _knows_password(head: Head, password: str) -> bool:
    scheme, _, given = (head.one("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        said = base64.b64decode(given, validate=True).decode()
    except ValueError:
        return False
    return _same(said.partition(":")[2], password)


def _cookies(head: Head) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie("; ".join(head.all("cookie"))).items()}
    except CookieError:
        return {}


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
