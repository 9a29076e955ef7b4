"""A gantry with a camera, by its ready configuration: from a client's request to the picture that
stays with the task."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from robotq.api.access.keys import KeyFile
from robotq.api.app import make_app
from robotq.catalog import load_catalog
from robotq.config import Config, load_config
from robotq.drivers import grbl
from robotq.drivers.scanner.camera.decode import look
from robotq.drivers.scanner.camera.options import CameraOptions
from robotq.engine.start import start_engine
from robotq.store.sqlite.store import SqliteStore
from tests.drivers.gcode.test_over_http import READY, SCAN, Site, device, plugged

from .pictures import Label, encoded, placed
from .server import CameraServer, Reply, camera_server

pytestmark = pytest.mark.wall("files and HTTP date pictures by the clock of the wall")


@pytest.fixture
def server() -> Iterator[CameraServer]:
    with camera_server() as server:
        yield server


def _config(folder: Path, url: str) -> Config:
    config = load_config(READY / "grbl-camera.yaml", {}, {"data": str(folder / "data")})
    (robot, given), *_ = config.robots.items()
    scanner = {**given.options["scanner"], "url": url, "time_header": "X-Taken",
               "region": [0, 0, 1, 1], "every_s": 0.02}  # fmt: skip
    options = {**given.options, "port": f"{folder}/tty*", "scanner": scanner}
    gantry = replace(given, options=options, on_start="resume", reconnect_s=0.05)
    return replace(config, robots={robot: gantry})


@asynccontextmanager
async def site(folder: Path, url: str) -> AsyncIterator[Site]:
    config = await asyncio.to_thread(_config, folder, url)
    catalog = await asyncio.to_thread(load_catalog, config.commands)
    store = SqliteStore(config.data)
    engine = await start_engine(config, catalog, store, {"grbl": grbl.create})
    try:
        keys = await asyncio.to_thread(KeyFile, config.data)
        app = make_app(engine, keys=keys)
        async with TestClient(TestServer(app, access_log=None)) as client:
            made = Site(engine, client)
            await made.until(lambda: not engine.holds.all())
            yield made
    finally:
        await engine.shut_down()


async def _camera(lab: Site) -> Any:
    (robot,) = (await lab.get("/robots"))["robots"]
    return robot["details"]["scanner"]


async def test_scan__gives_three_codes_and_the_picture_of_each(
    server: CameraServer, tmp_path: Path
) -> None:
    def reply(number: int, _: Mapping[str, str]) -> Reply:
        picture = placed([Label("DataMatrix", f"bottle {number}")], random.Random(number))
        return Reply(encoded(picture), headers={"X-Taken": repr(time.time())})

    server.reply = reply
    async with (
        plugged(device("grbl-gantry", tmp_path, speed=100)),
        site(tmp_path, server.url) as lab,
    ):
        await lab.do("HOME")
        async with asyncio.timeout(10):
            while not (camera := await _camera(lab))["connected"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (camera["kind"], camera["connected"], camera["dated"]) == ("camera", True, True)
        task = await lab.do("SCAN_QRCODE", run_times="continue", timeout=10)
        codes = [bottle["bottle_id"] for bottle in task["result"]["bottles"]]
        assert len(set(codes)) == 3
        assert [one["name"] for one in task["artifacts"]] == [
            "picture.png", "picture-2.png", "picture-3.png",
        ]  # fmt: skip
        for code, one in zip(codes, task["artifacts"], strict=True):
            path = f"/task/{task['task_id']}/artifacts/{one['name']}"
            async with lab._client.get(path) as response:
                data = await response.read()
            assert (len(data), sha256(data).hexdigest()) == (one["size"], one["sha256"])
            assert look(data, CameraOptions(file=Path("x"))).codes == (code,)


async def test_scan__of_an_old_picture_fails_and_says_so_in_both_languages(
    server: CameraServer, tmp_path: Path
) -> None:
    began = time.time()
    picture = encoded(placed([Label("DataMatrix", "OLD")], random.Random(1)))
    server.reply = lambda *_: Reply(picture, headers={"X-Taken": repr(began)})
    async with (
        plugged(device("grbl-gantry", tmp_path, speed=100)),
        site(tmp_path, server.url) as lab,
    ):
        await lab.do("HOME")
        task = await lab.ended(await lab.submit("SCAN_QRCODE", **SCAN["params"]))
        assert task["error_code"] == "picture_refused"
        assert "请求之前" in task["message"]
        path = f"/task/{task['task_id']}"
        async with lab._client.get(path, headers={"Accept-Language": "en"}) as response:
            assert "before it was asked for" in (await response.json())["message"]


async def test_scan__without_a_camera_is_refused_before_anything_moves(
    server: CameraServer, tmp_path: Path
) -> None:
    async with (
        plugged(device("grbl-gantry", tmp_path, speed=100)) as machine,
        site(tmp_path, server.url) as lab,
    ):
        await lab.do("HOME")
        moved = len(machine.axes.moved)
        task = await lab.ended(await lab.submit("SCAN_QRCODE", **SCAN["params"]))
        assert task["error_code"] == "scanner_absent"
        assert "状态 404" in task["message"]
        assert len(machine.axes.moved) == moved
