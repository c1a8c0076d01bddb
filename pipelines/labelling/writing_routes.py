"""Routes that change something: a judgement, taking one back, passing a firm over, the coder's name, a retraining.

Each answers with the parts of the page that change; a refusal is a sentence, and the page keeps what was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from labels.queue import REASONS, asked_note
from labels.store import Judgement
from pipelines.errors import UsageError
from pipelines.labelling.desk import FRESH, Desk, Place
from pipelines.labelling.ledger import Clash, Said, own_note
from pipelines.labelling.lineup import Chosen
from pipelines.labelling.pages import render
from pipelines.labelling.reading_routes import place_of, turn

if TYPE_CHECKING:
    from pipelines.labelling.retraining import Retraining

MAX_SECTORS = 60  # in one click

Key = Annotated[str, StringConstraints(min_length=1, max_length=100)]
FirmId = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Click = Annotated[str, StringConstraints(pattern=r"^[\w-]{8,64}$")]
Label = Literal["include", "exclude", "unsure"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Judging(_Body):
    """A click on a label."""

    click: Click
    firm: FirmId
    sector: Key
    mode: Key = FRESH
    why: Annotated[str, StringConstraints(max_length=60)] = ""
    digest: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    note: Annotated[str, StringConstraints(max_length=1_500)] = ""
    labels: dict[Key, Label]
    seen: dict[Key, Label | Literal[""]]
    stay: bool = False


class Undoing(_Body):
    """A click on undo."""

    click: Click
    sector: Key
    mode: Key = FRESH


class Skipping(_Body):
    """A click on next."""

    firm: Annotated[str, StringConstraints(max_length=500)] = ""
    sector: Key
    mode: Key = FRESH


class Naming(_Body):
    """Who judges."""

    name: Annotated[str, StringConstraints(max_length=200)]


class Retrain(_Body):
    """A wish for a retraining."""

    sector: Key


@dataclass(frozen=True)
class _Shown:
    """A clash as it is shown."""

    sector: str
    held: Judgement
    note: str
    wanted: str


def add_writing_routes(
    app: FastAPI, desk: Desk, retraining: Retraining, coder: str, remember: Callable[[str], str]
) -> None:
    """Add them to the app; ``coder`` judges where a browser named nobody, ``remember`` makes a coder's cookie."""

    def seat(request: Request, sector: str, mode: str) -> Place:
        place = place_of(request, desk, sector, mode, coder)
        if not place.coder:
            raise UsageError("nobody is judging yet: reload the page and give a name")
        if not place.sector:
            raise UsageError(f"sector {sector!r} is not in taxonomy.yaml any more; reload the page")
        return place

    @app.post("/judge")
    def judge(request: Request, click: Judging) -> HTMLResponse:
        place = seat(request, click.sector, click.mode)
        strangers = click.labels.keys() - desk.sectors().keys()
        if strangers or not 0 < len(click.labels) <= MAX_SECTORS:
            raise UsageError(f"sectors {', '.join(sorted(strangers)) or 'none'} cannot be judged; reload the page")
        if desk.shelf.firm(click.firm) is None:
            raise UsageError(f"firm {click.firm!r} is not in the firm list any more; press n for the next one")
        why = click.why if click.why in REASONS else ""
        note = " ".join(click.note.split())
        said = Said(
            click=click.click,
            coder=place.coder,
            firm_id=click.firm,
            labels=click.labels,
            seen=click.seen,
            # Why a firm was asked holds for the sector it was asked for, and for no other.
            notes={key: asked_note(why, note) if why and key == place.sector else note for key in click.labels},
            text_digest=click.digest,
        )
        if clashes := desk.judge(said):
            return _clash(desk, clashes)
        chosen = Chosen(click.firm, why) if click.stay else desk.next_firm(place)
        return turn(desk, place, chosen, "turn.html.j2")

    @app.post("/undo")
    def undo(request: Request, click: Undoing) -> Response:
        place = seat(request, click.sector, click.mode)
        taken = desk.ledger.undo(place.coder, click.click)
        if taken is None:
            return PlainTextResponse("There is no judgement of yours to take back since the page was started.", 422)
        return turn(desk, place, Chosen(taken.firm_id), "turn.html.j2")

    @app.post("/skip")
    def skip(request: Request, click: Skipping) -> HTMLResponse:
        place = seat(request, click.sector, click.mode)
        if click.firm:
            desk.skip(place, click.firm)
        return turn(desk, place, desk.next_firm(place), "turn.html.j2")

    @app.post("/coder")
    def name(naming: Naming) -> Response:
        return PlainTextResponse("", headers={"set-cookie": remember(naming.name)})

    @app.post("/retrain")
    def retrain(request: Request, wish: Retrain) -> Response:
        place = seat(request, wish.sector, FRESH)
        if not retraining.start(place.sector) and retraining.progress.sector != place.sector:
            raise HTTPException(409)
        return PlainTextResponse("")


def _clash(desk: Desk, clashes: tuple[Clash, ...]) -> HTMLResponse:
    names = {key: sector.name for key, sector in desk.sectors().items()}
    shown = [_Shown(clash.sector, clash.held, own_note(clash.held.note), clash.wanted) for clash in clashes]
    return HTMLResponse(render("clash.html.j2", clashes=shown, names=names), 409)
