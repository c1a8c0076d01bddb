"""Hand firms to annotation tools, and take their annotators' words back."""

from typing import Literal

Format = Literal["csv", "label-studio", "argilla", "doccano"]
"""Forms in which judgements come and go; csv is the label store's own."""
