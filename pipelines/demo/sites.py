"""Render a fictional firm's website: every path with its content type and bytes.

The old table layout is encoded as windows-1252 and says so only in its meta tag, as sites of its age do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from pipelines.demo.firms import DemoFirm, DemoPage, load_demo_firms
from pipelines.demo.prose import Block, parse_blocks

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["DemoFirm", "DemoPage", "load_demo_firms", "render_site"]

TEMPLATES_DIR = Path(__file__).parent / "templates"
STYLE_PATH = "/assets/site.css"

HTML = "text/html; charset=utf-8"
HTML_UNSTATED = "text/html"
CSS = "text/css; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class PageView:
    """A page as its template sees it."""

    page: DemoPage
    blocks: tuple[Block, ...]

    @property
    def is_contact(self) -> bool:
        """Whether the address block belongs on this page."""
        return "contact" in self.page.path or "find-us" in self.page.path

    @property
    def description(self) -> str:
        """The first paragraph, cut at a word: what a site's meta description usually is."""
        text = next(("".join(span.text for span in b.spans) for b in self.blocks if b.kind == "paragraph"), "")
        return text if len(text) <= 155 else text[:155].rsplit(" ", 1)[0]


def render_site(firm: DemoFirm) -> dict[str, tuple[str, bytes]]:
    """What the firm's site serves with status 200, by path: (content type, body).

    Empty for a site that serves nothing of its own: dead, redirecting, failing, or absent.
    """
    if firm.behaviour in ("dead", "redirect", "server_error", "no_website"):
        return {}
    if firm.behaviour in ("parked", "script_shell"):
        return {"/": (HTML, _render(f"{firm.behaviour}.html", firm=firm, hue=_hue(firm)).encode())}
    site = _render_pages(firm)
    site[STYLE_PATH] = (CSS, _render("site.css", firm=firm, hue=_hue(firm)).encode())
    disallow = ("/",) if firm.behaviour == "robots_forbid" else firm.robots_disallow
    if disallow:
        lines = ["User-agent: *", *(f"Disallow: {path}" for path in disallow), ""]
        site["/robots.txt"] = (TEXT, "\n".join(lines).encode())
    return site


def render_error(firm: DemoFirm, status: int, phrase: str) -> tuple[str, bytes]:
    """The page a site shows with an HTTP error."""
    return HTML, _render("error.html", firm=firm, status=status, phrase=phrase).encode()


def _render_pages(firm: DemoFirm) -> dict[str, tuple[str, bytes]]:
    views = [PageView(page, parse_blocks(page.text)) for page in firm.pages]
    served = [view for view in views if view.page.path.startswith("/")]
    site: dict[str, tuple[str, bytes]] = {}
    for view in served:
        html = _render(
            f"{firm.template}.html", firm=firm, view=view, views=views, hue=_hue(firm), style_path=STYLE_PATH
        )
        if firm.template == "tables":
            site[view.page.path] = (HTML_UNSTATED, html.encode("windows-1252", errors="xmlcharrefreplace"))
        else:
            site[view.page.path] = (HTML, html.encode())
    return site


def _hue(firm: DemoFirm) -> int:
    """A colour of its own for each firm, the same in every run; degrees."""
    return crc32(firm.firm_id.encode()) % 360


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
