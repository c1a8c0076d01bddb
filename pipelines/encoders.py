"""Which encoder reads the texts: the one that is set, or its tuned form that a model was trained with.

A process that explains or scores many firms reads weights once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from models.encoder import load_encoder
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from classifier.model import SectorModel
    from models.encoder import SentenceEncoder
    from models.tuned import TunedEncoder, TunedLayers


def plain_encoder(workspace: Workspace) -> SentenceEncoder:
    """The encoder of ``encoder.name``, as it came."""
    return _plain(workspace.config.encoder.name)


def encoder_of(workspace: Workspace, model: SectorModel | None) -> SentenceEncoder:
    """The encoder that a model reads with; without a model, or where the model did not tune it, the plain one.

    Its ``encoder_id`` differs from the model's where ``encoder.name`` has changed since the model was trained.
    """
    return named_encoder(workspace.config.encoder.name, model)


def named_encoder(name: str, model: SectorModel | None) -> SentenceEncoder:
    """The same by the encoder's name, for a worker, which has no workspace."""
    if model is None or model.tuned is None:
        return _plain(name)
    return _tuned(name, model.tuned)


@lru_cache(maxsize=1)
def _plain(name: str) -> SentenceEncoder:
    return load_encoder(name)


_tuned_last: dict[str, TunedEncoder] = {}  # by encoder_id, one at a time


def _tuned(name: str, layers: TunedLayers) -> TunedEncoder:
    from models.tuned import TunedEncoder

    fresh = TunedEncoder(_plain(name).files, layers)
    if fresh.encoder_id not in _tuned_last:
        _tuned_last.clear()
        _tuned_last[fresh.encoder_id] = fresh
    return _tuned_last[fresh.encoder_id]
