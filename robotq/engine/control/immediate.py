"""Commands that act at once, outside the queue: queries, answers, signals."""

# ruff: noqa: ARG002 - every handler gets the order and the actor, whether it needs both or not

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from robotq.catalog import Kind
from robotq.engine.commit.commit import Commit
from robotq.engine.control.reloading import Reloading
from robotq.engine.control.robot_control import RobotControl
from robotq.engine.intake.read_command import Order
from robotq.engine.reads import Reads
from robotq.engine.robot.roster import Roster
from robotq.engine.settings import Settings
from robotq.engine.waiting.fitting import Fitting
from robotq.model.clock import WallClock
from robotq.model.errors import ConfigError, RobotqError
from robotq.model.event import Event
from robotq.model.json.safe import plain
from robotq.model.task import Task
from robotq.store.port import TaskQuery

Handler = Callable[[Order, str], Awaitable[dict[str, Any]]]


class Arming:
    """START_WORKING and STOP_WORKING. Where the site demands it, commands are taken only after the
    first of them was sent. Not kept over a restart: somebody has to be there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._working = False

    @property
    def armed(self) -> bool:
        return self.is_armed()

    def is_armed(self) -> bool:
        return self._working or not self._settings.config.require_start_working

    def arm(self, armed: bool) -> None:
        self._working = armed


class Immediate:
    """Serves immediate commands. They are no tasks and in no count, and hold nothing up."""

    def __init__(
        self,
        *,
        roster: Roster,
        control: RobotControl,
        reloading: Reloading,
        arming: Arming,
        reads: Reads,
        fitting: Fitting,
        commit: Commit,
        clock: WallClock,
    ) -> None:
        self._roster = roster
        self._control = control
        self._reloading = reloading
        self._arming = arming
        self._reads = reads
        self._fitting = fitting
        self._commit = commit
        self._clock = clock
        self._handlers: dict[str, Handler] = {
            "driver": self._driver,
            "answer": self._answer,
            "answer_any": self._answer_any,
            "start_working": self._start_working,
            "stop_working": self._stop_working,
            "reset_system": self._reset_system,
            "task_state": self._task_state,
            "hold_motion": self._hold_motion,
            "resume_motion": self._resume_motion,
        }

    @property
    def handlers(self) -> frozenset[str]:
        """Every name that may stand as `handler` of an immediate command."""
        return frozenset(self._handlers)

    async def serve(self, order: Order, *, actor: str) -> dict[str, Any]:
        """Carry out an immediate command; returns its result.

        Raises RobotqError robot_busy, robot_disconnected, device_error, no_question,
        bad_parameter, task_not_found, robot_cannot, store_unavailable.
        """
        result = await self._handlers[order.spec.handler](order, actor)
        if order.spec.kind is Kind.CONTROL:
            await self._commit.note(
                Event(
                    kind="command.control",
                    at_ms=self._clock.now_ms(),
                    actor=actor,
                    robot=order.robot,
                    data={
                        "cmd_type": order.command.cmd_type,
                        "cmd_id": order.command.cmd_id,
                        "params": order.command.params,
                    },
                )
            )
        return result

    async def _driver(self, order: Order, actor: str) -> dict[str, Any]:
        robot = self._roster.robot(order.robot)
        if order.spec.kind is not Kind.QUERY:
            robot.require_nobody_at_hand()
        result = plain(await robot.immediate(order.command))
        if robot.capabilities.simulated:
            result["simulated"] = True
        return result

    async def _answer(self, order: Order, actor: str) -> dict[str, Any]:
        """The answer to a question that names this command."""
        return await self._answer_question(order, actor, order.command.cmd_type)

    async def _answer_any(self, order: Order, actor: str) -> dict[str, Any]:
        """The answer to whatever is asked."""
        return await self._answer_question(order, actor, None)

    async def _answer_question(
        self, order: Order, actor: str, answered_by: str | None
    ) -> dict[str, Any]:
        cmd_type = order.command.cmd_type
        robots = self._roster.values()
        asking = [robot for robot in robots if robot.executor.asks_for(answered_by)]
        if order.robot_named:
            asking = [robot for robot in asking if robot.name == order.robot]
        if not asking:
            raise RobotqError("no_question", reason=f"No command waits for {cmd_type}.")
        if len(asking) > 1:
            names = ", ".join(robot.name for robot in asking)
            raise RobotqError(
                "bad_parameter", field="params.robot_id", reason=f"several robots ask: {names}"
            )
        executor = asking[0].executor
        task = executor.running
        if task is None:
            raise RobotqError("no_question", reason=f"No command waits for {cmd_type}.")
        params = _object(order)
        value = {key: item for key, item in params.items() if key != "robot_id"}
        await executor.answer(task.id, value, actor=actor)
        return {"answered_task_id": task.id}

    async def _start_working(self, order: Order, actor: str) -> dict[str, Any]:
        self._arming.arm(True)
        return {"armed": True}

    async def _stop_working(self, order: Order, actor: str) -> dict[str, Any]:
        """Disarm and stop the robot; its queue is paused."""
        self._arming.arm(False)
        await self._control.stop(order.robot, actor=actor, reason="STOP_WORKING")
        return {"armed": self._arming.armed, "paused": True}

    async def _reset_system(self, order: Order, actor: str) -> dict[str, Any]:
        """Back to idle: disarmed where the site arms, and the configuration read again."""
        self._arming.arm(False)
        if self._reloading.possible:
            try:
                await self._reloading.from_source(actor)
            except ConfigError as error:
                raise RobotqError(
                    "bad_parameter", field="configuration", reason=str(error)
                ) from error
        misfits = self._fitting.misfits().number
        return {
            "armed": self._arming.armed,
            "reloaded": self._reloading.possible,
            **({"does_not_fit": misfits} if misfits else {}),
        }

    async def _task_state(self, order: Order, actor: str) -> dict[str, Any]:
        """The newest command with the client's own id."""
        cmd_id = _object(order).get("target_cmd_id")
        tasks = await self._reads.tasks(TaskQuery(cmd_id=cmd_id, limit=1))
        if not tasks:
            raise RobotqError("task_not_found", task_id=str(cmd_id))
        task = await self._reads.task(tasks[0].id)
        return {
            "target_cmd_id": cmd_id,
            "task_id": task.id,
            "state": task.state.value,
            "current_step": _current_step(task),
            "progress": task.progress,
        }

    async def _hold_motion(self, order: Order, actor: str) -> dict[str, Any]:
        await self._control.hold_motion(order.robot, actor=actor)
        return {"held": True}

    async def _resume_motion(self, order: Order, actor: str) -> dict[str, Any]:
        await self._control.resume_motion(order.robot, actor=actor)
        return {"held": False}


def _object(order: Order) -> Mapping[str, Any]:
    """The params of a command that takes no list."""
    params = order.command.params
    if not isinstance(params, dict):
        raise RobotqError("bad_parameter", field="params", reason="expected an object")
    return params


def _current_step(task: Task) -> str | None:
    running = [step.name for step in task.steps if step.duration_s is None]
    return running[-1] if running else None
