"""The first record: what clients asked for and what they were told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


def now_ms() -> float:
    return time.time() * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One command as a client sends it. Its `cmd_id` is never used again."""

    cmd_id: str
    cmd_type: str
    robot: str
    params: dict[str, Any]
    priority: int = 0

    def body(self) -> dict[str, Any]:
        return {
            "cmd_type": self.cmd_type,
            "cmd_id": self.cmd_id,
            "robot_id": self.robot,
            "params": self.params,
            "priority": self.priority,
        }


@dataclass(slots=True, kw_only=True)
class Submission:
    """One request to accept commands."""

    items: tuple[Item, ...]
    batch: bool
    contiguous: bool | None = None
    key: str | None = None
    task_ids: tuple[str, ...] = ()
    """What was answered; empty while nothing was."""
    answered_ms: float = 0.0

    @property
    def answered(self) -> bool:
        return bool(self.task_ids)


@dataclass(slots=True, kw_only=True)
class Control:
    """One request of the operator about queues and robots."""

    action: str
    """pause, resume, estop or reset."""
    robots: tuple[str, ...]
    sent_ms: float
    answered_ms: float | None = None
    recorded: bool = True
    """An emergency stop acts without a disk too, and then says so."""


@dataclass(slots=True)
class Ledger:
    submissions: list[Submission] = field(default_factory=list)
    endings: dict[str, str] = field(default_factory=dict)
    """Task -> the end state that somebody was told."""
    resolutions: dict[str, str] = field(default_factory=dict)
    """Task -> the outcome that was accepted."""
    again: dict[str, str] = field(default_factory=dict)
    """Task of a retry -> the task that it repeats."""
    known_ms: dict[str, float] = field(default_factory=dict)
    """Task -> since when some client knew that it was accepted."""
    events: dict[int, tuple[str, str | None, str | None]] = field(default_factory=dict)
    """Number of an event of the stream -> kind, task, state after."""
    called_in: dict[str, list[int]] = field(default_factory=dict)
    """Task -> the lives in which its webhook was acknowledged."""
    controls: list[Control] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    """Answers that no daemon should give."""
    deaths_ms: list[float] = field(default_factory=list)
    _told_ms: dict[str, float] = field(default_factory=dict)

    def accepted(self, submission: Submission, task_ids: tuple[str, ...]) -> None:
        """An answer to a submit, also a repeated one."""
        if not submission.answered:
            submission.task_ids = task_ids
            submission.answered_ms = now_ms()
        elif submission.task_ids != task_ids:
            self.contradictions.append(
                f"key {submission.key}: {submission.task_ids}, then {task_ids}"
            )
        for task_id in task_ids:
            self.known_ms.setdefault(task_id, submission.answered_ms)

    def repeats(self, task_id: str, of: str) -> None:
        self.again[task_id] = of
        self.known_ms.setdefault(task_id, now_ms())

    def saw(self, task_id: str, state: str, asked_ms: float) -> None:
        """A client that had asked at `asked_ms` was shown a task."""
        ended = self.endings.get(task_id)
        # an answer may be older than one that came back before it
        if ended is not None and ended != state and self._told_ms[task_id] < asked_ms:
            self.contradictions.append(f"{task_id}: {ended}, then {state}")
        if state in ("completed", "failed", "cancelled") and ended is None:
            self.endings[task_id] = state
            self._told_ms[task_id] = now_ms()

    def called(self, webhook_id: str, task_id: str, state: str, life: int) -> None:
        """A webhook came, and was acknowledged."""
        lives = self.called_in.setdefault(task_id, [])
        if life in lives:
            self.contradictions.append(f"webhook {webhook_id} was acknowledged and came again")
        lives.append(life)
        self.saw(task_id, state, now_ms())

    def heard(self, number: int, event: tuple[str, str | None, str | None]) -> None:
        """The stream of events told something."""
        if self.events.setdefault(number, event) != event:
            self.contradictions.append(f"event {number}: {self.events[number]}, then {event}")
