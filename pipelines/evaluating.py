"""Score the recipe on labelled firms that took no part in training, beside the baselines, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labels.taxonomy import load_taxonomy
from models.encoder import load_encoder
from pipelines.embedding import vectors_for
from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.training_data import labelled_firms, seed_examples

if TYPE_CHECKING:
    from classifier.evaluation import Evaluation, Split

MIN_FIRMS = 40  # below, a figure says more about the draw than about the classifier


def run_evaluate(run: Run, screen: Screen, split: Split) -> Evaluation:
    """Train on a part of the labelled firms and score the rest; on the seed examples where no firm is labelled.

    Raises:
        UsageError: Too few examples to say anything.
    """
    from classifier.evaluation import evaluate

    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    with run.stage("evaluate") as counts:
        examples = labelled_firms(run, counts, taxonomy)
        run.notes["evaluated_on"] = "labelled firms"
        if not examples.firms:
            examples = seed_examples(run, counts, taxonomy)
            run.notes["evaluated_on"] = "seed examples"
        if len(examples.firms) < MIN_FIRMS:
            raise UsageError(
                f"{len(examples.firms)} labelled firms with text; an evaluation needs at least {MIN_FIRMS}; label more "
                "with: firmscope labels import FILE.csv"
            )
        encoder = load_encoder(workspace.config.encoder.name)
        with screen.bar("Reading the firms") as progress:
            texts = examples.texts_by_shard(workspace.lake.shards)
            vectors = vectors_for(workspace.lake, encoder, texts, run.run_id, progress)
        with screen.bar("Training and scoring"):
            return evaluate(
                examples.firms, vectors, examples.labels, examples.judged, taxonomy.keys, taxonomy.parents,
                examples.groups, split,
            )  # fmt: skip
