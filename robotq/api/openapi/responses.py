"""What a route can answer with, status by status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from robotq.api.http.routes import COMMON_ERRORS, JSON_TYPE, Route
from robotq.api.openapi.names import operation_id, parts_of
from robotq.api.openapi.schemas import Schemas
from robotq.model.errors import ERROR_CODES, ErrorCode
from robotq.model.json import JsonObject
from robotq.wire.base import REF

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


def success(route: Route, routes: Sequence[Route], schemas: Schemas) -> JsonObject:
    if route.stream:
        return {
            "description": route.summary,
            "content": {route.media_type: _events(route, schemas)},
        }
    if route.status == 204:
        return {"description": route.summary}
    if route.response is None:
        content = {route.media_type: {"schema": {"type": "string"}}}
        return {"description": route.summary, "content": content}
    shapes = [schemas.answer(shape) for shape in (route.response, *route.responses)]
    answer: dict[str, Any] = {
        "description": route.summary,
        "content": {JSON_TYPE: {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}},
    }
    if links := dict(_links(route, shapes[0], routes, schemas)):
        answer["links"] = links
    return answer


def _events(route: Route, schemas: Schemas) -> JsonObject:
    """The schema is that of each server-sent event; OpenAPI 3.2 calls it itemSchema."""
    data: dict[str, Any] = {"type": "string", "contentMediaType": JSON_TYPE}
    if route.response is not None:
        data["contentSchema"] = schemas.answer(route.response)
    return {
        "schema": {
            "type": "object",
            "description": "One server-sent event.",
            "required": ["id", "data"],
            "properties": {"id": {"type": "string"}, "data": data},
        }
    }


def _links(
    route: Route, shape: JsonObject, routes: Sequence[Route], schemas: Schemas
) -> Iterator[tuple[str, JsonObject]]:
    """Where an answer leads on to: what it names like a part of a path goes into that path."""
    found: dict[str, str] = {}
    for name, schema in schemas.properties(shape).items():
        found.setdefault(name, f"$response.body#/{name}")
        for inner in schemas.properties(schema.get("items", {})):
            found.setdefault(inner, f"$response.body#/{name}/0/{inner}")
    for target in routes:
        parts = parts_of(target.path)
        if target is not route and parts and set(parts) <= set(found):
            yield (
                operation_id(target),
                {
                    "operationId": operation_id(target),
                    "parameters": {part: found[part] for part in parts},
                },
            )


def others(route: Route, schemas: Schemas) -> Iterator[tuple[int, JsonObject]]:
    """Status -> answer, of all that is not 200."""
    own = by_status(route.error_codes)
    common = by_status(COMMON_ERRORS)
    for status in sorted({*own, *route.answers}):
        rows = own.get(status, ())
        if rows == common.get(status):
            yield status, {"$ref": f"#/components/responses/{common_name(status)}"}
            continue
        response = failure(status, rows, schemas)
        if status in route.answers:
            schema = schemas.answer(route.answers[status])
            content = response["content"][JSON_TYPE]
            content["schema"] = {"anyOf": [schema, content["schema"]]} if rows else schema
            response["description"] = response["description"] or route.summary
        yield status, response


def by_status(names: Sequence[str]) -> Mapping[int, Sequence[ErrorCode]]:
    found: dict[int, list[ErrorCode]] = {}
    for row in sorted((ERROR_CODES[name] for name in names), key=lambda row: row.number):
        found.setdefault(row.http_status, []).append(row)
    return found


def failure(status: int, rows: Sequence[ErrorCode], schemas: Schemas) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": REF + "Error"}
    if not schemas.own_errors and not any(row.name == "device_error" for row in rows):
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


def common_name(status: int) -> str:
    return f"Status{status}"
