"""What a sector's list would become if a model were trained now: who would enter, who would leave.

The work is done by a process of its own at low priority, which writes nothing and takes no lock: judging, and a run, go
on beside it. Only the sector and its parts are trained, which gives the numbers that ``train`` would give them, since
no sector's model depends on another's labels; but an encoder that ``train`` tunes is taken as it is in use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from labels.errors import LabelsError
from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.asking import check_sector
from pipelines.asking_look import vectors_at_hand
from pipelines.asking_views import scoring_model
from pipelines.classified_shard import read_shard
from pipelines.encoders import encoder_of
from pipelines.errors import FirmscopeError, UsageError
from pipelines.firm_texts import firm_texts
from pipelines.training_data import Examples, both, gather_labelled, gather_seeds, sector_hints
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from classifier.features import Vectors
    from classifier.model import SectorModel
    from models.encoder import TextEncoder

Report = Callable[[str, float], None]
"""Called with what is being done and the share of all work that is done, from 0 to 1."""

NICENESS = 5  # judging goes first, but on a busy machine this comes to an end as well
TRAINED_AT = 0.4  # share of the work that reading examples and training is; the rest is scoring


@dataclass(frozen=True)
class Preview:
    """Firms of a sector's list, most probable first; ``entered + stays`` is the list of a model trained now."""

    entered: tuple[str, ...]
    left: tuple[str, ...]
    stays: tuple[str, ...]
    model_id: str  # over the sector and its parts alone: the same judgements give the same id, but not ``train``'s
    probabilities: dict[str, float]  # by the new model, of all firms named here


def preview(workspace: Workspace, sector: str, report: Report) -> Preview:
    """Train and score in another process, and wait for it.

    Args:
        workspace: The workspace.
        sector: Key of the sector.
        report: Called from time to time; what it raises ends the work.

    Raises:
        UsageError: The sector is not known, or has too few judgements to learn from.
        FirmscopeError: The other process failed; the message is its own.
    """
    command = [sys.executable, "-m", "pipelines.previewing", str(workspace.folder.resolve()), sector]
    found = None
    with TemporaryFile("w+") as trouble, subprocess.Popen(command, stdout=PIPE, stderr=trouble, text=True) as process:
        try:
            for line in process.stdout or ():
                said = json.loads(line)
                if "error" in said:
                    raise (UsageError if said["usage"] else FirmscopeError)(said["error"])
                if "preview" in said:
                    found = said["preview"]
                else:
                    report(said["doing"], said["share"])
        except BaseException:
            process.kill()
            raise
        process.wait()
        trouble.seek(0)
        last = (trouble.read().strip().splitlines() or ["it was ended from outside"])[-1]
    if found is None:
        raise FirmscopeError(f"the preview of {sector} did not finish: {last}; try again, or run firmscope train")
    lists = {name: tuple(found[name]) for name in ("entered", "left", "stays")}
    return Preview(**lists, model_id=found["model_id"], probabilities=found["probabilities"])


def preview_here(workspace: Workspace, sector: str, report: Report) -> Preview:
    """The same in this process; see ``preview``."""
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    check_sector(taxonomy, sector)
    encoder = encoder_of(workspace, scoring_model(workspace))  # tuned as it is in use: tuning anew takes minutes
    report("Reading the examples", 0.0)
    labelled, _ = gather_labelled(workspace, taxonomy)
    examples = both(labelled, gather_seeds(workspace, taxonomy))
    model = _trained(workspace, taxonomy, sector, examples, encoder, report)
    before: set[str] = set()
    after: set[str] = set()
    chances: dict[str, float] = {}
    for number in range(workspace.lake.shards):
        report("Scoring firms", TRAINED_AT + (1 - TRAINED_AT) * number / workspace.lake.shards)
        was, scored = _scored(workspace, taxonomy, sector, model, number, encoder)
        before |= was
        chances |= {firm_id: chance for firm_id, (chance, _) in scored.items()}
        after |= {firm_id for firm_id, (_, assigned) in scored.items() if assigned}
    report("Scoring firms", 1.0)

    def ranked(firm_ids: set[str]) -> tuple[str, ...]:
        return tuple(sorted(firm_ids, key=lambda firm_id: (-chances.get(firm_id, 0.0), firm_id)))

    named = {firm_id: chances[firm_id] for firm_id in sorted(before | after) if firm_id in chances}
    return Preview(ranked(after - before), ranked(before - after), ranked(before & after), model.model_id, named)


def _trained(
    workspace: Workspace, taxonomy: Taxonomy, sector: str, examples: Examples, encoder: TextEncoder, report: Report
) -> SectorModel:
    """A model of the sector and its parts."""
    from classifier.hierarchy import close_labels
    from classifier.hints import hint_texts
    from classifier.model import SectorModel

    keys = [key for key in taxonomy.keys if key == sector or sector in taxonomy.ancestors(key)]
    columns = [taxonomy.keys.index(key) for key in keys]
    place = {column: number for number, column in enumerate(columns)}
    parents = tuple(
        tuple(place[parent] for parent in taxonomy.parents[column] if parent in place) for column in columns
    )
    labels, judged = close_labels(examples.labels, examples.judged, taxonomy.parents)
    hints = [sector_hints(taxonomy)[column] for column in columns]
    texts = examples.texts_by_shard(workspace.lake.shards)
    texts.setdefault(0, []).extend(hint_texts(hints))
    vectors: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
    for done, (shard, of_shard) in enumerate(sorted(texts.items())):
        report("Reading the examples", TRAINED_AT / 2 * done / len(texts))
        vectors |= vectors_at_hand(workspace.lake, encoder, shard, of_shard)
    report("Training", TRAINED_AT / 2)
    model = None
    if labels[:, columns].any():
        model = SectorModel.train(
            examples.firms, vectors, labels[:, columns], judged[:, columns], keys, parents, examples.groups,
            encoder.encoder_id, hints=hints,
        )  # fmt: skip
    if model is None or model.untrained == tuple(keys):
        column = taxonomy.keys.index(sector)
        includes, all_judged = int(labels[:, column].sum()), int(judged[:, column].sum())
        raise UsageError(
            f"{sector} has {includes} includes and {all_judged - includes} excludes of firms with words; a model "
            "needs two of each, on different sites: judge some more firms"
        )
    return model


def _scored(
    workspace: Workspace, taxonomy: Taxonomy, sector: str, model: SectorModel, number: int, encoder: TextEncoder
) -> tuple[set[str], dict[str, tuple[float, bool]]]:
    """One shard's firms: the list as it is, and of every firm that can be judged its probability and whether it is
    in."""
    from pipelines.classify_part import standing

    shard = read_shard(workspace.lake, number, workspace.config.match.require)
    was = {
        firm_id
        for firm_id, rows in shard.assignments.items()
        if any(row["assigned"] and row["sector"] == sector for row in rows)
    }
    texts = firm_texts(workspace.lake, [number])
    read = [model.judgeable(texts[firm_id]) for firm_id in sorted(shard.digests)]
    firms = [one.firm for one in read if not one.reason]
    chunks = [text for firm in firms for text in model.texts_to_embed(firm)]
    vectors: Vectors = vectors_at_hand(workspace.lake, encoder, number, chunks)
    probabilities = model.predict_proba(firms, vectors)
    previous = standing(taxonomy, [shard.assignments.get(firm.firm_id, []) for firm in firms])
    columns = [taxonomy.keys.index(key) for key in model.sectors]
    assigned = model.assign(probabilities, previous[:, columns])
    own = model.column(sector)
    found = {firm.firm_id: (float(probabilities[row, own]), bool(assigned[row, own])) for row, firm in enumerate(firms)}
    return was & shard.reasons.keys(), found


def main(folder: str, sector: str) -> int:
    """Preview as one line of JSON after another on standard output, the result last."""
    os.nice(NICENESS)

    def say(**said: object) -> None:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()

    try:
        found = preview_here(Workspace(Path(folder)), sector, lambda doing, share: say(doing=doing, share=share))
    except (FirmscopeError, LabelsError) as error:
        say(error=str(error), usage=not isinstance(error, FirmscopeError) or isinstance(error, UsageError))
        return 1
    say(preview=asdict(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
