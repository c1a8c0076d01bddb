"""Read the fictional firms of the demo and the words of their websites.

One YAML file per town under ``firms/``. Postcodes are real ones of the town; names, company numbers (no register
has reached 99...), telephone numbers (Ofcom's drama ranges) and addresses are invented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from pipelines.errors import FirmscopeError

FIRMS_DIR = Path(__file__).parent / "firms"

Behaviour = Literal[
    "normal", "parked", "robots_forbid", "dead", "redirect", "server_error", "no_website", "script_shell"
]
Template = Literal["semantic", "tables", "divsoup", "onepage", "sidebar", "spec", "brochure"]

# What a crawl should say of each; the words are those of the crawler's site outcomes.
EXPECTED_OUTCOMES: Mapping[Behaviour, str] = {
    "normal": "ok",
    "parked": "parked",
    "robots_forbid": "robots_disallowed",
    "dead": "connect_failed",
    "redirect": "redirect_offsite",
    "server_error": "http_error",
    "no_website": "bad_url",
    "script_shell": "empty",
}


class DemoDataError(FirmscopeError):
    """The shipped firm files do not say what they must; names the file, the firm and the cure."""


@dataclass(frozen=True)
class DemoPage:
    """One page: its path (``#anchor`` on a one-page site), menu label, heading and words.

    ``text`` is a small Markdown: paragraphs, ``## headings``, ``- lists``, ``| tables |``, ``> quotations`` and
    ``[label](/path)`` links.
    """

    path: str
    nav: str
    title: str
    text: str
    lang: str = "en"


@dataclass(frozen=True)
class DemoFirm:
    """A fictional firm; ``website`` is empty until something serves it.

    ``truth`` holds the sectors a sector expert would put the firm in, complete, parents left out (they are implied);
    where nobody can read the site it says what the firm does all the same. In the sectors of ``unsure`` two experts
    could honestly differ, so a comparison leaves them out.
    """

    firm_id: str
    name: str
    town: str
    lad_code: str
    address: str
    postcode: str
    company_number: str
    tagline: str
    truth: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    employees: int | None = None
    turnover_gbp: int | None = None
    phone: str = ""
    email: str = ""
    template: Template = "semantic"
    behaviour: Behaviour = "normal"
    redirect_to: str = ""
    robots_disallow: tuple[str, ...] = ()
    pages: tuple[DemoPage, ...] = ()
    website: str = ""

    @property
    def expected_outcome(self) -> str:
        """The crawl outcome that the site's behaviour should lead to."""
        return EXPECTED_OUTCOMES[self.behaviour]


@cache
def load_demo_firms() -> tuple[DemoFirm, ...]:
    """All fictional firms, in order of firm_id.

    Raises:
        DemoDataError: A shipped file is malformed.
    """
    firms = [firm for path in sorted(FIRMS_DIR.glob("*.yaml")) for firm in read_town(path)]
    seen: set[str] = set()
    for firm in firms:
        if firm.firm_id in seen:
            raise DemoDataError(f"firm_id {firm.firm_id!r} occurs twice under {FIRMS_DIR.name}/; give one a new number")
        seen.add(firm.firm_id)
    for firm in firms:
        if (firm.behaviour == "redirect") != (firm.redirect_to in seen):
            raise DemoDataError(
                f"{firm.firm_id}: behaviour {firm.behaviour!r} with redirect_to {firm.redirect_to!r}; "
                "a redirecting site, and no other, names the firm_id it leads to"
            )
    return tuple(sorted(firms, key=lambda firm: firm.firm_id))


def read_town(path: Path) -> list[DemoFirm]:
    """The firms of one town's file: ``town``, ``lad_code`` and ``firms``, a list."""
    try:
        town = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe loaders
        return [_firm(entry, town["town"], town["lad_code"]) for entry in town["firms"]]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DemoDataError(f"{path.name}: {error}; see DemoFirm for the keys and values a firm takes") from error


def _firm(entry: Mapping[str, Any], town: str, lad_code: str) -> DemoFirm:
    values = dict(entry)
    pages = tuple(_page(values.get("firm_id", "?"), page) for page in values.pop("pages", ()))
    for key in ("truth", "unsure", "robots_disallow"):
        values[key] = tuple(values.get(key, ()))
    firm = DemoFirm(town=town, lad_code=lad_code, pages=pages, **values)
    for name, value, allowed in (
        ("template", firm.template, get_args(Template)),
        ("behaviour", firm.behaviour, get_args(Behaviour)),
    ):
        if value not in allowed:
            raise ValueError(f"{firm.firm_id}: {name} {value!r} is none of {', '.join(allowed)}")
    if not re.fullmatch(r"99\d{6}", firm.company_number):
        raise ValueError(f"{firm.firm_id}: company_number {firm.company_number!r} is not 99 and six digits")
    if firm.behaviour in ("normal", "robots_forbid") and (not firm.pages or firm.pages[0].path != "/"):
        raise ValueError(f"{firm.firm_id}: the first of its pages must be its home page, path '/'")
    return firm


def _page(firm_id: str, page: Mapping[str, Any]) -> DemoPage:
    try:
        return DemoPage(**{"title": page["nav"], **page})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{firm_id}: page {page.get('path')!r}: {error}") from error
