"""What an interface is, as OpenAPI 3.1, made from its table of routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import COMMON_ERRORS, JSON_TYPE, RequestHeader, Route
from robotq.api.openapi.names import group_of, operation_id, parts_of
from robotq.api.openapi.responses import by_status, common_name, failure, others, success
from robotq.api.openapi.schemas import Schemas, of_query
from robotq.model.json import JsonObject
from robotq.wire.base import Answer
from robotq.wire.service import Error


def document(
    routes: Sequence[Route],
    *,
    info: JsonObject,
    schemas: Mapping[str, JsonObject],
    error: type[Answer] = Error,
) -> JsonObject:
    """The OpenAPI document of these routes.

    `schemas`: what only a running daemon knows, by name. One with the name of a model stands
    in its place; one named in `schemas` like a part of a path, in CamelCase (`RobotId` for
    `{robot_id}`), says what that part can be. `error`: the form of errors, which is
    called `Error`.
    """
    # what is said over a WebSocket is none of its matters
    routes = [route for route in routes if not route.websocket]
    made = Schemas(routes, schemas, error)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, routes, made)
    return {
        "openapi": "3.1.0",
        "info": info,
        # as seen from the document, so that a proxy may put both below any path
        "servers": [{"url": ".", "description": "This daemon."}],
        "tags": [{"name": name} for name in dict.fromkeys(group_of(route) for route in routes)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(made.all.items())),
            "responses": {
                common_name(status): failure(status, rows, made)
                for status, rows in by_status(COMMON_ERRORS).items()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key made by `robotq keys new`. Where no keys exist, "
                    "programs on the same machine and in trusted networks need none.",
                }
            },
        },
    }


def _operation(route: Route, routes: Sequence[Route], schemas: Schemas) -> JsonObject:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [group_of(route)],
        "summary": route.summary,
        "description": _scope_text(route.scope),
        "security": [] if route.scope == Scope.OPEN else [{"bearer": [str(route.scope)]}, {}],
    }
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": schemas.of_part(name)}
          for name in parts_of(route.path)),
        *(_query_parameters(route.query) if route.query is not None else ()),
        *(_header_parameter(header) for header in route.headers),
    ]  # fmt: skip
    if parameters:
        operation["parameters"] = parameters
    if route.request is not None:
        needed = bool(route.request.model_json_schema().get("required"))
        operation["requestBody"] = {
            "required": needed and not route.forgiving,
            "description": "JSON, whatever the Content-Type says; an empty body is `{}`.",
            "content": {JSON_TYPE: {"schema": schemas.request(route.request)}},
        }
    operation["responses"] = {
        str(route.status): success(route, routes, schemas),
        **{str(status): response for status, response in others(route, schemas)},
    }
    return operation


def _scope_text(scope: str) -> str:
    if scope == Scope.OPEN:
        return "Needs no key."
    if scope == Scope.ANY:
        return "Needs any valid key, where keys exist."
    return f"Needs the scope `{scope}`, where keys exist."


def _query_parameters(model: type[BaseModel]) -> Iterator[JsonObject]:
    for name, rule in of_query(model).get("properties", {}).items():
        value = dict(rule)
        text = value.pop("description", None)
        # what a query leaves out is None, and it cannot say None
        if value.get("default", 0) is None:
            del value["default"]
        options = [option for option in value.pop("anyOf", ()) if option != {"type": "null"}]
        value |= options[0] if len(options) == 1 else {"anyOf": options} if options else {}
        parameter = {"name": name, "in": "query", "schema": value}
        yield parameter if text is None else {**parameter, "description": text}


def _header_parameter(header: RequestHeader) -> JsonObject:
    return {
        "name": header.name,
        "in": "header",
        "description": header.text,
        "schema": header.schema,
    }
