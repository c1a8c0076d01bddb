"""Say of one firm what was read, what was decided and why, from the tables as they stand.

What the tables hold is shown, not worked out again, so that a person disputes what was published; only a sector of
which no evidence was kept is put to the model that decided. Reading takes no lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labels.errors import LabelsError
from labels.taxonomy import NONE, Taxonomy, load_taxonomy
from pipelines.errors import UsageError
from pipelines.evidence_rows import evidence_columns, neighbour_name, weighed
from pipelines.explanation import Explanation, Neighbour, PageRead, SectorShown
from pipelines.firm_texts import firm_texts, site_digests
from pipelines.promotion import current_id
from pipelines.store import Lake, shard_of
from pipelines.training_data import SEED_PREFIX
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from classifier.model import SectorModel

MAX_SUGGESTIONS = 5
MAX_COMPARED = 20_000  # ids that a misspelt one is compared with, letter by letter; a bound, its time not measured
QUOTED_CHARS = 60  # of an example text, enough to know it again


def explain_firm(workspace: Workspace, firm_id: str, sector: str = "") -> Explanation:
    """Everything about one firm; ``sector`` puts a further sector to the model that decided.

    Raises:
        UsageError: The firm or the sector is not known; the message names the nearest ones.
    """
    lake, taxonomy = workspace.lake, load_taxonomy(workspace.taxonomy_file)
    firm = _one(lake, "firms", firm_id)
    if firm is None:
        raise UsageError(f"firm {firm_id!r} is not in the firm list; {_nearest_firms(lake, firm_id)}")
    if sector and sector not in taxonomy.by_key:
        near = get_close_matches(sector, taxonomy.keys, MAX_SUGGESTIONS, 0.5)
        hint = f"nearest are {', '.join(near)}" if near else "firmscope taxonomy show lists all of them"
        raise UsageError(f"sector {sector!r} is not in taxonomy.yaml; {hint}")
    visit = _one(lake, "sites", firm_id) or {}
    decided = lake.read_firms("assignments", [firm_id]).to_pylist()
    model_id = next((row["model_id"] for row in decided if row["model_id"]), None)
    missed = _one(lake, "near_misses", firm_id)
    if missed and missed["model_id"] != model_id:
        missed = None
    shown = [row for row in decided if row["assigned"]] + ([missed] if missed else [])
    extra = None
    if sector and sector not in [row["sector"] for row in shown]:
        extra = _asked_row(workspace, firm_id, sector, model_id)
        shown.append(extra)
    describe = _Describer(workspace, taxonomy, shown)
    assigned = sorted((describe(row) for row in decided if row["assigned"]), key=_strongest(taxonomy))
    near_miss = describe(missed) if missed else None
    known = {found.sector: found for found in (*assigned, *([near_miss] if near_miss else []))}
    stated = next((row["reason"] for row in decided if row["sector"] == NONE), None)
    pages = sorted(lake.read_firms("pages", [firm_id]).to_pylist(), key=lambda page: int(page["position"]))
    return Explanation(
        firm_id=firm_id,
        name=firm["name"],
        website=firm["website"],
        outcome=visit.get("outcome"),
        outcome_reason=visit.get("reason"),
        visited_at=visit.get("crawled_at"),
        pages=tuple(PageRead(page["url"], page["kind"], len(page["text"].split()), page["read_at"]) for page in pages),
        model_id=model_id,
        in_none=None if assigned else stated or "not classified yet",
        sectors=tuple(assigned),
        near_miss=near_miss,
        asked=(describe(extra) if extra else known[sector]) if sector else None,
        cautions=tuple(_cautions(workspace, firm_id, decided, model_id)),
    )


class _Describer:
    """Turns rows of tables into what is shown; names of neighbours and example texts are looked up once."""

    def __init__(self, workspace: Workspace, taxonomy: Taxonomy, shown: Sequence[Mapping[str, Any]]) -> None:
        self._taxonomy = taxonomy
        ids = sorted({name for row in shown for name in row["evidence_nearest"] or ()})
        firms = workspace.lake.read_firms("firms", ids, ["firm_id", "name"]).to_pylist() if ids else []
        self._names = {row["firm_id"]: row["name"] for row in firms}
        self._begins = _example_texts(workspace, taxonomy) if any(map(_is_example, ids)) else {}

    def __call__(self, row: Mapping[str, Any]) -> SectorShown:
        lacking = (row["threshold"] or 0.0) - (row["probability"] or 0.0)
        sector = self._taxonomy.by_key.get(row["sector"])
        nearest = zip_longest(row["evidence_nearest"] or (), row["evidence_similarity"] or ())
        return SectorShown(
            sector=row["sector"],
            name=sector.name if sector else row["sector"],
            assigned=bool(row.get("assigned")),
            reason=row.get("reason") or f"{lacking:.2f} below the threshold",
            probability=row["probability"],
            threshold=row["threshold"],
            since=row.get("since"),
            url=row["evidence_url"],
            sentence=row["evidence_sentence"],
            effect=row["evidence_effect"],
            terms=tuple(zip_longest(row["evidence_terms"] or (), row["evidence_weights"] or ())),
            nearest=tuple(
                Neighbour(name, neighbour_name(name, self._names), similarity, self._begins.get(name))
                for name, similarity in nearest
            ),
        )


def _asked_row(workspace: Workspace, firm_id: str, sector: str, model_id: str | None) -> dict[str, Any]:
    """What a row of ``near_misses`` would hold if the firm had come closest to this sector."""
    lake = workspace.lake
    scores = lake.read_firms("scores", [firm_id]).to_pylist()
    chance = next(
        (row["probability"] for row in scores if (row["sector"], row["model_id"]) == (sector, model_id)), None
    )
    if model_id is None or chance is None:
        said = {"sector": sector, "probability": None, "threshold": None, "reason": "the firm was not scored"}
        return said | evidence_columns(None)
    model = _model(workspace, model_id)
    column = model.column(sector)
    row = {"sector": sector, "probability": chance, "threshold": float(model.thresholds[column])}
    if sector in model.untrained:
        return row | {"reason": "the model had too few labels to learn this sector"} | evidence_columns(None)
    firm = firm_texts(lake, [shard_of(firm_id, lake.shards)]).get(firm_id)
    if firm is None:
        return row | {"reason": "the words that were classified are gone"} | evidence_columns(None)
    from pipelines.embedding import vectors_beside
    from pipelines.encoders import encoder_of

    firm = model.judgeable(firm).firm
    encoder, shard = encoder_of(workspace, model), shard_of(firm_id, lake.shards)
    vectors = vectors_beside(lake, encoder, shard, model.texts_to_embed(firm))
    found = weighed(model, [firm], [{column: True}], vectors, lambda texts: vectors_beside(lake, encoder, shard, texts))
    return row | evidence_columns(found[0][column], assigned=False)


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> SectorModel:
    from classifier.persistence import load_model

    return load_model(folder)


def _model(workspace: Workspace, model_id: str) -> SectorModel:
    folder = workspace.models_folder / model_id
    if not folder.is_dir():
        raise UsageError(
            f"{folder}, the model that classified the firm, is missing: put it back, or run firmscope classify"
        )
    return _loaded(folder.resolve())


def _cautions(
    workspace: Workspace, firm_id: str, decided: Sequence[Mapping[str, Any]], model_id: str | None
) -> list[str]:
    lake = workspace.lake
    said = []
    current = current_id(workspace)
    if model_id and current != model_id:
        said.append(
            f"this was decided by model {model_id}, but {current or 'no model'} is in use now: run firmscope classify"
        )
    digest = site_digests(lake, [shard_of(firm_id, lake.shards)]).get(firm_id)
    if digest and model_id and {row["text_digest"] for row in decided} != {digest}:
        said.append("the site's words were read anew since they were classified: run firmscope classify")
    return said


def _one(lake: Lake, table: str, firm_id: str) -> dict[str, Any] | None:
    rows: list[dict[str, Any]] = lake.read_firms(table, [firm_id]).to_pylist()
    return rows[0] if rows else None


def _strongest(taxonomy: Taxonomy) -> Any:
    place = {key: number for number, key in enumerate(taxonomy.keys)}

    def order(found: SectorShown) -> tuple[float, int, int]:
        depth = len(taxonomy.ancestors(found.sector)) if found.sector in place else 0
        return -(found.probability or 0.0), -depth, place.get(found.sector, len(place))

    return order


def _nearest_firms(lake: Lake, wanted: str) -> str:
    """Words on the firms that may have been meant: part of id or name first, then ids spelt nearly so."""
    listed = lake.read_arrow("firms", ["firm_id", "name"]).to_pylist()
    if not listed:
        return "it is empty: firmscope import firms FILE.csv"
    part = wanted.casefold()
    found = [row for row in listed if part and (part in row["firm_id"].casefold() or part in row["name"].casefold())]
    if not found:
        by_id = {row["firm_id"].casefold(): row for row in listed}
        compared = [key for key in by_id if key[:1] == part[:1]] if len(by_id) > MAX_COMPARED else list(by_id)
        near = get_close_matches(part, compared[:MAX_COMPARED], MAX_SUGGESTIONS, 0.5)
        found = [by_id[key] for key in near]
    if not found:
        return "no id or name is like it; firm_id is the first column of firmscope export firms"
    first = sorted(found, key=lambda row: (len(row["firm_id"]), row["firm_id"]))[:MAX_SUGGESTIONS]
    return "nearest are " + ", ".join(f"{row['firm_id']} ({row['name']})" for row in first)


def _is_example(firm_id: str) -> bool:
    return firm_id.startswith(SEED_PREFIX)


def _example_texts(workspace: Workspace, taxonomy: Taxonomy) -> dict[str, str]:
    """How each example text begins, by its firm_id; none when the file was edited into something unreadable."""
    from labels.seeds import load_seeds

    try:
        seeds = load_seeds(workspace.seeds_file, taxonomy)
    except LabelsError:
        return {}
    found = {}
    for seed in seeds:
        begins = seed.text if len(seed.text) <= QUOTED_CHARS else seed.text[:QUOTED_CHARS].rsplit(" ", 1)[0] + "…"
        found[SEED_PREFIX + seed.id] = begins
    return found
