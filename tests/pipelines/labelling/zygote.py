"""Serve the labelling page again and again without paying for imports: one process that forks a server per line.

Each line of standard input is a JSON object: the workspace's folder and the settings. The answer is the child's link
and process id. A child is the real server (``serve_page``); only the plan of firms is made at once, in order of id.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

# Imported here so that no child has to.
import uvicorn
import uvicorn.lifespan.on
import uvicorn.loops.auto  # noqa: F401

import pipelines.judging
import pipelines.labelling.app
import pipelines.labelling.gate
from pipelines.labelling.lineup import Chosen
from pipelines.labelling.server import Settings, serve_page
from pipelines.workspace import Workspace


def serve(folder: str, settings: dict[str, object], errors: str) -> None:
    """One server, in a child."""
    pipelines.judging.PATIENCE_S = 4.0  # so that the test of a held store need not wait for ten seconds
    workspace = Workspace(Path(folder))
    with Path(errors).open("w") as file:
        os.dup2(file.fileno(), 2)

    def plan(_: str) -> Future[Sequence[Chosen]]:
        ids = sorted(set(workspace.lake.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist()))
        made: Future[Sequence[Chosen]] = Future()
        made.set_result([Chosen(firm_id, "definition") for firm_id in ids])
        return made

    serve_page(workspace, Settings(**settings), plan)  # type: ignore[arg-type]


def main() -> None:
    """Fork a server per line of standard input; its output is this process's."""
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if not pid:
            try:
                serve(**wanted)
            except BaseException as error:
                sys.stdout.write(f"error {error}\n")
                sys.stdout.flush()
            os._exit(0)
        sys.stdout.write(f"pid {pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children leave nothing behind
    main()
