"""A client of the checklist interface that checks every answer against its table of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from robotq.api.checklist.interface import PREFIX, ROUTES
from robotq.api.http.routes import Route
from robotq.model.errors import ERROR_CODES
from robotq.wire import checklist as wire
from tests.api import shapes
from tests.api.conftest import StartLab
from tests.api.lab import Lab

SESSION = "550e8400-e29b-41d4-a716-446655440001"
OTHER_SESSION = "550e8400-e29b-41d4-a716-446655440002"
NOBODY = "00000000-0000-4000-8000-000000000000"

_PATTERNS = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), route) for route in ROUTES]
_INVALID = ("bad_json", "missing_parameter", "bad_parameter")


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


class Checklist:
    """Paths are below `/api/v1`, or from the root where they begin with two slashes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.client: TestClient[web.Request, web.Application] = lab.client

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        if body is not None:
            how["data"] = body if isinstance(body, bytes) else orjson.dumps(body)
        path = path[1:] if path.startswith("//") else f"/api/v1{path}"
        how.setdefault("allow_redirects", False)
        async with self.client.request(method, PREFIX + path, **how) as response:
            answer = Answer(response.status, response.headers, await response.text())
        check(method, path, answer)
        return answer

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        return await self.ask("POST", path, body, **how)

    async def put(self, path: str, body: Any = None, **how: Any) -> Answer:
        return await self.ask("PUT", path, body, **how)

    async def delete(self, path: str, body: Any = None, **how: Any) -> Answer:
        return await self.ask("DELETE", path, body, **how)

    async def create(self, title: str = "item", **fields: Any) -> dict[str, Any]:
        answer = await self.post("/tasks", {"title": title, **fields})
        assert answer.status == 201, answer.text
        created: dict[str, Any] = answer.body
        return created

    async def listed(self, query: str = "") -> list[str]:
        """The titles on a page."""
        answer = await self.get(f"/tasks?{query}")
        assert answer.status == 200, answer.text
        return [item["title"] for item in answer["items"]]

    async def of_step(self, task_id: str) -> dict[str, Any]:
        """The item of a step in a robot's queue."""
        items = (await self.get("/tasks")).body["items"]
        (item,) = [item for item in items if item.get("robot_task_id") == task_id]
        found: dict[str, Any] = item
        return found


def check(method: str, path: str, answer: Answer) -> None:
    """Whether an answer is one that its route describes."""
    assert re.fullmatch(r"\d+\.\d{3}", answer.headers["X-Process-Time"])
    assert answer.headers["X-Request-ID"]
    if method == "HEAD" or answer.status in (204, 307):
        assert answer.text == ""
        return
    plain = path.partition("?")[0]
    route = next((r for form, r in _PATTERNS if r.method == method and form.fullmatch(plain)), None)
    if route is not None and answer.status == route.status:
        if route.response is not None:
            shapes.check(answer.body, route.response)
        return
    assert answer.headers["Content-Type"] == "application/json"
    shapes.check(answer.body, wire.Error)
    assert answer.body["request_id"] == answer.headers["X-Request-ID"]
    assert answer.status in statuses(route)
    if answer.status == 422:
        shapes.check(answer.body, wire.Invalid)


def statuses(route: Route | None) -> set[int]:
    """The statuses of errors that a route can answer with."""
    if route is None:
        return {404, 405}
    codes = [name for name in route.error_codes if name not in _INVALID]
    return {ERROR_CODES[name].http_status for name in codes} | set(route.answers)


def is_uuid(text: str) -> bool:
    return str(UUID(text)) == text


@pytest.fixture
async def checklist(lab: Lab) -> Checklist:
    return Checklist(lab)


@pytest.fixture
async def kept_checklist(start_lab: StartLab) -> Checklist:
    """One whose data are in a database."""
    return Checklist(await start_lab(store="sqlite"))
