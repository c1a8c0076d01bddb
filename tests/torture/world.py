"""The workspace that every case begins with, and the websites that its night reads.

It stands before its second night: one night is published, and since then firms have changed, gone, come and moved. A
lake knows where it was made, so that the workspace is put back in its place before each repetition.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.config import set_key
from pipelines.tables import TABLES
from pipelines.workspace import Workspace
from tests.end_to_end.farm import NETWORK, PARKED, Farm
from tests.pipelines.taught import POLITE, SAID, taught
from tests.torture.zygote import Job, Zygote

SPACE, AIR, CYBER, NONE = (" ".join((*SAID[topic], POLITE[0])) for topic in ("space", "air", "cyber", "none"))
FIRMS = {
    **{f"orbit{number}": f"{SPACE} Workshop {number}." for number in range(1, 5)},
    **{f"wing{number}": f"{AIR} Hangar {number}." for number in range(1, 4)},
    **{f"guard{number}": f"{CYBER} Office {number}." for number in range(1, 5)},
    **{f"bakery{number}": f"{NONE} Shop {number}." for number in range(1, 8)},
}
POSTCODES = ("DE1 2PQ", "LE1 5WW", "B1 1BB", "CV1 3AA", "NG1 5DT", "ST4 2QA")
TIMEOUT_S = 10  # of a request; a busy machine stands still for two seconds, which is not the site's doing
DAYS = 3  # since the first night: every site is due
SETTINGS = {
    "crawl.contact": "crawler@example.org", "crawl.allow_addresses": f"{NETWORK}.0/24", "crawl.delay_s": "0",
    "crawl.timeout_s": str(TIMEOUT_S), "crawl.keep_text_days": "36500", "areas.kinds": "lad",
}  # fmt: skip


class World:
    """The farm, the workspace and a copy of it as it was before the night."""

    def __init__(self, folder: Path, farm: Farm, zygote: Zygote) -> None:
        self.folder, self.farm, self.zygote = folder, farm, zygote
        self.workspace_folder, self.asleep = folder / "ws", folder / "asleep"
        self.firms = len(FIRMS) + len(SAID) * 4  # those with websites, and those that were taught

    @property
    def workspace(self) -> Workspace:
        """The workspace, looked at afresh."""
        return Workspace(self.workspace_folder)

    @property
    def runs(self) -> set[str]:
        """Names of the runs on record."""
        return set(os.listdir(self.workspace_folder / "runs"))  # noqa: PTH208 - asked twenty times a second

    def put_back(self) -> None:
        """The workspace as it was before the night."""
        shutil.rmtree(self.workspace_folder, ignore_errors=True)
        shutil.copytree(self.asleep, self.workspace_folder, symlinks=True)

    def days_pass(self) -> None:
        """Have everything that was read be some days old."""
        lake, back = self.workspace.lake, timedelta(days=DAYS)
        for name, table in TABLES.items():
            instants = [column.name for column in table.columns if column.kind == "instant"]
            if instants and name != "runs":
                rows = lake.read_arrow(name).to_pylist()
                for row in rows:
                    row.update({column: row[column] - back for column in instants if row[column] is not None})
                lake.replace_all(name, rows, "made")
        lake.close()

    def start(self, *arguments: str, **how: Any) -> Job:
        """Start a command on the workspace; ``how`` as :meth:`Zygote.start` takes it."""
        return self.zygote.start("--workspace", self.workspace_folder, *arguments, **how)

    def command(self, *arguments: str) -> list[str]:
        """The same as a shell would start it."""
        return [sys.executable, "-m", "pipelines.cli", "--workspace", str(self.workspace_folder), *arguments]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make it in an empty folder."""
    with Farm(FIRMS, {"moved": FIRMS["orbit2"]}) as farm, Zygote(folder) as zygote:
        workspace = taught(folder, {})
        for key, value in SETTINGS.items():
            set_key(workspace.config_file, key, value)
        made = World(folder, farm, zygote)
        _import(made, [name for name in FIRMS if name != "guard4"])
        assert zygote.ask({"warm": ["--workspace", str(made.workspace_folder), "nightly", "--json"]}) == 0
        made.days_pass()
        _import(made, list(FIRMS))
        farm["orbit1"].words = f"{CYBER} Since this spring our analysts answer cyber attacks for hospitals."
        farm["wing1"].words = f"{AIR} Hangar 1 has a second crane now."
        farm["bakery1"].words = PARKED
        farm["orbit2"].leads_to = farm["moved"].url
        for path in workspace.archive_folder.glob("robots.db*"):
            path.unlink()  # of a site that has moved since
        workspace.folder.rename(made.asleep)
        made.put_back()
        yield made


def _import(made: World, firm_ids: list[str]) -> None:
    rows = [
        f"{firm_id},{firm_id.title()} Ltd,{made.farm[firm_id].url},{POSTCODES[number % len(POSTCODES)]},{number + 3}"
        for number, firm_id in enumerate(firm_ids)
    ]
    path = made.folder / "firms.csv"
    path.write_text("\n".join(["firm_id,name,website,postcode,employees", *rows, ""]), encoding="utf-8")
    imported = made.start("import", "firms", str(path))
    assert imported.wait() == 0, imported.said
