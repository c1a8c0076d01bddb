"""The morning's summary: the same facts on the terminal, in Markdown and on the page, and no stranger is obeyed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html
from markdown_it import MarkdownIt

from pipelines.night.facts import Night, NightFacts, Release
from pipelines.night.gate import Check, GateResult
from pipelines.night.markdown import as_markdown, inert, isolated
from pipelines.night.state import ListMove, State
from pipelines.night.terminal import WIDTH, print_night
from pipelines.night.wording import Outside, size, span, tell
from pipelines.reporting.night_page import write_night_page

GOLDEN = """\
# Held back: the figures of run 20261121T010000Z-aaaaaa stay.

- Of 10,000 sites read before and tried since, 9,000 answered (90.0%); 1,000 did not (timeout 1,000); at least 95% must.

## What moved

| List | Before | Now | In | Out | Why |
|---|---:|---:|---:|---:|---|
| Space technologies | 40 | 42 | 3 | 1 | site changed 3, register changed 1 |

- Example & Sons entered Space technologies, site changed: now says “We build satellites.”
- 3 moves more.

## What was read

- 11,000 of 12,345 firms have been read (89.1%); before: 10,980 of 12,300.
"""


def terminal(facts: NightFacts) -> str:
    """What the terminal shows."""
    stream = io.StringIO()
    print_night(tell(facts), stream)
    return stream.getvalue()


def page(folder: Path, facts: NightFacts) -> html.HtmlElement:
    """The page, parsed."""
    return html.document_fromstring(write_night_page(folder, facts).read_bytes())


def words(text: str) -> str:
    """Words alone, however they are laid out."""
    return " ".join(text.split())


def test_markdown_of_a_held_night_is_as_written_here(held: NightFacts) -> None:
    assert as_markdown(tell(held)).startswith(GOLDEN)


def test_three_renderings_say_the_same(held: NightFacts, tmp_path: Path) -> None:
    told = tell(held)
    said = [told.headline, *(part.title for part in told.parts)]
    said += ["".join(line) for part in told.parts for line in (*part.lines, *part.after)]
    said += [command for part in told.parts for command in part.commands]
    screen, markdown = words(terminal(held)), words(as_markdown(told))
    shown = words(page(tmp_path, held).text_content())
    for sentence in said:
        assert words(sentence) in screen
        assert words(sentence) in markdown
        assert words(sentence) in shown


def test_the_verdict_comes_first_and_the_summary_is_short(facts: NightFacts, held: NightFacts) -> None:
    for given, begins in ((facts, "Published: the figures of run"), (held, "Held back: the figures of run")):
        lines = terminal(given).splitlines()
        assert lines[0].startswith(begins)
        assert len(lines) < 60
        assert all(len(line) <= WIDTH for line in lines if "firmscope" not in line)


@pytest.mark.parametrize(
    ("change", "headline"),
    [
        pytest.param({"verdict": "unchanged", "night": None}, "Nothing to publish has changed: the figures", id="none"),
        pytest.param({"verdict": "failed", "night": None}, "The night did not end well: the figures", id="failed"),
        pytest.param({"verdict": "held", "published_run": None}, "Held back: nothing is published yet.", id="first"),
        pytest.param(
            {"verdict": "held", "night": None, "held_run": "R", "held_for": ("Because.",)},
            "Still held back since run R: the figures of run", id="held already",
        ),
        pytest.param(
            {"verdict": "released", "release": Release("R", "I looked.")},
            "Published after a look: the figures of held run R, in the place of", id="released",
        ),
        pytest.param(
            {"night": None, "published_run": "R"},
            "Published: the figures of run R, which was cut short before it could show them.", id="cut short",
        ),
    ],
)  # fmt: skip
def test_every_verdict_has_its_headline(facts: NightFacts, change: dict[str, object], headline: str) -> None:
    assert tell(replace(facts, **change)).headline.startswith(headline)  # type: ignore[arg-type]


def test_the_first_publication_says_so(facts: NightFacts) -> None:
    assert facts.night is not None
    first = replace(facts, night=replace(facts.night, before=None, before_run=None, lists=(), movements=()))
    assert tell(first).headline == f"Published: the figures of run {facts.run_id}, for the first time."
    assert "moved" not in [part.key for part in tell(first).parts]


def test_a_release_prints_its_reason_and_what_the_gate_said(held: NightFacts, hostile: str, tmp_path: Path) -> None:
    released = replace(held, verdict="released", release=Release("R", f"Looked at. {hostile}"))
    for said in (terminal(released), as_markdown(tell(released)), page(tmp_path, released).text_content()):
        assert "for this reason: Looked at." in words(said).replace("\u2068", "")
        assert "Of 10,000 sites read before and tried since, 9,000" in words(said)


def test_a_night_still_held_names_the_run_to_release(facts: NightFacts) -> None:
    still = replace(facts, verdict="held", night=None, published_run="P", held_run="R", held_for=("Because.",))
    assert tell(still).reasons == (("Because.",),)
    assert tell(still).parts[-1].commands == ("firmscope diff P R", "firmscope nightly --release R --reason '...'")


def test_what_is_empty_is_not_shown(facts: NightFacts, tmp_path: Path) -> None:
    night = Night(State(0, 0, 0, 0, None), GateResult(()))
    bare = NightFacts(facts.run_id, facts.started_at, facts.ended_at, "unchanged", night)
    assert [part.key for part in tell(bare).parts] == ["coverage"]
    assert [part.key for part in tell(replace(bare, night=None)).parts] == []
    assert page(tmp_path, bare).xpath("//table") == []


def test_a_long_night_is_cut_and_says_by_how_much(facts: NightFacts) -> None:
    assert facts.night is not None
    lists = tuple(ListMove(f"k{n:02}", f"List {n}", 10, 11, {"site_changed": 1}) for n in range(74))
    movements = tuple(replace(facts.night.movements[0], firm=f"Firm {n}") for n in range(20))
    told = tell(replace(facts, night=replace(facts.night, lists=lists, movements=movements, more_movements=500)))
    moved = next(part for part in told.parts if part.key == "moved")
    assert moved.table is not None
    assert len(moved.table.rows) == 10
    assert moved.after[0] == ("64 lists more moved.",)
    assert moved.after[-1] == ("512 moves more.",)


def test_words_of_strangers_stay_words_on_the_page(hostile_night: NightFacts, tmp_path: Path) -> None:
    shown = page(tmp_path, hostile_night)
    assert shown.xpath("//script | //img | //iframe | //a[not(contains(@class, 'skip'))]") == []
    assert shown.xpath("//@*[starts-with(name(), 'on')]") == []
    text = shown.text_content()
    assert "<script>alert(1)</script>" in text
    assert "a.person@firm.example" not in text
    assert not {"\u202e", "\x1b"} & set(text)
    assert any("<script>" in found.text_content() for found in shown.xpath("//bdi"))
    first = shown.xpath("//head/*")[0]
    assert first.get("http-equiv") == "Content-Security-Policy"
    assert "default-src 'none'" in first.get("content")


def test_words_of_strangers_stay_words_in_markdown(hostile_night: NightFacts) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = [
        token for block in parser.parse(as_markdown(tell(hostile_night))) for token in (block, *(block.children or ()))
    ]
    kinds = {token.type for token in tokens}
    assert not kinds & {
        "html_inline",
        "html_block",
        "link_open",
        "image",
        "code_inline",
        "strong_open",
        "em_open",
        "s_open",
    }
    assert "table_open" in kinds  # so the parser reads what GitHub reads
    read = "".join(token.content for token in tokens if token.type == "text")
    assert "<script>alert(1)</script>" in read
    assert "a.person@firm.example" not in read


def test_words_of_strangers_stay_words_on_the_terminal(hostile_night: NightFacts) -> None:
    shown = terminal(hostile_night)
    assert not {"\u202e", "\x1b"} & set(shown)
    assert "<script>alert(1)</script>" in shown


@pytest.mark.parametrize(
    "text",
    [
        "plain", "a_b_c", "_a_", "*a*", "**a**", "`a`", "[a](b)", "![a](b)", "<b>a</b>", "<!-- a", "a | b", "~~a~~",
        "# a", "- a", "+ a", "1. a", "1) a", "> a", "=== ", "---", "https://a.example", "www.a.example",
        "&lt;b&gt;", "&#60;", "\\*a*", "mailto:a", "a@b.example", "[a]: b", "12. a", "{{7*7}}", "a\\",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["- ", "| "], ids=["in a list", "in a table"])
def test_markdown_reads_text_back_as_it_was(text: str, before: str) -> None:
    source = f"- {inert(text)}\n" if before == "- " else f"| a |\n|---|\n| {inert(text)} |\n"
    parser = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
    tokens = [token for block in parser.parse(source) for token in (block, *(block.children or ()))]
    inline = [token for token in tokens if token.level and token.type == "inline"]
    assert "".join(child.content for child in inline[-1].children or ()).strip() == text.strip()
    assert not {"link_open", "image", "html_inline", "em_open", "strong_open", "code_inline"} & {
        at.type for at in tokens
    }
    assert sum(token.type == "bullet_list_open" for token in tokens) == (before == "- ")


def test_names_from_right_to_left_do_not_turn_what_stands_beside_them() -> None:
    assert isolated("\u05d0\u05d1 Ltd") == "\u2068\u05d0\u05d1 Ltd\u2069"
    assert isolated("Example Ltd") == "Example Ltd"


def test_facts_are_json(held: NightFacts, hostile_night: NightFacts) -> None:
    told = json.loads(json.dumps(held.as_dict()))
    assert told["verdict"] == "held"
    assert told["night"]["gate"]["held"] is True
    assert told["night"]["lists"][0]["entered"] == {"site_changed": 3}
    assert told["seconds"] == 3735.4
    assert json.dumps(hostile_night.as_dict())


def test_a_clock_that_was_set_back_makes_no_negative_time(facts: NightFacts) -> None:
    assert replace(facts, ended_at=facts.started_at.replace(year=2020)).seconds == 0


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (1_500_000, "1.5 MB"), (2_340_000_000_000, "2.3 TB")],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.9, "1 min 0 s"), (3_599.9, "1 h 0 min"),
        (7_260, "2 h 1 min"),
    ],
)  # fmt: skip
def test_spans(seconds: float, shown: str) -> None:
    assert span(seconds) == shown


def test_outside_words_are_marked_so_that_renderings_set_them_apart(facts: NightFacts) -> None:
    moved = next(part for part in tell(facts).parts if part.key == "moved")
    assert [isinstance(piece, Outside) for piece in moved.after[0]] == [True, False, True, False, True]
    assert Check("reached", True, "x").about == ""
