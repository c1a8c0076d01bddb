"""The taxonomy file: what is taken, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from labels.errors import LabelsError
from labels.taxonomy import load_taxonomy, shipped_taxonomy

HEAD = "id: t\nversion: 1\nsectors:\n"


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_taxonomy(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(HEAD + "  - {key: a, name: A, parents: [b]}\n  - {key: b, name: B, parents: [a]}\n",
                     "line 4: sectors are parents of each other: a -> b -> a", id="cycle of two"),
        pytest.param(HEAD + "  - {key: a, name: A, parents: [a]}\n", "parents of each other: a -> a",
                     id="its own parent"),
        pytest.param(HEAD + "  - {key: aero, name: A}\n  - {key: b, name: B, parents: [areo]}\n",
                     "line 5: sector b: unknown parent 'areo'; did you mean aero?", id="unknown parent"),
        pytest.param(HEAD + "  - {key: a, name: A}\n  - {key: a, name: B}\n", "line 5: sector a stands twice",
                     id="key twice"),
        pytest.param(HEAD + "  - {key: a, name: A, keyword: [x]}\n", "did you mean keywords?", id="unknown field"),
        pytest.param(HEAD + "  - {key: Space Tech, name: A}\n", "line 4: key 'Space Tech'", id="key with a space"),
        pytest.param(HEAD + "  - {key: none, name: A}\n", "line 4: key 'none'", id="key none is taken"),
        pytest.param(HEAD + "  - {key: a}\n", "line 4: sector a needs a name", id="no name"),
        pytest.param(HEAD + "  - {key: a, name: A, tier: mega}\n", "tier 'mega', expected one of super", id="tier"),
        pytest.param(HEAD + "  - {key: a, name: A, parents: b}\n", "parents must be a list", id="parents not a list"),
        pytest.param("id: t\nsectors:\n  - {key: a, name: A}\n", "whole-number version", id="no version"),
        pytest.param("id: t\nversion: 1\nsectors: []\n", "at least one sector", id="no sectors"),
        pytest.param("- a\n", "expected a mapping", id="a list"),
        pytest.param("id: [\n", "not a YAML file", id="not YAML"),
        pytest.param("id: !!python/object/apply:os.getcwd []\n", "not a YAML file", id="a Python object"),
        pytest.param("id: t\nid: u\n", "stands twice", id="field twice"),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelsError, match=r"taxonomy\.yaml") as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match=r"no such file; shipped taxonomies: midlands"):
        load_taxonomy(tmp_path / "nowhere.yaml")


def test_midlands_has_the_thirty_clusters() -> None:
    taxonomy = load_taxonomy(shipped_taxonomy("midlands"))
    tiers = [sector.tier for sector in taxonomy.sectors]
    assert len(taxonomy.keys) == 30
    assert tiers.count("super") == 6
    assert taxonomy.ancestors("space_tech") == {"aerospace", "transport_technologies"}
    assert all(sector.definition and sector.keywords for sector in taxonomy.sectors)
    supers = {sector.key for sector in taxonomy.sectors if sector.tier == "super"}
    assert not any(taxonomy.by_key[key].parents for key in supers)


def test_parents_are_columns() -> None:
    taxonomy = load_taxonomy(shipped_taxonomy("midlands"))
    column = taxonomy.keys.index("space_tech")
    assert [taxonomy.keys[parent] for parent in taxonomy.parents[column]] == ["aerospace"]
