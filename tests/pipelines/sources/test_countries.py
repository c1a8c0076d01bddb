"""What people write where a form asks for a country, and the country they mean: a wrong one is worse than none."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.countries import MAX_CHARS, UNCLEAR, country_code

WRITTEN = {
    "GB": """
        United Kingdom | united kingdom | UNITED  KINGDOM. | U.K. | Uk | UK | The United Kingdom | GB | GBR | G.B.
        England | England. | ENGLAND | England & Wales | England And Wales | England, Wales | England/Wales
        England and Wales (UK) | England & Wales & Scotland | Wales And England | Great Britain | Britain | British
        Scotland | Wales | Northern Ireland | N. Ireland | Ireland (Northern) | Cymru | ENGLISH LAW | Scottish
        United Kingdom (England) | United Kingdom Of England And Wales | Registered in England and Wales
        United Kingdom of Great Britain and Northern Ireland | Companies House England | Companies House, Cardiff
        Registrar Of Companies For England And Wales | Register Of Companies For Scotland | Uk (Companies House)
        Leeds England | Leeds, England | West Yorkshire, England | London | Untied Kingdom | Unted Kingdon | Engand
        United Kindom | Englan D | England 01234567 | \u200bUnited Kingdom | Great Britian | Brittish | uk, england""",
    "JE": "Jersey | JERSEY | Jersey, Channel Islands | Jersey C.I. | Jersey, UK | St. Helier, Jersey",
    "GG": "Guernsey | Guernsey C.I. | St Peter Port, Guernsey | Guersney | Alderney",
    "IM": "Isle of Man | Isle Of Mann | Ile of Man | I.O.M. | United Kingdom (Crown Dependency - Isle of Man)",
    "GI": "Gibraltar | Gibraltar, UK | Companies House Gibraltar",
    "VG": """British Virgin Islands | BVI | B.V.I | Virgin Islands, British | Virgin Islands (UK) | Tortola
        Road Town, Tortola, British Virgin Islands | Corporate Registry Of British Virgin Islands""",
    "VI": "U.S. Virgin Islands | Virgin Islands (US) | Us Virgin Islands",
    "KY": "Cayman Islands | Grand Cayman | Cayman | Grand Cayman KY1-1104, Cayman Islands | Caymen Islands",
    "BM": "Bermuda | Bermuda (British Overseas Territory) | Hamilton, Bermuda",
    "US": """USA | U.S.A. | US | United States | United States of America | The United States Of America | America
        Delaware | Delaware, USA | State of Delaware | State Of Delaware, United States | Delaware Secretary of State
        Secretary of State, Delaware | United States (Delaware) | Deleware | Nevada, United States of America | New York
        New Jersey | California | Commonwealth of Virginia | State of Georgia | Georgia, USA | Atlanta, Georgia
        Washington, D.C. | Paris, Texas | Wilmington, Delaware | New Mexico | Boston, Massachusetts | Untied States""",
    "CA": "Canada | Ontario | British Columbia | Toronto, Ontario, Canada | London, Ontario | Quebec",
    "AU": "Australia | New South Wales | Victoria, Australia | Western Australia | AUS",
    "IE": "Ireland | Republic of Ireland | REPUBLIC OF IRELAND | Eire | Éire | Irish Republic | Dublin, Ireland | IRL",
    "DE": """Germany | Federal Republic Of Germany | Deutschland | Handelsregister München | Hamburg Germany
        Amtsgericht Charlottenburg | Germany (Handelsregister) | Bundesrepublik Deutschland | DEU""",
    "NL": "Netherlands | The Netherlands | Holland | Kamer van Koophandel | Nederland | Dutch",
    "LU": "Luxembourg | Luxembourg (RCS) | R.C.S. Luxembourg | Grand Duchy of Luxembourg | Luxemburg | LU",
    "FR": "France | Rcs Paris | French Republic | Registre du Commerce et des Sociétés de Paris | République Française",
    "CH": "Switzerland | Swiss Confederation | Zug, Switzerland | Zug | Schweiz | Swizerland",
    "AT": "Austria | Österreich | Republic of Austria | Firmenbuch Wien",
    "SE": "Sweden | Sweden (Bolagsverket) | Swedish Companies Registration Office",
    "NO": "Norway | Brønnøysund | Kingdom of Norway",
    "DK": "Denmark | Danmark | Copenhagen, Denmark",
    "ES": "Spain | España | Kingdom of Spain | Registro Mercantil de Madrid",
    "IT": "Italy | Italia | Camera di Commercio Milano",
    "TR": "Turkey | Türkiye | Tu\u0308rkiye",
    "AE": "United Arab Emirates | UAE | U.A.E. | Dubai (UAE) | United Arab Emirates - Dubai",
    "HK": "Hong Kong | Hong Kong, China | Hong Kong SAR | Hongkong | Companies Registry Hong Kong",
    "CN": "China | People's Republic of China | P.R. China | PRC | Shanghai, China",
    "TW": "Taiwan | Taiwan, Republic of China | Taiwan (Province of China)",
    "KR": "South Korea | Republic of Korea | Korea, Republic of | Korea",
    "KP": "North Korea | Korea, North",
    "CI": "Côte d'Ivoire | Ivory Coast | Cote D`Ivoire",
    "CD": "Democratic Republic of the Congo | Congo, Democratic Republic of the",
    "BS": "Bahamas | Bahamas, The | The Bahamas | Commonwealth of the Bahamas",
    "GE": "Republic of Georgia | Tbilisi, Georgia",
    "SG": "Singapore | Republic of Singapore | ACRA, Singapore",
    "TT": "Trinidad & Tobago",
    "XK": "Kosovo",
    UNCLEAR: """Companies House | Companies Act 2006 | West Yorkshire | Isle Of Wight | Kersey | Jersey Street
        Georgia | DE | CA | SA | NI | CH | IN | No | N/A | None | Not UK | Outside the United Kingdom | Unknown | 1 | -
        Virgin Islands | Channel Islands | South America | Latin America | North America | Europe | European Union | EU
        Germany/Austria | UK/US | Austria & Germany | Congo | Former Yugoslavia | USSR | Northern Cyprus | Worldwide
        British Overseas Territory | Washington, Tyne And Wear | austrlia | Handelsregister | 日本 | Россия
        England or Ireland | Companies House 01234567 | See above | and""",
}  # fmt: skip
CASES = [
    (text.strip(), code) for code, block in WRITTEN.items() for line in block.splitlines() for text in line.split("|")
]
CASES = [(text, code) for text, code in CASES if text]


@pytest.mark.parametrize(("text", "code"), CASES, ids=[text for text, _ in CASES])
def test_what_people_write(text: str, code: str) -> None:
    assert country_code(text) == code


def test_nothing_and_too_much_are_unclear() -> None:
    assert len(CASES) >= 120
    assert country_code("") == country_code("   ") == UNCLEAR
    assert country_code("England" + " " * MAX_CHARS) == UNCLEAR


def _table() -> list[dict[str, str]]:
    text = (files("pipelines.sources") / "countries.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_the_table_says_each_word_once() -> None:
    rows = _table()
    assert len(rows) == len({row["code"] for row in rows}) == 250  # ISO 3166 has 249, and Kosovo
    words = [word for row in rows for column in ("codes", "names", "places") for word in row[column].split("|") if word]
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("dress", [str, str.upper, str.title, "The {}".format, "  {}. ".format])
def test_every_name_of_the_table_is_found(dress: object) -> None:
    assert callable(dress)
    wrong = {
        (name, row["code"])
        for row in _table()
        for name in row["names"].split("|")
        if country_code(dress(name)) != row["code"]
    }
    assert wrong == set()


@given(st.text(max_size=60))
def test_any_text_gets_an_answer_that_blanks_around_it_do_not_change(text: str) -> None:
    code = country_code(text)
    assert code == UNCLEAR or (len(code) == 2 and code.isupper())
    assert country_code(f" {text} ") == code


@pytest.mark.realdata
def test_no_british_district_or_county_becomes_a_country(shared: Path) -> None:
    names = set[str]()
    with (shared / "geo/lad25_utla_region_ca.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names |= {row["lad25nm"], row["utla25nm"], row["cauthnm"]}
    counties = """Berkshire Cumberland Huntingdonshire Middlesex Westmorland Antrim Armagh Down Fermanagh Tyrone Gwent
        Dyfed Clwyd Merseyside Cleveland Avon Humberside Banffshire Bute Caithness Kinross Lanarkshire Nairn Perth
        Roxburgh Selkirk Sutherland Wigtown Brecon Cardigan Merioneth Montgomery Radnor Yorkshire Lancashire"""
    found = {name: country_code(name) for name in names | set(counties.split())}
    assert set(found.values()) == {UNCLEAR, "GB"}
