"""The fast path: firms whose n-grams alone keep them out of every sector are never encoded.

Off unless ``classify.fast_path`` is set. Members are always judged by the full model, and so are settled firms once the
setting goes away; what a margin gives up is measured in ``tests/benchmarks/fastpath.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.classified_shard import SETTLED
from pipelines.errors import UsageError
from pipelines.training_data import Examples
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.fast_path import FirstStage
    from classifier.features import FirmText
    from classifier.model import SectorModel

Scored = Sequence[tuple[str, "NDArray[np.float64]"]]
"""Firms, and the ``(n_sectors,)`` probabilities of each."""


@dataclass(frozen=True)
class FastPath:
    """How firms are settled without the encoder."""

    model: SectorModel
    first: FirstStage
    margin: float  # log odds

    @property
    def reason(self) -> str:
        """Why a settled firm is in no sector."""
        return f"{SETTLED}every sector is {self.margin:g} or more below its threshold in log odds"

    def split(self, firms: Sequence[FirmText], is_member: Callable[[str], bool]) -> tuple[list[FirmText], Scored]:
        """Firms for the full model, and the settled ones with their probabilities."""
        from classifier.fast_path import clear_firms

        if not firms:
            return [], []
        chances = self.first.probabilities(self.model, firms)
        clear = clear_firms(chances, self.model.thresholds, self.model.classifier.trained(), self.margin)
        settled = [bool(clear[place]) and not is_member(firm.firm_id) for place, firm in enumerate(firms)]
        rest = [firm for place, firm in enumerate(firms) if not settled[place]]
        return rest, [(firm.firm_id, chances[place]) for place, firm in enumerate(firms) if settled[place]]


def keep_first_stage(workspace: Workspace, model: SectorModel, examples: Examples) -> None:
    """Train and keep the model's first stage where the workspace wants a fast path."""
    from classifier.fast_path import fit_first_stage
    from classifier.fast_path_files import save_first_stage

    folder = workspace.first_stages_folder / model.model_id
    if workspace.config.classify.fast_path and not folder.exists():
        first = fit_first_stage(model, examples.firms, examples.labels, examples.judged, examples.groups)
        folder.parent.mkdir(exist_ok=True)
        save_first_stage(first, folder, {"training_set": {"digest": examples.digest()}})


def fast_path(workspace: Workspace, model: SectorModel) -> FastPath | None:
    """The fast path of the model in use; None where the workspace has it off.

    Raises:
        UsageError: It is on, and the model was trained before it was.
        BundleError, ModelMismatchError: Its first stage is damaged, or another model's.
    """
    from classifier.fast_path_files import load_first_stage

    margin = workspace.config.classify.fast_path
    if not margin:
        return None
    folder = workspace.first_stages_folder / model.model_id
    if not folder.exists():
        raise UsageError(
            f"classify.fast_path is {margin:g}, but model {model.model_id} has no first stage yet; run: firmscope train"
        )
    return FastPath(model, load_first_stage(folder, model), margin)
