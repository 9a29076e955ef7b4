"""reference/http.md and shapes.md, from the OpenAPI document that a daemon serves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from docs.make.markdown import code, fields, limits_of, table, type_of
from robotq.api.http.routes import COMMON_ERRORS, Route
from robotq.api.openapi.names import group_of
from robotq.api.openapi.spec import document
from robotq.api.robot.description import site_schemas
from robotq.api.root import ROUTES
from robotq.catalog import load_catalog
from robotq.wire.base import REF

_HEAD = f"""# Reference: HTTP

Every route of the robot interface. [The HTTP interface](http-interface.md) says how to begin. A
running
daemon shows the same at `/docs`, to be tried out there, with the commands and robots of its site,
and as OpenAPI 3.1 at `/openapi.json`.

- A `*` marks what cannot be left out.
- Every path that takes GET takes HEAD too, except streams; every path takes OPTIONS.
- Every body is JSON, whatever its Content-Type says; an empty one is `{{}}`.
- Scopes count where the daemon has keys:
  [who may do what](../guides/operations.md#who-may-do-what).
- Besides its own [errors](errors.md), every route can answer with
  {", ".join(map(code, COMMON_ERRORS))}.

"""

_SHAPES_HEAD = """# Reference: shapes

What the routes of [the interface](http.md) take and give, as JSON objects. A `*` marks what is
always there.
"""

_BY_HAND = {
    f"{REF}CommandBody": "a [command](commands.md), or a list of them",
    f"{REF}RobotId": "name of a robot",
    f"{REF}CmdType": "name of a [command](commands.md)",
}
"""What the pages say in other words, since it differs from site to site."""


class _Described:
    """The document of a daemon with the packaged commands, and how the pages name its parts."""

    def __init__(self) -> None:
        site = site_schemas(load_catalog([]), ("robot_a", "robot_b"), batch=1_000)
        made = document(ROUTES, info={}, schemas=site)
        read = json.loads(json.dumps(made, default=str))
        self.paths: Mapping[str, Any] = read["paths"]
        self.components: Mapping[str, Any] = read["components"]["schemas"]
        self.shapes = [
            name
            for name, schema in self.components.items()
            if name not in site and schema.get("type") == "object"
        ]
        self.refs: Mapping[str, str] = {
            **{REF + name: f"[{name}](shapes.md#{name.lower()})" for name in self.shapes},
            **{
                REF + name: type_of(schema, {})
                for name, schema in self.components.items()
                if "enum" in schema
            },
            **_BY_HAND,
        }


def page() -> str:
    """reference/http.md"""
    described = _Described()
    overview = table(
        ("", "scope", ""),
        (
            (f"[{_title(route)}](#{_anchor(_title(route))})", str(route.scope), route.summary)
            for route in ROUTES
        ),
    )
    groups: dict[str, list[str]] = {}
    for route in ROUTES:
        groups.setdefault(group_of(route), []).append(_section(route, described))
    parts = [_HEAD, overview]
    for group, sections in groups.items():
        parts += [f"\n## {group.capitalize()}\n", *sections]
    return "".join(parts)


def shapes_page() -> str:
    """reference/shapes.md"""
    described = _Described()
    parts = [
        shape_section(name, described.components[name], described.refs) for name in described.shapes
    ]
    return _SHAPES_HEAD + "".join(parts)


def _title(route: Route) -> str:
    return f"{route.method} {route.path}"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _section(route: Route, described: _Described) -> str:
    if route.websocket:
        # OpenAPI knows none: a page of its own says what is spoken over it
        named = ", ".join(f"[{name}](errors.md#{name})" for name in route.errors)
        head = f"\n### {_title(route)}\n\n{route.summary} Scope: `{route.scope!s}`.\n"
        return head + (f"\nErrors: {named}.\n" if named else "")
    operation = described.paths[route.path][route.method.lower()]
    refs = described.refs
    parts = [f"\n### {_title(route)}\n\n{route.summary} Scope: `{route.scope!s}`.\n"]
    if parameters := _parameters(operation, refs):
        parts.append(f"\n{parameters}")
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        parts.append(f"\nBody: {_body(schema, described)}.\n")
    parts.append(f"\nAnswer: {_answer(operation['responses']['200'], refs)}.\n")
    for status, model in route.answers.items():
        parts.append(f"With status {status}: {refs[REF + model.__name__]}.\n")
    # what every route can answer with is said where it means something of this one's own
    said = {*route.errors, *(() if route.request is None else route.body_errors)}
    own = [name for name in route.error_codes if name not in COMMON_ERRORS or name in said]
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


def _body(schema: Mapping[str, Any], described: _Described) -> str:
    ref = schema.get("$ref", "")
    if ref in described.refs:
        return described.refs[ref]
    text = described.components[ref.removeprefix(REF)]["description"]
    return str(text).rstrip(".").lower()


def _answer(response: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    ((media_type, content),) = response["content"].items()
    schema = content["schema"]
    if media_type == "text/event-stream":
        data = schema["properties"]["data"]["contentSchema"]
        return f"`{media_type}`, the data of each event being {type_of(data, refs)}"
    if media_type != "application/json":
        return code(media_type)
    return type_of(schema, refs)


def shape_section(name: str, schema: Mapping[str, Any], refs: Mapping[str, str]) -> str:
    text = " ".join(schema.get("description", "").split())
    open_ended = schema.get("additionalProperties", True) is not False and name != "Error"
    rest = "Further keys can be there.\n" if open_ended else ""
    parts = [text and f"{text}\n", fields(schema, refs) or "No keys.\n", rest]
    return "".join(f"\n{part}" for part in (f"### {name}\n", *parts) if part)
