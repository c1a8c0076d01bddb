"""The shipped firms are what the demo says they are: fictional, placed where they say, complete, told apart."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import get_args

import pytest
import yaml

from pipelines.demo.firms import (
    EXPECTED_OUTCOMES,
    Behaviour,
    DemoDataError,
    DemoFirm,
    DemoPage,
    Template,
    load_demo_firms,
    read_town,
)
from pipelines.demo.prose import plain_text

FIRMS = load_demo_firms()
TAXONOMY = Path(__file__).resolve().parents[3] / "labels" / "shipped" / "midlands" / "taxonomy.yaml"
DRAMA_NUMBERS = re.compile(r"(0115 496|0116 496|0121 496) 0\d{3}|01632 960\d{3}")  # Ofcom, numbers for drama use
POSTCODE = re.compile(r"[A-Z]{1,2}\d{1,2} \d[A-Z]{2}")


def parents_of_sectors() -> dict[str, tuple[str, ...]]:
    sectors = yaml.safe_load(TAXONOMY.read_text(encoding="utf-8"))["sectors"]
    return {sector["key"]: tuple(sector.get("parents", ())) for sector in sectors}


def test_there_are_enough_firms_towns_sectors_and_kinds_of_site() -> None:
    sectors = Counter(sector for firm in FIRMS for sector in firm.truth)
    assert len(FIRMS) >= 72
    assert len({firm.town for firm in FIRMS}) >= 8
    assert len(sectors) >= 16
    assert sum(count >= 4 for count in sectors.values()) >= 8
    assert sum(not firm.truth for firm in FIRMS) >= 15
    assert sum(len(firm.truth) > 1 for firm in FIRMS) >= 15
    assert {firm.template for firm in FIRMS} == set(get_args(Template))
    assert {firm.behaviour for firm in FIRMS} == set(get_args(Behaviour)) == set(EXPECTED_OUTCOMES)


def test_identifiers_are_unique() -> None:
    for attribute in ("firm_id", "name", "company_number"):
        assert len({getattr(firm, attribute) for firm in FIRMS}) == len(FIRMS), attribute


def test_truth_names_sectors_of_the_shipped_taxonomy_without_their_parents() -> None:
    parents = parents_of_sectors()
    for firm in FIRMS:
        assert set(firm.truth) | set(firm.unsure) <= set(parents), firm.firm_id
        assert not set(firm.truth) & set(firm.unsure), firm.firm_id
        assert not set(firm.truth) & {parent for sector in firm.truth for parent in parents[sector]}, firm.firm_id


def test_contact_details_belong_to_nobody() -> None:
    for firm in FIRMS:
        assert firm.company_number.startswith("99"), firm.firm_id
        assert not firm.phone or DRAMA_NUMBERS.fullmatch(firm.phone), firm.firm_id
        assert not firm.email or re.fullmatch(r"[a-z.]+@[a-z]+\.example", firm.email), firm.firm_id
        assert not firm.website, firm.firm_id
        for page in firm.pages:
            assert not re.search(r"https?:|www\.|\b0\d{3,4} ?\d{3}", page.text), (firm.firm_id, page.path)


def test_size_is_plausible_and_sometimes_unknown() -> None:
    assert any(firm.employees is None for firm in FIRMS)
    assert sum(firm.turnover_gbp is None for firm in FIRMS) >= 15
    for firm in FIRMS:
        if firm.turnover_gbp is not None:
            assert firm.employees, firm.firm_id
            assert 20_000 <= firm.turnover_gbp / firm.employees <= 1_500_000, firm.firm_id


def words_shown(firm: DemoFirm, page: DemoPage) -> int:
    """Words of a page without menus, banners and footer."""
    parts = [page.title, plain_text(page.text)]
    if page.path == "/":
        parts.append(firm.tagline)
    if "contact" in page.path:
        parts += [firm.name, firm.address, firm.town, firm.postcode, firm.phone]
    return len(" ".join(parts).split())


def test_each_page_holds_enough_words_and_not_too_many() -> None:
    for firm in FIRMS:
        words = {page.path: words_shown(firm, page) for page in firm.pages}
        if firm.pages and firm.template == "onepage":
            words = {"/": sum(words.values())}
        elif firm.pages:
            assert 3 <= len(words) <= 6, firm.firm_id
        assert all(60 <= count <= 250 for count in words.values()), (firm.firm_id, words)


def test_no_two_firms_share_a_sentence() -> None:
    firms_saying = defaultdict(set)
    for firm in FIRMS:
        for page in firm.pages:
            for sentence in re.split(r"(?<=[.!?])\s+|\n", plain_text(page.text)):
                if len(sentence.split()) >= 4:
                    firms_saying[sentence.casefold()].add(firm.firm_id)
    assert len(firms_saying) > 1000
    assert {sentence: firms for sentence, firms in firms_saying.items() if len(firms) > 1} == {}


def test_a_page_in_another_language_says_so() -> None:
    assert {page.lang for firm in FIRMS for page in firm.pages} == {"en", "cy", "de"}


@pytest.mark.realdata
def test_outcodes_lie_in_the_local_authority_stated(shared: Path) -> None:
    with (shared / "geo" / "outcodes_gb.csv").open(encoding="utf-8", newline="") as file:
        authority_of = {row["out"]: row["lad25cd"] for row in csv.DictReader(file)}
    with (shared / "geo" / "lad25_utla_region_ca.csv").open(encoding="utf-8", newline="") as file:
        name_of = {row["lad25cd"]: row["lad25nm"] for row in csv.DictReader(file)}
    exceptions = {"Loughborough": "Charnwood", "Telford": "Telford and Wrekin", "Grimsby": "North East Lincolnshire"}
    for firm in FIRMS:
        assert POSTCODE.fullmatch(firm.postcode), firm.firm_id
        assert authority_of[firm.postcode.split()[0]] == firm.lad_code, firm.firm_id
        assert name_of[firm.lad_code] == exceptions.get(firm.town, firm.town), firm.firm_id


HOME = "pages: [{path: /, nav: Home, text: Words}]"
GOOD = (
    f"firm_id: a-01, name: A, address: 1 B, postcode: C1 1AA, tagline: T, truth: [], company_number: '99000001', {HOME}"
)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("firm_id: [", "expected", id="not yaml"),
        pytest.param(GOOD.replace("tagline: T, ", ""), "tagline", id="key missing"),
        pytest.param(GOOD + ", colour: blue", "colour", id="unknown key"),
        pytest.param(GOOD + ", template: fancy", "'fancy' is none of semantic", id="unknown template"),
        pytest.param(GOOD + ", behaviour: shy", "'shy' is none of normal", id="unknown behaviour"),
        pytest.param(GOOD.replace("99000001", "01234567"), "01234567", id="company number that could be real"),
        pytest.param(GOOD.replace("path: /,", "path: /about,"), "home page", id="no home page"),
        pytest.param(GOOD.replace(", text: Words", ""), "page '/'", id="page without words"),
    ],
)
def test_a_malformed_town_is_refused_by_name(tmp_path: Path, entry: str, said: str) -> None:
    path = tmp_path / "atown.yaml"
    path.write_text(f"town: A\nlad_code: E0\nfirms:\n  - {{{entry}}}\n", encoding="utf-8")
    with pytest.raises(DemoDataError, match=re.escape(said)) as refused:
        read_town(path)
    assert "atown.yaml" in str(refused.value)


def test_a_town_is_read(tmp_path: Path) -> None:
    path = tmp_path / "atown.yaml"
    path.write_text(f"town: A\nlad_code: E0\nfirms:\n  - {{{GOOD}}}\n", encoding="utf-8")
    (firm,) = read_town(path)
    assert (firm.firm_id, firm.town, firm.lad_code, firm.pages[0].title) == ("a-01", "A", "E0", "Home")
    assert firm.expected_outcome == "ok"
