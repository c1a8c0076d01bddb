"""A farm of small firms' websites on loopback addresses whose owners change them between two nights."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NETWORK = "127.9.248"
PARKED = "This domain is parked. Buy this domain or make an offer on this domain today."


class Site:
    """One website: a home page, and a page about the firm; both say what its owner says."""

    def __init__(self, number: int, firm_id: str, words: str) -> None:
        self.firm_id, self.words = firm_id, words
        self.address = f"{NETWORK}.{number}"
        self.port = 0
        self.leads_to = ""  # address that every visitor is sent to
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Home page."""
        return f"http://{self.address}:{self.port}/"

    def open(self) -> None:
        """Answer, at the address and port that it always had."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((self.address, self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Answer nobody: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        pages = {"/": f"<p>{self.words}</p><a href='/about'>About us</a>", "/about": f"<p>About us. {self.words}</p>"}
        status, body = (200, pages[asked.path]) if asked.path in pages else (404, "no such page")
        if self.words == PARKED and asked.path == "/":
            body = f"<h1>{PARKED}</h1>"
        if self.leads_to:
            status = 301
        content = f"<html><head><title>{self.firm_id}</title></head><body>{body}</body></html>".encode()
        asked.send_response(status)
        if self.leads_to:
            asked.send_header("Location", self.leads_to)
        asked.send_header("Content-Type", "text/html; charset=utf-8")
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)


class Farm:
    """Sites by firm."""

    def __init__(self, firms: Mapping[str, str], unlisted: Mapping[str, str]) -> None:
        """Args: words of each firm of the list, and of sites that are in no list, by name."""
        said = {**firms, **unlisted}
        self.sites = {name: Site(number, name, words) for number, (name, words) in enumerate(said.items(), 1)}
        self.listed = tuple(firms)

    def __enter__(self) -> Farm:
        for site in self.sites.values():
            site.open()
        return self

    def __exit__(self, *_: object) -> None:
        for site in self.sites.values():
            site.close()

    def __getitem__(self, firm_id: str) -> Site:
        return self.sites[firm_id]

    def firm_list(self) -> str:
        """The list to import."""
        rows = [f"{firm_id},{firm_id.title()} Ltd,{site.url},Active" for firm_id, site in self._of_the_list()]
        return "\n".join(["firm_id,name,website,status", *rows, ""])

    def _of_the_list(self) -> list[tuple[str, Site]]:
        return [(firm_id, self.sites[firm_id]) for firm_id in self.listed]
