"""Text encoders, chunking, and model bundles on disk.

This package knows nothing of firms or sectors. Importing it loads neither torch nor a tokeniser: weights are read
at the first ``encode``, so that a night on which no text changed never pays for them.
"""

from models.errors import BundleError, EncoderError, ModelsError

__all__ = ["BundleError", "EncoderError", "ModelsError"]
