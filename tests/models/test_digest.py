"""Digests are those of the NFC text, and known ones."""

import pytest

from models.digest import text_digest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", id="empty, as sha256sum prints"
        ),
        pytest.param(
            "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", id="abc, FIPS 180 example"
        ),
    ],
)
def test_known_values(text: str, expected: str) -> None:
    assert text_digest(text) == expected


def test_composed_and_decomposed_letters_are_one_text() -> None:
    assert text_digest("caf\u00e9") == text_digest("cafe\u0301")
    assert text_digest("cafe") != text_digest("caf\u00e9")


def test_a_lone_surrogate_is_digested_not_refused() -> None:
    assert len(text_digest("\ud800")) == 64
