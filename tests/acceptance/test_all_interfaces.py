"""All five interfaces at once: twenty who submit and twenty who work on each, for a minute, with
a restart in the middle."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from robotq.testing.process import DaemonProcess

EACH = 20
SECONDS = 60.0
RESTART_AFTER_S = 20.0
PAUSE_S = 0.25
"""Between two submits of one client: this is about what is right, and not how much."""

TASK_QUEUE = "/apis/task-queue/api"
ORCHESTRATOR = "/apis/orchestrator/api/v1"
CHECKLIST = "/apis/checklist/api/v1"
DISPATCHER = "/apis/dispatcher"


class Floor:
    """What clients and workers did, as they saw it themselves."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.url = url
        self.client = client
        self.submitting = True
        self.working = True
        self.accepted: dict[str, set[str]] = {}
        """Interface -> tasks that were accepted."""
        self.claims: Counter[tuple[str, str, Any]] = Counter()
        """(interface, task, token) -> how often it was handed out."""
        self.finished: dict[str, set[str]] = {}
        """Interface -> tasks whose result was taken."""
        self.problems: list[str] = []

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Status and answer; 0 where there is none, as while the daemon starts again."""
        try:
            async with self.client.request(
                method, self.url + path, json=body, params=query
            ) as answer:
                return answer.status, await answer.json()
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            await asyncio.sleep(0.2)
            return 0, {}

    async def submitter(self, api: str, path: str, body: Any, id_of: Callable[[Any], str]) -> None:
        while self.submitting:
            status, answer = await self.ask("POST", path, body)
            if status in (200, 201):
                self.accepted.setdefault(api, set()).add(id_of(answer))
            elif status not in (0, 503):
                self.problems.append(f"{api}: submit answered {status} {answer}")
            await asyncio.sleep(PAUSE_S)

    async def poller(
        self,
        api: str,
        claim: Callable[[], Awaitable[tuple[str, Any] | None]],
        finish: Callable[[str, Any], Awaitable[int]],
    ) -> None:
        """A worker that asks, and repeats a result until somebody has answered it."""
        while self.working:
            got = await claim()
            if got is None:
                await asyncio.sleep(0.1)
                continue
            task_id, token = got
            self.claims[api, task_id, token] += 1
            status = await finish(task_id, token)
            while status == 0:
                await asyncio.sleep(0.1)
                status = await finish(task_id, token)
            # 409: the same result was taken before, and only its answer was lost
            if status in (200, 409):
                self.finished.setdefault(api, set()).add(task_id)
            else:
                self.problems.append(f"{api}: a result answered {status}")


async def task_queue_worker(floor: Floor, name: str) -> None:
    async def claim() -> tuple[str, Any] | None:
        status, answer = await floor.ask("POST", f"{TASK_QUEUE}/tasks/next", {"worker_id": name})
        task = answer["task"] if status == 200 else None
        return None if task is None else (task["id"], task["lease"]["token"])

    async def finish(task_id: str, token: Any) -> int:
        body = {"worker_id": name, "lease_token": token, "data": {"by": name}}
        return (await floor.ask("POST", f"{TASK_QUEUE}/tasks/{task_id}/result", body))[0]

    await floor.poller("task_queue", claim, finish)


async def orchestrator_worker(floor: Floor, name: str) -> None:
    async def claim() -> tuple[str, Any] | None:
        query = {"work_path": "/srv/work", "worker_id": name}
        status, answer = await floor.ask("GET", f"{ORCHESTRATOR}/tasks/next", **query)
        task = answer["data"] if status == 200 else None
        return None if task is None else (task["task_id"], None)

    async def finish(task_id: str, _token: Any) -> int:
        body = {"worker_id": name, "result": {"output": name}}
        return (await floor.ask("POST", f"{ORCHESTRATOR}/tasks/{task_id}/complete", body))[0]

    await floor.poller("orchestrator", claim, finish)


async def checklist_person(floor: Floor, number: int) -> None:
    """Ticks what is there; two may tick the same, which is one tick."""
    while floor.working:
        query = {"status": "pending", "limit": "20"}
        status, answer = await floor.ask("GET", f"{CHECKLIST}/tasks", **query)
        items = answer.get("items", []) if status == 200 else []
        for item in items[number % 3 :: 3]:
            body = {"status": "completed"}
            status, _ = await floor.ask("PUT", f"{CHECKLIST}/tasks/{item['id']}", body)
            if status == 200:
                floor.finished.setdefault("checklist", set()).add(item["id"])
            elif status != 0:
                floor.problems.append(f"checklist: a tick answered {status}")
        await asyncio.sleep(0.1)


async def dispatcher_worker(floor: Floor, number: int) -> None:
    """Connects again whenever the connection has ended."""
    while floor.working:
        try:
            async with floor.client.ws_connect(f"{floor.url}{DISPATCHER}/ws") as socket:
                await socket.send_json({"type": "ready"})
                async for message in socket:
                    said = message.json()
                    if said["type"] == "task":
                        task_id = said["taskId"]
                        floor.claims["dispatcher", task_id, None] += 1
                        done = {"type": "task_complete", "taskId": task_id, "result": number}
                        await socket.send_json(done)
        except (aiohttp.ClientError, ConnectionError):
            await asyncio.sleep(0.2)


async def restart(daemon: DaemonProcess) -> None:
    """As a power cut would."""
    await asyncio.sleep(RESTART_AFTER_S)
    await asyncio.to_thread(daemon.kill)
    assert await asyncio.to_thread(daemon.start)


def everybody(floor: Floor) -> tuple[list[Awaitable[None]], list[Awaitable[None]]]:
    """Those who submit, and those who work."""
    go = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
    job = {"task_type": "ping"}
    prompt = {"work_directory": "/srv/work", "prompt": "do it"}
    item = {"session_id": str(uuid.uuid4()), "title": "look at it"}
    call = {"data": {"n": 1}, "async": True}
    submitters: list[Awaitable[None]] = []
    workers: list[Awaitable[None]] = []
    for number in range(EACH):
        submitters += [
            floor.submitter("robot", "/", go, lambda a: a["task_id"]),
            floor.submitter("task_queue", f"{TASK_QUEUE}/tasks", job, lambda a: a["task_id"]),
            floor.submitter(
                "orchestrator", f"{ORCHESTRATOR}/tasks", prompt, lambda a: a["data"]["task_id"]
            ),
            floor.submitter("checklist", f"{CHECKLIST}/tasks", item, lambda a: a["id"]),
            floor.submitter("dispatcher", f"{DISPATCHER}/api/openai", call, lambda a: a["taskId"]),
        ]
        workers += [
            task_queue_worker(floor, f"poller-{number}"),
            orchestrator_worker(floor, f"agent-{number}"),
            checklist_person(floor, number),
            dispatcher_worker(floor, number),
        ]
    return submitters, workers


async def state_of(floor: Floor, task_id: str) -> str:
    """As the robot interface, which reads all, shows it."""
    status, task = await floor.ask("GET", f"/task/{task_id}")
    return str(task["state"]) if status == 200 else f"answered {status}"


async def all_ended(floor: Floor, patience_s: float) -> dict[str, Counter[str]]:
    """Interface -> states of everything that was accepted, as soon as all of it has ended, or
    nothing more has for `patience_s`: a busy machine takes its time."""
    states: dict[str, Counter[str]] = {
        api: Counter() for api in floor.accepted if api != "checklist"
    }
    left = [(api, task_id) for api in states for task_id in sorted(floor.accepted[api])]
    since = time.monotonic()
    while True:
        found = []
        for first in range(0, len(left), EACH):
            some = left[first : first + EACH]
            found += await asyncio.gather(*(state_of(floor, task_id) for _, task_id in some))
        open_ = []
        for (api, task_id), state in zip(left, found, strict=True):
            if state in ("completed", "failed", "cancelled"):
                states[api][state] += 1
            else:
                open_.append((api, task_id, state))
        if len(open_) < len(left):
            since = time.monotonic()
        if not open_ or time.monotonic() - since > patience_s:
            for api, _, state in open_:
                states[api][state] += 1
            return states
        left = [(api, task_id) for api, task_id, _ in open_]
        await asyncio.sleep(0.5)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_all_interfaces__a_minute_of_everybody_and_a_crash_lose_nothing(
    tmp_path: Path,
) -> None:
    # what was handed out right at the crash, so that nobody has heard of it, is offered again soon
    leases = {
        "ROBOTQ_INTERFACES__TASK_QUEUE__LEASE_S": "20",
        "ROBOTQ_INTERFACES__ORCHESTRATOR__TASK_TIMEOUT_S": "20",
    }
    daemon = DaemonProcess(tmp_path / "data", time_scale=0, environ=leases)
    assert await asyncio.to_thread(daemon.start)
    # the same port again, as after a real restart
    daemon.keep_port()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=30)
    async with (
        AsyncExitStack() as at_last,
        aiohttp.ClientSession(connector=connector, timeout=timeout) as client,
    ):
        at_last.callback(daemon.kill)
        floor = Floor(daemon.url, client)
        submitters, workers = everybody(floor)
        submitting = [asyncio.ensure_future(one) for one in submitters]
        working = [asyncio.ensure_future(one) for one in workers]
        crash = asyncio.create_task(restart(daemon))
        await asyncio.sleep(SECONDS)
        await crash
        floor.submitting = False
        await asyncio.gather(*submitting)
        # a command that the crash has cut holds its robot until a person has looked
        await settle_robots(floor)
        states = await all_ended(floor, 60)
        await ticked(floor, 60)
        floor.working = False
        for one in working:
            one.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await judge(floor, states)
        await asyncio.to_thread(daemon.terminate)


async def settle_robots(floor: Floor) -> None:
    _, status = await floor.ask("GET", "/queue/status")
    for hold in status["holds"]:
        if hold["code"] == "outcome_unknown":
            body = {"outcome": "completed"}
            await floor.ask("POST", f"/task/{hold['task_id']}/resolve", body)
    _, status = await floor.ask("GET", "/queue/status", limit="0")
    named = [hold["id"] for hold in status["holds"] if hold["clear"]["action"] == "resume"]
    if named:
        code, answer = await floor.ask("POST", "/queue/resume", {"holds": named})
        assert code == 200, answer


async def ticked(floor: Floor, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        query = {"status": "pending", "limit": "1"}
        status, answer = await floor.ask("GET", f"{CHECKLIST}/tasks", **query)
        if status == 200 and not answer["items"]:
            return
        await asyncio.sleep(0.5)


async def judge(floor: Floor, states: dict[str, Counter[str]]) -> None:
    assert floor.problems == []
    assert set(floor.accepted) == {
        "robot",
        "task_queue",
        "orchestrator",
        "checklist",
        "dispatcher",
    }
    # nothing lost: everything that was accepted has ended, and in the way that its interface says
    for api in ("task_queue", "orchestrator"):
        assert set(states[api]) == {"completed"}, (api, states[api])
    assert set(states["robot"]) <= {"completed", "failed"}
    assert states["robot"]["failed"] <= 2, "only what ran at the crash is not known"
    assert set(states["dispatcher"]) <= {"completed", "failed"}
    # no task under two valid leases
    doubled = {
        claim: times for claim, times in floor.claims.items() if times > 1 and claim[2] is not None
    }
    assert doubled == {}
    # a tick whose answer died in the crash has been told to nobody, and counts all the same
    for item in floor.accepted["checklist"] - floor.finished["checklist"]:
        _, found = await floor.ask("GET", f"{CHECKLIST}/tasks/{item}")
        assert found["status"] == "completed", found
    # counters add up with what the clients were told
    _, stats = await floor.ask("GET", f"{ORCHESTRATOR}/statistics")
    overview = stats["data"]["overview"]
    assert overview["total_tasks"] >= len(floor.accepted["orchestrator"])
    assert overview["total_tasks"] == sum(stats["data"]["status_distribution"].values())
    assert overview["total_tasks"] == sum(stats["data"]["priority_distribution"].values())
    _, queue = await floor.ask("GET", f"{TASK_QUEUE}/stats")
    assert queue["completed_tasks"] >= len(floor.accepted["task_queue"])
    assert queue["pending_tasks"] == 0
    _, status = await floor.ask("GET", "/queue/status", limit=0)
    assert status["total_tasks"] == sum(
        status[name]
        for name in ("queue_size", "completed_tasks", "failed_tasks", "cancelled_tasks")
    )
