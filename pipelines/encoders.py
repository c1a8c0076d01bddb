"""Which encoder reads the texts: the one that is set, or its tuned form that a model was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.encoder import load_encoder
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from classifier.model import SectorModel
    from models.encoder import SentenceEncoder, TextEncoder


def plain_encoder(workspace: Workspace) -> SentenceEncoder:
    """The encoder of ``encoder.name``, as it came."""
    return load_encoder(workspace.config.encoder.name)


def encoder_of(workspace: Workspace, model: SectorModel | None) -> TextEncoder:
    """The encoder that a model reads with; without a model, or where the model did not tune it, the plain one.

    Its ``encoder_id`` differs from the model's where ``encoder.name`` has changed since the model was trained.
    """
    plain = plain_encoder(workspace)
    if model is None or model.tuned is None:
        return plain
    from models.tuned import TunedEncoder

    return TunedEncoder(plain.files, model.tuned)
