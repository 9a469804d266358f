"""The requests of the page in the words of OpenAPI 3.1, made from the models that read them."""

from __future__ import annotations

from typing import Any

from labelkit import __version__
from labelkit.ui.web.app import ACTS, LOOKS
from labelkit.ui.web.requests import Enter, Leave, Request

REFUSALS = {
    400: "The request is no HTTP that can be read.",
    401: "Nobody is signed in, or the link was used already.",
    403: "The Host or the Origin is not one of this server.",
    408: "The request took too long to arrive.",
    409: "The person has answered the record otherwise.",
    412: "The page is another person's than the one that the browser is signed in as.",
    413: "The body is too large.",
    415: "The body is no application/json.",
    422: "The body is not what is asked for, or names something that does not exist.",
    503: "The machine could not do it now; the same request may be sent again.",
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "why"],
            "properties": {"kind": {"type": "string"}, "why": {"type": "string"}},
        }
    },
}


def description() -> dict[str, Any]:
    """The whole description.

    >>> sorted(description()["paths"])[:3]
    ['/api/answer', '/api/dashboard', '/api/enter']
    """
    paths = {f"/api/{look.name}": {"get": _operation(look.about, None, ())} for look in LOOKS}
    paths |= {f"/api/{act.name}": {"post": _operation(_first_line(act.body), act.body, act.reply)} for act in ACTS}
    paths["/api/enter"] = {"post": _operation(_first_line(Enter), Enter, ("entered",), security=False)}
    paths["/api/leave"] = {"post": _operation(_first_line(Leave), Leave, ("left",))}
    return {
        "openapi": "3.1.0",
        "info": {"title": "labelkit annotate", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "labelkit"}},
        },
    }


def _operation(
    about: str, body: type[Request] | None, reply: tuple[str, ...], *, security: bool = True
) -> dict[str, Any]:
    done = {"type": "object", "required": list(reply)}
    operation: dict[str, Any] = {
        "summary": about,
        "security": [{"session": []}] if security else [],
        "responses": {
            "200": _answer("Done.", done),
            **{str(status): _answer(why, {"$ref": "#/components/schemas/Error"}) for status, why in REFUSALS.items()},
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(body)}}}
    return operation


def _answer(why: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": why, "content": {"application/json": {"schema": schema}}}


def _schema(body: type[Request]) -> dict[str, Any]:
    schema = body.model_json_schema()
    schema.pop("description", None)
    return schema


def _first_line(body: type[Request]) -> str:
    return (body.__doc__ or "").partition("\n")[0]
