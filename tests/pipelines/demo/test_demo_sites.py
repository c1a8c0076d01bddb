"""Every firm's site renders to well-formed pages whose links lead somewhere on the same site."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest

from pipelines.demo.prose import parse_blocks, plain_text
from pipelines.demo.sites import DemoFirm, load_demo_firms, render_error, render_site

FIRMS = load_demo_firms()
BY_ID = {firm.firm_id: firm for firm in FIRMS}
WITH_PAGES = [firm for firm in FIRMS if firm.behaviour in ("normal", "robots_forbid")]
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}


class Document(HTMLParser):
    """Text, links, ids and metadata of a page; fails on a tag that is closed out of order or never."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.languages: list[str] = []
        self.text: list[str] = []
        self.json_ld: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.links += [values[name] for name in ("href", "src", "action") if name in values]
        self.ids |= {values["id"]} if "id" in values else set()
        if tag == "html" and "lang" in values:
            self.languages.append(values["lang"])
        if tag not in VOID:
            self.open.append("ld" if values.get("type") == "application/ld+json" else tag)

    def handle_endtag(self, tag: str) -> None:
        opened = self.open.pop()
        assert opened == tag or (opened == "ld" and tag == "script"), f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        if "ld" in self.open:
            self.json_ld.append(data)
        elif not {"script", "style"} & set(self.open):
            self.text.append(data)

    @property
    def words(self) -> str:
        """The visible text, white space made single."""
        return " ".join("".join(self.text).split())


def pages_of(firm: DemoFirm) -> dict[str, Document]:
    return {
        path: Document(body.decode("windows-1252" if content_type == "text/html" else "utf-8"))
        for path, (content_type, body) in render_site(firm).items()
        if content_type.startswith("text/html")
    }


@pytest.mark.parametrize("firm", WITH_PAGES, ids=lambda firm: firm.firm_id)
def test_a_site_says_what_its_firm_says(firm: DemoFirm) -> None:
    pages = pages_of(firm)
    assert "/" in pages
    for page in firm.pages:
        document = pages[page.path if page.path.startswith("/") else "/"]
        for block in parse_blocks(page.text):
            for row in block.rows:
                for cell in row:
                    assert "".join(span.text for span in cell) in document.words, page.path
        assert page.title in document.words
    for document in pages.values():
        assert firm.company_number in document.words
        assert f"{firm.address}, {firm.town} {firm.postcode}" in document.words
        assert "{{" not in document.words


@pytest.mark.parametrize("firm", WITH_PAGES, ids=lambda firm: firm.firm_id)
def test_links_resolve_within_the_site(firm: DemoFirm) -> None:
    site = render_site(firm)
    reached = {"/"}
    for path, document in pages_of(firm).items():
        for link in document.links:
            if link.startswith("#"):
                assert link == "#" or link[1:] in document.ids, (path, link)
            elif not link.startswith(("mailto:", "tel:")):
                assert urljoin(path, link) in site, (path, link)
                reached.add(urljoin(path, link))
    assert reached | {"/robots.txt"} >= set(site), "a page that no link leads to"


def test_each_page_states_its_language() -> None:
    assert pages_of(BY_ID["telford-03"])["/cy/"].languages == ["cy"]
    assert pages_of(BY_ID["coventry-06"])["/de/"].languages == ["de"]
    assert pages_of(BY_ID["coventry-06"])["/"].languages == ["en"]


def test_structured_data_is_json_and_names_the_firm() -> None:
    firms = [firm for firm in WITH_PAGES if firm.template in ("semantic", "spec")]
    for firm in firms:
        for document in pages_of(firm).values():
            facts = json.loads("".join(document.json_ld))
            assert (facts["name"], facts["identifier"]) == (firm.name, firm.company_number)
    assert len(firms) >= 20


def test_firms_cannot_write_html() -> None:
    for template in ("semantic", "tables", "divsoup", "onepage", "sidebar", "spec", "brochure"):
        firm = replace(BY_ID["nottingham-01"], name="</script><script>x()", template=template)
        for _, body in render_site(firm).values():
            assert b"<script>x()" not in body, template


def test_the_old_layout_is_encoded_as_its_meta_tag_says() -> None:
    content_type, body = render_site(BY_ID["nottingham-02"])["/lace.htm"]
    assert content_type == "text/html"
    assert b"charset=windows-1252" in body


@pytest.mark.parametrize("firm_id", ["stoke-04", "stoke-07", "birmingham-14", "lincoln-07"])
def test_a_site_that_serves_nothing_renders_nothing(firm_id: str) -> None:
    assert render_site(BY_ID[firm_id]) == {}


def test_odd_sites() -> None:
    parked = pages_of(BY_ID["leicester-10"])
    assert list(parked) == ["/"]
    assert "domain is for sale" in parked["/"].words
    shell = pages_of(BY_ID["birmingham-12"])
    assert list(shell) == ["/"]
    assert shell["/"].words == ""
    assert render_site(BY_ID["coventry-05"])["/robots.txt"][1] == b"User-agent: *\nDisallow: /\n"
    assert render_site(BY_ID["nottingham-06"])["/robots.txt"][1] == b"User-agent: *\nDisallow: /staff/\n"
    assert "/robots.txt" not in render_site(BY_ID["nottingham-01"])
    single = BY_ID["derby-07"]
    assert list(pages_of(single)) == ["/"]
    assert all(plain_text(page.text) for page in single.pages)


def test_an_error_page_escapes_and_names_the_status() -> None:
    _, body = render_error(BY_ID["stoke-07"], 500, "Internal server error")
    assert "500" in Document(body.decode()).words
