"""The ``firmscope`` command: global options, and exit codes that tell the truth.

Commands live in ``pipelines/commands``; nothing heavy is imported before a command runs, so that ``--help`` answers at
once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands import (
    doctor,
    exports,
    figures,
    imports,
    inspect,
    labelling,
    models,
    reports,
    searching,
    stages,
    taxonomy,
    upkeep,
    workspaces,
)
from pipelines.frugality import keep_memory_small
from pipelines.system_faults import FULL, told

CTRL_C = 130  # what typer ends with, and says nothing
app = typer.Typer(
    name="firmscope",
    help="Find out what firms do from what they say on their websites, and count them by sector and place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    workspaces,
    imports,
    stages,
    reports,
    models,
    figures,
    exports,
    labelling,
    searching,
    taxonomy,
    inspect,
    upkeep,
    doctor,
):
    module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"firmscope {version('firmscope')}\n")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    workspace: Annotated[
        Path,
        typer.Option(envvar="FIRMSCOPE_WORKSPACE", help="The workspace to work in.", show_default="current folder"),
    ] = Path(),
    version: Annotated[  # noqa: ARG001 - answered by its callback
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and end.")
    ] = False,
) -> None:
    keep_memory_small()
    context.obj = workspace


def main() -> None:
    """Run the command line; errors that a person can act on are printed without a traceback."""
    from classifier.errors import ClassifierError
    from crawler.errors import ArchiveError, CrawlerError, SettingsError
    from labels.errors import LabelsError
    from models.errors import ModelsError
    from pipelines.errors import FirmscopeError

    try:
        app()
    except FirmscopeError as error:
        _fail(str(error), error.exit_code)
    except (LabelsError, SettingsError) as error:
        _fail(str(error), 2)
    except ArchiveError as error:
        _fail(str(error), 3 if error.errno in FULL else 1)
    except (CrawlerError, ClassifierError, ModelsError) as error:
        _fail(str(error), 1)
    except SystemExit as ended:
        if ended.code != CTRL_C:
            raise
        _fail("stopped", 11)  # before a run began, or after it had ended
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if (sentence := told(error)) is None:
            raise
        _fail(*sentence)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"firmscope: {message}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
