"""The seal: lines of a label store may be added and moved, never changed or lost."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from labels.errors import LabelsError
from labels.seal import HEADER, SealError, added_text, check_seal, digest_of, given_up_text, lost, read_seal
from labels.store import Judgement, StoreLine

SAID = [
    Judgement("f1", "air", "include", "anna", "2026-01-01", "makes wings", "1", "0f" * 32),
    Judgement("f1", "air", "exclude", "ben", "2026-01-02T10:00:00Z", "", "1"),
    Judgement("f,2", "air", "unsure", "anna", "2026-01-03", 'a "b"', "1"),
]


def lines(judgements: list[Judgement]) -> list[StoreLine]:
    return [StoreLine(number, judgement) for number, judgement in enumerate(judgements, start=2)]


@pytest.fixture
def held(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "labels.seal"
    path.write_text(HEADER + added_text({}, SAID), encoding="utf-8")
    return read_seal(path)


def test_lines_may_be_added_moved_and_repeated(held: dict[str, str]) -> None:
    now = [*SAID, SAID[0], replace(SAID[0], firm_id="new")]
    random.Random(1).shuffle(now)
    check_seal(Path("labels.csv"), held, lines(now))


@pytest.mark.parametrize("field", list(vars(SAID[0])))
def test_one_changed_cell_is_found_and_its_line_named(held: dict[str, str], field: str) -> None:
    other = {"label": "exclude", "labelled_on": "2026-01-09", "text_digest": "1f" * 32}.get(field, "other")
    changed = [replace(SAID[0], **{field: other}), *SAID[1:]]
    with pytest.raises(SealError) as caught:
        check_seal(Path("labels.csv"), held, lines(changed))
    message = str(caught.value)
    assert "1 sealed judgement was changed or lost: anna's include of firm 'f1' for air (2026-01-01)" in message
    assert "line 2" in message
    assert "firmscope labels accept --reason TEXT" in message
    assert isinstance(caught.value, LabelsError)


def test_lost_lines_are_named(held: dict[str, str]) -> None:
    with pytest.raises(SealError, match=r"2 sealed judgements were changed or lost: ben's exclude .* anna's unsure of "
                       r"firm 'f,2' for air \(2026-01-03\), which no line says"):  # fmt: skip
        check_seal(Path("labels.csv"), held, lines(SAID[:1]))


def test_what_was_given_up_may_go_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.seal"
    text = HEADER + added_text({}, SAID) + given_up_text([digest_of(SAID[0])], "2026-01-05T00:00:00Z", "wrong\nfirm")
    path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines()[-1].endswith("2026-01-05T00:00:00Z wrong firm")
    assert digest_of(SAID[0]) not in read_seal(path)
    assert not lost(read_seal(path), lines(SAID[1:]))
    path.write_text(text + added_text(read_seal(path), SAID), encoding="utf-8")  # said again
    assert list(lost(read_seal(path), lines(SAID[1:]))) == [digest_of(SAID[0])]


@pytest.mark.parametrize(
    ("tail", "fine"),
    [
        pytest.param("", True, id="nothing"),
        pytest.param("+ 0123", True, id="a last line that a crash cut short"),
        pytest.param("<<<<<<< HEAD\n=======\n>>>>>>> theirs\n\n# a remark\n", True, id="what git left, remarks"),
        pytest.param("+ 0123 f,air,include,a,2026-01-01\n", False, id="half a digest"),
        pytest.param("something else\n", False, id="another file"),
    ],
)
def test_reading_a_seal(tmp_path: Path, tail: str, fine: bool) -> None:
    path = tmp_path / "labels.seal"
    path.write_text(HEADER + added_text({}, SAID) + tail, encoding="utf-8")
    if fine:
        assert len(read_seal(path)) == len(SAID)
    else:
        with pytest.raises(LabelsError, match="line 5: not a line of a seal; restore the file from git"):
            read_seal(path)
