"""What an interface is, as OpenAPI 3.1, made from its table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import COMMON_ERRORS, JSON_TYPE, RequestHeader, Route
from robotq.api.openapi.shapes import schemas_of
from robotq.model.errors import ERROR_CODES, ErrorCode
from robotq.model.json import JsonObject
from robotq.wire.base import REF, Answer
from robotq.wire.service import Error

_GROUPS = {
    "": "commands",
    "task": "tasks",
    "estop": "emergency stop",
    "health": "daemon",
    "metrics": "daemon",
    "reload": "daemon",
    "openapi.json": "daemon",
    "docs": "daemon",
}
"""First part of a path -> the group in which it is shown; the others are shown under their own."""

_OF_NO_GROUP = ("api", "v1")
"""Parts of paths that say nothing of what they are about."""

_HEADERS: Mapping[int, JsonObject] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    405: {"Allow": {"schema": {"type": "string"}, "description": "What the path takes."}},
    503: {
        "Retry-After": {
            "schema": {"type": "integer"},
            "description": "Seconds, where the same request can succeed later.",
        }
    },
}


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
    models = _Models(routes, schemas, error)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, routes, models)
    return {
        "openapi": "3.1.0",
        "info": info,
        # as seen from the document, so that a proxy may put both below any path
        "servers": [{"url": ".", "description": "This daemon."}],
        "tags": [{"name": name} for name in dict.fromkeys(group_of(route) for route in routes)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(models.schemas.items())),
            "responses": {
                _common_name(status): _failure(status, rows, models)
                for status, rows in _by_status(COMMON_ERRORS).items()
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


def group_of(route: Route) -> str:
    """Under which heading the docs show a route."""
    parts = [part for part in route.path.split("/")[1:] if part not in _OF_NO_GROUP]
    first = parts[0] if parts else ""
    return _GROUPS.get(first, first)


def operation_id(route: Route) -> str:
    """The name of a route for programs, such as `post_task_cancel`."""
    parts = [part for part in route.path.split("/") if part]
    words = [part for part in parts if not part.startswith("{")] or ["root"]
    if parts and parts[-1].startswith("{"):
        words += ["by", parts[-1].strip("{}")]
    return "_".join([route.method.lower(), *words]).replace(".", "_").replace("-", "_")


class _Names(GenerateJsonSchema):
    """Without the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's own
        return False


class _Models:
    """The schemas of all that routes take and give."""

    def __init__(
        self,
        routes: Sequence[Route],
        schemas: Mapping[str, JsonObject],
        error: type[Answer],
    ) -> None:
        self.own_errors = error is not Error
        """Errors name no codes of `model.errors`."""
        requests = [route.request for route in routes if route.request is not None]
        self._requests, made = models_json_schema(
            [(model, "validation") for model in dict.fromkeys(requests)],
            ref_template=REF + "{model}",
            schema_generator=_Names,
        )
        answers = [
            shape
            for route in routes
            for shape in (route.response, *route.responses, *route.answers.values())
            if shape is not None
        ]
        self._answers, answered = schemas_of([*answers, error])
        self.schemas: dict[str, JsonObject] = {
            **_of_queries(routes),
            **made.get("$defs", {}),
            **answered,
            **schemas,
        }

    def request(self, model: type[BaseModel]) -> JsonObject:
        return self._requests[model, "validation"]

    def answer(self, shape: Any) -> JsonObject:
        return self._answers[shape]

    def of_part(self, name: str) -> JsonObject:
        """What the part `{name}` of a path can be."""
        camel = "".join(word.capitalize() for word in name.split("_"))
        if camel in self.schemas:
            return {"$ref": REF + camel}
        return {"type": "string", "minLength": 1}

    def properties(self, schema: JsonObject) -> Mapping[str, JsonObject]:
        """The properties of an object, looked up where it is a reference."""
        name = schema.get("$ref", "").removeprefix(REF)
        found: Mapping[str, JsonObject] = self.schemas.get(name, schema).get("properties", {})
        return found


def _of_queries(routes: Sequence[Route]) -> Mapping[str, JsonObject]:
    """What the parameters of queries refer to."""
    found: dict[str, JsonObject] = {}
    for route in routes:
        if route.query is not None:
            schema = route.query.model_json_schema(
                ref_template=REF + "{model}", schema_generator=_Names
            )
            found.update(schema.get("$defs", {}))
    return found


def _operation(route: Route, routes: Sequence[Route], models: _Models) -> JsonObject:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [group_of(route)],
        "summary": route.summary,
        "description": _scope_text(route.scope),
        "security": [] if route.scope == Scope.OPEN else [{"bearer": [str(route.scope)]}, {}],
    }
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": models.of_part(name)}
          for name in _parts(route.path)),
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
            "content": {JSON_TYPE: {"schema": models.request(route.request)}},
        }
    operation["responses"] = {
        str(route.status): _success(route, routes, models),
        **{str(status): response for status, response in _others(route, models)},
    }
    return operation


def _scope_text(scope: str) -> str:
    if scope == Scope.OPEN:
        return "Needs no key."
    if scope == Scope.ANY:
        return "Needs any valid key, where keys exist."
    return f"Needs the scope `{scope}`, where keys exist."


def _parts(path: str) -> Sequence[str]:
    return re.findall(r"\{(\w+)\}", path)


def _query_parameters(model: type[BaseModel]) -> Iterator[JsonObject]:
    schema = model.model_json_schema(ref_template=REF + "{model}", schema_generator=_Names)
    for name, rule in schema.get("properties", {}).items():
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


def _success(route: Route, routes: Sequence[Route], models: _Models) -> JsonObject:
    if route.stream:
        return {"description": route.summary, "content": {route.media_type: _events(route, models)}}
    if route.status == 204:
        return {"description": route.summary}
    if route.response is None:
        content = {route.media_type: {"schema": {"type": "string"}}}
        return {"description": route.summary, "content": content}
    shapes = [models.answer(shape) for shape in (route.response, *route.responses)]
    answer: dict[str, Any] = {
        "description": route.summary,
        "content": {JSON_TYPE: {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}},
    }
    if links := dict(_links(route, shapes[0], routes, models)):
        answer["links"] = links
    return answer


def _events(route: Route, models: _Models) -> JsonObject:
    """The schema is that of each server-sent event; OpenAPI 3.2 calls it itemSchema."""
    data: dict[str, Any] = {"type": "string", "contentMediaType": JSON_TYPE}
    if route.response is not None:
        data["contentSchema"] = models.answer(route.response)
    return {
        "schema": {
            "type": "object",
            "description": "One server-sent event.",
            "required": ["id", "data"],
            "properties": {"id": {"type": "string"}, "data": data},
        }
    }


def _links(
    route: Route, shape: JsonObject, routes: Sequence[Route], models: _Models
) -> Iterator[tuple[str, JsonObject]]:
    """Where an answer leads on to: what it names like a part of a path goes into that path."""
    found: dict[str, str] = {}
    for name, schema in models.properties(shape).items():
        found.setdefault(name, f"$response.body#/{name}")
        for inner in models.properties(schema.get("items", {})):
            found.setdefault(inner, f"$response.body#/{name}/0/{inner}")
    for target in routes:
        parts = _parts(target.path)
        if target is not route and parts and set(parts) <= set(found):
            yield (
                operation_id(target),
                {
                    "operationId": operation_id(target),
                    "parameters": {part: found[part] for part in parts},
                },
            )


def _others(route: Route, models: _Models) -> Iterator[tuple[int, JsonObject]]:
    """Status -> answer, of all that is not 200."""
    by_status = _by_status(route.error_codes)
    common = _by_status(COMMON_ERRORS)
    for status in sorted({*by_status, *route.answers}):
        rows = by_status.get(status, ())
        if rows == common.get(status):
            yield status, {"$ref": f"#/components/responses/{_common_name(status)}"}
            continue
        response = _failure(status, rows, models)
        if status in route.answers:
            schema = models.answer(route.answers[status])
            content = response["content"][JSON_TYPE]
            content["schema"] = {"anyOf": [schema, content["schema"]]} if rows else schema
            response["description"] = response["description"] or route.summary
        yield status, response


def _by_status(names: Sequence[str]) -> Mapping[int, Sequence[ErrorCode]]:
    found: dict[int, list[ErrorCode]] = {}
    for row in sorted((ERROR_CODES[name] for name in names), key=lambda row: row.number):
        found.setdefault(row.http_status, []).append(row)
    return found


def _failure(status: int, rows: Sequence[ErrorCode], models: _Models) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": REF + "Error"}
    if not models.own_errors and not any(row.name == "device_error" for row in rows):
        # a driver from elsewhere may have names of its own for what its device reports
        schema["properties"] = {
            "code": {"enum": [row.number for row in rows]},
            "error_code": {"enum": [row.name for row in rows]},
        }
    response: dict[str, Any] = {
        "description": "\n".join(f"- `{row.name}` ({row.number}): {row.en}" for row in rows),
        "content": {JSON_TYPE: {"schema": schema}},
    }
    if status in _HEADERS:
        response["headers"] = _HEADERS[status]
    return response


def _common_name(status: int) -> str:
    return f"Status{status}"
