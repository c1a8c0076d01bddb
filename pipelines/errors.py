"""What can go wrong in a run, each with the exit code that tells a scheduler what to do about it.

The codes are part of the command's contract (README, "Exit codes"): a night that held its figures back is no
failure.
"""

from __future__ import annotations


class FirmscopeError(Exception):
    """Something a person can act on; the message says what was seen, what was expected and what to do."""

    exit_code = 1


class UsageError(FirmscopeError):
    """Bad usage, configuration or input: nothing was written."""

    exit_code = 2


class PastGoneError(UsageError):
    """A past state of a table is asked for that has been removed from its history."""


class OutOfSpaceError(FirmscopeError):
    """The disk is full, or nearly: what was committed stands."""

    exit_code = 3


class WorkspaceBusyError(FirmscopeError):
    """Another run holds the workspace."""

    exit_code = 5


class InterruptedRunError(FirmscopeError):
    """Stopped from outside; the same command goes on where this one ended."""

    exit_code = 11


class TableError(FirmscopeError):
    """Rows that do not fit their table's schema; refused before anything was written."""
