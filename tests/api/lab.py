"""A daemon's application over a simulated lab, and a client that checks what is documented."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from robotq.api.access.keys import KeyFile
from robotq.api.app import make_app
from robotq.api.http.routes import COMMON_ERRORS, Route
from robotq.api.root import ROUTES
from robotq.catalog import Catalog
from robotq.config import Config
from robotq.drivers import simulator
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.model.clock import WallClock
from robotq.model.errors import ERROR_CODES
from robotq.store.memory import MemoryStore
from robotq.store.port import Store

from . import shapes

SCAN = {
    "header": {"seq": 206, "stamp": {"secs": 1698000050, "nsecs": 234567}, "frame_id": "camera"},
    "cmd_id": "SCAN_QRCODE_001",
    "cmd_type": "SCAN_QRCODE",
    "params": {"run_times": "continue", "robot_id": "robot_a", "timeout": 60.0},
    "extra": {},
}
GO_HOME = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
"""Done at once: the robots stand there from the start."""
PICK_UP_NOTHING = {
    "cmd_type": "PICK_UP",
    "params": {"target_params": [{"bottle_id": "bottle_of_another_lab"}]},
}
"""Fails, because there is no such bottle."""
BY_HAND = {"cmd_type": "MANUAL_STEP", "params": {"title": "Open the door"}}
"""Runs until somebody answers it."""

_PATTERNS = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), route) for route in ROUTES]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return orjson.loads(self.text)

    def __getitem__(self, key: str) -> Any:
        return self.body[key]


class Lab:
    """What a test talks to. Every answer is checked against the route table: the shape of a
    success, the form and the code of an error."""

    def __init__(self, engine: Engine, client: TestClient[web.Request, web.Application]) -> None:
        self.engine = engine
        self.client = client

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        path_only = path.partition("?")[0]
        if path_only.endswith(("/resume", "/reset")) and (
            body is None or (isinstance(body, dict) and "holds" not in body)
        ):
            # a person at the lab names what they see
            robot = (body or {}).get("robot_id") or path.partition("robot_id=")[2] or None
            if path_only.startswith("/robots/"):
                robot = path.split("/")[2]
            action = path_only.rpartition("/")[2]
            if path_only.startswith("/robots/") and action == "resume":
                action = "resume_motion"
            headers = how.get("headers")
            seen = (await self.ask("GET", "/queue/status", headers=headers)).body.get("holds", ())
            named = [
                hold["id"]
                for hold in seen
                if hold["clear"]["action"] == action and robot in (None, hold["robot_id"])
            ]
            body = {**(body or {}), **({"holds": named} if named else {})}
        if body is not None:
            how["data"] = orjson.dumps(body) if isinstance(body, dict | list) else body
        return await self.ask("POST", path, **how)

    async def ask(self, method: str, path: str, **how: Any) -> Answer:
        async with self.client.request(method, path, **how) as response:
            answer = Answer(response.status, response.headers, await response.text())
        if method != "HEAD" and "json" in answer.headers.get("Content-Type", ""):
            _check(method, path, answer)
        return answer

    async def submit(self, command: Mapping[str, Any] = GO_HOME, **how: Any) -> str:
        answer = await self.post("/", command, **how)
        assert answer.status == 200, answer.text
        task_id: str = answer["task_id"]
        return task_id

    async def task(self, task_id: str, wait_s: float = 0) -> dict[str, Any]:
        answer = await self.get(f"/task/{task_id}" + (f"?wait={wait_s:g}" if wait_s else ""))
        assert answer.status == 200, answer.text
        task: dict[str, Any] = answer.body
        return task

    async def ended(self, task_id: str) -> dict[str, Any]:
        task = await self.task(task_id, 10)
        assert task["status"] in ("completed", "failed"), task
        return task

    async def asking(self, robot: str = "robot_a") -> str:
        """Have a robot run a command that waits for a person; the robot is busy from now on."""
        with self.engine.reads.subscribe() as events:
            task_id = await self.submit({**BY_HAND, "robot_id": robot})
            async with asyncio.timeout(10):
                async for event in events:
                    if event.kind == "task.question" and event.task_id == task_id:
                        break
        return task_id

    async def facts(self) -> dict[str, Any]:
        """Everything that a refused request must leave as it is."""
        status = (await self.get("/queue/status?limit=200")).body
        return {"status": status, "last_event_id": self.engine.reads.last_event_id}


@asynccontextmanager
async def running_lab(
    config: Config,
    catalog: Catalog,
    clock: WallClock | None = None,
    store: Store | None = None,
    keys_check_s: float = 1.0,
) -> AsyncIterator[Lab]:
    """A lab whose robots stand at HOME, in simulated time that jumps."""
    engine = await start_engine(
        config, catalog, store or MemoryStore(), {"simulator": simulator.create}, clock=clock
    )
    keys = await asyncio.to_thread(KeyFile, config.data, check_s=keys_check_s)
    app = make_app(engine, keys=keys)
    try:
        async with asyncio.timeout(10):
            # the first link is no event
            while engine.holds.all():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        async with TestClient(TestServer(app, access_log=None)) as client:
            yield Lab(engine, client)
    finally:
        await engine.shut_down()


def route_of(method: str, path: str) -> Route | None:
    wanted = "GET" if method == "HEAD" else method
    plain = path.partition("?")[0]
    for pattern, route in _PATTERNS:
        if route.method == wanted and pattern.fullmatch(plain):
            return route
    return None


def _check(method: str, path: str, answer: Answer) -> None:
    route = route_of(method, path)
    body = answer.body
    if answer.status != 200 and body.get("success") is False and "error_code" in body:
        row = ERROR_CODES[body["error_code"]]
        assert (body["code"], answer.status) == (row.number, row.http_status)
        assert body["message"]
        # what no route takes may be turned off
        known = (*COMMON_ERRORS, "turned_off") if route is None else route.error_codes
        assert row.name in known, f"{method} {path}: {row.name}"
    elif route is not None and answer.status != 200:
        shapes.check(body, route.answers[answer.status])
    elif route is not None and route.response is not None:
        shapes.check(body, route.response, *route.responses)
