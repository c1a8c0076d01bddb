"""``models``: which there are, which is in use, and the way back."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    models = typer.Typer(help="See the trained models; choose the one to classify with.", no_args_is_help=True)
    models.command("list")(models_list)
    models.command("promote")(models_promote)
    models.command("rollback")(models_rollback)
    app.add_typer(models, name="models")


def models_list(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the models of the workspace, oldest first."""
    from pipelines.model_screen import as_records, models_table
    from pipelines.promotion import list_models
    from pipelines.screen import print_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    found = list_models(workspace)
    if as_json:
        sys.stdout.write(json.dumps(as_records(found), indent=1) + "\n")
    else:
        print_table(models_table(found))


def models_promote(
    context: typer.Context,
    model_id: Annotated[str, typer.Argument(help="The model, or the start of its id.")],
    force: Annotated[str, typer.Option(help="Promote it although it is worse than the one in use; say why.")] = "",
) -> None:
    """Classify with this model from now on, unless it is worse than the one in use."""
    from pipelines.promotion import find_model, promote
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "models promote") as run:
        found = find_model(run.workspace, model_id)
        promote(run, found, force)
    sys.stdout.write(f"Model {found} is in use. Next: firmscope classify\n")


def models_rollback(context: typer.Context) -> None:
    """Go back to the model that was in use before, its lists and its figures."""
    from pipelines.rolling_back import run_rollback
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "models rollback") as run:
        done = run_rollback(run, Screen())
    sys.stdout.write(
        f"Model {done.model_id} is in use again, {done.left} no more. {done.restored} firms stand as it had classified "
        f"them; {done.classified} were classified now. Next: firmscope export, firmscope report\n"
    )
