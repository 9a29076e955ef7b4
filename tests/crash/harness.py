"""Lives and deaths of a daemon on one data folder, each judged by the three records."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from robotq.model.crashpoints import CrashPoint
from robotq.model.task import TaskState

from . import evidence, judge
from .faults import Faults
from .http import Gone, connected
from .judge import Violation
from .ledger import Ledger, now_ms
from .mix import ROBOTS, Mix
from .people import People
from .process import DaemonProcess
from .receiver import receiver
from .records import Disk, MotionLog, read_disk
from .setting import configure

RANDOM = "random moment"
"""The kind of a kill that is not at a crash point."""

WAITING = 50
"""Tasks that wait when a random moment is chosen."""

_WINDOW_S = 0.5
"""Wall seconds, about those of a scan, out of which a random moment is chosen."""
_OUTAGES_S = 3.0
"""The same where the disk fails: a daemon finds out once in a second whether it is back."""
_POINT_S = 20.0
"""Wall seconds within which a crash point is reached, on a busy machine too; else it counts as a
random moment."""
_PATIENCE_S = 60.0
"""Wall seconds without an end of any task after which the queues count as stuck."""
_LIFE_S = 900.0
"""Wall seconds from a start to its end; after that the harness itself gives up."""
_REFUSED = 0.1
"""Share of the webhooks that the receiver does not acknowledge."""
_SPARE = 70
"""Commands that may end before a kill, so that WAITING are still there."""
_FRESH = 12
"""Commands that come in at least in each life."""

_OFTEN = {
    CrashPoint.COMMIT: 60,
    CrashPoint.COMMITTED: 60,
    CrashPoint.STEP_RECORDED: 30,
    CrashPoint.CLAIMED: 8,
    CrashPoint.STARTED: 8,
    CrashPoint.FINISH: 8,
    CrashPoint.FINISHED: 8,
    CrashPoint.ACCEPT: 8,
    CrashPoint.ACCEPTED: 8,
    CrashPoint.ANSWER_KEPT: 4,
    CrashPoint.PROGRAM_WRITTEN: 2,
    CrashPoint.PROGRAM_KEPT: 3,
}
"""How often at least a life comes to a point; the others once."""


@dataclass(slots=True, kw_only=True)
class Kill:
    """One death and what followed from it."""

    kind: str
    reached: bool
    """The daemon died where it should; at a random moment always."""
    in_scan: bool
    """A scan was under way."""
    waiting: int
    """Tasks that waited."""
    disk_failing: bool
    """The disk did not take what was written."""
    violations: list[Violation] = field(default_factory=list)


class Round:
    """Several kills on one data folder, from one seed; then everything is brought to an end."""

    def __init__(
        self, seed: int, folder: Path, *, time_scale: float = 0.001, failing_disk: bool = False
    ) -> None:
        """`failing_disk`: it fails now and then; what is promised is the same."""
        folder.mkdir(parents=True)
        self.folder = folder
        self.kills: list[Kill] = []
        self._random = Random(seed)
        self._ledger = Ledger()
        self._known: set[Violation] = set()
        self._faults = Faults(folder) if failing_disk else None
        self._daemon = DaemonProcess(
            folder / "data",
            time_scale=time_scale,
            config=folder / "robotq.yaml",
            environ=None if self._faults is None else self._faults.environ,
        )
        self._motions = MotionLog(self._daemon.data)
        self._disk = Disk(tasks={}, events=[], holds=[], counts={}, faults=[])

    async def run(self, kinds: Iterable[str]) -> Sequence[Kill]:
        """Kill once for each kind, RANDOM or a crash point; then let all tasks end."""
        random = Random(self._random.random())
        hears = receiver(
            self._ledger,
            life=lambda: len(self.kills),
            refuses=lambda: random.random() < _REFUSED,
        )
        async with hears as url:
            configure(self.folder, url)
            try:
                for kind in kinds:
                    async with asyncio.timeout(_LIFE_S):
                        await self._live_and_die(kind)
                async with asyncio.timeout(_LIFE_S):
                    await self._live_to_the_end()
            finally:
                self._daemon.kill()
        return self.kills

    async def _live_and_die(self, kind: str) -> None:
        point = None if kind == RANDOM else CrashPoint(kind)
        disk_failing = False
        if await self._daemon.start(self._armed(point)):
            filled = asyncio.get_running_loop().create_future()
            life = asyncio.create_task(self._life(point, filled))
            try:
                if point is None:
                    await asyncio.wait({life, filled}, return_when=asyncio.FIRST_COMPLETED)
                    window_s = _WINDOW_S if self._faults is None else _OUTAGES_S
                    died = await self._daemon.died(self._random.uniform(0, window_s))
                else:
                    died = await self._daemon.died(_POINT_S)
                self._daemon.kill()
                await _until_all_have_noticed(life)
            finally:
                life.cancel()
                if self._faults is not None:
                    disk_failing = self._faults.met > 0
                    self._faults.end()
        else:
            died = True
        by_itself = died and (point is None or self._daemon.exit_code != -signal.SIGKILL)
        reached = point is None or died
        await self._keep(kind=kind, reached=reached, disk_failing=disk_failing)
        await self._judge_death(kind, reached=reached, disk_failing=disk_failing)
        if by_itself:
            code = self._daemon.exit_code
            text = f"the daemon ended by itself with {code}, see {self._daemon.log}"
            self._note([Violation("stuck", text)])

    def _armed(self, point: CrashPoint | None) -> str | None:
        if point is None:
            return None
        return f"{point}:{self._random.randint(1, _OFTEN.get(point, 1))}"

    async def _life(self, point: CrashPoint | None, filled: asyncio.Future[None]) -> None:
        """What people do until the daemon is gone; `filled` when enough waits for a kill."""
        random = Random(self._random.random())
        try:
            fails = self._faults is not None
            async with connected(self._daemon.url, self._ledger, disk_fails=fails) as client:
                mix = Mix(random, f"{len(self.kills)}")
                people = People(client, self._ledger, mix, random)
                async with asyncio.TaskGroup() as group:
                    await self._look_after_restart(people)
                    group.create_task(people.listen())
                    await people.repeat_lost()
                    # some deaths come while a queue is held
                    if point is not None or random.random() < 0.85:
                        await people.clear_up()
                    await people.submit(mix.scan())
                    waiting = (await people.status())["queue_size"]
                    # a point comes early in a life, so less has to be there for it
                    wanted = WAITING + (_SPARE if point is None else 0)
                    await people.fill(max(_FRESH, wanted - waiting))
                    filled.set_result(None)
                    group.create_task(people.watch())
                    group.create_task(people.wait_for_ends())
                    group.create_task(people.interfere(point))
                    if self._faults is not None:
                        group.create_task(self._faults.come_and_go(random))
        except* Gone:
            pass

    async def _look_after_restart(self, people: People) -> None:
        tasks = {line["task_id"]: line["state"] for line in await people.tasks()}
        holds = (await people.status())["holds"]
        self._note(judge.after_restart(self._ledger, self._disk, tasks, holds))

    async def _live_to_the_end(self) -> None:
        """Resolve and resume until the queues are empty; then an orderly end."""
        if not await self._daemon.start():
            self._note([Violation("stuck", f"the daemon does not start, see {self._daemon.log}")])
            return
        random = Random(self._random.random())
        async with connected(self._daemon.url, self._ledger) as client:
            mix = Mix(random, "end")
            people = People(client, self._ledger, mix, random)
            await self._look_after_restart(people)
            await people.repeat_lost()
            await self._drain(people, mix)
            status = await people.status()
        if await self._daemon.terminate() != 0:
            self._note([Violation("stuck", f"no orderly end, see {self._daemon.log}")])
        await self._keep(kind="the end", status=status)
        await self._read_records()
        self._note(judge.at_death(self._ledger, self._disk, self._motions.motions))
        self._note(judge.at_end(self._ledger, self._disk))
        self._note(judge.totals(self._disk, status))

    async def _drain(self, people: People, mix: Mix) -> None:
        await people.clear_up()
        # a robot that was cut short at a place that the other needs is sent away
        for robot in ROBOTS:
            await people.submit(mix.home(robot))
        patience = _Patience()
        while (status := await people.status())["queue_size"]:
            if not await patience.lasts(status["queue_size"]):
                self._note([Violation("stuck", f"the queues do not run empty: {status}")])
                return
            await people.answer_all()
        tasks = {line["task_id"] for line in await people.tasks()}
        while uncalled := len(tasks - self._ledger.called_in.keys()):
            if not await patience.lasts(uncalled):
                return

    async def _judge_death(self, kind: str, *, reached: bool, disk_failing: bool) -> None:
        self._ledger.deaths_ms.append(now_ms())
        await self._read_records()
        tasks = self._disk.tasks.values()
        self.kills.append(
            Kill(
                kind=kind,
                reached=reached,
                in_scan=any(
                    task.state is TaskState.RUNNING and task.command.cmd_type == "SCAN_QRCODE"
                    for task in tasks
                ),
                waiting=sum(task.state is TaskState.PENDING for task in tasks),
                disk_failing=disk_failing,
            )
        )
        self._note(judge.at_death(self._ledger, self._disk, self._motions.motions))

    async def _keep(self, **more: Any) -> None:
        """As it was, before anybody looks at it or writes on."""
        await asyncio.to_thread(
            evidence.keep,
            self.folder,
            len(self._ledger.deaths_ms) + 1,
            data=self._daemon.data,
            ledger=self._ledger,
            exit_code=self._daemon.exit_code,
            **more,
        )

    async def _read_records(self) -> None:
        self._disk = await asyncio.to_thread(read_disk, self._daemon.data)
        await asyncio.to_thread(self._motions.read_on, life=len(self.kills))

    def _note(self, violations: Iterable[Violation]) -> None:
        """Each violation once, with the death after which it was seen first."""
        for violation in violations:
            if violation not in self._known:
                self._known.add(violation)
                self.kills[-1].violations.append(violation)


class _Patience:
    """Lasts as long as something goes on, however slowly."""

    def __init__(self) -> None:
        self._left = -1
        self._since = 0.0

    async def lasts(self, left: int) -> bool:
        """Wait a moment. Returns whether less is left, or more, than a while ago."""
        await asyncio.sleep(0.02)
        now = time.monotonic()
        if left != self._left:
            self._left, self._since = left, now
        return now - self._since < _PATIENCE_S


async def _until_all_have_noticed(life: asyncio.Task[None]) -> None:
    """Let clients take what was answered before the death. Raises what the harness did wrong."""
    await asyncio.wait({life}, timeout=0.3)
    if life.done():
        life.result()
