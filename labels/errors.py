"""Errors of the labels package."""

from __future__ import annotations


class LabelsError(Exception):
    """A taxonomy, label or seed file that cannot be used; the message names file, line and cure."""
