"""What can go wrong with encoders and bundles.

Every message says what was seen, what was expected and what to do; all share one base so that a command can catch them.
"""


class ModelsError(Exception):
    """Base of every error raised by ``models``."""


class EncoderError(ModelsError):
    """An encoder's files are missing, unknown or not those that were vouched for."""


class BundleError(ModelsError):
    """A model bundle on disk is missing, truncated, tampered with, or of an unknown version."""
