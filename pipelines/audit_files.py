"""An audit on disk: ``audits/ID/``, written once, whole or absent, and never changed.

audit.json       what was drawn: model, date, seed, strata of every sector
sample.csv       every firm drawn, with its sector, stratum and weight; not for coders
frame.parquet    the stratum of every firm in every sector: what the sample speaks for
CODER.csv        the sheet of one coder: no score, an order of its own
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labels.audit import Stratum
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
SAMPLE_COLUMNS = ("firm_id", "sector", "stratum", "weight")


@dataclass(frozen=True)
class Drawn:
    """One firm of one sector's sample."""

    firm_id: str
    sector: str
    stratum: int  # place in the sector's strata


@dataclass(frozen=True)
class Audit:
    """An audit as it was drawn. ``frame[:, k]`` belongs to ``sectors[k]``."""

    audit_id: str
    drawn_on: str  # ISO date
    model_id: str
    seed: int
    by_area: bool
    coders: tuple[str, ...]
    strata: Mapping[str, tuple[Stratum, ...]]  # by sector
    sample: tuple[Drawn, ...]
    firm_ids: tuple[str, ...]  # sorted
    frame: NDArray[np.int16]  # (n_firms, n_sectors) stratum

    @property
    def sectors(self) -> tuple[str, ...]:
        """Sectors audited."""
        return tuple(self.strata)


def write_audit(folder: Path, audit: Audit, sheets: Mapping[str, bytes]) -> Path:
    """Write an audit and its coders' sheets in one step. Returns its folder.

    Raises:
        UsageError: An audit of this name is there already.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    final = folder / audit.audit_id
    if final.exists():
        raise UsageError(f"{final} exists; an audit is never written over")
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / f".{secrets.token_hex(8)}.part"
    staging.mkdir()
    try:
        facts = {
            "format": FORMAT, "audit_id": audit.audit_id, "drawn_on": audit.drawn_on, "model_id": audit.model_id,
            "seed": audit.seed, "by_area": audit.by_area, "coders": list(audit.coders),
            "strata": {key: [asdict(stratum) for stratum in strata] for key, strata in audit.strata.items()},
        }  # fmt: skip
        _write(staging / "audit.json", json.dumps(facts, indent=1).encode())
        _write(staging / "sample.csv", _sample_csv(audit))
        frame = {"firm_id": pa.array(audit.firm_ids, pa.string())}
        frame |= {key: pa.array(audit.frame[:, place]) for place, key in enumerate(audit.sectors)}
        stream = io.BytesIO()
        pq.write_table(pa.table(frame), stream, compression="zstd")
        _write(staging / "frame.parquet", stream.getvalue())
        for coder, sheet in sheets.items():
            _write(staging / f"{coder}.csv", sheet)
        staging.rename(final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final


def read_audits(folder: Path) -> list[Audit]:
    """All audits of a workspace, newest last.

    Raises:
        UsageError: A folder that is not an audit as it was written.
    """
    if not folder.is_dir():
        return []
    found = [read_audit(path) for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda audit: (audit.drawn_on, len(audit.audit_id), audit.audit_id))


def read_audit(folder: Path) -> Audit:
    """One audit.

    Raises:
        UsageError: Not an audit as it was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        facts = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']}, this firmscope reads {FORMAT}")
        strata = {key: tuple(Stratum(**stratum) for stratum in found) for key, found in facts["strata"].items()}
        table = pq.read_table(folder / "frame.parquet")
        frame = np.stack([table[key].to_numpy() for key in strata], axis=1).astype(np.int16)
        with (folder / "sample.csv").open(encoding="utf-8", newline="") as file:
            sample = tuple(Drawn(row["firm_id"], row["sector"], int(row["stratum"])) for row in csv.DictReader(file))
        audit = Audit(
            str(facts["audit_id"]), str(facts["drawn_on"]), str(facts["model_id"]), int(facts["seed"]),
            bool(facts["by_area"]), tuple(map(str, facts["coders"])), strata, sample,
            tuple(table["firm_id"].to_pylist()), frame,
        )  # fmt: skip
        _refuse_misfits(audit)
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise UsageError(f"{folder}: not an audit as firmscope wrote it ({error}); restore it or remove it") from error
    return audit


def _refuse_misfits(audit: Audit) -> None:
    """A torn or edited audit would correct every count by the wrong weights."""
    for column, (key, strata) in enumerate(audit.strata.items()):
        firms = np.bincount(audit.frame[:, column], minlength=len(strata)).tolist()
        drawn = np.bincount([at.stratum for at in audit.sample if at.sector == key], minlength=len(strata)).tolist()
        stated = [stratum.firms for stratum in strata], [stratum.drawn for stratum in strata]
        if (firms, drawn) != stated:
            raise ValueError(f"sector {key}: strata hold {firms} firms and {drawn} drawn, but audit.json says {stated}")


def _sample_csv(audit: Audit) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SAMPLE_COLUMNS)
    for drawn in audit.sample:
        weight = audit.strata[drawn.sector][drawn.stratum].weight
        writer.writerow([drawn.firm_id, drawn.sector, drawn.stratum, repr(weight)])
    return text.getvalue().encode()


def sheet_csv(columns: Sequence[str], listed: Sequence[Mapping[str, Any]]) -> bytes:
    """A coder's sheet: UTF-8 with a byte-order mark, so that spreadsheets read it as what it is."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(listed)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
