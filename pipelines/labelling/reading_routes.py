"""Routes that only look: the page on a firm, and the parts that come after it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from labels.agreement import agreements
from labels.queue import why_asked
from pipelines.labelling.desk import FRESH, SECOND, Desk, Place
from pipelines.labelling.finding import Found, find, find_similar
from pipelines.labelling.ledger import own_note
from pipelines.labelling.lineup import Chosen
from pipelines.labelling.pages import render
from pipelines.runs import is_held

if TYPE_CHECKING:
    from pipelines.labelling.retraining import Retraining

MAX_MEMBERS = 200
MAX_NEWS = 100  # firms that enter, or leave
PART = "firmscope-part"  # header of a request that wants a part of the page
Key = Annotated[str, Query(max_length=100)]
Id = Annotated[str, Query(max_length=500)]
Words = Annotated[str, Query(max_length=2_500)]


@dataclass(frozen=True)
class Listed:
    """A firm in a list of the page."""

    firm_id: str
    name: str
    probability: float | None
    word: str  # this coder's own


def place_of(request: Request, desk: Desk, sector: str, mode: str, default_coder: str) -> Place:
    """Where this request's coder is; a sector that the taxonomy does not have is none."""
    coder = request.scope["state"].get("coder") or default_coder
    return Place(coder, sector if sector in desk.sectors() else "", SECOND if mode == SECOND else FRESH)


def turn(desk: Desk, place: Place, chosen: Chosen | None, template: str, missing: bool = False) -> HTMLResponse:
    """A firm to judge, as a page or as the parts of it that change; without ``chosen``, what there is instead."""
    view = desk.view(place, chosen.firm_id) if chosen else None
    pending = chosen is None and not missing and desk.pending(place)
    asked = view.sectors[0] if view else None
    query = {"sector": place.sector, "mode": place.mode} | ({"firm": chosen.firm_id} if view and chosen else {})
    return HTMLResponse(
        render(
            template,
            title=view.record.name if view else "Labelling",
            at=place,
            taxonomy=desk.ledger.taxonomy,
            sector=desk.sectors()[place.sector],
            view=view,
            why=(why_asked(asked.note) if asked and asked.label else chosen.why) if chosen else "",
            own_note=own_note(asked.note) if asked and asked.label else "",
            told=view.told if view else None,
            folded=place.mode == SECOND,
            click=secrets.token_urlsafe(12),
            address=f"/?{urlencode(query)}",
            pending=pending,
            missing=missing or bool(chosen and not view),
            failure="" if view or pending or place.mode == SECOND else desk.line(place.sector).error,
        )
    )


def add_reading_routes(app: FastAPI, desk: Desk, retraining: Retraining, sector: str, coder: str) -> None:
    """Add them to the app; ``sector`` and ``coder`` stand in where a request names none."""
    first = sector

    @app.get("/")
    def page(request: Request, sector: Key = "", mode: Key = FRESH, firm: Id = "") -> HTMLResponse:
        place = place_of(request, desk, sector or first, mode, coder)
        part = PART in request.headers
        if not place.coder or not place.sector:
            return HTMLResponse(
                render(
                    "page.html.j2",
                    title="Labelling",
                    at=place,
                    taxonomy=desk.ledger.taxonomy,
                    choices=[(found, len(desk.ledger.judged(key))) for key, found in desk.sectors().items()],
                )
            )
        chosen = Chosen(firm) if firm else desk.next_firm(place)
        return turn(desk, place, chosen, "turn.html.j2" if part else "page.html.j2")

    @app.get("/who")
    def who(request: Request) -> HTMLResponse:
        place = place_of(request, desk, "", FRESH, "")
        return HTMLResponse(
            render("page.html.j2", title="Who judges?", at=Place("", "", place.mode), taxonomy=desk.ledger.taxonomy)
        )

    @app.get("/view")
    def view(request: Request, sector: Key, firm: Id, mode: Key = FRESH) -> HTMLResponse:
        place = _known(place_of(request, desk, sector, mode, coder))
        record = desk.shelf.firm(firm)
        if record is None:
            raise HTTPException(404)
        return HTMLResponse(
            render("view.html.j2", at=place, told=desk.reasons.ask(record, place.sector), folded=place.mode == SECOND)
        )

    @app.get("/progress")
    def progress(request: Request, sector: Key) -> HTMLResponse:
        place = _known(place_of(request, desk, sector, FRESH, coder))
        judgements = [word for word in desk.ledger.judgements() if word.sector == place.sector]
        return HTMLResponse(
            render("progress.html.j2", far=desk.progress(place.sector), agreed=agreements(judgements),
                   busy=is_held(desk.ledger.workspace))
        )  # fmt: skip

    @app.get("/members")
    def members(request: Request, sector: Key, mode: Key = FRESH) -> HTMLResponse:
        place = _known(place_of(request, desk, sector, mode, coder))
        listed = _members(desk, place)
        return HTMLResponse(render("members.html.j2", at=place, shown=listed[:MAX_MEMBERS], total=len(listed)))

    @app.get("/search")
    def search(request: Request, q: Words, sector: Key = "", mode: Key = FRESH) -> HTMLResponse:
        place = place_of(request, desk, sector or first, mode, coder)
        return _results(place, f"whose words meet {q}", find(desk, place, q))

    @app.get("/similar")
    def similar(request: Request, firm: Id, sector: Key = "", mode: Key = FRESH) -> HTMLResponse:
        place = place_of(request, desk, sector or first, mode, coder)
        record = desk.shelf.firm(firm)
        if record is None:
            raise HTTPException(404)
        return _results(place, f"similar to {record.name}", find_similar(desk, place, firm))

    @app.get("/retraining")
    def going(request: Request, sector: Key) -> HTMLResponse:
        place = _known(place_of(request, desk, sector, FRESH, coder))
        now = retraining.progress
        named = [*now.found.entered[:MAX_NEWS], *now.found.left[:MAX_NEWS]] if now.found else []
        return HTMLResponse(
            render("retraining.html.j2", at=place, going=now, longest=MAX_NEWS,
                   names=desk.shelf.names(named) if named else {})
        )  # fmt: skip


def _known(place: Place) -> Place:
    if not place.sector:
        raise HTTPException(404)
    return place


def _results(place: Place, what: str, found: Found) -> HTMLResponse:
    return HTMLResponse(render("results.html.j2", at=place, what=what, found=found))


def _members(desk: Desk, place: Place) -> list[Listed]:
    """The model's list, the most probable first, then firms that were judged to be in it; excluded ones say so."""
    judged = desk.ledger.judged(place.sector)
    listed = desk.shelf.members(place.sector)
    shown = [
        Listed(member.firm_id, member.name, member.probability, judged.get(member.firm_id, {}).get(place.coder, ""))
        for member in listed
    ]
    held = {member.firm_id for member in listed}
    more = [key for key, words in judged.items() if "include" in words.values() and key not in held]
    names = desk.shelf.names(more) if more else {}
    return shown + [Listed(key, names.get(key, key), None, judged[key].get(place.coder, "")) for key in more]
