"""An interface that is read when somebody asks for it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from robotq.api.http.later import Later
from tests.api.conftest import StartLab

_WHOSE = web.AppKey("whose", str)


class Made:
    """What is behind the prefix `/far`, with a door that a test opens."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.begun = threading.Event()
        self.door = threading.Event()
        self.broken = False

    def __call__(self) -> web.Application:
        self.threads.append(threading.get_ident())
        self.begun.set()
        assert self.door.wait(10)
        if self.broken:
            raise ImportError("half an update")
        app = web.Application()
        app[_WHOSE] = "its own"
        app.router.add_get("/far/{place}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text=f"{request.match_info['place']}, {request.app[_WHOSE]}")


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
async def client(made: Made) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app.router.register_resource(Later("/far", made))
    app.router.add_get("/near", _near)
    return TestClient(TestServer(app))


async def _near(_request: web.Request) -> web.Response:
    return web.Response(text="near")


async def test_later__nobody_waits_for_it_but_those_who_ask_for_it(
    made: Made, client: TestClient[web.Request, web.Application]
) -> None:
    async with client:
        assert made.threads == []
        asking = [asyncio.create_task(_text(client, f"/far/{n}")) for n in range(3)]
        assert await asyncio.to_thread(made.begun.wait, 10)
        assert await _text(client, "/near") == "near"
        made.door.set()
        assert await asyncio.gather(*asking) == [f"{n}, its own" for n in range(3)]
    # once for all, and not on the thread of the event loop
    assert len(made.threads) == 1
    assert threading.get_ident() not in made.threads


async def test_later__who_gives_up_takes_it_from_nobody(
    made: Made, client: TestClient[web.Request, web.Application]
) -> None:
    async with client:
        first = asyncio.create_task(_text(client, "/far/away"))
        assert await asyncio.to_thread(made.begun.wait, 10)
        second = asyncio.create_task(_text(client, "/far/here"))
        first.cancel()
        await asyncio.wait([first])
        made.door.set()
        assert await second == "here, its own"
    assert len(made.threads) == 1


async def test_later__what_could_not_be_read_is_tried_again(
    made: Made, client: TestClient[web.Request, web.Application]
) -> None:
    made.door.set()
    made.broken = True
    async with client:
        async with client.get("/far/away") as answer:
            assert answer.status == 500
        made.broken = False
        assert await _text(client, "/far/away") == "away, its own"


async def _text(client: TestClient[web.Request, web.Application], path: str) -> str:
    async with client.get(path) as answer:
        return await answer.text()


async def test_what_is_turned_off__says_what_to_set(start_lab: StartLab) -> None:
    lab = await start_lab(interfaces__checklist__enabled=False)
    for path, setting in (
        ("/apis/checklist/api/v1/tasks", "interfaces.checklist.enabled"),
        ("/fleet", "fleet.dsn and fleet.name"),
        ("/fleet/stops/stop_1/reset", "fleet.dsn and fleet.name"),
    ):
        answer = await lab.get(path)
        assert (answer.status, answer["error_code"]) == (404, "turned_off")
        assert setting in answer["message"]
    answer = await lab.get("/fleets")
    assert (answer.status, answer["error_code"]) == (404, "not_found")
