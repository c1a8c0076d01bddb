"""Score the recipe on labelled firms that took no part in training, beside the baselines, in one run.

Keywords and definitions are methods of their own here: what a sector expert could do without a label. A taxonomy that
has none leaves them out, and says so.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labels.keywords import KeywordError, parse_rule
from labels.taxonomy import Taxonomy, load_taxonomy
from models.digest import text_digest
from pipelines.embedding import vectors_for
from pipelines.encoders import plain_encoder
from pipelines.errors import UsageError
from pipelines.reporting.evaluation_page import EvaluationPage, build_evaluation_page
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.training import tunable
from pipelines.training_data import labelled_firms, sector_hints, seed_examples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.baselines import Baseline
    from classifier.evaluation import Evaluation, Split

MIN_FIRMS = 40  # below, a figure says more about the draw than about the classifier


@dataclass(frozen=True)
class LeftOut:
    """A baseline that could not be run."""

    method: str
    reason: str


@dataclass(frozen=True)
class Evaluated:
    """An evaluation and what it was made from."""

    evaluation: Evaluation
    evaluated_on: str  # "labelled firms" or "seed examples"
    run_id: str
    encoder_id: str
    corpus_digest: str  # SHA-256 of the firms' words and labels
    taxonomy: Taxonomy
    left_out: tuple[LeftOut, ...]
    page: Path

    def as_dict(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "evaluated_on": self.evaluated_on,
            **asdict(self.evaluation),
            "left_out": [asdict(method) for method in self.left_out],
            "run_id": self.run_id,
            "encoder_id": self.encoder_id,
            "corpus_digest": self.corpus_digest,
            "taxonomy": {"id": self.taxonomy.id, "version": self.taxonomy.version, "digest": self.taxonomy.digest},
            "page": str(self.page),
        }


def run_evaluate(
    run: Run, screen: Screen, split: Split = "folds", prevalence: Mapping[str, float] | None = None
) -> Evaluated:
    """Train on a part of the labelled firms and score the rest; on the seed examples where no firm is labelled.

    Writes ``evaluation.html`` into the report's folder.

    Args:
        run: The run.
        screen: Where progress is shown.
        split: See ``classifier.evaluation.evaluate``.
        prevalence: Share of all firms that belong to a sector, for sectors whose labelled firms are no fair sample.

    Raises:
        UsageError: Too few examples to say anything.
    """
    from classifier.baselines import BASELINES
    from classifier.evaluation import evaluate
    from classifier.hints import hint_texts

    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    with run.stage("evaluate") as counts:
        examples = labelled_firms(run, counts, taxonomy)
        evaluated_on = "labelled firms"
        if not examples.firms:
            examples = seed_examples(run, counts, taxonomy)
            evaluated_on = "seed examples"
        run.notes["evaluated_on"] = evaluated_on
        if len(examples.firms) < MIN_FIRMS:
            raise UsageError(
                f"{len(examples.firms)} labelled firms with text; an evaluation needs at least {MIN_FIRMS}; label more "
                "with: firmscope labels import FILE.csv"
            )
        encoder = plain_encoder(workspace)
        hints = sector_hints(taxonomy)
        with screen.bar("Reading the firms") as progress:
            texts = examples.texts_by_shard(workspace.lake.shards)
            texts.setdefault(0, []).extend(hint_texts(hints))
            vectors = vectors_for(workspace.lake, encoder, texts, run.run_id, progress)
        further, left_out = _taxonomy_baselines(taxonomy, [vectors[text_digest(hint.said)] for hint in hints])
        with screen.bar("Training and scoring"):
            evaluation = evaluate(
                examples.firms, vectors, examples.labels, examples.judged, taxonomy.keys, taxonomy.parents,
                examples.groups, split, (*BASELINES, *further), prevalence, hints,
                tunable(workspace, encoder),
            )  # fmt: skip
        digest = examples.digest()
        shown = EvaluationPage(
            evaluation=evaluation,
            taxonomy=taxonomy,
            evaluated_on=evaluated_on,
            run_id=run.run_id,
            encoder_id=encoder.encoder_id,
            corpus_digest=digest,
            left_out=tuple((method.method, method.reason) for method in left_out),
        )
        page = build_evaluation_page(workspace.evaluation_folder, shown)
    return Evaluated(evaluation, evaluated_on, run.run_id, encoder.encoder_id, digest, taxonomy, left_out, page)


def _taxonomy_baselines(taxonomy: Taxonomy, vectors: list[Any]) -> tuple[list[Baseline], tuple[LeftOut, ...]]:
    import numpy as np

    from classifier.baselines import definitions, keywords

    found: list[Baseline] = []
    missing: list[LeftOut] = []
    if any(sector.definition for sector in taxonomy.sectors):
        found.append(definitions(np.stack(vectors)))
    else:
        missing.append(LeftOut("definitions_by_similarity", "the taxonomy defines no sector"))
    try:
        rules = [[parse_rule(rule) for rule in sector.keywords] for sector in taxonomy.sectors]
    except KeywordError as error:
        missing.append(LeftOut("keywords", error.summary))
    else:
        if any(rules):
            found.append(keywords(rules))
        else:
            missing.append(LeftOut("keywords", "the taxonomy has no keywords"))
    return found, tuple(missing)
