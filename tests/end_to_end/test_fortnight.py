"""Fourteen nights on a farm whose owners, coders and power supply do as the script says: lists and causes bear it out.

The sites are real servers; two of the nights are killed, and these are processes of their own.
"""

from __future__ import annotations

import csv
import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import set_key
from pipelines.night.prometheus import FILE as METRICS
from pipelines.workspace import Workspace
from tests.commands import Command, in_this_process
from tests.end_to_end.conftest import Firmscope
from tests.end_to_end.farm import NETWORK, PARKED, Farm
from tests.pipelines.taught import POLITE, SAID, taught

pytestmark = pytest.mark.slow

SPACE, CYBER, NONE = (" ".join((*SAID[topic], POLITE[0])) for topic in ("space", "cyber", "none"))
DIAMONDS = [
    "We grow diamonds in the laboratory for sensors and cutting tools.",
    "Our reactors deposit diamond layers from methane and hydrogen.",
    "We polish synthetic diamond wafers for optics and heat spreaders.",
    "Our diamond anvils serve laboratories for high pressure.",
]
WATCHING = [
    "We watch networks round the clock from our operations centre.",
    "Our centre monitors alerts and telemetry for councils at night.",
    "Our monitoring desk follows logs and alerts around the clock.",
    "We observe traffic on networks and call you when alerts come in.",
]
FIRMS = {
    **{f"orbit{number}": f"{SPACE} Workshop {number}." for number in range(1, 7)},
    **{f"guard{number}": f"{CYBER} Office {number}." for number in range(1, 7)},
    **{f"bakery{number}": f"{NONE} Shop {number}." for number in range(1, 17)},
    **{f"diamond{number}": f"{' '.join(DIAMONDS)} {POLITE[0]} Furnace {number}." for number in range(1, 3)},
}
CHANGED = "Since this spring our analysts answer cyber attacks for hospitals."

Move = tuple[str, str, str, str]  # firm, list, entered or left, cause


@dataclass
class World:
    """The farm, the workspace, and what stands published as the script has it."""

    farm: Farm
    folder: Path
    firmscope: Command
    in_its_own_process: Firmscope
    lists: dict[str, set[str]]
    published: str = ""
    nights: list[dict[str, Any]] = field(default_factory=list)

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        ended = self.firmscope("--workspace", self.folder, *arguments)
        assert ended.code == code, f"{arguments}: {ended.code} {ended.err} {ended.out}"
        return ended.out

    def night(self, *moves: Move, verdict: str = "published") -> dict[str, Any]:
        """One night, which must bring these moves and no others against what was published before."""
        ended = self.firmscope("--workspace", self.folder, "nightly", "--json")
        assert ended.code in (0, 10), ended.err
        told: dict[str, Any] = json.loads(ended.out)
        assert (told["verdict"], ended.code) == (verdict, 10 if verdict == "held" else 0), told["night"]["gate"]
        self.nights.append(told)
        if verdict != "held":
            self.bear_out(told["run_id"], moves)
        return told

    def bear_out(self, run_id: str, moves: tuple[Move, ...]) -> None:
        """The lists handed over, and ``diff`` since the last ones, are as the script has it."""
        if self.published:
            diff = json.loads(self.run("diff", self.published, run_id, "--json"))
            told = {
                (move["firm_id"], one["key"], "entered" if move["entered"] else "left", move["cause"])
                for one in diff["lists"] for move in one["moves"] if move["firm_id"] in self.farm.sites
            }  # fmt: skip
            assert told == set(moves)
        for firm_id, key, way, _ in moves:
            held = self.lists.setdefault(key, set())
            held.add(firm_id) if way == "entered" else held.remove(firm_id)
        found: dict[str, set[str]] = {}
        with (self.folder / "exports" / "firms.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for sector in filter(None, row["sectors"].split(";")):
                    if row["firm_id"] in self.farm.sites and not row["left_out"]:
                        found.setdefault(sector, set()).add(row["firm_id"])
        assert found == {key: held for key, held in self.lists.items() if held}
        self.published = run_id

    def sealed(self) -> dict[str, str]:
        """Digests of everything that readers see."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in ("exports", "report") for path in sorted((self.folder / name).rglob("*")) if path.is_file()
        }  # fmt: skip

    def killed(self, point: str) -> None:
        """A night that the power fails in."""
        ended = self.in_its_own_process("--workspace", self.folder, "nightly", crash_at=point)
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    def import_firms(self, change: Callable[[str], str]) -> None:
        path = self.folder.parent / "firms.csv"
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        self.run("import", "firms", path)


@pytest.fixture
def world(
    tmp_path: Path, firmscope: Firmscope, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """A model that knows space and cyber, and firms that it has never seen, before their first night."""
    workspace = taught(tmp_path, {})
    for key, value in {
        "contact": "crawler@example.org", "allow_addresses": f"{NETWORK}.0/24", "delay_s": "0",
        "recrawl_after_h": "0", "timeout_s": "3",
    }.items():  # fmt: skip
        set_key(workspace.config_file, f"crawl.{key}", value)
    set_key(workspace.config_file, "areas.kinds", "lad")
    with Farm(FIRMS, {"moved": FIRMS["orbit2"], "orbit7": FIRMS["orbit6"]}) as farm:
        (tmp_path / "firms.csv").write_text(farm.firm_list(), encoding="utf-8")
        yield World(farm, workspace.folder, in_this_process(monkeypatch, capsys), firmscope, {})


def members(prefix: str, numbers: range = range(1, 7)) -> set[str]:
    return {f"{prefix}{number}" for number in numbers}


def both(firm_id: str, way: str, cause: str) -> tuple[Move, Move]:
    """A space firm is an aerospace firm."""
    return (firm_id, "space", way, cause), (firm_id, "air", way, cause)


def test_fourteen_nights(world: World) -> None:
    farm, run = world.farm, world.run
    run("import", "firms", world.folder.parent / "firms.csv")

    # 1: everything is new.
    world.lists = {"space": members("orbit"), "air": members("orbit"), "cyber": members("guard")}
    world.night()

    # 2: nothing happens.
    assert not world.night()["night"]["movements"]

    # 3: a firm says that it does something else now.
    farm["orbit1"].words = f"{CYBER} {CHANGED}"
    told = world.night(*both("orbit1", "left", "site_changed"), ("orbit1", "cyber", "entered", "site_changed"))
    assert any(
        f"now says \u201c{CHANGED}" in move["sentence"] or "now says" in move["sentence"]
        for move in told["night"]["movements"]
    )

    # 4: one site dies, and one moves to another address. Words outlive a site, so no list changes.
    farm["guard1"].close()
    farm["orbit2"].leads_to = farm["moved"].url
    told = world.night()
    assert told["outcomes"]["connect_failed"] == 1

    # 5: a domain is taken over by somebody who sells it.
    farm["guard2"].words = PARKED
    told = world.night()
    assert told["outcomes"]["parked"] == 1

    # 6: the time for which their words are kept is over.
    run("config", "set", "crawl.keep_text_days", "0")
    world.night(("guard1", "cyber", "left", "site_gone"), ("guard2", "cyber", "left", "site_gone"))
    run("config", "set", "crawl.keep_text_days", "90")

    # 7: the line is down for most sites: nothing is published, and every file stays as it is.
    before, silent = world.sealed(), [name for name in FIRMS if name[-1] in "3456"]
    for name in silent:
        farm[name].close()
    told = world.night(verdict="held")
    assert world.sealed() == before
    assert any("must" in reason for reason in told["night"]["gate"]["reasons"])
    assert "firmscope_night_held 1" in (world.folder / "metrics" / METRICS).read_text(encoding="utf-8")

    # 8: it is up again, and nothing had happened.
    for name in silent:
        farm[name].open()
    world.night()

    # 9: the power fails between two tables, on a night on which a firm turns to bread.
    farm["orbit3"].words = NONE
    world.killed("committed-assignments")
    world.night(*both("orbit3", "left", "site_changed"))

    # 10: coders say that growing diamonds is space technology, and the model learns it.
    texts = [{"firm_id": f"taught{number}", "name": f"Taught {number}", "text": f"{' '.join(DIAMONDS[number % 4:])} "
              f"{' '.join(DIAMONDS[: number % 4])} {POLITE[number % 3]}"} for number in range(10)]  # fmt: skip
    (world.folder.parent / "more.jsonl").write_text("".join(json.dumps(one) + "\n" for one in texts), "utf-8")
    run("import", "texts", world.folder.parent / "more.jsonl")
    judged = [f"{one['firm_id']},space,include\n{one['firm_id']},cyber,exclude" for one in texts]
    judged += ["diamond1,space,include", "diamond1,cyber,exclude"]
    (world.folder.parent / "judged.csv").write_text("\n".join(["firm_id,sector,label", *judged, ""]), "utf-8")
    run("labels", "import", world.folder.parent / "judged.csv")
    run("train")
    world.night(*both("diamond1", "entered", "label_changed"), *both("diamond2", "entered", "model_changed"))

    # 11: cyber is split, and coders deal its firms out.
    run("taxonomy", "split", "cyber", "testing", "watching", "--name", "testing=Security tests",
        "--name", "watching=Security watches")  # fmt: skip
    watchers = [{"firm_id": f"watch{number}", "name": f"Watch {number}", "text": f"{WATCHING[number % 4]} "
                 f"{WATCHING[(number + 1) % 4]} {POLITE[number % 3]}"} for number in range(8)]  # fmt: skip
    (world.folder.parent / "watchers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in watchers), "utf-8")
    run("import", "texts", world.folder.parent / "watchers.jsonl")
    dealt = [f"{one['firm_id']},watching,include\n{one['firm_id']},testing,exclude" for one in watchers]
    dealt += [f"cyber-{number},testing,include\ncyber-{number},watching,exclude" for number in (0, 2, 4, 6)]
    (world.folder.parent / "dealt.csv").write_text("\n".join(["firm_id,sector,label", *dealt, ""]), "utf-8")
    run("labels", "import", world.folder.parent / "dealt.csv")
    run("train")
    testers = sorted(world.lists["cyber"])
    world.night(
        *((firm_id, "cyber", "left", "taxonomy_changed") for firm_id in testers),
        *((firm_id, "testing", "entered", "taxonomy_changed") for firm_id in testers),
    )

    # 12: one firm is dissolved, and one is new in the list.
    orbit7 = f"orbit7,Orbit7 Ltd,{farm['orbit7'].url},Active\n"
    world.import_firms(
        lambda text: text.replace(f"{farm['guard3'].url},Active", f"{farm['guard3'].url},Dissolved") + orbit7
    )
    world.night(("guard3", "testing", "left", "register_changed"), *both("orbit7", "entered", "register_changed"))

    # 13: the power fails when all is written and nothing shown; the next night shows it.
    farm["guard4"].words = NONE
    before = world.sealed()
    world.killed("before-switch")
    assert world.sealed() == before
    world.night(("guard4", "testing", "left", "site_changed"))

    # 14: a site that was given up is back.
    farm["guard1"].open()
    world.night(("guard1", "testing", "entered", "site_changed"))

    assert len(world.nights) == 14
    assert "done" in run("runs", "list")
    lake = Workspace(world.folder).lake
    assert lake.read_arrow("runs").num_rows > 14
    lake.close()
