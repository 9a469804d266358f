"""The application: each address, and what answers there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request as Http
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from labelkit.errors import LabelkitError, MachineError
from labelkit.ui.web.access import SESSION_SECONDS
from labelkit.ui.web.assets import FILES, asset
from labelkit.ui.web.desk import AnsweredAlready, Desk
from labelkit.ui.web.guard import Guard, refused
from labelkit.ui.web.requests import Enter, Flag, Leave, Next, Note, Request, Say, TakeBack
from labelkit.ui.web.room import Room
from labelkit.ui.web.views import asked_view, desk_id, task_view

OTHERS = "this browser is signed in as somebody else, or to another project, by now: open your own link again"

Body = TypeVar("Body", bound=Request)
Endpoint = Callable[[Http], Awaitable[Response]]


@dataclass(frozen=True)
class Act:
    """A request that does something at the desk of the person who asks."""

    name: str  # of the address, /api/<name>
    body: type[Any]
    does: Callable[[Desk, Any], dict[str, Any]]
    reply: tuple[str, ...]  # keys of what comes back


@dataclass(frozen=True)
class Look:
    """A request that reads something."""

    name: str
    reads: Callable[[Room, Desk], dict[str, Any]]
    about: str


def application(room: Room) -> ASGIApp:
    """The page and its requests as one ASGI application."""
    routes = [Route(path, _file, methods=["GET"]) for path in FILES]
    routes += [Route(f"/api/{act.name}", _acting(room, act), methods=["POST"]) for act in ACTS]
    routes += [Route(f"/api/{look.name}", _reading(room, look), methods=["GET"]) for look in LOOKS]
    routes += [
        Route("/api/enter", _entering(room), methods=["POST"]),
        Route("/api/leave", _leaving(room), methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_thing, Exception: _bug(room)})
    app.router.redirect_slashes = False
    return Guard(app, room.site.addresses)


# What each request does, at the desk of the person who asks. These run in threads: the store waits for the disk.


def _next(desk: Desk, body: Next) -> dict[str, Any]:
    asked = desk.hand(frozenset(body.have))
    return {"records": [asked_view(one, desk) for one in asked], "progress": desk.progress()}


def _answer(desk: Desk, body: Say) -> dict[str, Any]:
    late = desk.answer(body.record, body.label, body.operation)
    return {"stored": body.operation, "late": late, "progress": desk.progress()}


def _undo(desk: Desk, body: TakeBack) -> dict[str, Any]:
    asked = desk.undo(body.operation, body.undoes)
    record = None if asked is None else asked_view(asked, desk)
    return {"stored": body.operation, "record": record, "progress": desk.progress()}


def _flag(desk: Desk, body: Flag) -> dict[str, Any]:
    desk.flag(body.record, body.operation, on=body.on)
    return {"stored": body.operation}


def _note(desk: Desk, body: Note) -> dict[str, Any]:
    desk.note(body.record, body.text, body.operation)
    return {"stored": body.operation}


def _me(room: Room, desk: Desk) -> dict[str, Any]:
    return {"task": task_view(room.task, desk.annotator), "progress": desk.progress()}


def _dashboard(room: Room, _desk: Desk) -> dict[str, Any]:
    return dict(room.source.dashboard())


def _description(_room: Room, _desk: Desk) -> dict[str, Any]:
    from labelkit.ui.web.openapi import description

    return description()


ACTS = (
    Act("next", Next, _next, ("records", "progress")),
    Act("answer", Say, _answer, ("stored", "late", "progress")),
    Act("undo", TakeBack, _undo, ("stored", "record", "progress")),
    Act("flag", Flag, _flag, ("stored",)),
    Act("note", Note, _note, ("stored",)),
)
LOOKS = (
    Look("me", _me, "Who asks, and what the task is."),
    Look("dashboard", _dashboard, "Figures about the people and the task."),
    Look("openapi.json", _description, "This description."),
)


# How a request becomes a call of one of these


def _acting(room: Room, act: Act) -> Endpoint:
    async def endpoint(http: Http) -> Response:
        annotator = _who(room, http)
        if annotator is None:
            return _stranger()
        if _is_of_another(room, http, annotator):
            return refused(412, "desk", OTHERS)
        body = await _read(http, act.body)
        if isinstance(body, Response):
            return body
        return await _said(lambda: act.does(room.desk(annotator), body))

    return endpoint


def _reading(room: Room, look: Look) -> Endpoint:
    async def endpoint(http: Http) -> Response:
        annotator = _who(room, http)
        if annotator is None:
            return _stranger()
        if http.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return refused(403, "origin", "this did not come from a page of this server")
        return await _said(lambda: look.reads(room, room.desk(annotator)))

    return endpoint


def _entering(room: Room) -> Endpoint:
    async def endpoint(http: Http) -> Response:
        body = await _read(http, Enter)
        if isinstance(body, Response):
            return body
        token = body.token
        try:
            session = await run_in_threadpool(room.access.enter, token)
        except LabelkitError as error:
            return _refusal(error)
        if session is None:
            return refused(401, "link", "this link was used already, or is not of this server")
        answer = JSONResponse({"entered": True}, headers={"Cache-Control": "no-store"})
        answer.set_cookie(
            room.site.cookie,
            session,
            max_age=int(SESSION_SECONDS),
            path="/",
            secure=room.site.secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    return endpoint


def _leaving(room: Room) -> Endpoint:
    async def endpoint(http: Http) -> Response:
        annotator = _who(room, http)
        if annotator is None:
            return _stranger()
        body = await _read(http, Leave)
        if isinstance(body, Response):
            return body
        answer = await _said(lambda: _leave(room, room.desk(annotator), http.cookies[room.site.cookie], body))
        if body.forget:
            answer.delete_cookie(room.site.cookie, path="/", secure=room.site.secure, httponly=True, samesite="strict")
        return answer

    return endpoint


def _leave(room: Room, desk: Desk, session: str, body: Leave) -> dict[str, Any]:
    desk.leave()
    if body.forget:
        room.access.leave(session)
    return {"left": True}


async def _said(act: Callable[[], dict[str, Any]]) -> JSONResponse:
    """What comes of it, or why not: 4xx says that trying again is no use, 503 that it is."""
    try:
        return JSONResponse(await run_in_threadpool(act), headers={"Cache-Control": "no-store"})
    except LabelkitError as error:
        return _refusal(error)


def _refusal(error: LabelkitError) -> JSONResponse:
    if isinstance(error, AnsweredAlready):
        return refused(409, "answered", str(error))
    return refused(503, "machine", str(error)) if isinstance(error, MachineError) else refused(422, "said", str(error))


async def _read(http: Http, model: type[Body]) -> Body | JSONResponse:
    """The body of a request, or why it is none."""
    try:
        return model.model_validate_json(await http.body())
    except ValidationError as error:
        places = [".".join(map(str, problem["loc"])) or "body" for problem in error.errors(include_input=False)]
        return refused(422, "body", f"cannot be read: {', '.join(places[:5])}"[:300])


def _who(room: Room, http: Http) -> str | None:
    """Who asks: the session says, never the request itself."""
    return room.access.annotator(http.cookies.get(room.site.cookie, ""))


def _is_of_another(room: Room, http: Http, annotator: str) -> bool:
    """Whether the page was opened by somebody else, or for another project, than this browser is signed in to now."""
    said = http.headers.get("labelkit-desk")
    return said is not None and said != desk_id(room.task, annotator)


def _stranger() -> JSONResponse:
    return refused(401, "session", "open the page by the link that `labelkit annotate --web` printed")


async def _file(http: Http) -> Response:
    found = asset(http.url.path)
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if http.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.kind, headers=headers)


async def _no_such_thing(_http: Http, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    more = error.headers if isinstance(error, HTTPException) else None
    answer = refused(status, "address", "there is nothing here" if status == 404 else "not in this way")
    answer.headers.update(more or {})
    return answer


def _bug(room: Room) -> Callable[[Http, Exception], Awaitable[Response]]:
    async def handler(_http: Http, error: Exception) -> Response:
        await run_in_threadpool(room.on_bug, error)
        return refused(500, "bug", "this is a bug in labelkit; what you said is kept in this browser")

    return handler
