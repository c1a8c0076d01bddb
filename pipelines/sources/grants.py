"""``import grants``: what Innovate UK offered to the listed firms, by project, joined by company number (CRN).

What counts is what was offered. A firm that left its project is kept and marked as withdrawn, so that figures can leave
its offer out; what it had spent until then stands beside it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.sources.accounts_firms import firms_of
from pipelines.sources.dropping import Drop, drop_rows
from pipelines.sources.grant_rows import CRN, OFFERED, PROJECT, Grant, GrantError, distinct, read_grant, together
from pipelines.sources.workbooks import how_read, table_rows

KIND = "the table of Innovate UK funded projects"
REQUIRED = (CRN, PROJECT, OFFERED)
_WRITTEN = ("project", "year", "offered_gbp", "spent_gbp", "started_on", "ended_on", "competition", "withdrawn")


@dataclass(frozen=True)
class GrantsReport:
    """What came of an import; ``offered_gbp`` leaves withdrawn grants out."""

    rows: int
    grants: int
    firms: int
    offered_gbp: float
    withdrawn: int
    added: int
    how_read: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The report in words, for the screen."""
        said = [
            *self.how_read,
            f"{self.rows:,} rows read: {self.grants:,} grants of {self.firms:,} listed firms",
            f"£{self.offered_gbp:,.0f} offered, without {self.withdrawn:,} grants of firms that withdrew",
        ]
        if self.added:
            said.append(f"{self.added:,} rows were added to another award of the same firm in the same project")
        return said + [f"Not taken: {number:,} {reason}" for reason, number in sorted(self.dropped.items())]


def import_grants(run: Run, path: Path) -> GrantsReport:
    """Read the table of funded projects, .xlsx or CSV, into ``grants``.

    A grant takes the place of the one held of the same firm and project; what the file does not name stays.

    Raises:
        UsageError: No firms, a wrong file, or no row that can be used; nothing was written.
    """
    with run.stage("import") as counts:
        rows, drops, found = table_rows(path, REQUIRED, KIND), list[Drop](), list[Grant]()
        for row in rows:
            counts.rows_in += 1
            try:
                found.append(read_grant(row, run.started_at.date()))
            except GrantError as error:
                drops.append((_subject(path, row.number), error.reason, error.detail))
        _refuse_useless(path, counts.rows_in, found, drops)
        for sentence in how_read(rows):
            run.log("file read", how=sentence)
        made, added = _by_firm(run, path, found, drops)
        counts.rows_out = counts.rows_in - len(drops)
        dropped = drop_rows(run, counts, drops)
        counts.written["grants"] = _write(run, path.name, made)
    stayed = [grant for grant in made.values() if not grant.withdrawn]
    return GrantsReport(
        rows=counts.rows_in,
        grants=len(made),
        firms=len({firm_id for firm_id, _ in made}),
        offered_gbp=math.fsum(grant.offered_gbp or 0 for grant in stayed),
        withdrawn=len(made) - len(stayed),
        added=added,
        how_read=tuple(how_read(rows)),
        dropped=dropped,
    )


def _refuse_useless(path: Path, rows: int, found: list[Grant], drops: list[Drop]) -> None:
    if not rows:
        raise UsageError(f"{path}: no rows below the header; expected one row per firm and project")
    if not found:
        subject, reason, detail = drops[0]
        raise UsageError(f"{path}: none of the {rows:,} rows can be used; the first, {subject}: {reason} ({detail})")


def _by_firm(
    run: Run, path: Path, found: list[Grant], drops: list[Drop]
) -> tuple[dict[tuple[str, str], Grant], int]:  # fmt: skip
    """One grant per firm and project, and how many rows were added to another; the others go to ``drops``."""
    firms = firms_of(run.workspace.lake, {grant.company for grant in found})
    awards: defaultdict[tuple[str, str], list[Grant]] = defaultdict(list)
    for grant in found:
        if grant.company in firms:
            awards[firms.firm_of[grant.company], grant.project].append(grant)
        else:
            drops.append((_subject(path, grant.row), *firms.absence(grant.company)))
    made, added = {}, 0
    for key, given in awards.items():
        kept = distinct(given)
        standing = {grant.row for grant in kept}
        drops += [
            (_subject(path, grant.row), "same_award_again", f"project {grant.project}; a later row of the same stands")
            for grant in given
            if grant.row not in standing
        ]
        made[key] = together(kept)
        added += len(kept) - 1
    return made, added


def _write(run: Run, source: str, made: Mapping[tuple[str, str], Grant]) -> int:
    lake, ids = run.workspace.lake, {firm_id for firm_id, _ in made}
    if not ids:
        return 0
    rows: list[dict[str, Any]] = [
        {name: value for name, value in row.items() if name != "shard"}
        for row in lake.read_arrow("grants").to_pylist()
        if row["firm_id"] in ids and (row["firm_id"], row["project"]) not in made
    ]
    for (firm_id, _), grant in made.items():
        rows.append({"firm_id": firm_id, "source": source} | {name: getattr(grant, name) for name in _WRITTEN})
    return lake.replace_firms("grants", ids, rows, run.run_id)


def _subject(path: Path, row: int) -> str:
    return f"{path.name}, row {row}"
