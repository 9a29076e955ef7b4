"""What people do to a daemon while it works: submit, look, answer, cancel, pause, stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, TypeAlias

from robotq.model.crashpoints import CrashPoint

from .http import Client
from .ledger import Control, Ledger, Submission, now_ms
from .mix import ROBOTS, Mix

_SUBMITTERS = 6
_LOOK_S = 0.03
_DISK_S = 0.1
"""Wall seconds until somebody asks again a daemon whose disk may fail."""
_RESETS = 50
"""After so many the queues stay held, and the judge finds them stuck."""
_UNFINISHED = "pending,running"

Act: TypeAlias = Callable[[], Awaitable[None]]


_LATCH = (
    CrashPoint.LATCH,
    CrashPoint.LATCH_WRITTEN,
    CrashPoint.LATCH_IN_PLACE,
    CrashPoint.LATCHED,
    CrashPoint.UNLATCH,
    CrashPoint.UNLATCH_REMOVED,
    CrashPoint.UNLATCHED,
)


class People:
    """Everybody who speaks to one life of the daemon. Each method may raise Gone."""

    def __init__(self, client: Client, ledger: Ledger, mix: Mix, random: Random) -> None:
        self._client = client
        self._ledger = ledger
        self._mix = mix
        self._random = random

    # -- submitting --------------------------------------------------------------------------

    async def submit(self, submission: Submission) -> None:
        if submission not in self._ledger.submissions:
            self._ledger.submissions.append(submission)
        bodies = [item.body() for item in submission.items]
        path = "/"
        if submission.contiguous is not None:
            path = f"/?contiguous={str(submission.contiguous).lower()}"
        status, answer = await self._client.post(
            path, bodies if submission.batch else bodies[0], key=submission.key
        )
        if status != 200:
            self._refused(f"submit of {submission.items[0].cmd_id}", status, answer)
            return
        task_ids = answer["task_ids"] if submission.batch else [answer["task_id"]]
        self._ledger.accepted(submission, tuple(task_ids))

    async def fill(self, commands: int) -> None:
        """Submit so many commands from several clients at once; some requests twice at once."""
        waiting = self._mix.submissions(commands)
        twice = [one for one in waiting if one.key is not None and self._random.random() < 0.2]
        waiting = sorted(waiting + twice, key=waiting.index)

        async def submitter() -> None:
            while waiting:
                await self.submit(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(_SUBMITTERS):
                group.create_task(submitter())

    async def repeat_lost(self) -> None:
        """Send again what got no answer, and some of what did, where the key allows it."""
        for submission in list(self._ledger.submissions):
            if submission.key is None:
                continue
            if not submission.answered or self._random.random() < 0.1:
                await self.submit(submission)

    # -- looking -----------------------------------------------------------------------------

    async def tasks(self, query: str = "") -> list[dict[str, Any]]:
        """All tasks of a query, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            asked_ms = now_ms()
            _, page = await self._client.get(f"/tasks?limit=500{query}{cursor}")
            found += page["tasks"]
            for line in page["tasks"]:
                self._ledger.saw(line["task_id"], line["state"], asked_ms)
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def task(self, task_id: str, wait_s: int = 0) -> dict[str, Any]:
        """A task, or the error that is answered for it."""
        asked_ms = now_ms()
        _, task = await self._client.get(f"/task/{task_id}?wait={wait_s}")
        if "state" in task:
            self._ledger.saw(task_id, task["state"], asked_ms)
        assert isinstance(task, dict)
        return task

    async def wait_for_ends(self) -> None:
        """Wait for the ends of single tasks, as the documented clients do."""
        while True:
            waiting = [task for task in self._ledger.known_ms if task not in self._ledger.endings]
            if waiting:
                await self.task(self._random.choice(waiting), wait_s=1)
            await asyncio.sleep(_LOOK_S)

    async def status(self) -> dict[str, Any]:
        _, status = await self._client.get("/queue/status?limit=4")
        assert isinstance(status, dict)
        return status

    async def watch(self) -> None:
        """Poll, and answer what is asked."""
        while True:
            await self.answer_all()
            unfinished = await self.tasks(f"&state={_UNFINISHED}")
            if unfinished:
                await self.task(self._random.choice(unfinished)["task_id"])
            await asyncio.sleep(_LOOK_S)

    async def listen(self) -> None:
        """Hear the stream of events."""
        async for event in self._client.events():
            self._ledger.heard(event["id"], (event["kind"], event["task_id"], event["after"]))

    # -- deciding ----------------------------------------------------------------------------

    async def resolve_all(self) -> None:
        """Say how every unknown outcome ended."""
        for hold in (await self.status())["holds"]:
            if hold["code"] == "outcome_unknown":
                await self._resolve(hold["clear"]["path"], hold["task_id"])

    async def _resolve(self, path: str, task_id: str) -> None:
        outcome = self._random.choice(("completed", "failed", "retry"))
        status, answer = await self._client.post(path, {"outcome": outcome, "note": "seen"})
        if status != 200:
            self._refused(f"resolve of {task_id}", status, answer)
            return
        self._ledger.resolutions[task_id] = outcome
        if outcome == "retry":
            self._ledger.repeats(answer["task"]["retried_as"], task_id)

    async def answer_all(self) -> None:
        """Answer the questions that running steps ask."""
        for line in await self.tasks("&state=running"):
            if line["cmd_type"] == "MANUAL_STEP":
                await self._client.post(f"/task/{line['task_id']}/input", {"note": "done"})

    async def control(self, action: str, robots: Sequence[str] = ROBOTS) -> None:
        """pause, resume, estop or reset; the first two for one robot or for all."""
        control = Control(action=action, robots=tuple(robots), sent_ms=now_ms())
        self._ledger.controls.append(control)
        path = {"estop": "/estop", "reset": "/estop/reset"}.get(action, f"/queue/{action}")
        body = {"robot_id": robots[0]} if len(robots) == 1 else {}
        status, answer = await self._client.post(path, body)
        if status == 200:
            control.answered_ms = now_ms()
            control.recorded = answer.get("recorded", True)
        # somebody else's hold may have come since they looked
        elif not (action in ("reset", "resume") and status == 409):
            self._refused(action, status, answer)

    async def clear_up(self) -> None:
        """Bring everything back to work, as people do after a crash."""
        for _ in range(_RESETS):
            _, estop = await self._client.get("/estop")
            if not estop["latched"]:
                break
            # refused while the command that was stopped comes to its end
            await self.control("reset")
            if self._client.disk_fails:
                await asyncio.sleep(_DISK_S)
        await self.resolve_all()
        await self.control("resume")

    # -- interfering -------------------------------------------------------------------------

    async def cancel_one(self, states: str = "pending") -> None:
        tasks = await self.tasks(f"&state={states}")
        if not tasks:
            return
        task_id = self._random.choice(tasks)["task_id"]
        asked_ms = now_ms()
        status, answer = await self._client.post(f"/task/{task_id}/cancel")
        if status == 200:
            self._ledger.saw(task_id, answer["task"]["state"], asked_ms)
        elif status != 409:
            self._refused(f"cancel of {task_id}", status, answer)

    async def retry_one(self) -> None:
        ended = [task_id for task_id, state in self._ledger.endings.items() if state == "failed"]
        if not ended:
            return
        task_id = self._random.choice(ended)
        status, answer = await self._client.post(f"/task/{task_id}/retry")
        if status == 200:
            self._ledger.repeats(answer["task_id"], task_id)
        elif status != 409:
            self._refused(f"retry of {task_id}", status, answer)

    async def pause_and_resume(self) -> None:
        robots = self._random.choice((ROBOTS, ROBOTS[:1], ROBOTS[1:]))
        await self.control("pause", robots)
        await asyncio.sleep(self._random.uniform(0, 0.02))
        await self.control("resume", robots)

    async def emergency(self) -> None:
        await self.control("estop")
        await asyncio.sleep(self._random.uniform(0, 0.05))
        await self.clear_up()

    async def ask(self) -> None:
        """Have a robot ask a question; whoever watches answers it."""
        await self.submit(self._mix.question(self._random.choice(ROBOTS)))
        await asyncio.sleep(0.05)

    async def fill_a_little(self) -> None:
        await self.fill(3)

    async def interfere(self, point: CrashPoint | None) -> None:
        """Do now and then what somebody may do, and most of the time what leads to `point`."""
        leading = self._leading_to(point)
        usual: list[tuple[Act, int]] = [
            (self.cancel_one, 4),
            (lambda: self.cancel_one("running"), 1),
            (self.retry_one, 2),
            (self.pause_and_resume, 2),
            (self.emergency, 1),
            (self.ask, 1),
            (self.fill_a_little, 4),
        ]
        while True:
            if leading is None or self._random.random() < 0.2:
                await asyncio.sleep(self._random.expovariate(1 / 0.1))
                (act,) = self._random.choices(*zip(*usual, strict=True))
                await act()
            else:
                await leading()
                await asyncio.sleep(0.01)

    def _leading_to(self, point: CrashPoint | None) -> Act | None:
        if point is None:
            return None
        others: dict[CrashPoint, Act] = {
            CrashPoint.CANCELLED: self.cancel_one,
            CrashPoint.RETRIED: self.retry_one,
            CrashPoint.RELEASED: self.pause_and_resume,
            CrashPoint.HELD: self.pause_and_resume,
            CrashPoint.RESUMED: self.pause_and_resume,
            CrashPoint.ESTOP_RECORDED: self.emergency,
            CrashPoint.ESTOP_RESET: self.emergency,
            CrashPoint.ANSWERED: self.ask,
            **dict.fromkeys(_LATCH, self.emergency),
        }
        return others.get(point, self.fill_a_little)

    def _refused(self, what: str, status: int, answer: Any) -> None:
        if not self._client.no_disk(status, answer):
            self._ledger.contradictions.append(f"{what} was refused: {status} {answer}")
