"""The schemas of all that routes take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from robotq.api.http.routes import Route
from robotq.api.openapi.shapes import schemas_of
from robotq.model.json import JsonObject
from robotq.wire.base import REF, Answer
from robotq.wire.service import Error


class _Names(GenerateJsonSchema):
    """Without the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's own
        return False


class Schemas:
    """Those of a table of routes; `all` has them by name."""

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
        self.all: dict[str, JsonObject] = {
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
        if camel in self.all:
            return {"$ref": REF + camel}
        return {"type": "string", "minLength": 1}

    def properties(self, schema: JsonObject) -> Mapping[str, JsonObject]:
        """The properties of an object, looked up where it is a reference."""
        name = schema.get("$ref", "").removeprefix(REF)
        found: Mapping[str, JsonObject] = self.all.get(name, schema).get("properties", {})
        return found


def of_query(model: type[BaseModel]) -> JsonObject:
    """The parameters of a query, as the properties of an object."""
    return model.model_json_schema(ref_template=REF + "{model}", schema_generator=_Names)


def _of_queries(routes: Sequence[Route]) -> Mapping[str, JsonObject]:
    """What the parameters of queries refer to."""
    found: dict[str, JsonObject] = {}
    for route in routes:
        if route.query is not None:
            found.update(of_query(route.query).get("$defs", {}))
    return found
