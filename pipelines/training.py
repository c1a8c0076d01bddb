"""The train stage, and which model the workspace classifies with; only this stage ever makes a model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from labels.taxonomy import Taxonomy, load_taxonomy
from labels.taxonomy_check import UnreadRule, unread_rules
from pipelines.embedding import vectors_for
from pipelines.encoders import encoder_of, plain_encoder
from pipelines.errors import UsageError
from pipelines.judging import seal_labels
from pipelines.promotion import CURRENT, current_id, point, reasons_against
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.settling import keep_first_stage
from pipelines.training_data import Examples, both, labelled_firms, sector_hints, seed_examples
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.features import Vectors
    from classifier.hints import Hint
    from classifier.model import SectorModel
    from classifier.tuning import Tuned
    from models.encoder import SentenceEncoder


__all__ = ["CURRENT", "Trained", "current_model", "fitting_model", "run_train"]


@dataclass(frozen=True)
class Trained:
    """What training made."""

    model_id: str
    labelled_firms: int
    seeds: int
    untrained: tuple[str, ...]
    rules_left_out: tuple[UnreadRule, ...] = ()
    held_back: tuple[str, ...] = ()  # why the model in use stays in use; none: this one is in use now


def run_train(run: Run, screen: Screen) -> Trained:
    """Train on the labelled firms and the seed examples; the result is the workspace's model unless it is worse.

    Raises:
        UsageError: There is nothing to learn from.
    """
    from classifier.hints import hint_texts
    from classifier.model import SectorModel
    from classifier.out_of_fold import out_of_fold_metrics
    from classifier.persistence import save_model
    from classifier.reference import remember_training
    from models.tuned import TunedEncoder

    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    rules_left_out = unread_rules(taxonomy)
    if rules_left_out:
        run.notes["rules_left_out"] = [asdict(rule) for rule in rules_left_out]
    with run.stage("train") as counts:
        firms = labelled_firms(run, counts, taxonomy)
        seal_labels(workspace)  # what a model has learnt from may be added to, not changed
        seeds = seed_examples(run, counts, taxonomy)
        examples = both(firms, seeds)
        if not examples.labels.any():
            raise UsageError(
                f"{workspace.folder} has no label that includes a firm with text in a sector; label some firms with: "
                "firmscope labels import FILE.csv"
            )
        plain = plain_encoder(workspace)
        texts = examples.texts_by_shard(workspace.lake.shards)
        hints = sector_hints(taxonomy)
        texts.setdefault(0, []).extend(hint_texts(hints))
        with screen.bar("Reading the examples") as progress:
            vectors = vectors_for(workspace.lake, plain, texts, run.run_id, progress)
        tuned, why_not = _tuned(run, screen, plain, examples, vectors, taxonomy, hints)
        encoder: SentenceEncoder = plain
        if tuned:
            encoder = TunedEncoder(plain.files, tuned.layers)
            with screen.bar("Reading the examples with the tuned encoder") as progress:
                vectors = vectors_for(workspace.lake, encoder, texts, run.run_id, progress)
        with screen.bar("Training"):
            model = SectorModel.train(
                examples.firms, vectors, examples.labels, examples.judged, taxonomy.keys, taxonomy.parents,
                examples.groups, encoder.encoder_id, hints=hints, tuned=tuned,
            )  # fmt: skip
        model = replace(model, reference=remember_training(model, examples.firms, vectors))
        folder = workspace.models_folder / model.model_id
        if not folder.exists():
            facts = {
                "taxonomy": {"id": taxonomy.id, "version": taxonomy.version, "digest": taxonomy.digest},
                "training_set": {
                    "digest": examples.digest(),
                    "labelled_firms": len(firms.firms),
                    "seeds": len(seeds.firms),
                },
                "encoder": "tuned on these labels" if tuned else f"as it came: {why_not}",
                "metrics": out_of_fold_metrics(
                    model, [firm.firm_id for firm in examples.firms], examples.labels, examples.judged
                ),
                "run_id": run.run_id,
            }
            save_model(model, folder, facts)
        keep_first_stage(workspace, model, examples)
        run.notes["model_id"] = model.model_id
        held_back = reasons_against(workspace, model.model_id) if _usable(workspace) else ()
        if held_back:
            run.notes["held_back"] = list(held_back)
        elif current_id(workspace) != model.model_id:
            point(run, model.model_id, "promote")
    return Trained(
        model.model_id, len(firms.firms), len(seeds.firms), model.untrained, rules_left_out, held_back
    )  # fmt: skip


def current_model(workspace: Workspace, taxonomy: Taxonomy) -> SectorModel:
    """The model that the workspace classifies with.

    Raises:
        UsageError: None was trained yet, or it was trained for other sectors or another encoder.
    """
    model_id = current_id(workspace)
    if model_id is None:
        raise UsageError(f"{workspace.folder} has no model yet; make one with: firmscope train")
    return fitting_model(workspace, model_id, taxonomy)


def fitting_model(workspace: Workspace, model_id: str, taxonomy: Taxonomy | None = None) -> SectorModel:
    """A model of the workspace that fits its taxonomy and its encoder.

    Raises:
        UsageError: It was trained for other sectors or another encoder.
        BundleError, ModelMismatchError: Its bundle is damaged.
    """
    from classifier.persistence import load_model

    wanted = load_taxonomy(workspace.taxonomy_file) if taxonomy is None else taxonomy
    model = load_model(workspace.models_folder / model_id)
    if model.sectors != wanted.keys or model.parents != wanted.parents:
        raise UsageError(
            "taxonomy.yaml has changed its sectors or parents since the model was trained; run: firmscope train"
        )
    encoder_id = encoder_of(workspace, model).encoder_id
    if model.encoder_id != encoder_id:
        raise UsageError(
            f"the model was trained with the encoder {model.encoder_id}, but encoder.name gives {encoder_id}; "
            "set it back, or run: firmscope train"
        )
    return model


def tunable(workspace: Workspace, encoder: SentenceEncoder) -> SentenceEncoder | None:
    """The encoder, where the workspace lets training tune it and its layers are known."""
    from models.tuned import can_be_tuned

    return encoder if workspace.config.train.tune == "auto" and can_be_tuned(encoder) else None


def _tuned(
    run: Run, screen: Screen, encoder: SentenceEncoder, examples: Examples, vectors: Vectors, taxonomy: Taxonomy,
    hints: Sequence[Hint],
) -> tuple[Tuned | None, str]:  # fmt: skip
    """The encoder's layers tuned on the examples, or why they are not."""
    from classifier.tuning import reason_against, tune

    if tunable(run.workspace, encoder) is None:
        return None, "train.tune is off, or the encoder is none whose layers can be tuned"
    why_not = reason_against(examples.labels, examples.judged, examples.groups, taxonomy.parents)
    if why_not:
        return None, why_not
    with screen.bar("Tuning the encoder") as progress:
        tuned = tune(
            encoder, examples.firms, vectors, examples.labels, examples.judged, examples.groups, taxonomy.parents,
            hints, lambda _, done, steps: progress(done, steps),
        )  # fmt: skip
    return tuned, ""


def _usable(workspace: Workspace) -> bool:
    """Whether the model in use could go on being used; one that could not holds no other back."""
    from classifier.errors import ClassifierError
    from models.errors import BundleError

    try:
        current_model(workspace, load_taxonomy(workspace.taxonomy_file))
    except (UsageError, ClassifierError, BundleError):
        return False
    return True
