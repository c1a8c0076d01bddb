"""The commands ``labels audit``, ``labels agreement`` and ``labels settle`` on a workspace.

Coders see the same evidence for a firm that is in the sector as for one that is not, in an order of their own and
without a score: who can tell what the classifier thinks judges the classifier's way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from labels.agreement import Agreement, Conflict, Reliability, agreements, conflicts, reliabilities
from labels.audit import SIZE, Draw, Stratum, draw_sample
from labels.label_files import moment_text
from labels.store import AUDIT_NOTE, LABELS, SETTLED, Judgement
from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.audit_files import Audit, Drawn, sheet_csv, write_audit
from pipelines.audit_results import Quality, SectorResult, open_conflicts, quality, results
from pipelines.best_accounts import best_accounts
from pipelines.current_audits import current_audits
from pipelines.errors import UsageError
from pipelines.figures import Moment, deciding_model
from pipelines.firm_facts import AMOUNTS, Place, left_out, newest_amounts, places
from pipelines.firm_texts import classified_firms, firm_texts
from pipelines.frames import rows
from pipelines.judgements import current_judgements
from pipelines.judging import judge
from pipelines.outside_text import spreadsheet_text
from pipelines.population import Population, population
from pipelines.runs import Run
from pipelines.store import shard_of
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model import SectorModel

SHEET = ("firm_id", "name", "website", "sector", "sector_name", "sentence", "page", "label", "coder", "note")
_CODER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Request:
    """What to draw; no ``sectors`` means all that the model was trained for."""

    sectors: tuple[str, ...] = ()
    size: int = SIZE
    by_area: bool = False
    seed: int = 0
    coders: tuple[str, ...] = ("coder1", "coder2")


@dataclass(frozen=True)
class SectorProgress:
    """How far one sector's audit is, and what it says so far."""

    result: SectorResult
    quality: Quality
    conflicts: int


@dataclass(frozen=True)
class CodersAgreement:
    """How far coders agree, two by two and all together, and where they do not."""

    agreement: tuple[Agreement, ...]
    alpha: tuple[Reliability, ...]
    conflicts: tuple[Conflict, ...]


def newest_audit(workspace: Workspace, audit_id: str = "") -> Audit:
    """The audit of this id; the newest when none is named.

    Raises:
        UsageError: There is none.
    """
    audits = [audit for audit in current_audits(workspace) if audit_id in ("", audit.audit_id)]
    if not audits:
        what = f"audit {audit_id!r}" if audit_id else "audit"
        raise UsageError(f"{workspace.folder} has no {what}; draw a sample with: firmscope labels audit")
    return audits[-1]


def draw_audit(run: Run, request: Request, progress: Progress) -> tuple[Audit, Path]:
    """Draw a sample for every sector asked for, and write it with the coders' sheets. Returns the audit and its
    folder.

    Raises:
        UsageError: No firms were classified, or a sector or coder cannot be used.
    """
    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    moment = Moment.now(workspace.lake)
    classified = classified_firms(moment)
    model = deciding_model(workspace, taxonomy, moment, classified.values())
    if model is None:
        raise UsageError(f"{workspace.folder} has no classified firms to draw from; run firmscope classify first")
    sectors = _sectors(request, taxonomy, model)
    _check_coders(request.coders)
    with run.stage("labels audit") as counts:
        firms = moment.read("firms")
        gone = left_out(firms)
        counted = pa.array([firm_id for (firm_id,) in rows(firms, ("firm_id",)) if firm_id not in gone], pa.string())
        whole = population(moment, taxonomy, model.model_id, counted)
        counts.rows_in = counts.rows_out = len(whole.firm_ids)
        sources = workspace.config.rollup.amount_sources
        draws = _draws(request, sectors, taxonomy, whole, moment, sources)
        audit = _audit(request, sectors, whole, draws, model.model_id, run, workspace)
        evidence = _evidence(run, moment, model, audit, progress)
        known = {firm_id: (name, website) for firm_id, name, website in rows(firms, ("firm_id", "name", "website"))}
        sheets = {
            coder: _sheet(audit, coder, number, taxonomy, known, evidence)
            for number, coder in enumerate(request.coders)
        }
        folder = write_audit(workspace.audits_folder, audit, sheets)
        run.notes["audit"] = audit.audit_id
    return audit, folder


def progress_of(workspace: Workspace, audit: Audit) -> list[SectorProgress]:
    """How far each sector's audit is, in the order in which they were drawn."""
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    judgements = current_judgements(workspace, taxonomy)
    found = results(audit, judgements, taxonomy)
    waiting = [conflict.sector for conflict in open_conflicts(audit, judgements)]
    return [SectorProgress(result, quality(audit, result), waiting.count(key)) for key, result in found.items()]


def agreement_of(workspace: Workspace, audit_id: str = "", *, everything: bool = False) -> CodersAgreement:
    """How coders agree: on an audit's firms, or, without any audit or with ``everything``, on all firms.

    Raises:
        UsageError: There is no such audit.
    """
    judgements = current_judgements(workspace, load_taxonomy(workspace.taxonomy_file))
    if not everything and (audit_id or current_audits(workspace)):
        drawn = {(at.firm_id, at.sector) for at in newest_audit(workspace, audit_id).sample}
        judgements = [judgement for judgement in judgements if (judgement.firm_id, judgement.sector) in drawn]
    return CodersAgreement(
        tuple(agreements(judgements)), tuple(reliabilities(judgements)), tuple(conflicts(judgements))
    )


def settle(run: Run, firm_id: str, sector: str, label: str, note: str) -> None:
    """Put an end to a disagreement: this label holds, whatever coders said or will say.

    Raises:
        UsageError: The firm, sector or label is not known.
    """
    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    if sector not in taxonomy.by_key:
        raise UsageError(f"sector {sector!r} is not in taxonomy.yaml; known: {', '.join(taxonomy.keys)}")
    if label not in LABELS:
        raise UsageError(f"label {label!r}; expected one of {', '.join(LABELS)}")
    if firm_id not in set(workspace.lake.read_arrow("firms", ["firm_id"])["firm_id"].to_pylist()):
        raise UsageError(f"firm {firm_id!r} is not in this workspace")
    with run.stage("labels settle") as counts:
        counts.rows_in = counts.rows_out = 1
        at = moment_text(run.started_at)
        judge(workspace, [Judgement(firm_id, sector, label, SETTLED, at, note, str(taxonomy.version))])


def _sectors(request: Request, taxonomy: Taxonomy, model: SectorModel) -> tuple[str, ...]:
    for key in request.sectors:
        if key not in taxonomy.by_key:
            raise UsageError(f"sector {key!r} is not in taxonomy.yaml; known: {', '.join(taxonomy.keys)}")
        if key in model.untrained:
            raise UsageError(
                f"the model was not trained for {key}: it has no scores to draw by; label some firms first"
            )
    wanted = request.sectors or taxonomy.keys
    found = tuple(key for key in taxonomy.keys if key in wanted and key not in model.untrained)
    if not found:
        raise UsageError("the model was not trained for any sector: there are no scores to draw by; label some firms")
    return found


def _check_coders(coders: Sequence[str]) -> None:
    if len(set(coders)) != len(coders) or len(coders) < 2 or SETTLED in coders:
        raise UsageError(f"coders {', '.join(coders)}; expected two or more different names, none of them {SETTLED!r}")
    for coder in coders:
        if not _CODER.fullmatch(coder) or coder == "sample":  # the sheet is a file of that name
            raise UsageError(f"coder {coder!r}; expected letters, digits, - and _, such as anna (not 'sample')")


def _draws(
    request: Request,
    sectors: Sequence[str],
    taxonomy: Taxonomy,
    whole: Population,
    moment: Moment,
    sources: Sequence[str],
) -> dict[str, Draw]:
    from classifier.counting.giants import giants

    accounts = best_accounts(moment.read_arrow("accounts"), sources)
    sizes = [sizes_of(accounts, amount, whole.firm_ids) for amount in AMOUNTS]
    areas = None
    if request.by_area:
        where = places(moment.read("premises"))
        at = [where.get(firm_id, Place()) for firm_id in whole.firm_ids]
        areas = [place.lad_code or place.postcode_area or "" for place in at]
    found = {}
    for key in sectors:
        column = taxonomy.keys.index(key)
        chances, inside = whole.probabilities[:, column].astype(np.float64), whole.assigned[:, column]
        rng = np.random.default_rng([request.seed, column])
        found[key] = draw_sample(chances, inside, request.size, rng, giants(chances, inside, sizes), areas)
    return found


def sizes_of(accounts: object, amount: str, firm_ids: Sequence[str]) -> NDArray[np.float64]:
    """Newest known employees or turnover, ``(n_firms,)``; 0 where none is known, as in every sum."""
    known = newest_amounts(accounts, amount)  # type: ignore[arg-type]
    return np.array([known[firm_id].value if firm_id in known else 0.0 for firm_id in firm_ids], dtype=np.float64)


def _audit(
    request: Request, sectors: Sequence[str], whole: Population, draws: Mapping[str, Draw], model_id: str, run: Run,
    workspace: Workspace,
) -> Audit:  # fmt: skip
    day = run.started_at.date()
    taken = {path.name for path in workspace.audits_folder.glob("*")}
    number = next(number for number in range(1, 10_000) if f"{day:%Y%m%d}-{number}" not in taken)
    sample = [
        Drawn(whole.firm_ids[row], key, int(draws[key].stratum[row]))
        for key in sectors for row in np.flatnonzero(draws[key].drawn)
    ]  # fmt: skip
    strata: dict[str, tuple[Stratum, ...]] = {key: draws[key].strata for key in sectors}
    frame = np.stack([draws[key].stratum for key in sectors], axis=1)
    return Audit(
        f"{day:%Y%m%d}-{number}", day.isoformat(), model_id, request.seed, request.by_area, request.coders, strata,
        tuple(sample), whole.firm_ids, frame,
    )  # fmt: skip


def _evidence(
    run: Run, moment: Moment, model: SectorModel, audit: Audit, progress: Progress
) -> dict[tuple[str, str], tuple[str, str]]:
    """Sentence and page by firm and sector; none at all where the encoder is not the model's, so that all look
    alike."""
    from pipelines.embedding import vectors_beside
    from pipelines.encoders import encoder_of

    encoder = encoder_of(run.workspace, model)
    found: dict[tuple[str, str], tuple[str, str]] = {}
    if encoder.encoder_id != model.encoder_id:
        return found
    wanted: dict[str, list[str]] = {}
    for drawn in audit.sample:
        wanted.setdefault(drawn.firm_id, []).append(drawn.sector)
    done = 0
    for shard in range(moment.shards):
        mine = sorted(firm_id for firm_id in wanted if shard_of(firm_id, moment.shards) == shard)
        held = firm_texts(moment, [shard])
        spoken = [held[firm_id] for firm_id in mine if firm_id in held]
        texts = [text for firm in spoken for text in model.texts_to_embed(firm)]
        vectors = vectors_beside(moment.lake, encoder, shard, texts)
        for firm in spoken:
            for key in wanted[firm.firm_id]:
                evidence = model.evidence(firm, key, vectors)
                found[firm.firm_id, key] = (evidence.sentence, evidence.page_url)
        done += len(mine)
        progress(done, len(wanted))
    return found


def _sheet(
    audit: Audit, coder: str, number: int, taxonomy: Taxonomy, firms: Mapping[str, tuple[str, str | None]],
    evidence: Mapping[tuple[str, str], tuple[str, str]],
) -> bytes:  # fmt: skip
    from crawler.e_mail import without_e_mail

    listed = []
    order = np.random.default_rng([audit.seed, 1_000_003, number]).permutation(len(audit.sample))
    for place in sorted(order.tolist(), key=lambda at: audit.sectors.index(audit.sample[at].sector)):
        drawn = audit.sample[place]
        name, website = firms[drawn.firm_id]
        sentence, page = evidence.get((drawn.firm_id, drawn.sector), ("", ""))
        cells = {
            "firm_id": drawn.firm_id, "name": name, "website": website or "", "sector": drawn.sector,
            "sector_name": taxonomy.by_key[drawn.sector].name, "sentence": without_e_mail(sentence),
            "page": without_e_mail(page), "label": "", "coder": coder, "note": f"{AUDIT_NOTE}{audit.audit_id}",
        }  # fmt: skip
        listed.append({column: spreadsheet_text(text)[0] for column, text in cells.items()})
    return sheet_csv(SHEET, listed)
