"""Whatever a website, a firm's name or a coder says is shown as text: parsed, element by element."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from pipelines.labelling.marking import best_sentences, marked, marker
from pipelines.workspace import Workspace
from tests.pipelines.labelling.conftest import HOSTILE, Serve, Served

ELEMENTS = frozenset(re.findall(r"\w+", """
    html head meta title link script body a p strong span form label select option input button kbd noscript div main
    article h1 h2 h3 section details summary ol ul li small bdi mark textarea fieldset legend dialog dl dt dd header
    code meter progress blockquote pre table thead tbody tr th td
"""))  # fmt: skip
ATTRIBUTES = frozenset(re.findall(r"[\w-]+", """
    lang charset name content rel href type src defer class aria-label aria-labelledby aria-hidden aria-keyshortcuts id
    value selected role action maxlength autocomplete placeholder hidden tabindex open for checked rows target
    data-address data-again data-src data-swap data-click data-firm data-digest data-sector data-mode data-why data-key
    data-seen data-label data-do min max step scope required data-held
"""))  # fmt: skip
PATHS = [
    "/?sector=space&firm=hostile", "/?sector=space&firm=hostile&mode=second", "/progress?sector=space",
    "/members?sector=space", "/search?sector=space&q=satellites", "/search?sector=space&q=%3Cscript%3E(",
    "/view?sector=space&firm=hostile", "/retraining?sector=space", "/who", "/",
]  # fmt: skip


class Parsed(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.said = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.mark.parametrize("path", PATHS)
def test_p06_nothing_from_outside_becomes_markup(served: Served, path: str) -> None:
    client = served.enter("parser")
    client.post("/judge", {"click": "click-p06", "firm": "hostile", "sector": "space", "labels": {"space": "include"},
                           "seen": {}, "note": HOSTILE})  # fmt: skip
    page = Parsed(client.get(path).text)
    assert page.elements <= ELEMENTS
    assert {name for _, name, _ in page.attributes} <= ATTRIBUTES
    assert {(tag, value) for tag, name, value in page.attributes if name == "src"} <= {("script", "/assets/page.js")}
    for tag, name, value in page.attributes:
        if name in ("href", "action"):
            assert value.startswith(("/", "#", "https://hostile.example/", "https://f")), (tag, value)
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.said


def test_p06_hostile_words_are_there_to_read(served: Served) -> None:
    said = Parsed(served.enter("reader").get("/?sector=space&firm=hostile").text).said
    for words in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}}", "Space <b>technologies</b>"):
        assert words in said


def test_p14_a_site_is_linked_and_never_loaded(served: Served) -> None:
    page = Parsed(served.enter("linker").get("/?sector=space&firm=f03").text)
    assert page.elements.isdisjoint({"iframe", "img", "object", "embed", "video", "style"})
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href") and value.startswith("http")]
    rels = [value for tag, name, value in page.attributes if (tag, name) == ("a", "rel")]
    assert links
    assert rels == ["noreferrer noopener"] * len(links)


def test_there_is_no_inline_script_or_style(served: Served) -> None:
    client = served.enter("inline")
    for path in PATHS:
        html = client.get(path).text
        assert "<style" not in html
        assert " style=" not in html
        assert "<script>" not in html


@pytest.mark.parametrize(
    ("text", "rules", "terms", "expected"),
    [
        ("We build satellites.", ["satellite*"], [], [("We build ", ""), ("satellites", "keyword"), (".", "")]),
        ("Earth-observation data", ['"earth observation"'], [], [("Earth-observation", "keyword"), (" data", "")]),
        (
            "heat pumps and pumps",
            ["heat pump*"],
            ["pumps"],
            [("heat pumps", "keyword"), (" and ", ""), ("pumps", "term")],
        ),
        ("Café", ["cafe"], [], [("Café", "keyword")]),
        ("rockets", ["rocket* NOT dish"], [], [("rockets", "keyword")]),
        ("dish", ["rocket* NOT dish"], [], [("dish", "")]),
        ("anything", ["(broken"], [], [("anything", "")]),
        ("", ["x"], [], []),
    ],
)
def test_marks(text: str, rules: list[str], terms: list[str], expected: list[tuple[str, str]]) -> None:
    found = marked(text, marker(rules, terms))
    assert [(segment.text, segment.mark) for segment in found] == expected
    assert "".join(segment.text for segment in found) == text


def test_the_best_sentences_come_first() -> None:
    texts = ["We have been here for twenty years.\nWe build satellites for earth observation.",
             "Call us for a quote today. Our rockets put satellites into orbit."]  # fmt: skip
    look_for = marker(["satellite*", "rocket*"], [], "")
    found = best_sentences(texts, look_for, evidence="We build satellites for earth observation.")
    assert ["".join(segment.text for segment in quote.segments) for quote in found] == [
        "We build satellites for earth observation.", "Our rockets put satellites into orbit.",
    ]  # fmt: skip
    assert [(quote.page, quote.carries) for quote in found] == [(0, True), (1, False)]
    nothing = best_sentences(texts, marker([], []))
    assert "".join(segment.text for segment in nothing[0].segments) == "We have been here for twenty years."


def test_names_with_markup_stay_names(serve: Serve, own: Workspace) -> None:
    client = serve(own).enter("anna")
    reply = client.post("/coder", {"name": "<script>"})
    assert reply.status == 422
    assert not reply.header("set-cookie")
