"""The shipped seeds keep the promises that their format makes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from labels.errors import LabelsError
from labels.seeds import Seed, load_seeds, shipped_seeds
from labels.taxonomy import load_taxonomy, shipped_taxonomy

MIDLANDS = load_taxonomy(shipped_taxonomy("midlands"))
FOLDER = shipped_taxonomy("midlands").parent / "seeds"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Seed, ...]:
    path = tmp_path_factory.mktemp("seeds") / "seeds.yaml"
    path.write_bytes(shipped_seeds("midlands"))
    return load_seeds(path, MIDLANDS)


def test_one_file_per_sector_and_one_of_ordinary_firms() -> None:
    assert sorted([*MIDLANDS.keys, "ordinary"]) == FILES


@pytest.mark.parametrize("sector", MIDLANDS.keys)
def test_enough_includes_and_near_misses(sector: str) -> None:
    records = yaml.safe_load((FOLDER / f"{sector}.yaml").read_text(encoding="utf-8"))
    kinds = Counter(record["kind"] for record in records)
    assert kinds["include"] >= 12
    assert kinds["near_miss"] >= 6
    for record in records:
        judged = {*record["sectors"], *record.get("unsure", ())}
        assert (sector in record["sectors"]) == (record["kind"] == "include"), record["id"]
        assert record["kind"] == "include" or sector not in judged, record["id"]


def test_at_least_sixty_firms_in_no_sector(seeds: tuple[Seed, ...]) -> None:
    ordinary = [seed for seed in seeds if seed.kind == "none"]
    assert len(ordinary) >= 60
    assert all(not seed.sectors and not seed.unsure for seed in ordinary)


def test_texts_are_as_long_as_promised_and_stand_once(seeds: tuple[Seed, ...]) -> None:
    assert [seed.id for seed in seeds if not 40 <= len(seed.text.split()) <= 120] == []
    assert len({seed.text for seed in seeds}) == len(seeds)


def test_a_super_cluster_has_firms_of_its_own(seeds: tuple[Seed, ...]) -> None:
    for sector in MIDLANDS.sectors:
        if sector.tier == "super":
            children = {child.key for child in MIDLANDS.sectors if sector.key in MIDLANDS.ancestors(child.key)}
            own = [seed for seed in seeds if sector.key in seed.sectors and not children & set(seed.sectors)]
            assert len(own) >= 8, sector.key


def test_labels_follow_the_hierarchy() -> None:
    labels = Seed("x", "include", "text", ("space_tech",), ("connected_devices",)).labels(MIDLANDS)
    included = {key for key, label in labels.items() if label == "include"}
    assert included == {"space_tech", "aerospace", "transport_technologies"}
    assert labels["connected_devices"] == "unsure"
    assert labels["cyber"] == "exclude"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {id: a, kind: include, sectors: [space], text: words}", "seed a: unknown sector 'space'"),
        ("- {id: a, kind: maybe, text: words}", "seed a: kind 'maybe'"),
        ("- {kind: include, text: words}", "seed 1: needs an id and a text"),
        ("- {id: a, kind: none, text: x}\n- {id: a, kind: none, text: y}", "seed a stands twice"),
        ("{", "not a YAML file"),
        ("text", "expected a list of seeds"),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "seeds.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelsError) as caught:
        load_seeds(path, MIDLANDS)
    assert message in str(caught.value)


def test_no_seeds_is_no_fault(tmp_path: Path) -> None:
    assert load_seeds(tmp_path / "seeds.yaml", MIDLANDS) == ()
    assert shipped_seeds("another") == b""
