"""A cluster's page as PDF: printed by a real browser, whole, on upright A4; and errors that say what to do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.reporting import build_report
from pipelines.reporting.formats import count
from pipelines.reporting.pdf import BROWSERS, cluster_pdf
from tests.pipelines.reporting.listing import listing

A4_POINTS = (595, 842)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report's folder."""
    return build_report(tmp_path_factory.mktemp("report"), listing()).parent


def test_prints_the_whole_page_on_upright_a4(report: Path, tmp_path: Path) -> None:
    from pypdf import PdfReader

    if not any(map(shutil.which, BROWSERS)):
        message = "no Chromium is installed: no page was printed (apt install chromium)"
        if os.environ.get("FIRMSCOPE_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    out = tmp_path / "new" / "rail.pdf"
    assert cluster_pdf(report, "rail", out) == out
    assert [file.name for file in out.parent.iterdir()] == ["rail.pdf"]
    pages = PdfReader(out).pages
    assert 2 <= len(pages) <= 8
    sizes = [(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in pages]
    assert set(sizes) == {A4_POINTS}
    words = " ".join(" ".join(page.extract_text() for page in pages).split())
    given = listing()
    whole = given.cells[(given.cells["cluster"] == "rail") & (given.cells["area_kind"] == "all")]
    now = whole[whole["period"] == "latest"].set_index("metric")["value"]
    for metric in ("businesses", "employees", "turnover_gbp"):
        assert count(now[metric]) in words
    assert "Firm 57" in words  # of the folded list of firms: the last by name
    assert "file://" not in words  # no header or footer of the browser's


@pytest.mark.parametrize(
    ("key", "told"),
    [("rial", "did you mean rail"), ("../index", "no page of a cluster"), ("", "no page of a cluster")],
    ids=["misspelt", "another folder", "empty"],
)
def test_a_cluster_without_a_page(report: Path, tmp_path: Path, key: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        cluster_pdf(report, key, tmp_path / "out.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_report(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run firmscope report first"):
        cluster_pdf(tmp_path, "rail", tmp_path / "out.pdf")


def test_no_browser(report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="install Chromium"):
        cluster_pdf(report, "rail", tmp_path / "out.pdf")


@pytest.mark.parametrize(
    ("script", "told"),
    [("echo out of memory >&2; exit 3", "exit 3.*out of memory"), ("exit 0", "it said nothing")],
    ids=["fails", "prints nothing"],
)
def test_a_browser_that_fails_leaves_the_old_file(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    browser = tmp_path / "bin" / "chromium"
    browser.parent.mkdir()
    browser.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", str(browser.parent))
    out = tmp_path / "out.pdf"
    out.write_bytes(b"old")
    with pytest.raises(UsageError, match=told):
        cluster_pdf(report, "rail", out)
    assert out.read_bytes() == b"old"
