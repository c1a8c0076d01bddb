"""Bring judgements in from files and annotation tools, and hand firms and judgements out."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labels.errors import LabelsError
from labels.exchange import Format, argilla, doccano, label_studio
from labels.exchange.records import TAKEN, FirmSheet, named, to_judgements
from labels.label_files import parse_complete_jsonl, parse_label_csv
from labels.store import Judgement, file_text, read_judgements
from labels.taxonomy import Sector, Taxonomy, load_taxonomy
from pipelines.errors import UsageError
from pipelines.firm_texts import firm_texts
from pipelines.judged_words import with_words, words_of
from pipelines.judgements import current_judgements
from pipelines.judging import judge, news
from pipelines.runs import Run
from pipelines.sent_back import Answers, is_sent_back, read_answers
from pipelines.store import shard_of
from pipelines.workspace import Workspace, write_whole


@dataclass(frozen=True)
class Source:
    """A file of judgements, and how to read it."""

    file: Path
    format: Format = "csv"
    complete: bool = False  # sectors that a firm's record does not name are excludes
    coders: Mapping[str, str] | None = None  # coder's name by the tool's id of the annotator; "" for all


@dataclass(frozen=True)
class HandedOut:
    """What an export for a tool holds."""

    firms: int
    wordless: int  # firms asked for that say nothing an annotator could read; left out


def import_labels(run: Run, source: Source) -> int:
    """Add a file's judgements to ``labels.csv``; what is a coder's last word there already is not said again.

    Raises:
        LabelsError: An unknown firm, sector or label; nothing was added.
        UsageError: ``complete`` in a format that does not know it.
    """
    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    firms = set(workspace.lake.read_arrow("firms", ["firm_id"])["firm_id"].to_pylist())
    with run.stage("labels import") as counts:
        answers = _answers(source, taxonomy, firms, run.started_at)
        judgements = answers.judgements if answers else _parse(source, taxonomy, firms, run.started_at)
        counts.rows_in = len(judgements)
        fresh = news(current_judgements(workspace, taxonomy), judgements)
        words = words_of(workspace.lake, {judgement.firm_id for judgement in fresh})
        counts.unchanged = len(judgements) - len(fresh)
        listed_at = answers.listed_at if answers else {}
        counts.rows_out = judge(workspace, with_words(fresh, words, listed_at))
        if answers:
            run.notes["list"] = {
                "rows": answers.rows, "answered": answers.answered, "narrowed": answers.narrowed,
                "judgements": len(judgements),
            }  # fmt: skip
    return counts.rows_out


def export_labels(workspace: Workspace, out: Path) -> int:
    """Copy the label store to a file. Returns the number of judgements."""
    judgements = read_judgements(workspace.labels_file)
    content = workspace.labels_file.read_bytes() if workspace.labels_file.is_file() else b""
    write_whole(out, content)
    return len(judgements)


def export_firms(
    workspace: Workspace, format: Format, out: Path, sectors: Sequence[str] = (), firms: Path | None = None
) -> HandedOut:
    """Write firms with their words for an annotation tool, and the tool's own settings beside them.

    Args:
        workspace: Where the firms are.
        format: The tool.
        out: File to write; for Argilla a folder.
        sectors: What is asked; none: every sector.
        firms: CSV file with a column firm_id, such as a sheet of ``labels next``; None: every judged firm.

    Raises:
        UsageError: An unknown sector or firm, or a folder that holds something already.
    """
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    asked = _sectors(taxonomy, sectors)
    keys = {sector.key for sector in asked}
    judgements = current_judgements(workspace, taxonomy)
    by_firm: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        if judgement.sector in keys:
            by_firm.setdefault(judgement.firm_id, []).append(judgement)
    wanted = _listed(firms) if firms else list(by_firm)
    sheets = _sheets(workspace, wanted, by_firm)
    if format == "argilla":
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out} exists and is not empty; name a new folder")
        for place, content in argilla.dataset_files(out.name, sheets, asked).items():
            write_whole(out / place, content.encode())
    elif format == "label-studio":
        write_whole(out, label_studio.tasks_json(sheets).encode())
        write_whole(settings_file(format, out), label_studio.labelling_config(asked).encode())
    else:
        write_whole(out, doccano.examples_jsonl(sheets).encode())
        write_whole(settings_file(format, out), doccano.label_types(asked).encode())
    return HandedOut(len(sheets), len(wanted) - len(sheets))


def settings_file(format: Format, out: Path) -> Path:
    """Where the tool's own settings are written, beside the firms."""
    return out / argilla.SETTINGS if format == "argilla" else out.with_suffix(
        ".labels.json" if format == "doccano" else ".xml"
    )  # fmt: skip


def _answers(source: Source, taxonomy: Taxonomy, firms: Collection[str], now: datetime) -> Answers | None:
    """What a list says that came back; None: the file is none."""
    if source.format != "csv" or source.complete or not is_sent_back(source.file):
        return None
    return read_answers(source.file, taxonomy, firms, now, (source.coders or {}).get("", ""))


def _parse(source: Source, taxonomy: Taxonomy, firms: Collection[str], now: datetime) -> list[Judgement]:
    if source.format == "csv":
        return (parse_complete_jsonl if source.complete else parse_label_csv)(source.file, taxonomy, firms, now)
    if source.complete and source.format != "doccano":
        raise UsageError(f"--complete says that a missing label is an exclude; {source.format} has answers for each")
    coders = named(source.coders or {}, source.format)
    if source.format == "label-studio":
        held, answers = label_studio.read_tasks(str(source.file), file_text(source.file), coders)
    elif source.format == "argilla":
        records = source.file / argilla.RECORDS if source.file.is_dir() else source.file
        held, answers = argilla.read_records(str(records), file_text(records), coders)
    else:
        every = taxonomy.keys if source.complete else ()
        held, answers = doccano.read_examples(str(source.file), file_text(source.file), coders, every)
    strangers = {said.firm_id for said in held} - set(firms)
    if strangers:
        raise LabelsError(f"{source.file}: firm {min(strangers)!r} is not in this workspace; import it first")
    return [*held, *to_judgements(answers, taxonomy, firms, now)]


def _sectors(taxonomy: Taxonomy, keys: Sequence[str]) -> tuple[Sector, ...]:
    for key in keys:
        if key not in taxonomy.by_key:
            raise UsageError(f"sector {key!r} is not in taxonomy.yaml; known: {', '.join(taxonomy.keys)}")
    asked = tuple(sector for sector in taxonomy.sectors if not keys or sector.key in keys)
    for sector in asked:
        if sector.key in TAKEN:
            raise UsageError(
                f"a tool's form has a part called {sector.key} already; leave the sector out with --sector, or rename "
                f"it: firmscope taxonomy rename {sector.key} NEW"
            )
    return asked


def _listed(file: Path) -> list[str]:
    rows = csv.DictReader(file_text(file).splitlines())
    if "firm_id" not in (rows.fieldnames or ()):
        raise UsageError(f"{file}: no column firm_id; expected a list of firms such as labels next --out writes")
    return list(dict.fromkeys((row["firm_id"] or "").strip().removeprefix("'") for row in rows))


def _sheets(workspace: Workspace, wanted: Sequence[str], by_firm: Mapping[str, Sequence[Judgement]]) -> list[FirmSheet]:
    lake = workspace.lake
    listed = lake.read_arrow("firms", ["firm_id", "name", "website"]).to_pylist()
    known = {row["firm_id"]: row for row in listed}
    strangers = [firm_id for firm_id in wanted if firm_id not in known]
    if strangers:
        raise UsageError(f"firm {strangers[0]!r} is not in this workspace; import it first, or leave it out")
    texts = firm_texts(lake, sorted({shard_of(firm_id, lake.shards) for firm_id in wanted}))
    words = words_of(lake, wanted)
    return [
        FirmSheet(
            firm_id, known[firm_id]["name"] or "", known[firm_id]["website"] or "",
            "\n\n".join(page.text for page in texts[firm_id].pages), words[firm_id].digest,
            tuple(by_firm.get(firm_id, ())),
        )
        for firm_id in wanted if firm_id in texts
    ]  # fmt: skip
