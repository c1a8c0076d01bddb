"""``taxonomy``: look at the sectors, check them, and change them so that old labels stay valid."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from labels.taxonomy_changing import New
    from pipelines.taxonomy_edits import Make

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")]
Old = Annotated[str, typer.Argument(help="Key of the sector.")]
MAX_ROWS = 40  # shown on the screen; --json has all


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    taxonomy = typer.Typer(help="Look at the sectors, check and change them.", no_args_is_help=True)
    for command in (show, check, rename, split, merge, retire, pending, sic):
        taxonomy.command()(command)
    app.add_typer(taxonomy, name="taxonomy")


def show(context: typer.Context, as_json: Json = False) -> None:
    """Print the sectors with their parents and definitions, the clusters, and what was changed since when."""
    from labels.taxonomy import load_taxonomy
    from labels.taxonomy_history import read_changes
    from pipelines.screen import print_table
    from pipelines.taxonomy_screen import clusters_table, taxonomy_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    changes = read_changes(workspace.taxonomy_changes_file)
    if as_json:
        _print_json(asdict(taxonomy) | {"changes": [asdict(change) for change in changes]})
        return
    print_table(taxonomy_table(taxonomy))
    if taxonomy.clusters:
        print_table(clusters_table(taxonomy))
    for change in changes:
        sys.stdout.write(f"Version {change.version_to} ({change.date}): {change.said}\n")


def check(context: typer.Context, as_json: Json = False) -> None:
    """Name every problem of taxonomy.yaml and seeds.yaml with its line; exit code 2 when there is an error."""
    from pipelines.screen import Screen
    from pipelines.taxonomy_checks import check_taxonomy
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    with Screen().bar("Reading the firms") as progress:
        found = check_taxonomy(workspace, progress)
    if as_json:
        _print_json(asdict(found))
    else:
        for problem in found.problems:
            where = f"{problem.file}, line {problem.line}" if problem.line else problem.file
            sys.stdout.write(f"{problem.level}: {where}: {problem.text}\n")
        sys.stdout.write(found.summary + "\n")
    if found.errors:
        raise typer.Exit(2)


def rename(
    context: typer.Context,
    old: Old,
    new: Annotated[str, typer.Argument(help="Its new key.")],
    name: Annotated[str, typer.Option(help="Its new name.")] = "",
    definition: Annotated[str, typer.Option(help="Its new definition.")] = "",
) -> None:
    """Give a sector another key; its labels follow."""
    from labels.taxonomy_changing import New, renamed

    made = New(new, name or None, definition=definition or None)
    _edit(context, "taxonomy rename", lambda taxonomy, today: renamed(taxonomy, old, made, today))


def split(
    context: typer.Context,
    old: Old,
    new: Annotated[list[str], typer.Argument(help="Keys of the parts, two or more; the old key may be one.")],
    sectors: Annotated[Path | None, typer.Option(help="YAML list of the parts, as they would stand in taxonomy.yaml.")]
    = None,
    name: Annotated[list[str] | None, typer.Option(help="Name of a part, as KEY=NAME; may be repeated.")] = None,
    definition: Annotated[
        list[str] | None, typer.Option(help="Definition of a part, as KEY=TEXT; may be repeated.")
    ] = None,
) -> None:  # fmt: skip
    """Put several sectors in the place of one; its firms wait to be dealt out (taxonomy pending)."""
    from labels.taxonomy_changing import split as divide

    parts = _parts(new, sectors, name or (), definition or ())
    _edit(context, "taxonomy split", lambda taxonomy, today: divide(taxonomy, old, parts, today))


def merge(
    context: typer.Context,
    parts: Annotated[list[str], typer.Argument(help="Keys of the sectors to merge, two or more.")],
    into: Annotated[str, typer.Option(help="Key of the merged sector: a new one, or one of the sectors.")],
    name: Annotated[str, typer.Option(help="Its name.")] = "",
    definition: Annotated[str, typer.Option(help="Its definition.")] = "",
) -> None:
    """Put one sector in the place of several."""
    from labels.taxonomy_changing import New, merged

    made = New(into, name or None, definition=definition or None)
    _edit(context, "taxonomy merge", lambda taxonomy, today: merged(taxonomy, parts, made, today))


def retire(context: typer.Context, key: Old) -> None:
    """Take a sector out; its labels stay in labels.csv, and count no more."""
    from labels.taxonomy_changing import retired

    _edit(context, "taxonomy retire", lambda taxonomy, today: retired(taxonomy, key, today))


def pending(
    context: typer.Context,
    sector: Annotated[str, typer.Option(help="Only this part.")] = "",
    as_json: Json = False,
) -> None:
    """List the firms of split sectors that nobody has judged for the parts yet."""
    from pipelines.taxonomy_edits import open_splits
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    found = [undealt for undealt in open_splits(workspace) if sector in ("", undealt.sector)]
    if as_json:
        _print_json([asdict(undealt) for undealt in found])
        return
    for undealt in found[:MAX_ROWS]:
        sys.stdout.write(f"{undealt.firm_id}  {undealt.sector}  (was in {undealt.was})\n")
    if len(found) > MAX_ROWS:
        sys.stdout.write(f"... and {len(found) - MAX_ROWS} more; --json lists them all\n")
    firms = len({undealt.firm_id for undealt in found})
    sys.stdout.write(f"{len(found)} judgements to make on {firms} firms.\n")


def sic(
    context: typer.Context,
    sector: Annotated[list[str] | None, typer.Option(help="A sector or cluster; may be repeated. All when not given.")]
    = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Print how the firms of each sector spread over SIC 2007 codes, for comparison."""
    from pipelines.screen import print_table
    from pipelines.sic_spread import sic_spread, write_spread
    from pipelines.taxonomy_screen import sic_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    found = sic_spread(workspace, sector or ())
    if out is not None:
        write_spread(out, found)
        sys.stdout.write(f"{len(found)} rows written to {out}\n")
    elif as_json:
        _print_json([asdict(row) for row in found])
    else:
        print_table(sic_table(found))


def _edit(context: typer.Context, command: str, make: Make) -> None:
    from pipelines.runs import start_run
    from pipelines.taxonomy_edits import edit_taxonomy
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), command) as run:
        done = edit_taxonomy(run, make)
    change = done.change
    sys.stdout.write(
        f"taxonomy.yaml is at version {change.version_to}; version {change.version_from} is kept as {done.kept_as}.\n"
        f"Judgements on {', '.join(change.before)}: {done.judgements}; they count as {done.carried} on "
        f"{', '.join(change.after) or 'no sector'}, and stay in labels.csv as they were made.\n"
    )
    if done.undealt:
        sys.stdout.write(f"{done.undealt} firms are to be dealt out: firmscope taxonomy pending\n")
    for note in done.notes:
        sys.stdout.write(f"Look at: {note}\n")
    sys.stdout.write("Next: firmscope taxonomy check, then firmscope train, then firmscope classify\n")


def _parts(keys: Sequence[str], file: Path | None, names: Sequence[str], definitions: Sequence[str]) -> list[New]:
    from dataclasses import replace

    from labels.taxonomy_changing import New
    from pipelines.errors import UsageError
    from pipelines.taxonomy_edits import read_new_sectors

    said = read_new_sectors(file) if file is not None else {}
    for key in said.keys() - set(keys):
        raise UsageError(f"{file} describes {key!r}, which is not one of the parts {', '.join(keys)}")
    found = {key: said.get(key, New(key)) for key in keys}
    for option, given in (("--name", names), ("--definition", definitions)):
        for word in given:
            key, equals, text = word.partition("=")
            if not equals or key not in found:
                raise UsageError(f"{option} {word[:60]!r}: expected KEY=TEXT, KEY one of {', '.join(keys)}")
            part = found[key]
            found[key] = replace(part, name=text) if option == "--name" else replace(part, definition=text)
    return [found[key] for key in keys]


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
