"""A PLC and its machine, written without a look at the driver: what an integrator's program does,
scan by scan. The judge is what the machine has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["pulse", "request", "numbered"]
OK, FAILED, STOPPED = 1, 17, 9


@dataclass
class Job:
    """What the machine was made to do."""

    number: int
    goal: int
    ended: str = ""
    """ok, failed, stopped, lost (the PLC was restarted), or empty while it moves."""


@dataclass
class ModelPlc:
    """`scan` is called with the time that has passed."""

    kind: Kind
    move_s: float = 1.0
    goal_s: float = 0.0
    """Seconds besides, for every one of the goal."""
    accept_after_s: float = 0.05
    machine_fails: bool = False
    done_stuck: bool = False
    done_s: float | None = None
    """Seconds for which done is high, also where start has fallen before: a PLC whose start is a
    pulse of a fixed length."""
    tells_no_bad_end: bool = False
    """Its program writes the number to done at a good end only."""
    waits_for_zero: float | None = None
    """Its program takes a number only after it has seen 0, for so many seconds, and has answered
    that with a done of 0."""
    deaf: bool = False
    """The stop bit is wired to nothing."""
    dog_s: float | None = None
    """Seconds without a change of the watchdog bit after which it stops its machine."""
    boot: int = 1
    jobs: list[Job] = field(default_factory=list)
    nodes: dict[str, Any] = field(default_factory=dict)
    _job: Job | None = None
    _left_s: float = 0.0
    _since_s: float = 0.0
    _last: Any = False
    _answered: bool = False
    _zero_s: float = 0.0
    _done_for_s: float = 0.0
    _dog: Any = False
    _quiet_s: float = 0.0

    def __post_init__(self) -> None:
        self.restart(self.boot)

    def restart(self, boot: int) -> None:
        """Everything is forgotten, and the machine stands."""
        if self._job is not None:
            self._job.ended = "lost"
        self._job = None
        self._answered = False
        zero: Any = 0 if self.kind == "numbered" else False
        self._last = zero
        self.nodes = {
            "start": zero, "accepted": zero, "done": zero, "goal": 0, "weight": 0, "outcome": 0,
            "stop": False, "stopped": False, "alarm": 0, "boot": boot,
            "heartbeat": 0, "watchdog": False,
        }  # fmt: skip
        self.boot = boot

    @property
    def moves(self) -> bool:
        return self._job is not None

    def scan(self, passed_s: float) -> None:
        n = self.nodes
        n["heartbeat"] = (n["heartbeat"] + 1) % 1_000
        if self.waits_for_zero is not None:
            self._wait_for_zero(self.waits_for_zero, passed_s)
        self._begin()
        self._watch(passed_s)
        if self._job is not None:
            self._go_on(self._job, passed_s)
        n["stopped"] = bool(n["stop"]) and self._job is None
        if self.done_s is not None:
            self._done_for_s += passed_s
            n["done"] = n["done"] and self._done_for_s < self.done_s
            n["accepted"] = n["accepted"] and bool(n["start"])
        elif self.kind != "numbered" and not n["start"]:
            n["done"], n["accepted"] = self.done_stuck, False
        if self.done_stuck and self.kind != "numbered":
            n["done"] = True

    def _wait_for_zero(self, seen_s: float, passed_s: float) -> None:
        n = self.nodes
        self._zero_s = self._zero_s + passed_s if n["start"] == 0 else 0.0
        if self._answered and self._zero_s > seen_s:
            self._answered, n["done"], n["accepted"] = False, 0, 0

    def _begin(self) -> None:
        n = self.nodes
        if self._answered or (self.waits_for_zero is not None and not n["start"]):
            self._last = n["start"]
            return
        asked = n["start"] != self._last if self.kind == "numbered" else n["start"] > self._last
        self._last = n["start"]
        if not asked or self._job is not None:
            return
        number = int(n["start"]) if self.kind == "numbered" else 0
        if n["stop"] or n["alarm"]:
            self._answered = self.waits_for_zero is not None
            if self.kind == "numbered" and not self.tells_no_bad_end:
                n["outcome"], n["done"] = STOPPED, number
            return
        self._job = Job(number, int(n["goal"]))
        self.jobs.append(self._job)
        self._left_s = self.move_s + self.goal_s * self._job.goal
        self._since_s = 0.0

    def _watch(self, passed_s: float) -> None:
        self._quiet_s = 0.0 if self.nodes["watchdog"] != self._dog else self._quiet_s + passed_s
        self._dog = self.nodes["watchdog"]
        if self._job is not None and self.dog_s is not None and self._quiet_s > self.dog_s:
            self._end(self._job, "stopped", STOPPED)

    def _go_on(self, job: Job, passed_s: float) -> None:
        n = self.nodes
        self._since_s += passed_s
        self._left_s -= passed_s
        if self._since_s >= self.accept_after_s:
            n["accepted"] = job.number or True
        if n["stop"] and not self.deaf:
            self._end(job, "stopped", STOPPED)
        elif n["alarm"]:
            self._end(job, "failed", FAILED)
        elif self._left_s <= 0:
            if self.machine_fails:
                n["alarm"] = 4
            self._end(job, *(("failed", FAILED) if self.machine_fails else ("ok", OK)))

    def _end(self, job: Job, how: str, outcome: int) -> None:
        """What belongs to the end stands there before done does."""
        self._job, job.ended = None, how
        self._answered = self.waits_for_zero is not None
        self.nodes["weight"] = job.goal * 10 if how == "ok" else -1
        self.nodes["outcome"] = outcome
        self._done_for_s = 0.0
        if how == "ok" or (self.kind == "numbered" and not self.tells_no_bad_end):
            self.nodes["done"] = job.number or True

    def told(self) -> Mapping[str, Any]:
        return dict(self.nodes)
