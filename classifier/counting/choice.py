"""Decide on which evidence a count is corrected, and say why.

Rates per stratum hold for the firms that were sampled, whatever model is asked now; error rates of a model hold for
other firms too, as long as members and others look alike there. After Meertens et al. (2020) and van Delden, Scholtus
and Burger (2016): the first where the sample is one of these firms, the second where the prevalence has moved.
"""

from dataclasses import dataclass
from typing import Literal

Basis = Literal["audit", "audit_errors", "training_errors", "none"]

MIN_IN_FRAME = 0.9
"""Share of the firms counted that must have been there when the sample was drawn. A convention: beyond a tenth of new
firms, what they are can move a count by more than its interval; look again when two audits of one list a year apart
are there."""
MIN_SETTLED = 0.8
"""Share of a sample that must be judged. A convention: what is left open is taken to be like what is judged in its
stratum."""


@dataclass(frozen=True)
class Choice:
    """What a correction rests on, and the reason in a sentence."""

    basis: Basis
    reason: str


def choose(
    *, settled: float | None, in_frame: float = 0.0, same_model: bool = False, training_errors: bool = False
) -> Choice:
    """The evidence for one sector's count.

    Args:
        settled: Share of the audit sample that is judged; None without an audit.
        in_frame: Share of the firms counted now that were there when the sample was drawn.
        same_model: The audit was drawn for the model that classified them now.
        training_errors: The model's errors on its training firms are known.
    """
    if settled is None:
        why = "no audit sample"
    elif settled < MIN_SETTLED:
        why = f"only {settled:.0%} of the audit sample is judged, {MIN_SETTLED:.0%} are needed"
    elif in_frame >= MIN_IN_FRAME:
        return Choice("audit", f"{in_frame:.0%} of the firms counted are those that the audit sample was drawn from")
    elif same_model:
        return Choice(
            "audit_errors",
            f"only {in_frame:.0%} of the firms counted are those that the audit sample was drawn from, so that its "
            "error rates are used and not its shares",
        )
    else:
        why = f"the audit is of another model, and only {in_frame:.0%} of the firms counted were in it"
    if training_errors:
        return Choice("training_errors", f"{why}; the errors on the training firms stand in")
    return Choice("none", f"{why}, and the model's errors on its training firms are not known")
