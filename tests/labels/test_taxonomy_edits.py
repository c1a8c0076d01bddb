"""Edits of a taxonomy: what it is afterwards, its file and its seeds with the author's layout, and the map of keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labels.errors import LabelsError
from labels.seeds import carried_seeds, parse_seeds, shipped_seeds
from labels.taxonomy import Taxonomy, parse_taxonomy, shipped_taxonomy
from labels.taxonomy_changing import Edited, New, merged, renamed, retired, split
from labels.taxonomy_history import HEADER, Change, change_text, made_by, read_changes
from labels.taxonomy_text import rewritten

PATH = Path("taxonomy.yaml")
DAY = "2026-11-22"
Make = Callable[[Taxonomy], Edited]

BEFORE = """\
# our sectors
id: t      # never changes
version: 7 # of the keys

sectors:
  # --- engineering ---
  - key: transport
    name: "Transport"
  - key: air
    name: Aerospace   # with drones
    parents: [transport]
    definition: >-
      Aircraft and
      their parts.
    keywords: ['aircraft', "wing*"]

  - {key: space, name: Space, parents: [air], keywords: [orbit]}   # short
  # --- the rest ---
  - key: rail
    name: Rail
    parents:
      - transport     # and nothing else
    keywords:
      - 'rolling stock'
      - signalling
  - key: bread
    name: Bread
# gathered
clusters:
  - key: makers
    name: Makers
    sectors:
      - air   # planes
      - rail
    sic: ['30.3']
"""


def after(make: Make, before: str = BEFORE) -> tuple[str, Edited]:
    content = before.encode()
    edit = make(parse_taxonomy(PATH, content))
    return rewritten(PATH, content, edit).decode(), edit


def difference(make: Make, before: str = BEFORE) -> tuple[list[str], list[str]]:
    """Lines that went, and lines that came; the version's apart."""
    text, _ = after(make, before)
    old, new = before.splitlines(), text.splitlines()
    gone = [line for line in old if line not in new and not line.startswith("version")]
    return gone, [line for line in new if line not in old and not line.startswith("version")]


@pytest.mark.parametrize(
    ("make", "gone", "come"),
    [
        pytest.param(
            lambda t: renamed(t, "air", New("aero", "Aero: space"), DAY),
            ["  - key: air", "    name: Aerospace   # with drones", "      - air   # planes"],
            ["  - key: aero", "    name: 'Aero: space'   # with drones", "      - aero   # planes"],
            id="rename: key, name, parents and clusters; comments stay",
        ),
        pytest.param(
            lambda t: renamed(t, "bread", New("bakery", definition="Bakers: all of them, # too."), DAY),
            ["  - key: bread"],
            ["  - key: bakery", "    definition: 'Bakers: all of them, # too.'"],
            id="rename: a definition that was not there",
        ),
        pytest.param(
            lambda t: retired(t, "rail", DAY),
            ["  - key: rail", "    name: Rail", "    parents:", "      - transport     # and nothing else",
             "    keywords:", "      - 'rolling stock'", "      - signalling", "      - rail"],
            [],
            id="retire: the entry and its place in a cluster",
        ),
        pytest.param(
            lambda t: merged(t, ["rail", "air"], New("air"), DAY),
            ["    keywords: ['aircraft', \"wing*\"]", "  - key: rail", "    name: Rail", "    parents:",
             "      - transport     # and nothing else", "    keywords:", "      - 'rolling stock'",
             "      - signalling", "      - rail"],
            ["    keywords: ['aircraft', \"wing*\", rolling stock, signalling]"],
            id="merge: into one of them",
        ),
        pytest.param(
            lambda t: split(t, "bread", [New("loaves", "Loaves", definition="Who bakes. " * 15), New("cakes")], DAY),
            ["  - key: bread", "    name: Bread"],
            ["  - key: loaves", "    name: Loaves", f"      {('Who bakes. ' * 10).strip()}",
             f"      {('Who bakes. ' * 5).strip()}", "  - key: cakes", "    name: Cakes", "    definition: ''"],
            id="split: new entries in its place",
        ),
    ],
)  # fmt: skip
def test_only_what_was_meant_changes_in_the_file(make: Make, gone: list[str], come: list[str]) -> None:
    lost, new = difference(make)
    space = "{key: space"  # its parent follows, in the same line
    assert [line for line in lost if space not in line] == gone
    assert [line for line in new if space not in line] == come
    text, edit = after(make)
    assert "\nversion: 8 # of the keys\n" in text
    assert replace(parse_taxonomy(PATH, text.encode()), digest="") == edit.after
    assert all(comment in text for comment in ("# our sectors", "# --- engineering ---", "# gathered", "# short"))


def test_a_split_sets_children_free_and_keeps_what_was_known() -> None:
    _, edit = after(lambda t: split(t, "air", [New("air"), New("drones")], DAY))
    now = edit.after
    assert [sector.key for sector in now.sectors] == ["transport", "air", "drones", "space", "rail", "bread"]
    assert (now.by_key["drones"].parents, now.by_key["space"].parents) == (("transport",), ("transport",))
    assert now.clusters[0].sectors == ("air", "drones", "rail")
    assert edit.change == Change(7, 8, "split", ("air",), ("air", "drones"), DAY, (), (("air", ("transport",)),))
    assert [note.split(":")[0] for note in edit.notes] == ["space lay in air", "air means less than it did"]


def test_a_merged_sector_lies_only_in_what_all_parts_lay_in() -> None:
    _, edit = after(lambda t: merged(t, ["space", "bread"], New("odd", "Odd"), DAY))
    assert edit.after.by_key["odd"].parents == ()
    assert edit.change.implied == (("space", ("air",)),)
    assert [sector.key for sector in edit.after.sectors] == ["transport", "air", "odd", "rail"]
    assert any("which odd does not" in note for note in edit.notes)
    _, nested = after(lambda t: merged(t, ["air", "space"], New("air"), DAY))
    assert (nested.change.nested, nested.change.implied) == (("space",), ())
    assert nested.after.by_key["air"].keywords == ("aircraft", "wing*", "orbit")
    _, partly = after(lambda t: merged(t, ["rail", "bread"], New("rail"), DAY))
    assert partly.notes[-1] == "cluster makers gathered rail, and now all of rail"


def test_what_is_retired_leaves_its_children_to_its_parents() -> None:
    _, edit = after(lambda t: retired(t, "air", DAY))
    assert edit.after.by_key["space"].parents == ("transport",)
    assert edit.change.implied == (("air", ("transport",)),)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda t: renamed(t, "ari", New("b"), DAY), "'ari' is not in .*; did you mean air?", id="typo"),
        pytest.param(lambda t: renamed(t, "air", New("rail"), DAY), "rail is taken", id="taken by a sector"),
        pytest.param(lambda t: renamed(t, "air", New("makers"), DAY), "makers is taken", id="taken by a cluster"),
        pytest.param(lambda t: renamed(t, "air", New("Air"), DAY), "expected lower-case letters", id="no key"),
        pytest.param(lambda t: split(t, "air", [New("a")], DAY), "two sectors or more", id="split into one"),
        pytest.param(lambda t: split(t, "air", [New("a"), New("a")], DAY), "named twice", id="part twice"),
        pytest.param(lambda t: merged(t, ["air", "air"], New("a"), DAY), "nothing to merge", id="merge of one"),
        pytest.param(lambda t: merged(t, ["air", "rail"], New("bread"), DAY), "bread is taken", id="into another"),
        pytest.param(lambda t: split(t, "air", [New("wings", parents=("wings",)), New("jets")], DAY),
                     "would leave no taxonomy that can be read; nothing was changed", id="its own parent"),
    ],
)  # fmt: skip
def test_edits_that_cannot_be(make: Make, message: str) -> None:
    with pytest.raises(LabelsError, match=message):
        after(make)


def test_a_cluster_is_not_left_empty() -> None:
    lone = BEFORE.replace("      - rail\n    sic: ['30.3']\n", "")
    with pytest.raises(LabelsError, match="cluster makers gathers nothing but air"):
        after(lambda t: retired(t, "air", DAY), lone)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(BEFORE.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param("\ufeff" + BEFORE, id="byte order mark"),
        pytest.param(BEFORE.rstrip("\n"), id="no end of line"),
        pytest.param(
            BEFORE.replace("Rail\n", "Rail \N{ROCKET} é\n").replace("Bread", "Bröd \N{ROCKET}"), id="not ASCII"
        ),
        pytest.param(BEFORE.replace("  - ", "- ").replace("\n    ", "\n  "), id="no indentation"),
    ],
)
def test_other_layouts(before: str) -> None:
    for make in (
        lambda t: renamed(t, "air", New("aero"), DAY),
        lambda t: split(t, "bread", [New("loaves"), New("cakes")], DAY),
        lambda t: merged(t, ["rail", "bread"], New("rest"), DAY),
        lambda t: retired(t, "space", DAY),
    ):
        text, edit = after(make, before)
        assert replace(parse_taxonomy(PATH, text.encode()), digest="") == edit.after
        assert ("\r\n" in text) == ("\r\n" in before)
        assert text.startswith("\ufeff") == before.startswith("\ufeff")


def test_a_layout_that_cannot_be_edited_is_refused() -> None:
    flow = "id: t\nversion: 1\nsectors: [{key: a, name: A}, {key: b, name: B}]\n"
    with pytest.raises(LabelsError, match=r"sectors stand inside \[ \]"):
        after(lambda t: renamed(t, "a", New("c"), DAY), flow)
    shared = "id: t\nversion: 1\nsectors:\n  - {key: a, name: &n Same}\n  - {key: b, name: *n}\n"
    with pytest.raises(LabelsError, match="nothing was changed"):
        after(lambda t: renamed(t, "b", New("c", "Other"), DAY), shared)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda t: renamed(t, "space_tech", New("space"), DAY), id="rename"),
        pytest.param(lambda t: split(t, "aerospace", [New("aerospace"), New("airports")], DAY), id="split"),
        pytest.param(lambda t: merged(t, ["space_tech", "cyber"], New("odd"), DAY), id="merge"),
        pytest.param(lambda t: retired(t, "space_tech", DAY), id="retire"),
    ],
)
def test_shipped_seeds_say_after_an_edit_what_they_said(make: Make) -> None:
    path = shipped_taxonomy("midlands")
    before = parse_taxonomy(path, path.read_bytes())
    edit = make(before)
    content = shipped_seeds("midlands")
    carried = carried_seeds(PATH, content, before, edit.change)
    assert carried_seeds(PATH, carried, before, edit.change) == carried
    old, new = parse_seeds(PATH, content, before), parse_seeds(PATH, carried, edit.after)
    changed = set(edit.change.before)
    for was, now in zip(old, new, strict=True):
        said, says = was.labels(before), now.labels(edit.after)
        assert (now.id, now.text, now.kind) == (was.id, was.text, was.kind)
        assert {key: label for key, label in says.items() if key in said and key not in changed} == {
            key: label for key, label in said.items() if key in says and key not in changed
        }
        of_parts = [said[key] for key in edit.change.before]
        for key in edit.change.after:
            if edit.change.kind == "split":
                assert says[key] == ("exclude" if of_parts == ["exclude"] else "unsure")
            else:
                assert says[key] == next(word for word in ("include", "unsure", "exclude") if word in of_parts)


def test_seeds_in_json() -> None:
    taxonomy = parse_taxonomy(PATH, BEFORE.encode())
    seeds = b'[{"id": "s", "kind": "include", "text": "We fly.", "sectors": ["air", "bread"]}]'
    edit = split(taxonomy, "air", [New("wings"), New("engines")], DAY)
    assert carried_seeds(PATH, seeds, taxonomy, edit.change) == (
        b'[{"id": "s", "kind": "include", "text": "We fly.", "sectors": ["transport", "bread"], '
        b'"unsure": ["wings", "engines"]}]'
    )


def test_the_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    changes = [
        Change(1, 2, "rename", ("a",), ("b",), DAY),
        Change(2, 3, "merge", ("b", "c"), ("c",), DAY, ("b",), (("b", ("up", "down")),)),
        Change(5, 6, "split", ("c",), ("c", "d"), DAY),
        Change(6, 7, "retire", ("d",), (), DAY),
    ]
    path = tmp_path / "changes.yaml"
    path.write_text(HEADER + "".join(map(change_text, changes)), encoding="utf-8")
    assert read_changes(path) == changes == made_by(changes, 7)
    with pytest.raises(LabelsError, match=r"leads to version 7, taxonomy.yaml is at version 6, .*taxonomy retire d"):
        made_by(changes, 6)
    assert read_changes(tmp_path / "nowhere.yaml") == []


RENAME, OTHER = Change(1, 2, "rename", ("a",), ("b",), DAY), Change(1, 2, "retire", ("a",), (), "2026-11-23")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(change_text(RENAME) + change_text(OTHER),
                     r"lines 1 and 7: version 1 was changed twice \(rename a b; retire a\)", id="two branches, both"),
        pytest.param(f"<<<<<<< HEAD\n{change_text(RENAME)}=======\n{change_text(OTHER)}>>>>>>> theirs\n",
                     "line 1: git left a conflict here", id="two branches, conflict"),
        pytest.param(change_text(RENAME).replace("rename", "rotate"), "line 1: kind 'rotate', expected", id="kind"),
        pytest.param(change_text(RENAME).replace("[b]", "[b, c]"), "a rename from 1 keys to 2", id="too many keys"),
        pytest.param(change_text(RENAME).replace("to: 2", "to: 4"), "version_to are 1 and 4, expected", id="gap"),
        pytest.param("a: b\n", "expected a list of changes", id="no list"),
    ],
)  # fmt: skip
def test_maps_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "taxonomy_changes.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelsError, match=message):
        read_changes(path)


def test_the_same_change_on_two_branches_is_one(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy_changes.yaml"
    path.write_text(change_text(RENAME) + change_text(replace(RENAME, date="2026-11-23")), encoding="utf-8")
    assert read_changes(path) == [RENAME]
