"""GET /openapi.json and GET /docs: the interface as programs and people read it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import orjson
import pytest

from robotq.api.openapi.names import operation_id
from robotq.api.openapi.spec import document
from robotq.api.robot.description import site_schemas
from robotq.api.root import ROUTES
from robotq.catalog import Catalog, CommandSpec
from robotq.model.errors import ERROR_CODES
from tests.api.lab import Lab
from tests.slices import each


@pytest.fixture(scope="module")
def described(catalog: Catalog) -> dict[str, Any]:
    made = document(
        ROUTES,
        info={"title": "robotq", "version": "0"},
        schemas=site_schemas(catalog, ("robot_a", "robot_b"), batch=3),
    )
    read: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return read


def schema_of(described: Mapping[str, Any], name: str) -> jsonschema_rs.Draft202012Validator:
    """A validator of one of the document's schemas."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return jsonschema_rs.Draft202012Validator(whole)


def test_document__tells_everything_that_the_table_says(described: dict[str, Any]) -> None:
    for route in (route for route in ROUTES if not route.websocket):
        operation = described["paths"][route.path][route.method.lower()]
        assert operation["summary"] == route.summary
        told = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert told >= set(re.findall(r"\{(\w+)\}", route.path))
        assert told >= {header.name for header in route.headers}
        assert ("requestBody" in operation) == (route.request is not None)
        for code in route.error_codes:
            row = ERROR_CODES[code]
            answer = operation["responses"][str(row.http_status)]
            if "$ref" in answer:
                answer = described["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            assert f"`{row.name}` ({row.number})" in answer["description"]


def test_document__every_route_has_a_name_of_its_own() -> None:
    names = [operation_id(route) for route in ROUTES]
    assert len(names) == len(set(names))


def test_models__have_names_of_their_own_for_programs_that_make_clients(
    described: dict[str, Any],
) -> None:
    schemas = described["components"]["schemas"]
    # such a program leaves out what has the name of another one, or is two things at once
    assert not [name for name in schemas if "__" in name]
    assert [name for name, each in schemas.items() if isinstance(each.get("type"), list)] == []
    for command, item in (("PICK_UP", ["bottle_id"]), ("PUT_TO", ["bottle_id", "release_pose"])):
        refs = [each["$ref"].rpartition("/")[2] for each in schemas[f"params.{command}"]["anyOf"]]
        assert refs == [f"params.{command}.object", f"params.{command}.array"]
        assert schemas[f"params.{command}.array"]["items"] == {
            "$ref": f"#/components/schemas/params.{command}.item"
        }
        assert schemas[f"params.{command}.item"]["required"] == item
        body = schema_of(described, f"params.{command}")
        whole = dict.fromkeys(item, "x")
        listed = schemas[f"params.{command}.object"]["required"][0]
        for right in ({listed: [whole]}, [whole], [whole, whole]):
            assert body.is_valid(right)
        wrong: list[Any] = [{}, [], {listed: []}, [{}], {listed: [{}]}, "x", None]
        assert not any(map(body.is_valid, wrong))


def test_commands__each_example_fits_what_the_document_says(
    described: dict[str, Any], catalog: Catalog
) -> None:
    body = schema_of(described, "CommandBody")
    for spec in catalog:
        assert spec.example is None or body.is_valid(spec.example), spec.cmd_type
    go_home = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
    assert body.is_valid([go_home, go_home])
    assert body.is_valid({"params": {"area": "HOME"}, "data": {"cmd_type": "NAVIGATION"}})


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"cmd_type": "FLY"},
        {"cmd_type": "NAVIGATION"},
        {"cmd_type": "NAVIGATION", "params": {"area": 7}},
        {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}, "robot_id": "robot_z"},
        {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}, "priority": 11},
        [],
        [{"cmd_type": "GET_BATTERY_STATE"}],
        [{"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}] * 4,
    ],
)
def test_commands__what_would_be_refused_does_not_fit(
    described: dict[str, Any], wrong: Any
) -> None:
    assert not schema_of(described, "CommandBody").is_valid(wrong)


def test_commands__of_a_site_keep_their_own_names_and_references() -> None:
    size = {"$defs": {"size": {"enum": [1, 2]}}, "properties": {"n": {"$ref": "#/$defs/size"}}}
    catalog = Catalog([CommandSpec(cmd_type="清洗", schema=size)])
    made = document(ROUTES, info={}, schemas=site_schemas(catalog, ("arm",), batch=9))
    body = schema_of(made, "CommandBody")
    assert body.is_valid({"cmd_type": "清洗", "params": {"n": 2}})
    assert not body.is_valid({"cmd_type": "清洗", "params": {"n": 3}})


@pytest.mark.slow
async def test_openapi__is_made_once_and_again_after_a_reload(lab: Lab) -> None:
    first = await lab.get("/openapi.json")
    assert first.status == 200
    assert (await lab.get("/openapi.json")).text == first.text
    engine = lab.engine
    more = [*engine.catalog, CommandSpec(cmd_type="RINSE")]
    catalog = Catalog(more)
    reloaded = await asyncio.to_thread(engine.prepare_reload, engine.config, catalog)
    await engine.reload(reloaded, actor="me")
    again = await lab.get("/openapi.json")
    assert "command.RINSE" not in first["components"]["schemas"]
    assert "command.RINSE" in again["components"]["schemas"]


class _Links(HTMLParser):
    """What a page loads, and what is written into it."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []
        self.inline: list[str] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        given = dict(attrs)
        if tag in ("script", "link"):
            self.files += [given.get("src") or given.get("href") or ""]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style") and data.strip():
            self.inline.append(data)


async def test_page__loads_nothing_from_elsewhere_and_runs_nothing_inline(lab: Lab) -> None:
    page = await lab.get("/docs")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    links = _Links()
    links.feed(page.text)
    assert links.inline == []
    for file in links.files:
        if file != "data:,":
            part = await lab.get(f"/{file}")
            assert part.status == 200
            if "swagger-ui" in file:
                # its links lead to its makers, and the policy lets none of them be loaded
                continue
            assert not re.search(r"https?://|@import|url\(", part.text)
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b", part.text)


@each(
    "file",
    ["docs.html", "table.py", "..%2fapp.py", "docs.css%00", "swagger-ui%2fLICENSE", "README"],
)
async def test_page__gives_out_its_own_parts_only(lab: Lab, file: str) -> None:
    answer = await lab.get(f"/docs/{file}")
    assert (answer.status, answer["error_code"]) == (404, "not_found")
