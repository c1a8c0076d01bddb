"""``labels serve``: the labelling page."""

from __future__ import annotations

from typing import Annotated

import typer


def register(labels: typer.Typer) -> None:
    """Add the command to the group ``labels``."""
    labels.command("serve")(serve)


def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)] = 8767,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    sector: Annotated[str, typer.Option(help="Key of the sector to begin with.")] = "",
    coder: Annotated[str, typer.Option(help="Who judges; asked on the page when not given.")] = "",
    reached_as: Annotated[
        str, typer.Option(help="Name by which other machines reach this one; needed when --host is not loopback.")
    ] = "",
) -> None:
    """Judge firms in a browser; serves until Ctrl-C.

    The page is for this machine alone. To open it to others, give --host, --reached-as and a password in the variable
    FIRMSCOPE_PAGE_PASSWORD; everything then goes over the network unencrypted.
    """
    from pipelines.labelling.server import Settings, serve_page
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    serve_page(workspace, Settings(port, host, sector, coder, reached_as))
