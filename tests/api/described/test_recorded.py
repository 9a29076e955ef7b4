"""Clients read what was always there: the answers of every route, field for field."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from robotq.api.http.routes import JSON_TYPE
from robotq.api.interfaces import INTERFACES
from robotq.api.root import ROBOT
from robotq.catalog import Catalog
from tests.api.recorded import answers_of, with_approval, written
from tests.api.stories import STORIES

_ELSEWHERE = {
    "GET /openapi.json": "tests/api/described/test_description.py",
    "POST /reload": "tests/api/described/test_service.py",
    "POST /dashboard/session": "needs a key: tests/web",
    "GET /dashboard/picture": "the lab is long, and the driver's own",
    "POST /task/{task_id}/rerun": "of G-code: tests/drivers/gcode/stops/test_from_line.py",
    "POST /robots/{robot_id}/raw": "of G-code: tests/drivers/gcode/links/test_raw_line.py",
    "POST /resources/{resource}/release": "needs a robot that is gone: tests/client/test_absent.py",
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return with_approval(tmp_path_factory.mktemp("specs"))


@pytest.mark.parametrize("name", STORIES)
async def test_answers__have_what_they_had_and_leave_out_what_they_left_out(
    name: str, tmp_path: Path, catalog: Catalog
) -> None:
    story, prefix = STORIES[name]
    now = await answers_of(story, prefix, tmp_path, catalog)
    before = await asyncio.to_thread(written, name)
    assert [one["asked"] for one in now] == [one["asked"] for one in before]
    for was, is_now in zip(before, now, strict=True):
        assert is_now == was


def test_answers__of_every_route_are_recorded() -> None:
    found = {
        (prefix, *one["asked"].partition("?")[0].split(" ", 1))
        for name, (_, prefix) in STORIES.items()
        for one in written(name)
        if one["status"] < 300
    }
    missing = [
        f"{route.method} {interface.prefix}{route.path}"
        for interface in (ROBOT, *INTERFACES)
        for route in interface.routes
        if f"{route.method} {route.path}" not in _ELSEWHERE
        and route.response is not None
        and route.media_type == JSON_TYPE
        and not route.websocket
        and not any(
            method == route.method
            and prefix == interface.prefix
            and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path)
            for prefix, method, path in found
        )
    ]
    assert missing == []
