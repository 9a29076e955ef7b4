"""reference/http.md: every route, from the OpenAPI document that a daemon serves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from docs.make.markdown import code, fields, limits_of, table, type_of
from robotq.api.openapi import REF, document, group_of
from robotq.api.robot.description import site_schemas
from robotq.api.robot.table import ROUTES
from robotq.api.routes import COMMON_ERRORS, Route
from robotq.catalog import load_catalog

_HEAD = f"""# Reference: HTTP

Every route of the robot interface. [The HTTP interface](../http.md) says how to begin. A running daemon shows the same at `/docs`, to be tried out there, with the commands and robots of its site, and as OpenAPI 3.1 at `/openapi.json`.

- A `*` marks what cannot be left out.
- Every path that takes GET takes HEAD too, except streams; every path takes OPTIONS.
- Every body is JSON, whatever its Content-Type says; an empty one is `{{}}`.
- Scopes count where the daemon has keys, see [who may do what](../operations.md#who-may-do-what).
- Besides its own [errors](errors.md), every route can answer with {", ".join(map(code, COMMON_ERRORS))}.

"""

_BY_HAND = {f"{REF}CommandBody": "a [command](commands.md), or a list of them"}
"""What the page says in other words, since it differs from site to site."""


def page() -> str:
    schemas = site_schemas(load_catalog([]), ("robot_a", "robot_b"), batch=1_000)
    described = json.loads(json.dumps(document(ROUTES, info={}, schemas=schemas), default=str))
    components = described["components"]["schemas"]
    shown = _shapes(components)
    refs = {REF + name: f"[{name}](#{name.lower()})" for name in shown} | _BY_HAND
    overview = table(
        ("", "scope", ""),
        (
            (f"[{_title(route)}](#{_anchor(_title(route))})", route.scope.value, route.summary)
            for route in ROUTES
        ),
    )
    groups: dict[str, list[str]] = {}
    for route in ROUTES:
        operation = described["paths"][route.path][route.method.lower()]
        section = _section(route, operation, components, refs)
        groups.setdefault(group_of(route), []).append(section)
    parts = [_HEAD, overview]
    for group, sections in groups.items():
        parts += [f"\n## {group.capitalize()}\n", *sections]
    parts.append("\n## Shapes\n")
    parts += [_shape(name, components[name], refs) for name in shown]
    return "".join(parts)


def _title(route: Route) -> str:
    return f"{route.method} {route.path}"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _shapes(components: Mapping[str, Any]) -> Sequence[str]:
    """The objects that have a section of their own, without what belongs to single commands."""
    left_out = ("command.", "params.", "Command", "Queued", "Wrapped")
    return [
        name
        for name, schema in components.items()
        if not name.startswith(left_out) and "properties" in schema
    ] + ["CommandSpec", "Commands"]


def _section(
    route: Route,
    operation: Mapping[str, Any],
    components: Mapping[str, Any],
    refs: Mapping[str, str],
) -> str:
    parts = [f"\n### {_title(route)}\n\n{route.summary} Scope: `{route.scope.value}`.\n"]
    if parameters := _parameters(operation, refs):
        parts.append(f"\n{parameters}")
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        parts.append(f"\nBody: {_body(schema, components, refs)}\n")
    parts.append(f"\nAnswer: {_answer(operation['responses']['200'], refs)}.\n")
    for status, model in route.answers.items():
        parts.append(f"With status {status}: {refs[REF + model.__name__]}.\n")
    own = [name for name in route.error_codes if name not in COMMON_ERRORS]
    if own:
        parts.append(f"\nErrors: {', '.join(f'[{name}](errors.md#{name})' for name in own)}.\n")
    return "".join(parts)


def _parameters(operation: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    rows = []
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        said = [parameter.get("description", ""), limits_of(schema)]
        if "default" in schema:
            said.append(f"default {json.dumps(schema['default'])}")
        mark = " *" if parameter.get("required") else ""
        text = "; ".join(part.rstrip(".") for part in said if part)
        rows.append((code(parameter["name"]) + mark, parameter["in"], type_of(schema, refs), text))
    return table(("parameter", "in", "type", ""), rows)


def _body(schema: Mapping[str, Any], components: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    told = type_of(schema, refs)
    found = components.get(schema.get("$ref", "").removeprefix(REF), schema)
    if "properties" in found or schema.get("$ref") in _BY_HAND:
        return told
    return str(found.get("description") or told)


def _answer(response: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    ((media_type, content),) = response["content"].items()
    schema = content["schema"]
    if media_type == "text/event-stream":
        data = schema["properties"]["data"]["contentSchema"]
        return f"`{media_type}`, the data of each event being {type_of(data, refs)}"
    if media_type != "application/json":
        return code(media_type)
    return type_of(schema, refs)


def _shape(name: str, schema: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    more = schema.get("additionalProperties", True) is not False
    text = " ".join(schema.get("description", "").split())
    rest = "\nFurther keys can be there.\n" if more and name != "Error" else ""
    return f"\n### {name}\n\n{text}\n\n{fields(schema, refs)}{rest}"
