"""Shares of all firms: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.prevalence import read_prevalence

SECTORS = ("space", "cyber", "rail")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["space=0.01"], {"space": 0.01}, id="a share"),
        pytest.param(["space=1%", "rail = 0.5 %"], {"space": 0.01, "rail": 0.005}, id="per cent"),
    ],
)
def test_shares_are_read(given: list[str], expected: dict[str, float]) -> None:
    assert read_prevalence(given, SECTORS) == pytest.approx(expected)


def test_a_file_and_a_share_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "of=all.csv"
    path.write_text("\ufeffprevalence,sector,note\n1%,space,guessed\n0.2,cyber,\n", encoding="utf-8")
    assert read_prevalence([str(path), "rail=0.5"], SECTORS) == pytest.approx(
        {"space": 0.01, "cyber": 0.2, "rail": 0.5}
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("spce=0.1", "'spce' is not a sector of the taxonomy; did you mean space?", id="unknown sector"),
        pytest.param("space=1", "'1' is no share", id="all firms, or one per cent?"),
        pytest.param("space=0", "'0' is no share", id="nobody"),
        pytest.param("space=150%", "is no share", id="more than all"),
        pytest.param("space=nan", "is no share", id="not a number"),
        pytest.param("space=", "'' is no share", id="empty"),
        pytest.param("space", "expected sector=share, such as space_tech=0.01, or a CSV", id="neither share nor file"),
    ],
)
def test_what_is_refused(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", "[?]")):
        read_prevalence([given], SECTORS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("sector,share\nspace,0.1\n", "expected sector, prevalence", id="another column"),
        pytest.param("", "expected sector, prevalence", id="empty file"),
        pytest.param("sector,prevalence\nspace,many\n", "line 2: 'many' is no share", id="no number"),
        pytest.param("sector,prevalence\nspace,0.1\nspace,0.2\n", "line 3: space has a prevalence already", id="twice"),
        pytest.param("sector,prevalence\nspace\n", "line 2: '' is no share", id="short line"),
    ],
)
def test_faults_of_a_file_name_their_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "shares.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_prevalence([str(path)], SECTORS)
