"""The page's routes: each asks the desk and has the answer rendered; no route decides who may ask (``security``).

GET changes nothing. POST takes JSON and answers with HTML for a part of the page, so that one template draws a firm
however it is reached.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from classifier.errors import ClassifierError
from labels.errors import LabelsError
from models.errors import ModelsError
from pipelines.errors import FirmscopeError, OutOfSpaceError, UsageError, WorkspaceBusyError
from pipelines.labelling.aside import Aside, plan, tell
from pipelines.labelling.assets import read_assets
from pipelines.labelling.coders import check_coder
from pipelines.labelling.desk import Desk, Plan
from pipelines.labelling.reading_routes import add_reading_routes
from pipelines.labelling.retraining import Retraining
from pipelines.labelling.security import Door, coder_cookie
from pipelines.labelling.writing_routes import add_writing_routes

if TYPE_CHECKING:
    from pipelines.workspace import Workspace

FULL = (errno.ENOSPC, errno.EDQUOT)


def build_app(
    workspace: Workspace, door: Door, sector: str = "", coder: str = "", *, planner: Plan | None = None
) -> FastAPI:
    """The page's app, to stand behind a ``Gate``.

    Args:
        workspace: The workspace that is judged.
        door: Whose cookies tell the coder.
        sector: Key of the sector to begin with; empty: chosen on the page.
        coder: Who judges where the browser did not say; empty: asked.
        planner: How firms to judge are planned; None: by ``pipelines.asking``, aside.
    """
    planning, asking, folder = Aside(), Aside(), workspace.folder
    desk = Desk(
        workspace,
        planner or (lambda key: planning.submit(plan, folder, key)),
        lambda firm_id, key: asking.submit(tell, folder, firm_id, key),
    )
    retraining = Retraining(folder)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        if sector:
            desk.line(sector)
        yield
        retraining.close()
        desk.close()
        planning.close()
        asking.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, redirect_slashes=False)
    assets = read_assets()

    @app.get("/assets/{name}")
    def asset(name: str) -> Response:
        if name not in assets:
            raise HTTPException(404)
        return Response(assets[name].content, media_type=assets[name].media_type)

    add_reading_routes(app, desk, retraining, sector, coder)
    add_writing_routes(app, desk, retraining, coder, lambda name: coder_cookie(check_coder(name), door))
    _add_errors(app, str(workspace.folder.resolve()), str(workspace.folder))
    return app


def _add_errors(app: FastAPI, *folders: str) -> None:
    """Errors in the words of their own, without paths or traces; what is unexpected says nothing but that."""

    def answer(status: int, text: str) -> Response:
        for folder in folders:
            text = text.replace(f"{folder}/", "")
        return PlainTextResponse(text, status)

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> Response:
        texts = {404: "There is no such page.", 405: "This address does not take that method."}
        return answer(error.status_code, texts.get(error.status_code, "The request could not be read."))

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, __: RequestValidationError) -> Response:
        return answer(400, "The request does not hold what was expected; reload the page.")

    @app.exception_handler(WorkspaceBusyError)
    def busy(_: Request, __: WorkspaceBusyError) -> Response:
        return answer(423, "Another program holds the labels. Nothing was written; try again in a moment.")

    @app.exception_handler(OutOfSpaceError)
    def full(_: Request, __: OutOfSpaceError) -> Response:
        return answer(507, "The disk is full. Nothing was written; make room and try again.")

    @app.exception_handler(UsageError)
    @app.exception_handler(LabelsError)
    def wrong(_: Request, error: Exception) -> Response:
        return answer(422, str(error))

    @app.exception_handler(FirmscopeError)
    @app.exception_handler(ClassifierError)
    @app.exception_handler(ModelsError)
    def failed(_: Request, error: Exception) -> Response:
        return answer(500, str(error))

    @app.exception_handler(OSError)
    def disk(_: Request, error: OSError) -> Response:
        if error.errno in FULL:
            return answer(507, "The disk is full. Nothing was written; make room and try again.")
        return answer(500, "The labels could not be read or written; the window where the page was started says more.")

    @app.exception_handler(Exception)
    def unexpected(_: Request, __: Exception) -> Response:
        return answer(500, "A fault in firmscope; the window where the page was started says more.")
