"""The OpenAPI 3.1 document, made of the routes and their models."""

import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from bot.web.routes import Policy, Route
from bot.web.schemas import Error

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """The queue of questions of a talk.

All times are Unix seconds (UTC). Failures carry `{"error": "text for people", "code": "…"}`. Unsafe methods need
`Sec-Fetch-Site: same-origin` (browsers send it) or an `Origin` that is this server's. Viewers need no sign-in: a signed
cookie names them. Staff sign in with a one-use link or a password; their cookie carries the login."""
FAILURES = {
    400: "Cannot be used; the text says why",
    403: "Not allowed, or from another site",
    404: "No such session or question",
    408: "Did not come in completely in time; send it again",
    409: "Somebody changed it meanwhile; read it again",
    413: "Too large",
    415: "Not JSON",
    429: "Too fast; Retry-After says when",
    503: "Not right now: it cannot be saved, or no more streams fit; Retry-After says when",
}


def openapi_document(policy: Policy, version: str, server: str) -> dict[str, Any]:
    """The document of every route that is no page. `server` is where the API is reached."""
    routes = [route for route in policy.routes if route.kind in {"api", "hook"}]
    _, definitions = models_json_schema(
        [(model, "serialization") for model in sorted(_models(routes), key=lambda m: m.__name__)],
        ref_template=REFERENCE,
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Floormic", "version": version, "description": DESCRIPTION},
        "servers": [{"url": server or "/"}],
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": _SCHEMES},
    }


_SCHEMES = {
    "staff": {
        "type": "apiKey",
        "in": "cookie",
        "name": "floormic-login",
        "description": "A login, opened with a one-use link or a password. Over https the name begins with __Host-.",
    }
}


def _models(routes: Iterable[Route]) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = {Error}
    for route in routes:
        for one in (route.body, route.reply, *get_args(route.reply), route.unready):
            if isinstance(one, type) and issubclass(one, BaseModel):
                found.add(one)
    return found


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path.lower())}".rstrip("_"),
        "summary": route.summary,
        "x-least-role": route.least,
        **({"x-also-role": route.also} if route.also else {}),
        "parameters": [*_path_parameters(route), *_declared(route)],
        "responses": _responses(route),
    }
    if route.least != "viewer" or route.signed_in:
        operation["security"] = [{"staff": []}]
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(route.body)}}}
    elif route.kind == "hook" or route.largest:
        operation["requestBody"] = {"content": {"application/octet-stream": {"schema": {}}}}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)", route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _declared(route: Route) -> list[dict[str, Any]]:
    return [{"name": p.name, "in": p.place, "description": p.what, "schema": p.schema} for p in route.parameters]


def _responses(route: Route) -> dict[str, Any]:
    if isinstance(route.reply, str):
        content = {route.reply: {"schema": {"type": "string"} if route.reply.startswith("text/") else {}}}
    else:
        content = {"application/json": {"schema": _schema(route.reply)}}
    responses: dict[str, Any] = {str(route.status): {"description": "Done", "content": content}}
    error = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Error")}}}
    for status, description in FAILURES.items():
        responses[str(status)] = {"description": description, "content": error}
    if route.unready is not None:
        content = {"application/json": {"schema": _schema(route.unready)}}
        responses["503"] = {"description": "Not now; the body says why", "content": content}
    return responses


def _schema(of: Any) -> dict[str, Any]:
    schema = TypeAdapter(of).json_schema(ref_template=REFERENCE, mode="serialization")
    if isinstance(of, type) and issubclass(of, BaseModel):
        return {"$ref": REFERENCE.format(model=of.__name__)}
    schema.pop("$defs", None)
    return schema
