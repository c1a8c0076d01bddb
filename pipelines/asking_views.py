"""Gather what ``labels.queue`` chooses by from a workspace's tables: scores, lists and judgements.

Read without a lock and without writing, so that a page that judges can open its queue beside a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from labels.keyword_matching import AnyOf
from labels.lot import permanent_numbers
from labels.matrix import label_matrix
from labels.queue import RANDOM, REASONS, SectorView, best_first, why_asked
from labels.store import SETTLED, Judgement
from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.asking_look import Look, look_at
from pipelines.classified_shard import ABSTAINED
from pipelines.judgements import current_judgements
from pipelines.matching import not_recognised
from pipelines.population import places_of
from pipelines.promotion import current_id
from pipelines.searching import find_firms
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from classifier.model import SectorModel

LOOKED_AT = 600
"""Firms of a queue that are looked at closely, over all its sectors. Looking at 200 real sites took 4 s of processor
time, once: it is remembered."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Standing:
    """A workspace as a queue finds it; firms are those with words of their own, sorted by id."""

    workspace: Workspace
    taxonomy: Taxonomy
    judgements: Sequence[Judgement]
    firm_ids: tuple[str, ...]
    listed: Bools  # (n_firms, n_sectors), columns in taxonomy order
    probabilities: NDArray[np.float32]  # (n_firms, n_sectors) by ``model``; NaN where there is none
    model: SectorModel | None  # the one that scored the firms; None before the first

    @cached_property
    def known(self) -> tuple[Bools, Bools]:
        """Includes, and what is judged, as a model learns it: both ``(n_firms, n_sectors)``."""
        return label_matrix(self.judgements, self.firm_ids, self.taxonomy)

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of each firm."""
        return {firm_id: place for place, firm_id in enumerate(self.firm_ids)}

    def probability(self, firm_id: str, sector: str) -> float | None:
        """What the model gives a firm; None where it has not scored it, or has not learnt the sector."""
        if firm_id not in self.row or not self.trained(sector):
            return None
        found = float(self.probabilities[self.row[firm_id], self.taxonomy.keys.index(sector)])
        return None if np.isnan(found) else found

    def trained(self, sector: str) -> bool:
        """Whether the model learnt the sector."""
        return self.model is not None and sector in self.model.sectors and sector not in self.model.untrained

    def view(self, sector: str, coder: str, numbers: NDArray[np.float64]) -> SectorView:
        """One sector from afar: no vectors, no halves, and no likeness."""
        column = self.taxonomy.keys.index(sector)
        by_anybody, by_coder = self._said(sector, coder)
        fresh = ~by_anybody & ~self.known[1][:, column]
        blank = np.full(len(self.firm_ids), np.nan)
        probability, threshold = None, 0.5
        if self.model is not None and self.trained(sector):
            probability = self.probabilities[:, column].astype(np.float64)
            threshold = float(self.model.thresholds[self.model.column(sector)])
        return SectorView(
            sector=sector,
            numbers=numbers,
            vectors=np.zeros((len(self.firm_ids), 0), np.float32),
            open=fresh,
            second=by_anybody & ~by_coder if coder else np.zeros_like(fresh),
            listed=self.listed[:, column],
            likeness=blank,
            probability=probability,
            threshold=threshold,
            includes=int(self.known[0][:, column].sum()),
            asked=len({word.firm_id for word in self.judgements if word.sector == sector and why_asked(word.note)}),
        )

    def _said(self, sector: str, coder: str) -> tuple[Bools, Bools]:
        """Who was judged for the sector: by anybody, and by this coder or for good."""
        by_anybody, by_coder = np.zeros((2, len(self.firm_ids)), dtype=bool)
        for word in self.judgements:
            if word.sector == sector and word.firm_id in self.row:
                by_anybody[self.row[word.firm_id]] = True
                by_coder[self.row[word.firm_id]] |= word.coder in (coder, SETTLED)
        return by_anybody, by_coder


def read_standing(workspace: Workspace) -> Standing:
    """Read a workspace.

    Raises:
        LabelsError: The taxonomy or the label store cannot be read.
        BundleError, ClassifierError: The bundle of the model that scored the firms is damaged.
    """
    import pyarrow.compute as pc

    lake, taxonomy = workspace.lake, load_taxonomy(workspace.taxonomy_file)
    firm_ids = _readable(workspace)
    listed = np.zeros((len(firm_ids), len(taxonomy.keys)), dtype=bool)
    assignments = lake.read_arrow("assignments", ["firm_id", "sector", "assigned"])
    rows, columns, _ = places_of(assignments.filter(assignments["assigned"]), firm_ids, taxonomy)
    listed[rows, columns] = True
    scores = lake.read_arrow("scores", ["firm_id", "sector", "probability", "model_id"])
    model = scoring_model(workspace, scores["model_id"])
    probabilities = np.full(listed.shape, np.nan, dtype=np.float32)
    if model is not None:
        scores = scores.filter(pc.equal(scores["model_id"], model.model_id))
        rows, columns, kept = places_of(scores, firm_ids, taxonomy)
        probabilities[rows, columns] = scores["probability"].to_numpy()[kept]
    judgements = current_judgements(workspace, taxonomy)
    return Standing(workspace, taxonomy, judgements, firm_ids, listed, probabilities, model)


def sector_views(
    standing: Standing, sectors: Sequence[str], coder: str, seed: int
) -> tuple[tuple[str, ...], list[SectorView]]:
    """Firms that may be asked, and what is known of them for each sector, in the order of taxonomy keys given.

    Args:
        standing: From ``read_standing``.
        sectors: Keys of the taxonomy, in its order.
        coder: Who will judge; empty: somebody, who is not asked what anybody has judged.
        seed: Of the permanent random numbers.
    """
    numbers = permanent_numbers(standing.firm_ids, seed)
    afar = [standing.view(sector, coder, numbers) for sector in sectors]
    scored = ~np.isnan(standing.probabilities).all(axis=1)
    worth = _worth_a_look(afar) | _saying_keywords(standing, afar)
    near = look_at(
        standing.workspace, standing.taxonomy, sectors, [standing.firm_ids[row] for row in sorted(worth)],
        standing.model, [standing.firm_ids[row] for row in np.flatnonzero(scored)],
    )  # fmt: skip
    rows = np.array([standing.row[firm_id] for firm_id in near.firm_ids], dtype=np.int64)
    return near.firm_ids, [_closer(view, rows, near, column) for column, view in enumerate(afar)]


def _worth_a_look(views: Sequence[SectorView]) -> set[int]:
    """Rows that a queue may come to, a share of ``LOOKED_AT`` for each sector and reason."""
    n_firms = len(views[0].numbers)
    if n_firms <= LOOKED_AT:
        return {row for row in range(n_firms) if any(view.open[row] or view.second[row] for view in views)}
    found: set[int] = set()
    for view in views:
        for why in REASONS:
            found.update(best_first(view, why)[: _share(views)].tolist())
        by_lot = best_first(view, RANDOM)
        found.update(by_lot[view.listed[by_lot]][: _share(views)].tolist())
    return found


def _saying_keywords(standing: Standing, views: Sequence[SectorView]) -> set[int]:
    """Rows of firms that meet a keyword of a sector that has no model yet, those that say most of them first.

    A short list is looked at whole, and needs no index of its words for this.
    """
    from classifier.likeness import readable_rules

    found: set[int] = set()
    if len(standing.firm_ids) <= LOOKED_AT:
        return found
    for view in views:
        rules = readable_rules(standing.taxonomy.by_key[view.sector].keywords)
        if view.probability is None and rules:
            wanted = 2 * int((~view.open).sum()) + 4 * _share(views)
            hits = find_firms(standing.workspace, AnyOf(rules), wanted).hits
            rows = [standing.row[hit.firm_id] for hit in hits if hit.firm_id in standing.row]
            found.update([row for row in rows if view.open[row]][: 4 * _share(views)])
    return found


def _share(views: Sequence[SectorView]) -> int:
    """Firms to look at for each sector and reason."""
    return max(2, LOOKED_AT // (len(views) * len(REASONS)))


def _closer(view: SectorView, rows: NDArray[np.int64], near: Look, column: int) -> SectorView:
    return replace(
        view,
        numbers=view.numbers[rows],
        vectors=near.vectors,
        open=view.open[rows],
        second=view.second[rows],
        listed=view.listed[rows],
        likeness=near.likeness[:, column],
        probability=None if view.probability is None else view.probability[rows],
        halves=None if view.probability is None else (near.words[:, column], near.meaning[:, column]),
    )


def _readable(workspace: Workspace) -> tuple[str, ...]:
    """Firms of the list with words of their own that a model did not refuse."""
    lake = workspace.lake
    spoken = set(lake.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())
    spoken &= set(lake.read_arrow("firms", ["firm_id"])["firm_id"].to_pylist())
    refused = lake.read_arrow("assignments", ["firm_id", "reason"]).to_pylist()
    spoken -= {row["firm_id"] for row in refused if row["reason"].startswith(ABSTAINED)}
    if workspace.config.match.require:
        spoken -= not_recognised(lake).keys()
    return tuple(sorted(spoken))


def scoring_model(workspace: Workspace, model_ids: pa.ChunkedArray | None = None) -> SectorModel | None:
    """The model whose scores a queue goes by: the one in use if it has scored anybody, else who scored most.

    Args:
        workspace: The workspace.
        model_ids: The column of the table ``scores``, where it is at hand.
    """
    rows = workspace.lake.read_arrow("scores", ["model_id"])["model_id"] if model_ids is None else model_ids
    scored = Counter({pair["values"]: pair["counts"] for pair in rows.value_counts().to_pylist()})
    current = current_id(workspace)
    chosen = current if current in scored else next((model_id for model_id, _ in scored.most_common(1)), None)
    if chosen is None or not (workspace.models_folder / chosen).is_dir():
        return None
    return _loaded((workspace.models_folder / chosen).resolve())


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> SectorModel:
    """A bundle; its folder is named by its content, so it is read once."""
    from classifier.persistence import load_model

    return load_model(folder)
