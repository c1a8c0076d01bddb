"""The report: its figures are the cells' figures, its lists add up, and what strangers wrote stays text."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from labels.taxonomy import Sector, Taxonomy
from pipelines.errors import TableError
from pipelines.reporting import ReportInput, build_report
from pipelines.reporting.gathering import gather
from pipelines.reporting.html import style_sheet
from pipelines.reporting.wording import FLAG_LABELS, METRIC_NAMES, OUTCOMES
from pipelines.rollup import FLAGS, METRICS
from tests.pipelines.figures.rolling import roll
from tests.pipelines.reporting.reading import Page, cluster_page, pages_of


def _html(given: ReportInput, folder: Path) -> str:
    return build_report(folder, given).read_text(encoding="utf-8")


def _tame(given: ReportInput) -> ReportInput:
    """The same tables with harmless words in the places of all words from outside."""
    sentences = given.assignments["evidence_sentence"]
    sectors = tuple(replace(sector, name=sector.key, definition="tame") for sector in given.taxonomy.sectors)
    return replace(
        given,
        taxonomy=replace(given.taxonomy, sectors=sectors),
        firms=given.firms.assign(name="Tame Ltd"),
        sites=given.sites.assign(reason="tame"),
        assignments=given.assignments.assign(evidence_sentence=sentences.where(sentences.isna(), "tame")),
    )


def test_words_from_outside_add_no_element_and_no_attribute(tables: ReportInput, tmp_path: Path) -> None:
    hostile, tame = pages_of(tables, tmp_path / "hostile"), pages_of(_tame(tables), tmp_path / "tame")
    assert hostile.keys() == tame.keys() >= {"index.html", "cluster-transport.html"}

    def shape(html: str) -> list[tuple[str, list[str]]]:
        return sorted((tag, sorted(attributes)) for tag, attributes in Page(html).elements)

    for name, html in hostile.items():
        assert shape(html) == shape(tame[name]), name
    text = "".join(Page(hostile["cluster-transport.html"]).text)
    assert "<script>alert(1)</script></title>" in text  # shown, as text
    assert "{{7*7}}" in text


def test_nothing_runs_that_is_not_ours_and_nothing_is_fetched(tables: ReportInput, tmp_path: Path) -> None:
    pages = pages_of(tables, tmp_path)
    away_in_all = 0
    for name, html in pages.items():
        page = Page(html)
        names = {tag for tag, _ in page.elements}
        assert not names & {"link", "img", "iframe", "object", "embed", "form", "base", "video", "use", "image"}, name
        for tag, attributes in page.elements:
            assert not {kind for kind in attributes if kind.startswith("on") or kind in ("style", "src", "srcset")}, tag
        links = [attributes for tag, attributes in page.elements if tag == "a"]
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        for link in links:
            href = link["href"] or ""
            file, _, place = href.partition("#")
            if file in pages or not file:
                target = pages[file or name]
                assert not place or f'id="{place}"' in target, (name, href)
            else:
                away_in_all += 1
                assert re.match(r"https?://[a-z]", href), (name, href)
                assert "noreferrer" in (link["rel"] or ""), (name, href)
        assert "url(" not in html, name
        assert "@import" not in html, name
    assert away_in_all


def test_the_policy_comes_first_and_allows_one_style_sheet_and_one_script(tables: ReportInput, tmp_path: Path) -> None:
    for name, html in pages_of(tables, tmp_path).items():
        tags = Page(html).elements
        first = tags[[tag for tag, _ in tags].index("head") + 1]
        assert first[0] == "meta", name
        assert first[1]["http-equiv"] == "Content-Security-Policy", name
        (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
        scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
        assert len(scripts) <= 1, name
        assert [tag for tag, _ in tags].count("script") == len(scripts), name
        allowed = "".join(f"; script-src 'sha256-{_digest(script)}'" for script in scripts)
        assert first[1]["content"] == (
            f"default-src 'none'; style-src 'sha256-{_digest(style)}'{allowed}; base-uri 'none'; form-action 'none'"
        ), name


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize(
    "absent",
    ["\u202e", "sales@orbit.example", "owner@parked.example", "secret", 'href="javascript:', "None", ">nan<"],
    ids=["direction override", "e-mail in evidence", "e-mail in reason", "password", "script link", "None", "nan"],
)
def test_what_must_not_be_in_the_page(tables: ReportInput, tmp_path: Path, absent: str) -> None:
    shown = tables.firms["name"].replace({"=1+1": "\u202eNo\u200fe"})
    for name, html in pages_of(replace(tables, firms=tables.firms.assign(name=shown)), tmp_path).items():
        assert absent not in html, name


def test_every_figure_is_its_cell(tables: ReportInput, tmp_path: Path) -> None:
    today = tables.cells[tables.cells["period"] == "latest"]
    by_district = replace(tables, cells=today[today["area_kind"] != "postcode_area"])
    page = Page(_html(by_district, tmp_path))
    cells = {
        (row["cluster"], row["area_code"], row["metric"]): row["value"] for row in by_district.cells.to_dict("records")
    }
    for sector in tables.taxonomy.sectors:
        shown = page.row(sector.name)
        for place, metric in enumerate(METRICS, start=1):
            value = cells[sector.key, "all", metric]
            expected = "not known" if pd.isna(value) else f"{value:,.0f}"
            assert re.match(rf"{re.escape(expected)}(?![\d,.])", shown[place]), (sector.key, metric, shown)
    assert page.row("Aerospace")[1:] == ["2", "1,234 part estimated", "1,000,000 1 of 2 known", "71%"]
    assert page.row("Cyber")[2:4] == ["not known", "not known"]
    caution = "Fewer than 80% of the area's firms in the list were read and classified."
    assert "".join(page.text).count(caution) == 1  # once for the whole list


def test_areas_are_of_the_kind_that_places_more_firms(tables: ReportInput) -> None:
    report = gather(tables)  # three of four firms by postcode, two by district
    (transport,) = report.tiers[0].clusters
    assert report.area_kind == "postcode_area"
    assert [(area.name, area.figures["businesses"].n) for area in transport.areas] == [("NG", 2), ("B", 1)]
    without = tables.cells[tables.cells["area_kind"] != "postcode_area"]
    by_district = gather(replace(tables, cells=without))
    assert by_district.area_kind == "lad"
    names = [area.name for area in by_district.tiers[0].clusters[0].areas]
    assert names == ["Nottingham", "Birmingham", None]


def test_every_firm_is_in_one_group(tables: ReportInput, tmp_path: Path) -> None:
    report = gather(tables)
    groups = (report.in_a_cluster, report.in_none.total, report.unread, report.gone.total)
    assert groups == (4, 1, 2, 1)
    assert sum(groups) == report.in_list == len(tables.firms)
    assert sum(outcome.firms.total for outcome in report.outcomes) == report.unread
    assert {outcome.word for outcome in report.outcomes} == {"parked", "not_attempted"}
    page = Page(_html(tables, tmp_path))
    assert [page.row(name)[1] for name in ("Read, and in no cluster", "Firms in the list")] == ["1", "8"]
    left_out = (tmp_path / "left-out.html").read_text(encoding="utf-8")
    assert left_out.count('class="name"') == 1 + 2 + 1


def test_firms_that_wait_for_the_classifier_are_a_group_of_their_own(tables: ReportInput, tmp_path: Path) -> None:
    given = replace(tables, readable=tables.readable - {"F7", "F8"}, waiting=frozenset({"F7", "F8"}))
    report = gather(given)
    groups = (report.in_a_cluster, report.in_none.total, report.waiting.total, report.unread, report.gone.total)
    assert groups == (4, 0, 1, 2, 1)  # F8 is in a cluster, by the words it had
    assert sum(groups) == report.in_list
    page = Page(_html(given, tmp_path))
    assert page.row("Read, and not classified yet")[1] == "1"
    text = " ".join("".join(page.text).split())
    assert "1 firm was read and has not been classified yet" in text
    assert "1 firm in a cluster is there by earlier words" in text


def test_a_cluster_that_was_not_trained_is_not_shown_as_nought(tables: ReportInput, tmp_path: Path) -> None:
    untrained = frozenset({"textiles", "aerospace"})
    cells = roll(
        tables.taxonomy, tables.firms, tables.premises, tables.accounts, tables.readable, tables.assignments, untrained
    ).cells.to_pylist()
    page = Page(_html(replace(tables, cells=pd.DataFrame(cells), untrained=untrained), tmp_path))
    assert page.row("Textiles")[1] == "not known not trained"
    assert page.row("Aerospace")[1] == "2 not trained"
    text = " ".join("".join(page.text).split())
    assert "The model was not trained for Aerospace and Textiles: it had too few examples." in text
    assert "Aerospace 2, Textiles not known." in text  # what the chart says to a screen reader


def test_members_come_with_evidence_the_most_probable_first(tables: ReportInput) -> None:
    clusters = {cluster.sector.key: cluster for tier in gather(tables).tiers for cluster in tier.clusters}
    members = clusters["transport"].firms.shown
    assert [(firm.firm_id, firm.probability) for firm in members] == [("F2", 0.999), ("00123", 0.93), ("F3", None)]
    assert members[0].page == "https://two.example/about"
    assert members[0].website is None
    assert members[1].website == "https://www.orbit.example/"
    assert clusters["aerospace"].firms.shown[0].page is None  # javascript:
    assert clusters["cyber"].firms.shown[0].firm_id == "F8"  # F4 is dissolved, GONE is not in the list
    assert clusters["space_tech"].parents == ("Aerospace", "Transport <b>technologies</b>")


def test_cells_of_other_assignments_are_refused(tables: ReportInput, tmp_path: Path) -> None:
    stale = tables.assignments[tables.assignments["firm_id"] != "F8"]
    with pytest.raises(TableError, match="cyber: the cells count 1 businesses, but 0 firms are assigned"):
        build_report(tmp_path / "report", replace(tables, assignments=stale))
    with pytest.raises(TableError, match="the cells count no businesses"):
        build_report(tmp_path / "report", replace(tables, cells=tables.cells.iloc[:0]))
    assert not (tmp_path / "report").exists()


def test_the_same_tables_give_the_same_bytes(tables: ReportInput, tmp_path: Path) -> None:
    names = ("firms", "premises", "accounts", "sites", "assignments", "cells")
    shuffled = {name: getattr(tables, name).sample(frac=1, random_state=3) for name in names}
    assert _html(tables, tmp_path / "a") == _html(replace(tables, **shuffled), tmp_path / "b")


def _long_list(number: int) -> ReportInput:
    ids = [f"F{place:06}" for place in range(number)]
    taxonomy = Taxonomy("long", 1, tuple(Sector(f"s{place}", f"Sector {place}") for place in range(30)), "b" * 64)
    firms = pd.DataFrame({"firm_id": ids, "name": "A Firm Ltd", "website": None, "status": None, "dissolved_on": None})
    accounts = pd.DataFrame({"firm_id": ids, "period_end": date(2025, 1, 1), "employees": 3.0, "turnover_gbp": None})
    premises = pd.DataFrame({"firm_id": ids, "postcode": "NG1 1AA", "kind": "registered", "lad_code": None})
    assignments = pd.DataFrame(
        {
            "firm_id": ids,
            "sector": [f"s{place % 30}" for place in range(number)],
            "assigned": True,
            "reason": "threshold passed",
            "probability": 0.8,
            "since": pd.Timestamp("2026-03-01", tz="UTC"),
            "evidence_url": "https://firm.example/about",
            "evidence_sentence": "We make a great many things for a great many firms. " * 20,
            "evidence_terms": [["things", "firms"]] * number,
            "evidence_nearest": [["seed:one"]] * number,
        }
    )
    tables: dict[str, Any] = {
        "firms": firms,
        "premises": premises.assign(source="firm_list"),
        "accounts": accounts.assign(source="firm_list", imputed=False),
    }
    cells = roll(taxonomy, **tables, readable=ids, assignments=assignments).cells.to_pylist()
    sites = pd.DataFrame({"firm_id": ids, "outcome": "ok", "reason": "read", "final_url": None})
    return ReportInput(
        taxonomy=taxonomy,
        provenance=_provenance(taxonomy),
        sites=sites,
        readable=frozenset(ids),
        assignments=assignments,
        cells=pd.DataFrame(cells),
        **tables,
    )


def _provenance(taxonomy: Taxonomy) -> Any:
    from pipelines.provenance import Provenance

    return Provenance.of(taxonomy, "run", None, None)


def test_long_lists_are_cut_and_say_so(tmp_path: Path) -> None:
    pages = pages_of(_long_list(6_030), tmp_path)
    lists = [html for name, html in pages.items() if name.startswith("cluster-")]
    assert len(lists) == 30
    for html in lists:
        assert html.count("1 more firms are in the export of firms.") == 1
        assert html.count('class="name"') == 200
    assert max(map(len, pages.values())) < 1_000_000


def test_an_empty_list_makes_a_page(tables: ReportInput, tmp_path: Path) -> None:
    names = ("firms", "premises", "accounts", "sites", "assignments")
    empty: dict[str, Any] = {name: getattr(tables, name).iloc[:0] for name in names}
    made = roll(tables.taxonomy, empty["firms"], empty["premises"], empty["accounts"], (), empty["assignments"])
    cells = pd.DataFrame(made.cells.to_pylist(), columns=made.cells.column_names)
    given = replace(tables, readable=frozenset(), cells=cells, **empty)
    assert "No firm of the list was put in this cluster." in cluster_page(given, tmp_path, "transport")


def test_a_firm_with_an_endless_name_does_not_push_the_page_apart(tables: ReportInput, tmp_path: Path) -> None:
    pages = pages_of(replace(tables, firms=tables.firms.assign(name="x" * 10_000)), tmp_path)
    assert "x" * 120 + "…" in pages["cluster-transport.html"]
    assert not [name for name, html in pages.items() if "x" * 121 in html]


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_a_contrast_of_at_least_4_5(scheme: int) -> None:
    style = style_sheet("base.css", "report.css")
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+(?:-\w+)?): (#[0-9a-f]{6});", block))
    for ground in ("paper", "faint", "caution"):
        for text in ("ink", "soft", "link", "flag", "super", "established", "new_economy", "none"):
            light, dark = sorted((_luminance(colours[ground]), _luminance(colours[text])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, text)


def test_every_flag_and_metric_has_its_words() -> None:
    assert FLAG_LABELS.keys() == FLAGS.keys()
    assert METRIC_NAMES.keys() == set(METRICS)


def test_every_outcome_has_its_sentence() -> None:
    from crawler.records import SITE_OUTCOMES

    assert OUTCOMES.keys() == set(SITE_OUTCOMES)
