"""Make a new workspace: settings, taxonomy, seed examples, an empty label store and an empty lake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labels.seeds import load_seeds, shipped_seeds
from labels.store import MERGE_RULES
from labels.taxonomy import SHIPPED, load_taxonomy, shipped_taxonomy
from pipelines.config import default_toml
from pipelines.errors import UsageError
from pipelines.workspace import Workspace, write_whole

OPT_OUT_HEADER = """\
# Sites whose owners asked not to be visited: one domain or host a line, e.g. firm.co.uk (covers every host below it).
# Nothing is requested from them; at their next turn the words held of them are taken out of the tables.
"""


@dataclass(frozen=True)
class Created:
    """What a new workspace holds."""

    taxonomy_id: str
    sectors: int
    seeds: int


def create_workspace(folder: Path, taxonomy: str) -> Created:
    """Make a workspace in a folder that is empty or does not exist.

    Args:
        folder: Where to make it.
        taxonomy: Name of a shipped taxonomy, which brings its seed examples, or a taxonomy file.

    Raises:
        UsageError: The folder holds something already.
        LabelsError: The taxonomy has a problem; nothing was made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty; name a new folder")
    source = Path(taxonomy) if taxonomy not in SHIPPED and Path(taxonomy).exists() else shipped_taxonomy(taxonomy)
    checked = load_taxonomy(source)
    workspace = Workspace(folder)
    for path in (workspace.archive_folder, workspace.models_folder, workspace.runs_folder):
        path.mkdir(parents=True)
    write_whole(workspace.taxonomy_file, source.read_bytes())
    if taxonomy in SHIPPED:
        write_whole(workspace.seeds_file, shipped_seeds(taxonomy))
    seeds = load_seeds(workspace.seeds_file, checked)
    write_whole(workspace.config_file, default_toml().encode())
    write_whole(workspace.opt_out_file, OPT_OUT_HEADER.encode())
    write_whole(folder / ".gitattributes", MERGE_RULES.encode())
    workspace.lake.create()
    workspace.lake.close()
    return Created(checked.id, len(checked.keys), len(seeds))
