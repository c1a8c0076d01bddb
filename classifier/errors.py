"""What can go wrong between a firm's words and its sectors.

Every message says what was seen, what was expected and what to do; all share one base so that a command can catch them.
"""


class ClassifierError(Exception):
    """Base of every error raised by ``classifier``."""


class HierarchyError(ClassifierError):
    """Parents that form a cycle or point nowhere."""


class LabelShapeError(ClassifierError, ValueError):
    """Labels, mask, features or groups that do not fit together."""


class MissingVectorError(ClassifierError):
    """A chunk has no vector: the embedding stage has not run on this text with this encoder."""


class ModelMismatchError(ClassifierError):
    """A bundle that is no sector model, or does not predict here what it predicted where it was trained."""


class LeakError(ClassifierError):
    """Firms of one registered domain lie on both sides of a split, which would flatter every figure."""


class CountingError(ClassifierError, ValueError):
    """Judgements that do not fit the strata they should correct a count for."""
