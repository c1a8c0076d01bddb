"""What may be quoted, and that a piece and what is left of its chunk make up the chunk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.quotable import MAX_PIECE_CHARS, Kind, kind_of, pieces

LONG = "We machine parts, " * 40


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("We make satellites for the oceans.", Kind.SENTENCE, id="sentence"),
        pytest.param("He said: \u201cwe build boats to order.\u201d", Kind.SENTENCE, id="ends in a quotation mark"),
        pytest.param("ISO 9001 certified welding and fabrication services in Leeds", Kind.PHRASE, id="no full stop"),
        pytest.param("Cyber Clinic", Kind.HEADING, id="heading"),
        pytest.param("What we do.", Kind.HEADING, id="short, with a full stop"),
        pytest.param("five words but nothing small", Kind.HEADING, id="no small word"),
        pytest.param("Home About Us Services Contact Blog", Kind.FURNITURE, id="menu of capitals"),
        pytest.param("home | about | our services | contact", Kind.FURNITURE, id="menu with bars"),
        pytest.param("Home \u203a Products \u203a Pumps for the food industry", Kind.FURNITURE, id="breadcrumbs"),
        pytest.param("We use cookies to give you the best experience.", Kind.FURNITURE, id="cookie banner"),
        pytest.param("This site uses third-party cookies.", Kind.FURNITURE, id="cookie notice"),
        pytest.param("Please read our privacy policy before you write.", Kind.FURNITURE, id="privacy"),
        pytest.param("\u00a9 2024 Acme Robotics Ltd. All rights reserved.", Kind.FURNITURE, id="copyright"),
        pytest.param("Please enable JavaScript to view this page.", Kind.FURNITURE, id="script notice"),
        pytest.param("1 2 3 4 5 6 7 8", Kind.FURNITURE, id="no words"),
        pytest.param("", Kind.FURNITURE, id="nothing"),
        pytest.param("We bake cookies for caf\u00e9s all over Leeds.", Kind.SENTENCE, id="a bakery's cookies"),
        pytest.param("Our browser extension is used by banks.", Kind.SENTENCE, id="a maker of software"),
        pytest.param("We write privacy software for hospitals.", Kind.SENTENCE, id="sells privacy"),
    ],
)
def test_kinds(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        pytest.param("Head\nWe make. We sell.\nEnd", [
            ("Head", "We make. We sell.\nEnd"), ("We make.", "Head\nWe sell.\nEnd"),
            ("We sell.", "Head\nWe make.\nEnd"), ("End", "Head\nWe make. We sell."),
        ], id="lines and sentences"),
        pytest.param("Twice.\nTwice.", [("Twice.", "Twice."), ("Twice.", "Twice.")], id="repeated: one goes"),
        pytest.param("Only this.", [("Only this.", "")], id="nothing is left"),
        pytest.param("", [], id="empty"),
    ],
)  # fmt: skip
def test_a_piece_and_its_rest(chunk: str, expected: list[tuple[str, str]]) -> None:
    assert [(piece.text, piece.rest) for piece in pieces(chunk)] == expected


def test_what_is_too_long_to_quote_is_cut_between_clauses() -> None:
    found = [piece.text for piece in pieces(LONG.strip())]
    assert len(found) > 1
    assert max(map(len, found)) <= MAX_PIECE_CHARS
    assert all(text.endswith(",") for text in found)


@given(st.text(alphabet="aB .,!?\n|;\u2019\u00e9", max_size=1200))
def test_no_word_is_lost_or_made(text: str) -> None:
    chunk = "\n".join(" ".join(line.split()) for line in text.splitlines() if line.split())
    found = pieces(chunk)
    assert "".join("".join(piece.text for piece in found).split()) == "".join(chunk.split())
    for piece in found:
        assert len(piece.text) <= MAX_PIECE_CHARS
        assert piece.text in chunk
        assert sorted("".join((piece.text + piece.rest).split())) == sorted("".join(chunk.split()))
