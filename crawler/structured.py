"""What a page's schema.org JSON-LD says about the organisation behind it.

Only organisations that speak for the site are returned: a parent company, a brand, a reviewed firm or a customer that
is named beside them would otherwise be taken for the owner. Microdata is not read.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from crawler.e_mail import without_e_mail
from crawler.text import clean_text

MAX_SCRIPTS = 20
MAX_SCRIPT_CHARS = 400_000  # a firm describes itself in a few thousand; catalogues run into megabytes
MAX_NODES = 2_000
MAX_DEPTH = 12
MAX_ORGANIZATIONS = 10
MAX_NAME = 200
MAX_DESCRIPTION = 1_000
MAX_SAME_AS = 20

# Keys whose value is the site's own firm, or leads to it. All others are other people's, or are not needed.
OWN_KEYS = ("@graph", "publisher", "mainEntity", "mainEntityOfPage", "about", "provider", "isPartOf", "copyrightHolder")
# Keys that name an organisation by its @id elsewhere in the same page without its being the site's own.
OTHERS_KEYS = ("parentOrganization", "subOrganization", "memberOf", "member", "brand", "manufacturer", "itemReviewed",
               "sponsor", "funder", "worksFor", "alumniOf", "affiliation", "seller", "creator", "customer")  # fmt: skip
# Names of schema.org classes; what ends so is an organisation, and so is what stands below. Physician, Attorney and
# Notary are left out on purpose: their name is mostly a person's.
ENDINGS = ("Organization", "Business", "Store", "Shop", "Dealer", "Repair", "Agency", "Clinic", "Station", "Salon")
_CLASSES = (
    "Airline AccountingService AdultEntertainment AmusementPark AnimalShelter AutoRental AutoWash Bakery "
    "BankOrCreditUnion BarOrPub BedAndBreakfast Brewery Campground Casino ChildCare CollegeOrUniversity ComedyClub "
    "Consortium Cooperative Corporation DaySpa Dentist Distillery DryCleaningOrLaundry Electrician ElementarySchool "
    "EmergencyService ExerciseGym FastFoodRestaurant FinancialService FoodEstablishment GeneralContractor "
    "GolfCourse GovernmentOffice HealthClub HighSchool Hospital Hostel Hotel HousePainter InternetCafe LegalService "
    "Library LibrarySystem Locksmith LodgingBusiness MedicalClinic MiddleSchool Motel MovingCompany MovieTheater NGO "
    "NightClub Optician Pharmacy Plumber PoliticalParty Preschool ProfessionalService RealEstateAgent RecyclingCenter "
    "Resort Restaurant RoofingContractor School SelfStorage ShoppingCenter SkiResort SportsActivityLocation "
    "SportsClub SportsTeam StadiumOrArena TattooParlor TennisComplex TheaterGroup TouristInformationCenter "
    "VacationRental VeterinaryCare Winery WorkersUnion Project ResearchProject"
)
CLASSES = frozenset(_CLASSES.split(" "))
WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[|\ufeff)\s*")
TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
PERSONAL_PROFILE = re.compile(r"linkedin\.[a-z.]+/(?:in|pub)/|orcid\.org/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation as its own page describes it; what it does not say is an empty string.

    ``country`` as it stands (``GB``, ``United Kingdom``). ``same_as`` are addresses of other pages about it.
    """

    name: str
    legal_name: str = ""
    description: str = ""
    vat_id: str = ""
    tax_id: str = ""
    url: str = ""
    postcode: str = ""
    locality: str = ""
    country: str = ""
    same_as: tuple[str, ...] = ()


def organizations(scripts: Iterable[str]) -> tuple[Organization, ...]:
    """The organisations of a page's ``application/ld+json`` scripts, in the order in which they stand.

    Args:
        scripts: Contents of the scripts; broken ones are repaired where that is plain, and else passed over.
    """
    nodes: list[dict[str, Any]] = []
    for _, script in zip(range(MAX_SCRIPTS), scripts, strict=False):
        for node in _own(parse_json(script), MAX_DEPTH):
            nodes.append(node)
            if len(nodes) >= MAX_NODES:
                break
    others = _named_by(nodes, OTHERS_KEYS) - _named_by(nodes, OWN_KEYS)
    found: dict[Organization, None] = {}
    for node in nodes:
        if _is_organization(node) and node.get("@id") not in others:
            organization = _organization(node)
            if organization.name or organization.legal_name:
                found[organization] = None
        if len(found) >= MAX_ORGANIZATIONS:
            break
    return tuple(found)


def parse_json(script: str) -> Any:
    """The value of a JSON script as pages really hold it, or None.

    Comments and CDATA marks around it, line breaks in strings, commas before a closing bracket, escaped quotes and
    anything after the first value are tolerated.
    """
    if len(script) > MAX_SCRIPT_CHARS:
        return None
    for _ in range(3):
        script = WRAPPING.sub("", script)
    script = script.strip()
    decoder = json.JSONDecoder(strict=False)
    for text in (script, TRAILING_COMMA.sub("", script), TRAILING_COMMA.sub("", html.unescape(script))):
        try:
            return decoder.raw_decode(text)[0]
        except (ValueError, RecursionError):
            continue
    return None


def _own(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The objects that describe the site, its page or its owner."""
    if depth <= 0:
        return
    if isinstance(value, list):
        for item in value[:MAX_NODES]:
            yield from _own(item, depth - 1)
    elif isinstance(value, dict):
        yield value
        for key in OWN_KEYS:
            if isinstance(value.get(key), dict | list):
                yield from _own(value[key], depth - 1)


def _named_by(nodes: list[dict[str, Any]], keys: tuple[str, ...]) -> set[str]:
    """Identifiers to which the objects point by these keys."""
    named: set[str] = set()
    for node in nodes:
        for key in keys:
            if key == "@graph":
                continue
            value = node.get(key)
            for item in value[:MAX_NODES] if isinstance(value, list) else [value]:
                if isinstance(item, dict) and isinstance(item.get("@id"), str):
                    named.add(item["@id"])
    return named


def _is_organization(node: dict[str, Any]) -> bool:
    declared = node.get("@type")
    kinds = {
        kind.rsplit("/", 1)[-1].rsplit(":", 1)[-1].strip()
        for kind in (declared if isinstance(declared, list) else [declared])
        if isinstance(kind, str)
    }
    return "Person" not in kinds and any(kind in CLASSES or kind.endswith(ENDINGS) for kind in kinds)


def _organization(node: dict[str, Any]) -> Organization:
    address = _first(node.get("address"))
    if not isinstance(address, dict):
        location = _first(node.get("location"))
        address = _first(location.get("address")) if isinstance(location, dict) else {}
    address = address if isinstance(address, dict) else {}
    country = _first(address.get("addressCountry"))
    same_as = node.get("sameAs")
    pages = [_text(page, MAX_NAME) for page in (same_as if isinstance(same_as, list) else [same_as])[:MAX_SAME_AS]]
    return Organization(
        name=_text(node.get("name")),
        legal_name=_text(node.get("legalName")),
        description=_text(node.get("description"), MAX_DESCRIPTION),
        vat_id=_text(node.get("vatID"), 40),
        tax_id=_text(node.get("taxID"), 40),
        url=_text(node.get("url")),
        postcode=_text(address.get("postalCode"), 20),
        locality=_text(address.get("addressLocality"), 100),
        country=_text(country.get("name") if isinstance(country, dict) else country, 60),
        same_as=tuple(page for page in pages if page.startswith("http") and not PERSONAL_PROFILE.search(page)),
    )


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any, limit: int = MAX_NAME) -> str:
    """A value as one cleaned line without mark-up or e-mail addresses."""
    value = _first(value)
    if isinstance(value, dict):
        value = value.get("@value")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    plain = re.sub(r"<[^<>]{0,500}>", " ", html.unescape(str(value)[: 4 * limit]))
    return without_e_mail(" ".join(clean_text(plain).split()))[:limit].strip()
