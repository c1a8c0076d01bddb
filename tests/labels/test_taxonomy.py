"""The taxonomy file: what is taken, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from labels.errors import LabelsError
from labels.taxonomy import load_taxonomy, shipped_taxonomy
from labels.taxonomy_file import faults, read_document

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
        pytest.param("id: t\n<<<<<<< HEAD\nversion: 1\n=======\nversion: 2\n>>>>>>> other\n",
                     "line 2: git left a conflict here", id="conflict of git"),
        pytest.param("id: t\nversion: 0\nsectors:\n  - {key: a, name: A}\n", "line 2: the taxonomy needs a whole",
                     id="version nought"),
        pytest.param(HEAD + "  - {key: a, name: A}\nclusters:\n  - {key: a, name: C, sectors: [a]}\n",
                     "line 6: cluster a stands twice, first in line 4", id="cluster with a sector's key"),
        pytest.param(HEAD + "  - {key: air, name: A}\nclusters:\n  - {key: c, name: C, sectors: [ari]}\n",
                     "line 6: cluster c: unknown sector 'ari'; did you mean air?", id="cluster of an unknown sector"),
        pytest.param(HEAD + "  - {key: a, name: A}\nclusters:\n  - {key: c, name: C}\n", "gathers nothing",
                     id="empty cluster"),
        pytest.param(HEAD + "  - {key: a, name: A}\nclusters:\n  - {key: c, name: C, sic: [30.3]}\n",
                     "sic must be a list of texts", id="SIC code as a number"),
        pytest.param(HEAD + "  - {key: a, name: A}\nclusters:\n  - {key: c, name: C, sic: ['3']}\n",
                     "SIC code '3', expected two to five digits", id="SIC code of one digit"),
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


def test_all_faults_are_named_with_their_lines() -> None:
    text = """id: t
version: 1
sectors:
  - key: a
    name: A
    parents: [b, nowhere]
  - key: b
    name: B
    parents:
      - c
      - elsewhere
  - key: c
    name: C
    parents: [a]
    colour: red
  - key: a
    tier: mega
  - key: lone
    name: Lone
    parents: [lone]
clusters:
  - {key: b, name: B, sectors: [a]}
"""
    found = sorted((fault.line, fault.text) for fault in faults(read_document(Path("t.yaml"), text.encode())))
    assert [(line, said.split(";")[0]) for line, said in found] == [
        (6, "sector a: unknown parent 'nowhere'"),
        (6, "sectors are parents of each other: a -> b -> c -> a"),
        (11, "sector b: unknown parent 'elsewhere'"),
        (15, "sector c: unknown field 'colour'"),
        (16, "sector a needs a name"),
        (16, "sector a stands twice, first in line 4"),
        (17, "sector a: tier 'mega', expected one of super, established, new_economy, or none"),
        (20, "sectors are parents of each other: lone -> lone"),
        (22, "cluster b stands twice, first in line 7"),
    ]


def test_clusters_gather_by_sector_and_by_code(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(
        HEAD
        + "  - {key: a, name: A}\nclusters:\n  - {key: c, name: C, sectors: [a], sic: ['30.3', '62.01/2', '58']}\n",
        encoding="utf-8",
    )
    taxonomy = load_taxonomy(path)
    (cluster,) = taxonomy.clusters
    assert (cluster.sic, taxonomy.counted) == (("303", "62012", "58"), ("a", "c"))
    cases = [(["a"], []), ([], ["30300"]), ([], ["01110", "58210"]), (["b"], ["30200", "62011"]), ([], [])]
    assert [cluster.holds(sectors, codes) for sectors, codes in cases] == [True, True, True, False, False]
