"""Which of a firm's words are read, and how its chunks become a design."""

import numpy as np
import pytest

from classifier.design_matrix import FirmDesign, pool_chunks
from classifier.errors import MissingVectorError
from classifier.features import (
    MAX_CHUNKS,
    FirmPage,
    FirmText,
    build_design,
    firm_chunks,
    firm_words,
    mean_vector,
    speaking_pages,
    texts_to_embed,
)
from models.digest import text_digest

HOME = FirmPage("https://a.uk/", "home", "We make drones.")
LEGAL = FirmPage("https://a.uk/legal", "legal", "Registered in England.")
CONTACT = FirmPage("https://a.uk/contact", "contact", "Call us.")
EMPTY = FirmPage("https://a.uk/x", "about", " \n ")


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param((HOME, LEGAL, CONTACT, EMPTY), (HOME,), id="legal, contact and empty pages are silent"),
        pytest.param((LEGAL, CONTACT), (LEGAL, CONTACT), id="unless there is nothing else"),
        pytest.param((EMPTY, LEGAL), (LEGAL,), id="an empty page is not something else"),
        pytest.param((), (), id="no pages"),
    ],
)
def test_which_pages_speak(pages: tuple[FirmPage, ...], expected: tuple[FirmPage, ...]) -> None:
    assert speaking_pages(FirmText("f", pages)) == expected


def test_chunks_are_taken_in_turn_so_that_no_page_crowds_out_the_others() -> None:
    long = "\n".join(f"Product {number} is a valve of {number} mm. " * 12 for number in range(200))
    firm = FirmText("f", (FirmPage("u1", "home", long), FirmPage("u2", "about", "We are engineers.")))
    chunks = firm_chunks(firm)
    assert len(chunks) == MAX_CHUNKS
    assert [chunk.page_url for chunk in chunks[:3]] == ["u1", "u2", "u1"]


def test_the_same_words_on_two_pages_are_one_text_to_embed() -> None:
    firm = FirmText("f", (HOME, FirmPage("https://a.uk/about", "about", HOME.text)))
    assert texts_to_embed(firm) == [HOME.text]
    assert firm_chunks(firm)[0].digest == text_digest(HOME.text)
    assert firm_words(firm).count("drones") == 2


def test_a_missing_vector_names_chunk_and_cure() -> None:
    from scipy.sparse import csr_matrix

    with pytest.raises(MissingVectorError, match=r"https://a\.uk/ has no vector.*embed"):
        build_design([FirmText("f", (HOME,))], {}, csr_matrix((1, 1)), 4)
    short = {text_digest(HOME.text): np.ones(3, dtype=np.float32)}
    with pytest.raises(MissingVectorError, match=r"a vector of shape \(3,\), expected \(4,\)"):
        build_design([FirmText("f", (HOME,))], short, csr_matrix((1, 1)), 4)


def test_mean_vector_has_length_one_or_zero() -> None:
    assert mean_vector(np.array([[1, 0], [0, 1]], dtype=np.float32)) == pytest.approx([0.5**0.5] * 2)
    assert mean_vector(np.zeros((0, 2), dtype=np.float32)).tolist() == [0.0, 0.0]


def design() -> FirmDesign:
    """Three firms: two chunks, none, one; one n-gram and two-dimensional vectors."""
    from scipy.sparse import csr_matrix

    chunks = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    means = np.array([[0.5**0.5] * 2, [0, 0], [0.6, 0.8]], dtype=np.float32)
    return FirmDesign(csr_matrix([[1.0], [1.0], [0.0]]), means, chunks, np.array([0, 2, 2, 3]))


def test_scores_pool_a_firms_chunks() -> None:
    scores = design().scores(np.array([[0.5, 2.0, -2.0]]), np.array([-1.0]))[:, 0]
    # firm 0: words 0.5 - 1, of its chunks at +2 and -2 from there the better half counts; firm 1: words only;
    # firm 2: one chunk, exactly linear
    assert scores[0] == pytest.approx(1.5)
    assert scores[1] == pytest.approx(-0.5)
    assert scores[2] == pytest.approx(-1.0 + 2 * 0.6 - 2 * 0.8)


def test_the_more_probable_half_is_averaged_as_probabilities() -> None:
    scores = np.array([[-3.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    chances = [1 / (1 + np.exp(-score)) for score in (2.0, 0.0)]  # two of three
    mean = sum(chances) / 2
    assert pool_chunks(scores) == pytest.approx([np.log(mean / (1 - mean)), 1.0])
    np.testing.assert_array_equal(pool_chunks(scores[::-1]), pool_chunks(scores))


def test_taking_rows_keeps_each_firms_chunks() -> None:
    weights, intercepts = np.array([[0.5, 2.0, -2.0]]), np.array([-1.0])
    whole = design().scores(weights, intercepts)
    rows = np.array([2, 0, 1])
    np.testing.assert_array_equal(design().take(rows).scores(weights, intercepts), whole[rows])
    assert design().take(np.zeros(0, dtype=np.int64)).scores(weights, intercepts).shape == (0, 1)
