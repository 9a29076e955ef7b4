"""robotq is killed in mid-command, and asks the device at its next start. The device outlives it,
and what it has written down itself is the judge: nothing is begun twice, nothing is called
completed that is not, and nothing is unknown whose id was on disk and which the device remembers.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from robotq.client import Client, Task
from robotq.client.errors import ClientError
from robotq.model.json import JsonObject
from robotq.testing.process import DaemonProcess
from tests import forks

POINTS = (
    "claimed", "started", "started:2", "step_recorded", "finish", "finished",
    *(f"committed:{number}" for number in range(3, 9)),
)  # fmt: skip
"""And every second kill comes at a random moment."""


class Witness(Protocol):
    """The device's own log. A command is named by a parameter of which each has its own."""

    key: str
    """The name of that parameter."""

    def begun(self, key: Any) -> int:
        """How often it was begun."""

    def done(self, key: Any, run: str) -> bool:
        """Whether it came to a good end under this id."""

    def remembers(self, run: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task on disk."""

    state: str
    key: Any
    run: str | None


class KilledDaemon:
    """`config`: of its one robot, without what every robot here has."""

    def __init__(
        self, folder: Path, robot: str, config: Mapping[str, Any], witness: Witness
    ) -> None:
        self.robot = robot
        self.witness = witness
        self.config = folder / "site.yaml"
        whole = {"on_start": "resume", "reconnect_s": 0.1, **config}
        self.config.write_text(json.dumps({"robots": {robot: whole}}))
        self.daemon = DaemonProcess(folder / "data", config=self.config, run=forks.run)

    def client(self) -> Client:
        return Client(self.daemon.url, retry_s=5, language="en")

    def start(self, point: str | None = None) -> None:
        self.daemon.start(environ={} if point is None else {"ROBOTQ_CRASH_POINT": point})

    def connected(self, client: Client) -> None:
        until(lambda: client.robot(self.robot).connected, 30)

    def holds(self, client: Client) -> set[str]:
        return {hold.code for hold in client.queue_status(self.robot).holds}

    def rows(self) -> Mapping[str, Row]:
        found = self._read(
            "SELECT id, state, json_extract(rest, '$.params.' || ?), "
            "json_extract(rest, '$.run.id') FROM tasks ORDER BY seq",
            self.witness.key,
        )
        return {task: Row(state=state, key=key, run=run) for task, state, key, run in found}

    def settled(self) -> Mapping[str, str]:
        """Task -> what its device has said last when it was asked."""
        found = self._read(
            "SELECT task_id, json_extract(data, '$.state') FROM events "
            "WHERE kind = 'task.settled' ORDER BY id"
        )
        return dict(found)

    def _read(self, statement: str, *values: Any) -> list[Any]:
        database = sqlite3.connect(f"file:{self.daemon.data / 'robotq.db'}?mode=ro", uri=True)
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()

    def all_ended(self, client: Client, ids: Sequence[str]) -> list[Task]:
        """Whatever has an unknown outcome is left to a person."""
        until(
            lambda: (
                "outcome_unknown" in self.holds(client)
                or all(client.task(one).ended for one in ids)
            ),
            90,
        )
        return [client.task(one) for one in ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What a kill has left, and what became of it."""

    before: Mapping[str, Row]
    """As it was on disk after the kill."""
    begun: Mapping[str, int]
    """Task -> how often its device had begun it by then."""
    tasks: Sequence[Task]
    faults: Sequence[str]
    tally: Mapping[str, int]
    """What became of the commands that the kill has cut off."""


def killed(lab: KilledDaemon, seed: int, commands: Sequence[JsonObject], lasts_s: float) -> Killed:
    """One kill, at a crash point or at a moment that follows from the seed. `commands`: the
    parameters of MOVE, which take `lasts_s` together."""
    rng = random.Random(seed)
    point = POINTS[seed // 2 % len(POINTS)] if seed % 2 else None
    lab.start(point)
    with lab.client() as client, contextlib.suppress(*((ClientError,) if point else ())):
        # at a point it may die before it answers
        lab.connected(client)
        for number, params in enumerate(commands):
            client.submit("MOVE", params, idempotency_key=f"{seed}-{number}")
        if point is None:
            time.sleep(rng.uniform(0, lasts_s))
    if point is not None:
        until(lambda: not lab.daemon.alive(), 30)
    lab.daemon.kill()
    before = lab.rows()
    # what was on its way arrives; then it works on, or comes to its end unseen
    time.sleep(0.1)
    begun = {task: lab.witness.begun(row.key) for task, row in before.items()}
    time.sleep(rng.choice((0.0, 0.0, lasts_s / len(commands))))
    lab.start()
    with lab.client() as client:
        tasks = lab.all_ended(client, list(before))
        held = "outcome_unknown" in lab.holds(client)
    after, settled = lab.rows(), lab.settled()
    faults, tally = [], dict.fromkeys(("kills", f"at {point or 'a moment'}"), 1)
    for task in tasks:
        row = before[task.task_id]
        run = after[task.task_id].run or row.run
        faults += _wrong(lab.witness, task, row, run, begun[task.task_id])
        if task.outcome_unknown and not held:
            faults.append(f"not held: {row.key}")
        if row.state == "running":
            what = _what(row, begun[task.task_id], settled.get(task.task_id))
            tally[what] = tally.get(what, 0) + 1
    return Killed(before=before, begun=begun, tasks=tasks, faults=faults, tally=tally)


def _wrong(witness: Witness, task: Task, row: Row, run: str | None, begun: int) -> list[str]:
    faults = []
    if (times := witness.begun(row.key)) > 1:
        faults.append(f"doubled: {row.key} was begun {times} times")
    if task.state == "completed" and not witness.done(row.key, run or ""):
        faults.append(f"wrongly completed: {row.key}")
    if task.outcome_unknown and row.run is not None and witness.remembers(row.run):
        faults.append(f"unknown, and the device remembers it: {row.key}, {task.error}")
    if row.state == "running" and row.run is None and begun and not task.outcome_unknown:
        faults.append(f"begun without an id on disk, and not unknown: {row.key}, {task.state}")
    return faults


def _what(row: Row, begun: int, settled: str | None) -> str:
    if row.run is None:
        return "begun, and no id on disk" if begun else "not begun, and no id on disk"
    if not begun:
        return f"id on disk, and not begun: {settled}"
    return f"id on disk, and begun: {settled}"


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
