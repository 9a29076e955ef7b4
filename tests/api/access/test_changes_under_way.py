"""Keys, networks and pages change while requests are on their way: what is decided after the change
is decided by the new verdict, on every route and in every state that a request can be in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import ClientError, WSMsgType
from aiohttp.test_utils import TestServer

from robotq.api.access.keys import KeyFile
from robotq.api.access.scopes import Scope, allows
from robotq.api.context import UNDER_WAY
from robotq.api.http.routes import Route
from tests.api.access.test_every_caller import ROUTES
from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, Lab
from tests.api.raw_lines import Line, edit_scopes, hang_up
from tests.slices import some

PAGE = "https://lims.example"
LESS = "worker:nobody"
"""The scope that is left of a key, enough for what any key may do and for nothing else."""
POLLS = {
    ("GET", "/task/x"),
    ("GET", "/apis/task-queue/api/tasks/next"),
    ("POST", "/apis/task-queue/api/tasks/next"),
    ("GET", "/apis/orchestrator/api/v1/tasks/next"),
}


@dataclass(frozen=True)
class Way:
    """A way in, and how it is lost."""

    lose: Callable[[Lab, Path], None]
    """Runs off the loop; of configurations see `reload`."""
    config: Mapping[str, object] = field(default_factory=dict)
    reload: Mapping[str, object] = field(default_factory=dict)
    scope: str = "admin"
    left: tuple[str, ...] | None = None
    """The scopes that are left; None: nobody comes in any more."""
    page: bool = False

    def through(self, route: Route) -> bool:
        """Whether this route lets the caller in after the change."""
        if self.page:
            return False
        if route.scope is Scope.OPEN:
            return True
        return self.left is not None and allows(self.left, route.scope)


def _revoke(_lab: Lab, folder: Path) -> None:
    KeyFile(folder).revoke("only")


def _delete(_lab: Lab, folder: Path) -> None:
    (folder / "keys.yaml").unlink()


def _reduce(_lab: Lab, folder: Path) -> None:
    edit_scopes(folder, "only", LESS)


def _nothing(_lab: Lab, _folder: Path) -> None:
    """The configuration is what changes."""


WAYS = {
    "revoked": Way(_revoke),
    "reduced": Way(_reduce, left=(LESS,)),
    "deleted": Way(_delete),
    "network": Way(
        _nothing,
        config={"trusted_networks": ["127.0.0.0/8"]},
        reload={"trusted_networks": ()},
    ),
    "page": Way(
        _nothing, config={"allowed_origins": [PAGE]}, reload={"allowed_origins": []}, page=True
    ),
}
EACH_WAY = pytest.mark.parametrize(
    "way", [pytest.param(way, id=name) for name, way in WAYS.items()]
)
FEW_WAYS = pytest.mark.parametrize("way", some(WAYS.values(), 2), ids=WAYS)


@dataclass
class Scene:
    lab: Lab
    headers: dict[str, str]
    way: Way
    folder: Path

    async def change(self) -> None:
        """By another process, or by a reload; the daemon has taken it over when this returns."""
        await asyncio.to_thread(self.way.lose, self.lab, self.folder)
        settings = self.lab.engine._parts.base.settings
        if self.way.reload:
            settings.put(replace(settings.config, **self.way.reload))  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            while await self.let_in():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def let_in(self) -> bool:
        """Whether somebody comes in who comes now."""
        answer = await self.lab.ask("POST", "/reload", headers=self.headers)
        return answer.status not in (401, 403)

    @property
    def waiting(self) -> int:
        assert isinstance(self.lab.client.server, TestServer)
        return len(self.lab.client.server.app[UNDER_WAY])


@pytest.fixture
async def scene(start_lab: StartLab, tmp_path: Path, way: Way) -> AsyncIterator[Scene]:
    headers = {"Origin": PAGE} if way.page else {}
    if not way.page:
        keys = await asyncio.to_thread(KeyFile, tmp_path)
        text = await asyncio.to_thread(keys.new, "only", [way.scope])
        if not way.reload:
            headers = {"Authorization": f"Bearer {text}"}
    lab = await start_lab(keys_check_s=0.005, **way.config)
    await lab.ask("POST", "/queue/pause", headers=headers)
    yield Scene(lab, headers, way, tmp_path)
    await hang_up()


@FEW_WAYS
async def test_body__that_arrives_after_the_change_is_taken_by_the_new_verdict(
    scene: Scene,
) -> None:
    """Each route that changes something: half of the body is there, the other half comes later."""
    lines: list[tuple[Route, str, Line]] = []
    for path, route in ROUTES:
        if route.method != "GET":
            line = await Line.open(scene.lab)
            line.head(route.method, path, scene.headers, 2)
            line.send(b"{")
            lines.append((route, path, line))
    early = await asyncio.gather(*(line.status(0.5) for *_, line in lines))
    waiting = [one for one, status in zip(lines, early, strict=True) if status is None]
    assert len(waiting) > len(lines) / 2, "most routes read their body before they decide"
    assert scene.waiting >= len(waiting)
    await scene.change()
    wrong = []
    for route, path, line in waiting:
        line.send(b"}")
        status = await line.status()
        through = status not in (0, 401, 403)
        if through is not scene.way.through(route) and not _decided_later(route, status):
            wrong.append((route.method, path, status))
    assert not wrong


def _decided_later(route: Route, status: int | None) -> bool:
    """The body says of which queue: let in by the guard, refused behind it."""
    return status == 403 and route.scope == Scope.WORKER


@pytest.mark.slow
@EACH_WAY
async def test_keep_alive__each_request_after_the_change_is_asked_anew(scene: Scene) -> None:
    """On connections that were let in, every route but those that never end."""
    lines = []
    for path, route in ROUTES:
        if not route.stream and not route.websocket and not (scene.way.page and not route.changes):
            line = await Line.open(scene.lab)
            line.head("GET", "/health", scene.headers, 0)
            assert await line.whole() == 200
            lines.append((route, path, line))
    await scene.change()
    wrong = []
    for route, path, line in lines:
        line.head(route.method, path, scene.headers, 2 if route.method != "GET" else 0)
        line.send(b"{}" if route.method != "GET" else b"")
        status = await line.status()
        through = status not in (0, 401, 403)
        if through is not scene.way.through(route) and not _decided_later(route, status):
            wrong.append((route.method, path, status))
    assert not wrong


def test_polls__are_all_that_can_wait() -> None:
    """What the next test has to try: a route that learns to wait comes into its list."""
    found = {
        (route.method, path)
        for path, route in ROUTES
        if route.query is not None and "wait" in route.query.model_fields
    }
    assert found == POLLS


@pytest.mark.parametrize(
    "way", [pytest.param(way, id=name) for name, way in WAYS.items() if not way.page]
)
async def test_waiting__for_something_to_happen_ends_or_goes_on_by_the_new_verdict(
    scene: Scene,
) -> None:
    """Long polls, submits that wait, streams, sockets. Whoever is out gets no task by them."""
    lab, headers = scene.lab, scene.headers
    task = (await lab.ask("POST", "/", json=GO_HOME, headers=headers))["task_id"]
    client = lab.client
    asked = [
        client.get(f"/task/{task}?wait=30", headers=headers),
        client.get("/apis/task-queue/api/tasks/next?wait=30", headers=headers),
        client.post("/apis/task-queue/api/tasks/next?wait=30", headers=headers),
        client.get("/apis/orchestrator/api/v1/tasks/next?work_path=/x&wait=30", headers=headers),
        client.post("/workers/w/next", json={"queue": "task_queue", "wait_s": 30}, headers=headers),
        client.post("/", json=GO_HOME, headers={**headers, "Prefer": "wait=30"}),
    ]
    before = scene.waiting
    polls = [asyncio.ensure_future(one) for one in asked]
    events = await client.get("/events", headers=headers)
    socket = await client.ws_connect("/apis/dispatcher/ws?group=g", headers=headers)
    assert (await socket.receive_json())["type"] == "connected"
    async with asyncio.timeout(10):
        while scene.waiting < before + len(polls) + 2:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await scene.change()
        for poll in polls:
            with pytest.raises(ClientError):
                await poll
        with pytest.raises(ClientError):
            await events.read()
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        while scene.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    assert lab.engine.reads.unfinished == 2, "what was accepted stays accepted"


async def test_page__that_is_taken_from_the_list_reads_no_answer_and_loses_its_socket(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(allowed_origins=[PAGE])
    task = (await lab.post("/", {**BY_HAND, "robot_id": "robot_a"}))["task_id"]
    headers = {"Origin": PAGE}
    events = await lab.client.get("/events", headers=headers)
    socket = await lab.client.ws_connect("/apis/dispatcher/ws?group=g", headers=headers)
    assert (await socket.receive_json())["type"] == "connected"
    poll = asyncio.create_task(lab.client.get(f"/task/{task}?wait=30", headers=headers))
    assert isinstance(lab.client.server, TestServer)
    under_way = lab.client.server.app[UNDER_WAY]
    async with asyncio.timeout(10):
        while len(under_way) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        settings = lab.engine._parts.base.settings
        settings.put(replace(settings.config, allowed_origins=[]))
        with pytest.raises(ClientError):
            await events.read()
        assert (await socket.receive()).type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        await lab.post(f"/task/{task}/cancel")
        answer = await poll
    assert answer.status == 200, "who no longer is a page of ours is a caller all the same"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.fixture
async def mes(start_lab: StartLab, tmp_path: Path) -> AsyncIterator[Mes]:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    everything = ("submit", "control", "worker:task_queue", "worker:orchestrator")
    text = await asyncio.to_thread(keys.new, "mes", everything)
    boss = await asyncio.to_thread(keys.new, "boss", ["admin"])
    yield Mes(
        await start_lab(keys_check_s=0.005),
        tmp_path,
        {"Authorization": f"Bearer {text}"},
        {"Authorization": f"Bearer {boss}"},
    )
    await hang_up()


@dataclass
class Mes:
    """A program with a key that may do much, and a person who takes some of it away."""

    lab: Lab
    folder: Path
    headers: dict[str, str]
    boss: dict[str, str]

    async def half(self, path: str, body: bytes) -> Line:
        line = await Line.open(self.lab)
        line.head("POST", path, self.headers, len(body))
        line.send(body[:-1])
        assert await line.status(0.1) is None
        return line

    async def left(self, *scopes: str) -> None:
        await asyncio.to_thread(edit_scopes, self.folder, "mes", *scopes)
        probe = "/queue/pause" if "control" not in scopes else "/workers/w/next"
        body = {} if "control" not in scopes else {"queue": "orchestrator", "wait_s": 0}
        async with asyncio.timeout(10):
            while await self._allowed(probe, body):  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def _allowed(self, path: str, body: object) -> bool:
        try:
            answer = await self.lab.ask("POST", path, json=body, headers=self.headers)
        except ClientError:
            # it was on its way, too
            return True
        return answer.status != 403


async def test_scope__of_a_signal_whose_body_is_not_whole_is_that_of_now(mes: Mes) -> None:
    """The route asks for submit; that the command is a signal is known when its body is."""
    line = await mes.half("/", b'{"cmd_type": "STOP_WORKING"}')
    await mes.left("submit")
    line.send(b"}")
    assert await line.status() == 403
    assert mes.lab.engine.armed


async def test_scope__of_a_queue_that_the_body_names_is_that_of_now(mes: Mes) -> None:
    line = await mes.half("/workers/w/next", b'{"queue": "orchestrator"}')
    await mes.left("control", "worker:task_queue")
    line.send(b"}")
    assert await line.status() == 403


async def test_scope__a_worker_that_waits_gets_no_task_of_a_queue_that_was_taken_from_it(
    mes: Mes,
) -> None:
    """The queue was asked of the handler when the wait began, and not of the guard."""
    body = {"queue": "orchestrator", "wait_s": 30}
    lab = mes.lab
    asked = lab.client.post("/workers/w/next", json=body, headers=mes.headers)
    waiting = asyncio.ensure_future(asked)
    async with asyncio.timeout(10):
        while not lab.engine.reads.worker_queues["orchestrator"].idle(""):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    await mes.left("control", "worker:task_queue")
    with pytest.raises(ClientError):
        await waiting


async def test_agent__a_key_that_becomes_one_agrees_to_nothing_any_more(mes: Mes) -> None:
    """What only a person decides was asked before the body was there."""
    line = await mes.half("/task/x/approve", b"{}")
    await mes.left("control", "agent")
    line.send(b"}")
    assert await line.status() in (0, 403)


async def test_key__that_loses_nothing_goes_on(mes: Mes) -> None:
    """Another key comes and goes; nobody else notices."""
    line = await mes.half("/", b'{"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}')
    keys = await asyncio.to_thread(KeyFile, mes.folder)
    text = await asyncio.to_thread(keys.new, "guest", ["read"])
    guest = {"Authorization": f"Bearer {text}"}
    async with asyncio.timeout(10):
        while (await mes.lab.get("/queue/status", headers=guest)).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    line.send(b"}")
    assert await line.status() == 200
