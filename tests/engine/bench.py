"""A robot for engine tests that does what its command's params say, and keeps a log of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from robotq.catalog import Catalog, CommandSpec, Kind
from robotq.config import Config, RobotConfig
from robotq.drivers.base import (
    Busy,
    Capabilities,
    CommandContext,
    Driver,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.model.json import JsonObject
from robotq.model.task import Command

CATALOG = Catalog(
    [
        CommandSpec(cmd_type="WORK", timeout_s=100.0),
        CommandSpec(
            cmd_type="GO",
            schema={
                "type": "object",
                "required": ["place"],
                "properties": {"place": {"type": "string"}},
            },
            resources=("{place}",),
        ),
        CommandSpec(cmd_type="MEASURE", idempotent=True),
        CommandSpec(cmd_type="MANUAL_STEP", handler="manual_step"),
        CommandSpec(cmd_type="ASK_STATE", kind=Kind.QUERY),
        CommandSpec(cmd_type="ENTER", kind=Kind.INPUT, handler="answer"),
        CommandSpec(cmd_type="START_WORKING", kind=Kind.CONTROL, handler="start_working"),
        CommandSpec(cmd_type="STOP_WORKING", kind=Kind.CONTROL, handler="stop_working"),
        CommandSpec(cmd_type="RESET_SYSTEM", kind=Kind.CONTROL, handler="reset_system"),
        CommandSpec(cmd_type="HOLD", kind=Kind.CONTROL, handler="hold_motion"),
        CommandSpec(cmd_type="RESUME", kind=Kind.CONTROL, handler="resume_motion"),
        CommandSpec(cmd_type="GET_TASK_STATE", kind=Kind.QUERY, handler="task_state"),
    ]
)


def bench_config(*robots: str, **changes: Any) -> Config:
    """A configuration of bench robots; `changes` go over it."""
    names = robots or ("robot_a",)
    given: dict[str, Any] = {
        "robots": {name: RobotConfig(driver="bench", reconnect_s=0.01) for name in names},
        "resources": {"bench": ["BENCH_LEFT", "BENCH_RIGHT"]},
        **changes,
    }
    return Config(**given)


class BenchDriver:
    """Carries out params: `take_s`, `fail`, `raise`, `lose_link`, `ask`, `place`, `gate`, ..."""

    capabilities = Capabilities(
        simulated=True,
        stop_out_of_band=True,
        position_survives_stop=True,
        immediate_while_busy=True,
        can_hold=True,
    )

    def __init__(self, setup: DriverSetup) -> None:
        self.robot = setup.robot
        self.clock = setup.clock
        self.link_changed = setup.link_changed
        self.done: list[str] = []
        """`cmd_id` of every command that was begun, in order."""
        self.begun: list[tuple[str, int]] = []
        """Task and attempt of each of them."""
        self.at_once = 0
        self.most_at_once = 0
        self.gate = threading.Event()
        """Commands with `gate` wait in wall time until this is set, and hear no stop there."""
        self.at_gate = False
        self.hooks: dict[str, Callable[[], object]] = {}
        """Called first in the method of this name, on its thread; may raise."""
        self.kept: list[str] = []
        """The names that artifacts got."""
        self.gives: JsonObject = {}
        """More of each result."""
        self.reachable = True
        self.estops = 0
        self.in_motion = False
        """From now on the clock waits for it."""
        self.place: str | None = None
        self.position_known = True
        self._stopping = False
        self._latched = False
        self._held = False
        self.held_because = ""
        self._closed = False

    def connect(self) -> None:
        self._hook("connect")
        if not self.reachable:
            raise LinkLost("no power")

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        self._stopping = False
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._work(command, context)
        finally:
            self._hook("execute_ends")
            self.at_once -= 1

    def _work(self, command: Command, context: CommandContext) -> JsonObject:
        params: Mapping[str, Any] = command.params
        if self._latched:
            raise Stopped
        self.done.append(str(command.cmd_id))
        self.begun.append((context.task_id, context.attempt))
        with context.step("WORKING", cmd_id=command.cmd_id):
            if "place" in params:
                context.moved_to(None)
                context.moved_to(params["place"])
                self.place = params["place"]
            self._sleep(float(params.get("take_s", 1.0)))
            if "gate" in params:
                self.at_gate = True
                assert self.gate.wait(10)
                self.at_gate = False
            if "report" in params:
                context.partial(**params["report"])
            for keep in params.get("keep", ()):
                name = context.artifact(
                    keep["name"],
                    keep.get("media_type", "image/png"),
                    keep.get("text", "a picture").encode(),
                    needed=keep.get("needed", False),
                )
                self.kept.append(name)
            if "gate_after" in params:
                self.at_gate = True
                assert self.gate.wait(10)
                self.at_gate = False
            if "report_odd" in params:
                context.partial(spot=complex(1, 2), count=2**80)
            for number in range(params.get("steps", 0)):
                with context.step(f"STEP_{number}"):
                    context.progress(number / params["steps"])
            self._fail(params)
            answer = {}
            if "ask" in params:
                answer = dict(
                    context.ask(
                        params["ask"],
                        {"type": "object", "required": ["id"]},
                        float(params.get("wait_s", 5.0)),
                        answered_by="ENTER",
                    )
                )
        context.progress(1.0)
        if "leave" in params:
            context.moved_to(None)
        if "end_at" in params:
            context.moved_to(params["end_at"])
        return {"worked": True, **self.gives, **answer}

    def _fail(self, params: Mapping[str, Any]) -> None:
        if "fail" in params:
            raise DriverError(params["fail"], code=params.get("code", "device_error"))
        if "raise" in params:
            raise ValueError(params["raise"])
        if "exit" in params:
            raise SystemExit(params["exit"])
        if "unknown" in params:
            raise UnknownCommand("no such thing")
        if "lose_link" in params:
            self.reachable = False
            raise LinkLost(params["lose_link"])
        if "uncertain" in params:
            raise UncertainOutcome(params["uncertain"], "seen by the bench")
        if "stop_there" in params:
            raise Stopped

    def _hook(self, method: str) -> None:
        self.hooks.get(method, lambda: None)()

    def _sleep(self, seconds: float) -> None:
        def interrupted() -> bool:
            return self._stopping or self._latched or self._closed

        if seconds:
            with self.clock.moving():
                self.in_motion = True
                self.clock.sleep(seconds, interrupted)
            self.in_motion = False
        if self._held and not self.clock.wait_outside(lambda: not self._held or interrupted(), 10):
            raise Stopped
        if interrupted():
            raise Stopped

    def immediate(self, command: Command) -> JsonObject:
        self._hook("immediate")
        if command.params.get("busy"):
            raise Busy("in motion")
        return {"battery": 0.9}

    def hold(self) -> None:
        self._hook("hold")
        self._held = True

    def pauses(self, because: str = "") -> None:
        """The robot holds its motion by itself, or goes on again."""
        self._held, self.held_because = bool(because), because
        self.clock.notify()

    def resume(self) -> None:
        self._hook("resume")
        self._held, self.held_because = False, ""
        self.clock.notify()

    def stop(self) -> None:
        self._hook("stop")
        self._stopping = True
        self._held, self.held_because = False, ""
        self.clock.notify()

    def emergency_stop(self) -> None:
        self._hook("emergency_stop")
        self.estops += 1
        self._latched = True
        self._held = False
        self.clock.notify()

    def reset(self) -> None:
        self._hook("reset")
        self._latched = False

    def status(self) -> DriverStatus:
        self._hook("status")
        link = LinkState.CONNECTED if self.reachable else LinkState.DISCONNECTED
        return DriverStatus(
            link=link,
            held=self._held,
            held_because=self.held_because,
            position_known=self.position_known,
            place=self.place,
        )

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        return lambda: None

    def close(self) -> None:
        self._hook("close")
        self._closed = True

    def let_go(self) -> None:
        """Let a command that ignores its stop come back."""
        self._closed = True
        self.gate.set()
        self.clock.notify()


def bench_factory(
    drivers: dict[str, BenchDriver], made: Callable[[DriverSetup], BenchDriver] = BenchDriver
) -> Callable[[DriverSetup], Driver]:
    """A factory that also keeps its drivers, by robot; `made` makes each."""

    def make(setup: DriverSetup) -> Driver:
        driver = drivers[setup.robot] = made(setup)
        return driver

    return make
