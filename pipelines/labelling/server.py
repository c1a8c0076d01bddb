"""Listen, print the link once, and serve the page until somebody stops it.

The socket is bound before the link is printed, so that the link works when it is read; nothing that is logged holds the
token.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.taxonomy import load_taxonomy
from pipelines.errors import UsageError
from pipelines.judgements import current_judgements
from pipelines.labelling.coders import check_coder
from pipelines.labelling.security import doorstep
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.labelling.desk import Plan

PASSWORD = "FIRMSCOPE_PAGE_PASSWORD"  # noqa: S105 - the variable's name
BACKLOG = 128


@dataclass(frozen=True)
class Settings:
    """How the page is served."""

    port: int = 8767
    host: str = "127.0.0.1"
    sector: str = ""  # to begin with; empty: chosen on the page
    coder: str = ""  # who judges where a browser did not say; empty: asked
    reached_as: str = ""


def serve_page(workspace: Workspace, settings: Settings, planner: Plan | None = None) -> None:
    """Serve until interrupted; ``planner`` as in ``build_app``.

    Raises:
        UsageError: The address is taken, or open to other machines without name and password; the sector is unknown.
        LabelsError: The taxonomy or the label store cannot be read.
    """
    import uvicorn

    from pipelines.asking import check_sector
    from pipelines.labelling.app import build_app
    from pipelines.labelling.gate import MAX_HEAD_BYTES, Gate, Protocol

    taxonomy = load_taxonomy(workspace.taxonomy_file)
    if settings.sector:
        check_sector(taxonomy, settings.sector)
    current_judgements(workspace, taxonomy)  # a store that cannot be read is told now, not at the first click
    coder = check_coder(settings.coder) if settings.coder else ""
    password = os.environ.get(PASSWORD, "")
    doorstep(settings.host, settings.port, settings.reached_as, password)  # before a socket is opened
    with _listening(settings.host, settings.port) as listening:
        port = listening.getsockname()[1]
        door = doorstep(settings.host, port, settings.reached_as, password)
        app = build_app(workspace, door, settings.sector, coder, planner=planner)
        config = uvicorn.Config(
            Gate(app, door),
            http=Protocol, ws="none", lifespan="on", log_level="warning", access_log=False, server_header=False,
            proxy_headers=False, h11_max_incomplete_event_size=MAX_HEAD_BYTES, timeout_graceful_shutdown=2,
        )  # fmt: skip
        sys.stdout.write(f"Open this link in a browser on this machine (Ctrl-C ends the page):\n{door.link}\n")
        if door.password:
            sys.stdout.write(f"Other machines need the password of {PASSWORD} as well; nothing is encrypted.\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            asyncio.run(uvicorn.Server(config).serve([listening]))


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; IPv4 alone, so that one address is one door."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another with --port, or any free one with "
            "--port 0"
        ) from error
