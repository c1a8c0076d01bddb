"""The small Markdown of the demo pages: what each block and link becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.demo.prose import Span, parse_blocks, parse_spans, plain_text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        pytest.param("One line\nand another", ["paragraph"], id="lines joined"),
        pytest.param("One.\n\nTwo.", ["paragraph", "paragraph"], id="blank line parts"),
        pytest.param("One.\n  \n\n\nTwo.", ["paragraph", "paragraph"], id="blank line with spaces"),
        pytest.param("## Head\n\n- a\n- b", ["heading", "list"], id="heading and list"),
        pytest.param("| a | b |\n| c | d |", ["table"], id="table"),
        pytest.param("> Said somebody", ["quote"], id="quotation"),
        pytest.param("- a\nnot an item", ["paragraph"], id="half a list shows as it stands"),
        pytest.param("## Head\ntext below", ["paragraph"], id="heading without a blank line shows as it stands"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_blocks(text: str, kinds: list[str]) -> None:
    assert [block.kind for block in parse_blocks(text)] == kinds


def test_table_cells_stay_in_their_rows() -> None:
    (table,) = parse_blocks("| Size | Use |\n| 4 mm | Blocks |")
    assert [[cell[0].text for cell in row] for row in table.rows] == [["Size", "Use"], ["4 mm", "Blocks"]]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        pytest.param("See [staff](/staff/).", (Span("See "), Span("staff", "/staff/"), Span(".")), id="in a sentence"),
        pytest.param("[a](/b)", (Span("a", "/b"),), id="alone"),
        pytest.param("[a](http://b)", (Span("[a](http://b)"),), id="other hosts are never linked"),
    ],
)
def test_links(text: str, spans: tuple[Span, ...]) -> None:
    assert parse_spans(text) == spans


@given(st.lists(st.text("abc £é.,;0", min_size=1).filter(lambda text: bool(text.strip())), min_size=1))
def test_no_word_is_lost(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    assert plain_text(text).split() == text.split()
