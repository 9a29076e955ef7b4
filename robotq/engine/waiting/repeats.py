"""Commands that run again by themselves: what follows from the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from robotq.engine.events.rows import saving_new
from robotq.engine.intake.admission import Admission, series_of
from robotq.model.clock import WallClock
from robotq.model.task import OUTCOME_UNKNOWN, Repeat, Task, TaskState
from robotq.store.port import Mutation


class Repeats:
    """Makes the next run, to be written in one commit with the end of the one before.

    So a series has one unfinished task at most, none of its runs is lost, and none is made
    twice, whenever the process dies.
    """

    def __init__(self, admission: Admission, clock: WallClock, unfinished: Iterable[Task]) -> None:
        self._admission = admission
        self._clock = clock
        self._current: dict[str, str] = {}
        """Series -> its unfinished task."""
        self._called_off: set[str] = set()
        """Running tasks after which nothing follows, however they end."""
        for task in unfinished:
            if task.repeat is not None:
                self.look(task)

    @property
    def running(self) -> Mapping[str, str]:
        """First run of each series that goes on -> the run that waits or runs."""
        return self._current

    def current(self, task: Task) -> str | None:
        """The run that waits or runs, of the series of this task."""
        return self._current.get(series_of(task))

    def look(self, task: Task) -> None:
        """Take over a task that repeats as it was written."""
        series = series_of(task)
        if not task.state.final:
            self._current[series] = task.id
            return
        self._called_off.discard(task.id)
        if self._current.get(series) == task.id:
            del self._current[series]

    def call_off(self, task: Task) -> None:
        """Somebody cancels a running task: it is the last one, also where it completes first."""
        if task.repeat is not None:
            self._called_off.add(task.id)

    def following(self, ended: Task) -> Sequence[Mutation]:
        """What writes the next run, where one follows from this end.

        An unknown outcome is no end here before a person has resolved it.
        """
        repeat = ended.repeat
        if repeat is None or ended.id in self._called_off or not _goes_on(ended, repeat):
            return ()
        if repeat.count is not None and repeat.run >= repeat.count:
            return ()
        due_ms = _due_ms(ended, repeat, self._clock.now_ms())
        expires_at_ms = None
        if ended.expires_at_ms is not None:
            # as long as the run before had
            from_ms = self._clock.now_ms() if due_ms is None else due_ms
            expires_at_ms = from_ms + ended.expires_at_ms - _at_ms(ended)
        following = self._admission.following(
            ended,
            replace(repeat, run=repeat.run + 1),
            not_before_ms=due_ms,
            expires_at_ms=expires_at_ms,
        )
        return saving_new([following], "robotq")


def _goes_on(task: Task, repeat: Repeat) -> bool:
    if task.asked is not None:
        # a stop that was not confirmed was wanted all the same
        return False
    if task.state is TaskState.COMPLETED:
        return True
    if task.state is not TaskState.FAILED or task.error is None or task.error.code == "stopped":
        return False
    if task.error.code == "stopped_by_shutdown":
        # the command has not failed: it was the daemon that ended. The next run waits for the
        # next start, and where the robot stands is not certain, for a person
        return True
    if task.error.code == OUTCOME_UNKNOWN:
        outcome = task.resolution.outcome if task.resolution is not None else None
        return outcome == "completed" or (outcome == "failed" and repeat.on_failure == "continue")
    return repeat.on_failure == "continue"


def _at_ms(task: Task) -> int:
    """The time that a run had."""
    return task.submitted_at_ms if task.not_before_ms is None else task.not_before_ms


def _due_ms(ended: Task, repeat: Repeat, now_ms: int) -> int | None:
    """The next time of the series after now; those that were missed are left out."""
    if repeat.interval_s is None:
        return None
    interval_ms = round(repeat.interval_s * 1000)
    # also where the clock was set back meanwhile, it is at most one interval away
    return now_ms + interval_ms - (now_ms - _at_ms(ended)) % interval_ms
