"""Draw the map of one cluster of a workspace in three dimensions, on request: a page holds 4 MB of script."""

from __future__ import annotations

from pathlib import Path

from labels.taxonomy import Cluster, Sector, load_taxonomy
from labels.taxonomy_file import unknown
from pipelines.errors import UsageError
from pipelines.figures import Moment
from pipelines.maps.ground import Ground
from pipelines.maps.hexagons import page_map
from pipelines.maps.threed import write_3d
from pipelines.publication import current_set, refuse_within
from pipelines.workspace import Workspace


def draw_3d(workspace: Workspace, cluster: str, out: Path) -> Path:
    """Write the page. Returns its path.

    Raises:
        UsageError: The cluster is not in the taxonomy, it has no figures by hexagon, or pydeck is not installed.
    """
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    if cluster not in taxonomy.counted:
        known = f"known: {', '.join(taxonomy.counted)}"
        raise UsageError(f"cluster {cluster!r} is not in taxonomy.yaml{unknown(cluster, taxonomy.counted, known)}")
    refuse_within(workspace, out)
    shown = current_set(workspace)
    if shown is None:
        raise UsageError("nothing has been published yet: run firmscope nightly, or firmscope report, first")
    cells = Moment(workspace.lake, shown.snapshots).read("cells")
    ground = Ground.of(workspace.folder)
    found = page_map(cells[cells["cluster"] == cluster], ground)
    if found is None:
        raise UsageError(
            f"cluster {cluster!r} has no figures by hexagon: they need postcodes or coordinates of its firms, h3 among "
            "areas.kinds, and firmscope rollup"
        )
    named: tuple[Sector | Cluster, ...] = (*taxonomy.sectors, *taxonomy.clusters)
    name = next(one.name for one in named if one.key == cluster)
    return write_3d(out, found, ground, name)
