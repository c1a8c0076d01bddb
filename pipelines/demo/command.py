"""The ``demo`` command: a workspace of fictional firms, their websites served on loopback, and one real night.

Nothing is simulated but the firms: the crawl goes over HTTP, the encoder reads what came back.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from labels.taxonomy import load_taxonomy
from pipelines.config import set_key
from pipelines.demo.firms import DemoFirm, load_demo_firms
from pipelines.demo.server import NETWORK, serve_demo_sites
from pipelines.errors import InterruptedRunError
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.night.terminal import print_night
from pipelines.night.wording import tell
from pipelines.nightly import Summary, run_nightly
from pipelines.runs import start_run
from pipelines.screen import Screen, cluster_table, print_table
from pipelines.setup import create_workspace
from pipelines.training import run_train
from pipelines.workspace import Workspace

COLUMNS = ("firm_id", "name", "website", "company_number", "postcode", "lad_code", "employees", "turnover_gbp")
SETTINGS = {
    "crawl.contact": "https://example.org/firmscope-demo",
    "crawl.delay_s": "0",  # the sites are this command's own
    "train.tune": "off",  # minutes that a first look is not worth
    "crawl.allow_addresses": f"{NETWORK}.0.0/16,127.0.0.1/32",
}


def run_demo(folder: Path) -> Summary:
    """Make the workspace, serve the sites, run a night against them, print what came out and stop the server.

    Raises:
        UsageError: The folder is in use.
        DemoServerError: The sites found no port on loopback.
        InterruptedRunError: The user or the system stopped it; the folder is left.
    """
    firms = load_demo_firms()
    create_workspace(folder, "midlands")
    try:
        return _demo(folder, firms)
    except (InterruptedRunError, KeyboardInterrupt) as error:
        raise InterruptedRunError(f"stopped; to start again: rm -r {folder}, then the same command") from error


def _demo(folder: Path, firms: Sequence[DemoFirm]) -> Summary:
    screen, workspace = Screen(), Workspace(folder)
    for key, value in SETTINGS.items():
        set_key(workspace.config_file, key, value)
    with serve_demo_sites(firms) as websites:
        _say(f"Serving the websites of {sum(map(bool, websites.values()))} fictional firms on loopback.")
        firm_list = folder / "demo-firms.csv"
        _write_firm_list(firm_list, firms, websites)
        with start_run(workspace, "import firms") as run:
            import_firms(run, read_firm_list(firm_list, run.started_at.date(), allow_missing_websites=True))
        with start_run(workspace, "train") as run:
            trained = run_train(run, screen)
        _say(f"Model {trained.model_id} trained on {trained.seeds} seed examples; it has not seen these firms.")
        with start_run(workspace, "nightly") as run:
            summary = run_nightly(run, screen)
    print_table(cluster_table(summary.clusters))
    _say(agreement(workspace, firms))
    print_night(tell(summary.facts))
    _say(f"\nReport:  {workspace.report_folder / 'index.html'}\nExports: {workspace.exports_folder}")
    return summary


def agreement(workspace: Workspace, firms: Sequence[DemoFirm]) -> str:
    """One sentence that compares the model's sectors with what the authors of the firms say, over firms with text."""
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    read = set(workspace.lake.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())
    held: dict[str, set[str]] = {}
    for row in workspace.lake.read_arrow("assignments", ["firm_id", "sector", "assigned"]).to_pylist():
        if row["assigned"]:
            held.setdefault(row["firm_id"], set()).add(row["sector"])
    found = stated = given = beyond = 0
    for firm in firms:
        if firm.firm_id in read:
            mine = held.get(firm.firm_id, set())
            known = {*firm.truth, *firm.unsure}
            found += len(mine & set(firm.truth))
            stated += len(firm.truth)
            given += len(mine)
            beyond += len(mine - known.union(*(taxonomy.ancestors(key) for key in known)))
    return (
        f"The firms' authors name {stated} pairs of firm and sector, and the model found {found} of them. It gave "
        f"{given} in all, {beyond} of which the authors neither name nor imply."
    )


def _write_firm_list(path: Path, firms: Sequence[DemoFirm], websites: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for firm in firms:
            facts = (getattr(firm, name) for name in COLUMNS[3:])
            cells = ("" if fact is None else fact for fact in facts)
            writer.writerow([firm.firm_id, firm.name, websites[firm.firm_id], *cells])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
