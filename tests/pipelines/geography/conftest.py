"""The real postcode directory, made into its lookup once per environment, not per test."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.geography.lookup import Lookup, lookup_folder, open_lookup
from pipelines.geography.postcodes import Places


@pytest.fixture(scope="session")
def lookup(tmp_path_factory: pytest.TempPathFactory) -> Lookup:
    """The directory as arrays."""
    folder: Path = lookup_folder(tmp_path_factory.getbasetemp() / "lookup")
    return open_lookup(folder)


@pytest.fixture(scope="session")
def places(lookup: Lookup) -> Places:
    """The directory, ready to be asked."""
    return Places(lookup)
