"""The train stage, and which model the workspace classifies with; only this stage ever makes a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.taxonomy import Taxonomy, load_taxonomy
from models.encoder import load_encoder
from pipelines.embedding import vectors_for
from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.training_data import both, labelled_firms, seed_examples
from pipelines.workspace import Workspace, write_whole

if TYPE_CHECKING:
    from classifier.model import SectorModel

CURRENT = "current"  # file in models/ that names the bundle to classify with


@dataclass(frozen=True)
class Trained:
    """What training made."""

    model_id: str
    labelled_firms: int
    seeds: int
    untrained: tuple[str, ...]


def run_train(run: Run, screen: Screen) -> Trained:
    """Train on the labelled firms and the seed examples, and make the result the workspace's model.

    Raises:
        UsageError: There is nothing to learn from.
    """
    from classifier.model import SectorModel
    from classifier.persistence import save_model

    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    with run.stage("train") as counts:
        firms = labelled_firms(run, counts, taxonomy)
        seeds = seed_examples(run, counts, taxonomy)
        examples = both(firms, seeds)
        if not examples.labels.any():
            raise UsageError(
                f"{workspace.folder} has no label that includes a firm with text in a sector; label some firms with: "
                "firmscope labels import FILE.csv"
            )
        encoder = load_encoder(workspace.config.encoder.name)
        with screen.bar("Reading the examples") as progress:
            texts = examples.texts_by_shard(workspace.lake.shards)
            vectors = vectors_for(workspace.lake, encoder, texts, run.run_id, progress)
        with screen.bar("Training"):
            model = SectorModel.train(
                examples.firms, vectors, examples.labels, examples.judged, taxonomy.keys, taxonomy.parents,
                examples.groups, encoder.encoder_id,
            )  # fmt: skip
        folder = workspace.models_folder / model.model_id
        if not folder.exists():
            facts = {
                "taxonomy": {"id": taxonomy.id, "version": taxonomy.version, "digest": taxonomy.digest},
                "training_set": {
                    "digest": examples.digest(),
                    "labelled_firms": len(firms.firms),
                    "seeds": len(seeds.firms),
                },
                "run_id": run.run_id,
            }
            save_model(model, folder, facts)
        write_whole(workspace.models_folder / CURRENT, f"{model.model_id}\n".encode())
        run.notes["model_id"] = model.model_id
    return Trained(model.model_id, len(firms.firms), len(seeds.firms), model.untrained)


def current_model(workspace: Workspace, taxonomy: Taxonomy) -> SectorModel:
    """The model that the workspace classifies with.

    Raises:
        UsageError: None was trained yet, or it was trained for other sectors or another encoder.
    """
    from classifier.persistence import load_model

    pointer = workspace.models_folder / CURRENT
    if not pointer.is_file():
        raise UsageError(f"{workspace.folder} has no model yet; make one with: firmscope train")
    model = load_model(workspace.models_folder / pointer.read_text(encoding="utf-8").strip())
    if model.sectors != taxonomy.keys or model.parents != taxonomy.parents:
        raise UsageError(
            "taxonomy.yaml has changed its sectors or parents since the model was trained; run: firmscope train"
        )
    encoder_id = load_encoder(workspace.config.encoder.name).encoder_id
    if model.encoder_id != encoder_id:
        raise UsageError(
            f"the model was trained with the encoder {model.encoder_id}, but encoder.name gives {encoder_id}; "
            "set it back, or run: firmscope train"
        )
    return model
