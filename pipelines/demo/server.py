"""Serve the fictional firms' websites over real HTTP on loopback, for the length of a ``with`` block.

Each site has an address of its own (127.40.x.y, all on one port), because a crawler is polite per host; where the
system has only 127.0.0.1 (macOS), each site gets a port of its own there.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.demo.firms import DemoFirm
from pipelines.demo.http_site import HttpSite
from pipelines.errors import FirmscopeError

NETWORK = "127.40"  # loopback, and in nobody else's use
SITES_PER_SUBNET = 250
PORT_TRIES = 20  # a port that is free on the first address may be taken on another; then all start again
BACKLOG = 64


class DemoServerError(FirmscopeError):
    """The sites could not be put on loopback."""


@dataclass(frozen=True)
class ServedRequest:
    """One request a demo site answered."""

    firm_id: str
    method: str
    path: str
    status: int


@contextmanager
def serve_demo_sites(
    firms: Sequence[DemoFirm],
    port: int = 0,
    *,
    one_address: bool = False,
    on_request: Callable[[ServedRequest], None] | None = None,
) -> Iterator[Mapping[str, str]]:
    """Serve every firm's site until the block ends.

    Args:
        firms: The firms; those redirecting need their target among them.
        port: The port of all sites; 0 finds a free one. With ``one_address`` the first of consecutive ports.
        one_address: Put all sites on 127.0.0.1; chosen by itself where other loopback addresses cannot be bound.
        on_request: Called in the server's thread after each answer; must be quick.

    Yields:
        Website URL by firm_id, empty for a firm without a website.

    Raises:
        DemoServerError: No port could be had.
    """
    with ExitStack() as stack:
        sockets = _bind_somewhere(firms, port, one_address)
        for sock in sockets.values():
            stack.callback(sock.close)
        urls = {firm.firm_id: _url(sockets.get(firm.firm_id)) for firm in firms}
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        stack.callback(lambda: loop.run_until_complete(_end_conversations()))
        for firm in firms:
            if firm.firm_id in sockets and firm.behaviour != "dead":
                site = HttpSite.of(firm, urls.get(firm.redirect_to, ""))
                server = loop.run_until_complete(_listen(site, sockets[firm.firm_id], on_request))
                stack.callback(server.close)
        thread = threading.Thread(target=loop.run_forever, name="demo-sites", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(loop.call_soon_threadsafe, loop.stop)
        yield MappingProxyType(urls)


async def _listen(
    site: HttpSite, sock: socket.socket, on_request: Callable[[ServedRequest], None] | None
) -> asyncio.Server:
    def observe(method: str, path: str, status: int) -> None:
        if on_request is not None:
            on_request(ServedRequest(site.firm_id, method, path, status))

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await site.talk(reader, writer, observe)

    return await asyncio.start_server(connected, sock=sock, limit=HttpSite.MAX_HEAD_BYTES)


async def _end_conversations() -> None:
    """Cancel what is still open, so that no connection outlives the block."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # closed transports say goodbye one turn later


def _bind_somewhere(firms: Sequence[DemoFirm], port: int, one_address: bool) -> dict[str, socket.socket]:
    firm_ids = [firm.firm_id for firm in firms if firm.behaviour != "no_website"]
    dead = {firm.firm_id for firm in firms if firm.behaviour == "dead"}
    own = {firm_id: _own_address(number) for number, firm_id in enumerate(firm_ids)}
    last: OSError | None = None
    for _ in range(1 if port else PORT_TRIES):
        try:
            if one_address:
                return _bind_all(dict.fromkeys(firm_ids, "127.0.0.1"), port, dead, step=1 if port else 0)
            return _bind_all(own, port, dead, step=None)
        except OSError as error:
            last = error
            if error.errno == errno.EADDRNOTAVAIL and not one_address:
                return _bind_somewhere(firms, port, one_address=True)
    raise DemoServerError(
        f"the demo sites found no port on loopback (port {port or 'any'}: {last}); "
        "choose another port, or end the programme that holds it"
    ) from last


def _bind_all(addresses: Mapping[str, str], port: int, dead: set[str], step: int | None) -> dict[str, socket.socket]:
    """One socket per firm. ``step`` None: all on the first one's port; else each on the last one's port + step."""
    bound: dict[str, socket.socket] = {}
    try:
        for firm_id, address in addresses.items():
            sock = bound[firm_id] = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            if firm_id not in dead:  # bound but deaf: whoever connects is refused
                sock.listen(BACKLOG)
            port = sock.getsockname()[1] if step is None else port + step
    except OSError:
        for sock in bound.values():
            sock.close()
        raise
    return bound


def _own_address(number: int) -> str:
    return f"{NETWORK}.{number // SITES_PER_SUBNET}.{number % SITES_PER_SUBNET + 1}"


def _url(sock: socket.socket | None) -> str:
    if sock is None:
        return ""
    address, port = sock.getsockname()
    return f"http://{address}:{port}/"
