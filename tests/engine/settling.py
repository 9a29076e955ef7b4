"""A device that keeps its runs by their ids, also while no daemon is there, and a driver for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from robotq.drivers.base import (
    CommandContext,
    DriverError,
    DriverSetup,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
)
from robotq.drivers.settling import LeftRunning, Settled, UnsettledRun
from robotq.model.json import JsonObject
from robotq.model.task import Command

from .bench import BenchDriver


@dataclass(eq=False)
class DeviceRecord:
    """What the device has stored of one run."""

    state: str = "running"
    steps: list[str] = field(default_factory=lambda: ["WORKING"])
    progress: float = 0.0
    result: JsonObject = field(default_factory=dict)
    ask: bool = False
    answer: JsonObject | None = None


class Device:
    """The judge: `starts` holds every start that has arrived, `log` whatever was done to it."""

    def __init__(self) -> None:
        self.lives = 1
        self.boot = "boot-1"
        self.runs: dict[str, DeviceRecord] = {}
        self.starts: list[str] = []
        self.lost: list[str] = []
        """Starts that have not arrived."""
        self.log: list[str] = []
        self.refused: set[str] = set()
        self.loses_starts = False
        """The next start does not arrive."""
        self.lies: Callable[[str], Settled] | None = None
        """Answers in place of the truth."""
        self.answers = threading.Event()
        """Cleared: a question for a run is not answered."""
        self.answers.set()

    def start(self, run_id: str) -> None:
        if self.loses_starts:
            self.lost.append(run_id)
            return
        assert run_id not in self.runs, f"{run_id} was started twice"
        self.starts.append(run_id)
        self.log.append(f"start {run_id}")
        self.runs[run_id] = DeviceRecord()

    @property
    def running(self) -> DeviceRecord:
        (one,) = [run for run in self.runs.values() if run.state == "running"]
        return one

    def ends(self, state: str = "done", **result: Any) -> None:
        """The run that is under way ends at the device, whoever looks on."""
        run = self.running
        run.result, run.state = result, state

    def stop(self, how: str) -> None:
        self.log.append(how)
        for run in list(self.runs.values()):
            if run.state == "running":
                run.state = "stopped"

    def restarts(self) -> None:
        """It has forgotten all of it."""
        self.lives += 1
        self.boot = f"boot-{self.lives}"
        self.runs = {}

    def told_of(self, run_id: str) -> Settled:
        self.log.append(f"settle {run_id}")
        self.answers.wait(10)
        if self.lies is not None:
            return self.lies(run_id)
        run, known = self.runs.get(run_id), {"id": run_id, "boot": self.boot}
        if run is None:
            self.refused.add(run_id)
            return Settled.never_started(**known, cannot_start=True)
        match run.state:
            case "running":
                return Settled.running(**known)
            case "done":
                return Settled.completed(run.result, **known)
            case "stopped":
                return Settled.stopped(**known)
            case _:
                return Settled.failed("the gripper is empty", **known)


class SettlingDriver(BenchDriver):
    """Every command is a run of the device."""

    def __init__(self, setup: DriverSetup, device: Device) -> None:
        super().__init__(setup)
        self.device = device
        self.gone = ""
        """Why there is no link."""
        self._breaks = self._breaks_before = 0
        """How often it broke: in all, and before the link that is there."""
        self.late_id = False
        """The device makes the id: it is known after the start."""
        self._left = False

    # -- what a test does ----------------------------------------------------------------------

    def breaks(self, reason: str = "cable out") -> None:
        self.gone, self.reachable = reason, False
        self._breaks += 1
        self.clock.notify()
        self.link_changed(LinkState.DISCONNECTED, reason)

    def mends(self) -> None:
        self.gone, self.reachable = "", True

    # -- what the engine does ------------------------------------------------------------------

    def connect(self) -> None:
        breaks = self._breaks
        super().connect()
        self._breaks_before = breaks
        if self._latched:
            self.device.stop("estop")
        self.device.log.append("connect")

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        if self._latched:
            raise Stopped
        run_id = f"{context.task_id}.{context.attempt}"
        if not self.late_id:
            context.run_id(run_id, boot=self.device.boot, details={"cmd": command.cmd_type})
        self._hook("start")
        self.begun.append((context.task_id, context.attempt))
        self.device.start(run_id)
        if self.late_id:
            self._hook("id")
            context.run_id(run_id, boot=self.device.boot, begun=True)
        self._goes_to(command, context)
        return self._follow(run_id, context)

    def _goes_to(self, command: Command, context: CommandContext) -> None:
        if "place" in command.params:
            context.moved_to(None)
            context.moved_to(command.params["place"])
            self.place = command.params["place"]

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:
        self._hook("settle")
        answer = self.device.told_of(run.id)
        if self.gone:
            raise LinkLost(self.gone)
        return answer

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        self._hook("attach")
        self.device.log.append(f"attach {run.id}")
        self._goes_to(run.command, context)
        return self._follow(run.id, context)

    def let_go(self, limit_s: float | None = None) -> None:
        if limit_s is None:
            # the process is dead
            super().let_go()
            self.device.answers.set()
        else:
            self._left = True
        self.clock.notify()

    def _follow(self, run_id: str, context: CommandContext) -> JsonObject:
        told = 0.0
        while True:
            run = self.device.runs.get(run_id)
            if self._closed:
                return {}
            if run is None:
                raise LinkLost("the device knows nothing of it")
            step = run.steps[-1]
            with context.step(step):
                while run.steps[-1] == step:
                    if run.progress != told:
                        told = run.progress
                        context.progress(told)
                    if run.ask and run.answer is None:
                        schema = {"type": "object", "required": ["id"]}
                        run.answer = context.ask("which?", schema, 10, answered_by="ENTER")
                    if (result := self._ended(run)) is not None:
                        return result
                    self.clock.wait_outside(lambda: False, 0.002)

    def _ended(self, run: DeviceRecord) -> JsonObject | None:
        """The result of one that is done, None while it goes on."""
        if self._breaks != self._breaks_before:
            # over a broken link nobody hears how it ended
            raise LinkLost(self.gone)
        if run.state == "done":
            return run.result
        if run.state == "stopped":
            raise Stopped
        if run.state != "running":
            raise DriverError("the gripper is empty")
        if run not in tuple(self.device.runs.values()):
            raise UncertainOutcome("device_reset", "the device has started anew")
        if self._left:
            raise LeftRunning
        return {} if self._closed else None

    def stop(self) -> None:
        super().stop()
        if self.gone:
            raise LinkLost(self.gone)
        self.device.stop("stop")

    def emergency_stop(self) -> None:
        super().emergency_stop()
        if self.gone:
            raise LinkLost(self.gone)
        self.device.stop("estop")
