"""What speaks for and against a site being a firm's: one fact for each kind of evidence, with points and a reason.

Points are natural log-odds, set by reasoning on what a fact is worth and checked on tests/crawler/own_sites.yaml. How
far the cases of tests/evaluation/match_cases were used besides, which were written blind, stands in test_match_gate.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from crawler.name_likeness import core, distinctive, domain_likeness, likeness
from crawler.platforms import owner_of
from crawler.postcodes import normalise_postcode
from crawler.records import Mark
from crawler.relations import FORMER, MENTIONED, OWN, OWNER, PARENT, STATED, THIRD_PARTY
from crawler.urls import registered_domain

GROUP_MAX = 8  # more own numbers, names or postcodes are a directory's
NAME = 4.5
NAME_STRUCTURED = 4.0
NAME_FORMER = 3.0
NAME_MENTIONED = 1.0
NAME_TITLE = 2.0
TITLE_BESIDE_DOMAIN = 0.8  # who takes a name as address takes it as title too
NAME_ALIKE = 0.7  # times the share, from MIN_SHARE: a sister company as likely as another spelling
SISTER = -1.0  # an owner whose name is like the firm's is mostly its parent or sister
MIN_SHARE = 0.55
MARGIN = 0.25  # by which another name must fit the address better
RIVAL = 0.6  # likeness of a name and the site's address from which the site is that firm's
ANOTHER_NAME = -1.5
POSTCODE = 2.5  # business centres give theirs to hundreds of firms
ANOTHER_POSTCODE = -0.5  # firms move
ANOTHER_AREA = -1.2
DOMAIN = 2.5  # times how much of the name it says
LISTED = 0.4  # the entry itself names this site
PLATFORM = -8.0  # a firm's profile on somebody else's site is not its site
IDENTITY_PAGES = frozenset({"home", "legal", "contact", "about"})
STRUCTURED = "structured data"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the register, or a firm list, says of a firm; what is not known is empty."""

    firm_id: str
    name: str
    previous_names: tuple[str, ...] = ()
    company_number: str = ""
    vat_number: str = ""
    postcodes: tuple[str, ...] = ()
    website: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What a site says of itself: its host, domains that lead to it, marks of its pages, and titles of its pages."""

    host: str
    aliases: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One piece of evidence: points for (above 0) or against, and the reason in words."""

    points: float
    reason: str


def is_foreign(entry: Entry, site: Site, mine: Sequence[Mark]) -> bool:
    """Whether numbers of the firm stand on the site of a firm with another name, which speaks of it."""
    if title_facts([entry.name], site):
        return False
    if any(fact.points > 0 for fact in domain_facts(entry, site)):
        return all(mark.label == STATED for mark in mine) and is_anothers(entry, site)
    plain = any(mark.label == OWNER or mark.page_kind in {"legal", "contact"} for mark in mine)
    return not plain or is_anothers(entry, site)


def name_facts(entry: Entry, site: Site) -> list[Fact]:
    """What names on the pages and in titles say; at most one fact for and one against."""
    marks = [mark for mark in site.marks if mark.kind == "name"]
    known = [name for name in (entry.name, *entry.previous_names) if core(name)]
    doubted = frozenset[str]()
    if len({core(mark.value) for mark in marks if mark.label in OWN}) > GROUP_MAX:
        doubted = OWN
    elif is_anothers(entry, site):
        doubted = frozenset({STATED}) if domain_facts(entry, site) else OWN
    marks = [replace(mark, label=MENTIONED) if mark.label in doubted else mark for mark in marks]
    best = [fact for place, name in enumerate(known) for mark in marks for fact in _name_fact(name, mark, place > 0)]
    best += title_facts(known, site)
    facts = [max(best, key=lambda fact: (fact.points, fact.reason))] if best else []
    own = [mark for mark in marks if mark.label in {OWNER, STATED, STRUCTURED}]
    like = [(likeness(name, mark.value), mark.value) for mark in own for name in known]
    if like and not any(one.same for one, _ in like):
        nearest, shown = max(like, key=lambda pair: (pair[0].share, pair[1]))
        points = ANOTHER_NAME if nearest.share < MIN_SHARE else SISTER
        facts.append(Fact(points, f"the site calls its owner {shown!r}"))
    return facts


def domain_facts(entry: Entry, site: Site) -> list[Fact]:
    """What the site's address says."""
    host = site.host.lower()
    if owner_of(registered_domain(host.removeprefix("www."))):
        return [Fact(PLATFORM, f"{host} is a platform that many firms use")]
    known = [name for name in (entry.name, *entry.previous_names) if name]
    found = [(*domain_likeness(name, host), host) for host in (host, *site.aliases) for name in known]
    share, said, host = max(found, default=(0.0, "", ""))
    return [Fact(DOMAIN * share, f"the address {host} {said}")] if share else []


def postcode_facts(entry: Entry, site: Site) -> list[Fact]:
    """What postcodes say."""
    known = {code for text in entry.postcodes if (code := normalise_postcode(text))}
    marks = [mark for mark in site.marks if mark.kind == "postcode"]
    stated = {mark.value for mark in marks}
    if not known or not stated:
        return []
    mine = [mark for mark in marks if mark.value in known]
    if mine:
        points = POSTCODE / (1 if len(stated) <= GROUP_MAX else 2)
        return [Fact(points, f"postcode {mine[0].value} stands on {places(mine)}")]
    near = {_area(code) for code in known} & {_area(code) for code in stated}
    points = ANOTHER_POSTCODE if near else ANOTHER_AREA
    return [Fact(points, f"the site's postcode is {min(stated)}, not {min(known)}")]


def listed_facts(entry: Entry, site: Site) -> list[Fact]:
    """Whether the firm list itself names this site."""
    website = entry.website.strip().lower().removeprefix("https://").removeprefix("http://").split("/")[0]
    hosts = {registered_domain(host.lower().removeprefix("www.")) for host in (site.host, *site.aliases)}
    if website and registered_domain(website.removeprefix("www.").split(":")[0]) in hosts:
        return [Fact(LISTED, f"the firm list names {website}")]
    return []


def is_anothers(entry: Entry, site: Site) -> bool:
    """Whether the site's address is the name of another firm that it names."""
    known = [name for name in (entry.name, *entry.previous_names) if core(name)]
    own = max((domain_likeness(name, site.host)[0] for name in known), default=0.0)
    return any(
        mark.label in {OWNER, STATED, MENTIONED}
        and domain_likeness(mark.value, site.host)[0] >= max(RIVAL, own + MARGIN)
        and all(likeness(name, mark.value).share < MIN_SHARE for name in known)
        for mark in site.marks
        if mark.kind == "name"
    )


def _name_fact(name: str, mark: Mark, former: bool) -> list[Fact]:
    if mark.label in {PARENT, THIRD_PARTY}:
        return []
    like, where = likeness(name, mark.value), places([mark])
    if like.same:
        telling = 1.0 if distinctive(name) else 0.6
        points = {
            OWNER: NAME,
            STATED: NAME,
            STRUCTURED: NAME_STRUCTURED,
            FORMER: NAME_FORMER,
            MENTIONED: NAME_MENTIONED,
        }[mark.label]
        if former:
            return [Fact(min(points, NAME_FORMER) * telling, f"former name {mark.value!r} stands on {where}")]
        said = {OWNER: " as the owner's", STATED: " as the owner's", STRUCTURED: " in its structured data"}.get(
            mark.label, ""
        )
        return [Fact(points * telling, f"name {mark.value!r} stands on {where}{said}")]
    if like.share >= MIN_SHARE and mark.label != FORMER:
        return [Fact(NAME_ALIKE * like.share, f"{mark.value!r} on {where} is like {name!r}")]
    return []


def title_facts(known: Sequence[str], site: Site) -> list[Fact]:
    titles = [f" {' '.join(core(title))} " for title in site.titles]
    for name in known:
        words = " ".join(core(name))
        if distinctive(name) and len(words) >= 4 and any(f" {words} " in title for title in titles):
            beside = domain_likeness(name, site.host)[0] >= 0.6
            return [Fact(TITLE_BESIDE_DOMAIN if beside else NAME_TITLE, f"a page is titled {words!r}")]
    return []


def places(marks: Iterable[Mark]) -> str:
    """Path of the page that tells most, for a person."""
    first = min(marks, key=lambda mark: (mark.page_kind not in IDENTITY_PAGES, len(mark.url), mark.url))
    return urlsplit(first.url).path or "/"


def _area(postcode: str) -> str:
    return "".join(char for char in postcode[:2] if char.isalpha())
