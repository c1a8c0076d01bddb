"""``init`` and ``config``: make a workspace and set it up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(init)
    config = typer.Typer(help="Show or change the workspace's settings.", no_args_is_help=True)
    config.command("show")(config_show)
    config.command("set")(config_set)
    app.add_typer(config, name="config")


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new workspace.")],
    taxonomy: Annotated[str, typer.Option(help="A shipped taxonomy, or a taxonomy file.")] = "midlands",
) -> None:
    """Make a new workspace."""
    from pipelines.setup import create_workspace

    created = create_workspace(folder, taxonomy)
    sys.stdout.write(
        f"Workspace {folder} made: taxonomy {created.taxonomy_id} with {created.sectors} sectors, "
        f"{created.seeds} seed examples. Next:\n"
        f"  cd {folder}\n"
        "  firmscope config set crawl.contact YOU@YOUR-ORGANISATION\n"
        "  firmscope import firms FILE.csv\n"
        "  firmscope train\n"
        "  firmscope nightly\n"
    )


def config_show(context: typer.Context) -> None:
    """Print every setting and its value."""
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    for section, values in workspace.config.model_dump().items():
        for key, value in values.items():
            sys.stdout.write(f"{section}.{key} = {value!r}\n")


def config_set(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The setting, as section.key.")],
    value: Annotated[str, typer.Argument(help="Its new value; lists as a,b.")],
) -> None:
    """Set one setting in firmscope.toml; comments are kept."""
    from pipelines.config import set_key
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    with workspace.locked():
        set_key(workspace.config_file, key, value)
