"""Every interface describes itself: GET /openapi.json and GET /docs, also on its own port."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import OpenAPIV31SpecValidator

from robotq.api.access.keys import KeyFile
from robotq.api.app import Site
from robotq.api.http.interface import Interface
from robotq.api.interfaces import INTERFACES
from robotq.api.openapi import described
from robotq.api.openapi.described import document_of
from robotq.api.root import ROBOT
from robotq.workers import Workers
from tests.api.lab import Lab

ALL = (ROBOT, *INTERFACES)


def name_of(interface: Interface) -> str:
    return interface.name


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("interface", ALL, ids=name_of)
async def test_document__is_accepted_by_the_validator_of_the_standard(
    lab_at_work: Lab, interface: Interface
) -> None:
    answer = await lab_at_work.client.get(f"{interface.prefix}/openapi.json")
    document = await answer.json()
    faults = await asyncio.to_thread(lambda: [*OpenAPIV31SpecValidator(document).iter_errors()])
    assert faults == []
    assert document["servers"][0]["url"] == "."
    assert document["x-prefix"] == interface.prefix
    told = {(method.upper(), path) for path, each in document["paths"].items() for method in each}
    routes = [route for route in interface.routes if not route.websocket]
    assert told == {(route.method, route.path) for route in routes}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("interface", ALL, ids=name_of)
async def test_document__names_all_five_where_they_stand(
    lab_at_work: Lab, interface: Interface
) -> None:
    document = await (await lab_at_work.client.get(f"{interface.prefix}/openapi.json")).json()
    told = {one["name"]: one["prefix"] for one in document["x-interfaces"]}
    assert told == {
        "robot": "",
        "task_queue": "/apis/task-queue",
        "orchestrator": "/apis/orchestrator",
        "checklist": "/apis/checklist",
        "dispatcher": "/apis/dispatcher",
    }


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("interface", ALL, ids=name_of)
async def test_page__is_served_with_its_parts_below_the_prefix(
    lab_at_work: Lab, interface: Interface
) -> None:
    page = await lab_at_work.client.get(f"{interface.prefix}/docs")
    assert (page.status, page.content_type) == (200, "text/html")
    parts = re.findall(r'(?:src|href)="(docs/[\w.-]+)"', await page.text())
    assert len(parts) == 4
    for part in parts:
        assert (await lab_at_work.client.get(f"{interface.prefix}/{part}")).status == 200


@pytest.mark.parametrize("interface", INTERFACES, ids=name_of)
async def test_own_port__shows_its_interface_and_no_other(lab: Lab, interface: Interface) -> None:
    keys = await asyncio.to_thread(KeyFile, lab.engine.config.data)
    app = Site(lab.engine, Workers(lab.engine), keys=keys).own(interface)
    async with TestClient(TestServer(app, access_log=None)) as client:
        document = await (await client.get("/openapi.json")).json()
        assert document["info"]["title"] == interface.about.title
        assert (document["servers"][0]["url"], document["x-prefix"]) == (".", "")
        assert document["x-interfaces"] == [{"name": interface.name, "prefix": ""}]
        assert (await client.get("/docs")).status == 200


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("interface", ALL, ids=name_of)
async def test_document__is_in_chinese_for_who_asks_so_and_has_every_summary(
    lab_at_work: Lab, interface: Interface
) -> None:
    address = f"{interface.prefix}/openapi.json"
    plain = await (await lab_at_work.client.get(address)).json()
    answer = await lab_at_work.client.get(address, headers={"Accept-Language": "zh-CN"})
    assert answer.headers["Vary"] == "Accept-Language"
    told = await answer.json()
    chinese = re.compile("[\u4e00-\u9fff]")
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            for said in ("summary", "description"):
                assert chinese.search(operation[said]), (path, method, operation[said])
                assert not chinese.search(plain["paths"][path][method][said])
    # also of every field of what they take and give
    assert [text for text in _said(told) if not chinese.search(text)] == []
    assert [text for text in _said(plain) if chinese.search(text)] == []
    # only words are others: the shapes, the names and the examples are the same
    assert told["components"].keys() == plain["components"].keys()
    assert told["paths"].keys() == plain["paths"].keys()
    assert chinese.search(told["info"]["summary"])


def _said(value: Any) -> Iterator[str]:
    """Every summary and description."""
    if isinstance(value, list):
        for each in value:
            yield from _said(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in ("summary", "description") and isinstance(each, str):
                yield each
            else:
                yield from _said(each)


def test_translations__are_all_of_something_that_is_said() -> None:
    """What nobody says any more, or says in other words, has to go."""
    said = {text for interface in ALL for text in _said(document_of(interface, {}))}
    folder = Path(described.__file__).parent
    kept = set(orjson.loads((folder / "zh_fields.json").read_bytes()))
    assert kept - said == set()
