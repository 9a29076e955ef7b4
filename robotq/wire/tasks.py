"""Tasks, and what is done to one."""

from __future__ import annotations

from typing import Annotated

from robotq.model.task import OUTCOME_UNKNOWN, StepState, TaskState
from robotq.wire.base import Answer, LocalTime, Object, Params, like, missing, one_of
from robotq.wire.holds import Hold, Reason, Wait
from robotq.wire.service import Webhook

Status = Annotated[str, one_of("pending", "running", "completed", "failed")]


class Work(Answer, kw_only=True):
    """What a task for workers has besides."""

    match: str = missing("")
    """Only a worker that asks with the same key gets it."""
    worker: str | None = missing()
    """Who has it, or had it last."""
    lease_until_ms: int | None = missing()
    deadline_ms: int | None = missing()
    retries: int = missing(0)


class Task(Answer, kw_only=True):
    """A task."""

    task_id: str
    status: Status = missing("")
    """A cancelled task is `failed` here; see `state`."""
    state: TaskState
    cmd_type: str
    cmd_id: str | None = missing()
    robot_id: str
    api: str = missing("robot")
    """The interface through which it came."""
    submit_time: LocalTime = missing("")
    start_time: LocalTime | None = missing()
    end_time: LocalTime | None = None
    """Only when it has ended."""
    result: Object | None = missing()
    """Null until it has ended."""
    params: Params = missing({})
    extra: Object = missing({})
    priority: int = missing(0)
    actor: str = missing("")
    """Who submitted it: the name of a key, or anonymous."""
    attempt: int = missing(0)
    simulated: bool = missing(False)
    submitted_at_ms: int
    started_at_ms: int | None = missing()
    ended_at_ms: int | None = missing()
    batch_id: str | None = missing()
    retry_of: str | None = missing()
    from_line: int | None = None
    """Where a person has decided that the program begins; what the lines before have left in effect
    stands in their place."""
    revision: int = missing()
    """Raised by every change; what a confirmation can name."""
    not_before: LocalTime | None = None
    """Passed over until then."""
    not_before_ms: int | None = None
    expires_at: LocalTime | None = None
    """It fails where it was not started until then."""
    expires_at_ms: int | None = None
    repeat: Repeat | None = None
    """Only where it runs again by itself."""
    repeat_of: str | None = None
    """The first run, for the others."""
    current_run: str | None = None
    """Of a run that has ended: the one that waits or runs now."""
    progress: float | None = missing()
    """0 to 1; null when the robot cannot say."""
    work: Work | None = None
    """Only of tasks for workers."""
    current_step: str | None = None
    completed_steps: tuple[StepDuration, ...] = ()
    steps: tuple[Step, ...] = ()
    partial: Object | None = None
    """What was found so far."""
    run_id: str | None = None
    """By which id the robot's controller knows this run; only where it can be asked by that."""
    settled: bool = False
    """Its end is what the controller has said when it was asked afterwards: nobody had watched the
    command to its end."""
    remaining_s: float | None = None
    """What a running command still takes, in seconds, judged by earlier ones."""
    starts_in_s: float | None = None
    """Wall seconds until a waiting command starts, judged by earlier ones; absent where nobody can
    know: its queue is held, or it waits for a person or a place."""
    starts_after_resume_s: float | None = None
    """The same, from the moment at which its queue goes on; only while it is held."""
    eta: LocalTime | None = None
    """When it will be done at that rate."""
    eta_ms: int | None = None
    position: int | None = None
    """1 at the head of the queue."""
    waits: tuple[Wait, ...] = ()
    """Why this task is passed over for now."""
    holds: tuple[Hold, ...] = ()
    """Why its queue starts nothing."""
    why: tuple[Reason, ...] = ()
    """Why it does not run yet: its place in line, holds and waits; for a running one, why it does
    not get on."""
    waiting_for: Question | None = None
    artifacts: tuple[Artifact, ...] = ()
    """Files that it has left behind, such as the picture in which a code was read."""
    code: int | None = None
    """0, or the number of the error."""
    error_code: str | None = None
    message: str | None = None
    error: TaskError | None = None
    resolution: Annotated[Object, like(Resolution)] | None = None
    retried_as: str | None = None
    callback_url: str | None = None
    """Where the client wants the end of it sent to."""
    webhooks: tuple[Webhook, ...] = ()
    """Who is told of its end; see `/webhooks`."""

    @property
    def ended(self) -> bool:
        return self.state.final

    @property
    def completed(self) -> bool:
        return self.state is TaskState.COMPLETED

    @property
    def cancelled(self) -> bool:
        return self.state is TaskState.CANCELLED

    @property
    def outcome_unknown(self) -> bool:
        """Nobody knows how it ended, and nobody has resolved it yet."""
        return self.error_code == OUTCOME_UNKNOWN and self.resolution is None


class Repeat(Answer, kw_only=True):
    """How often a command runs again by itself."""

    count: int | None = missing()
    """Runs in all; null: until somebody cancels one."""
    interval_s: float | None = missing()
    """From the time of one run to that of the next; null: right after its end."""
    on_failure: Annotated[str, one_of("stop", "continue")] = missing("")
    run: int = missing(0)
    """Which one this is, from 1."""


class StepDuration(Answer, kw_only=True):
    name: str = missing("")
    duration_s: float | None = missing()


class Step(Answer, kw_only=True):
    name: str
    state: StepState
    start_time: LocalTime = missing("")
    started_at_ms: int
    duration_s: float | None = missing()
    """Motion time; null while it runs."""
    detail: Object = missing({})


class Artifact(Answer, kw_only=True):
    """A file of a task: `GET /task/{task_id}/artifacts/{name}`."""

    name: str
    media_type: str
    """application/octet-stream for whatever is not in a short list."""
    size: int
    """Bytes."""
    sha256: str
    """Of what is in it, hex."""
    not_kept: str | None = None
    """Only where it is not there: why."""


class Question(Answer, kw_only=True):
    """What a running command asks."""

    prompt: str
    args: Object = missing({})
    schema: Object
    """JSON Schema of the answer."""
    answered_by: str | None = missing()
    """The immediate command that answers it too."""
    asked_at: LocalTime = missing("")
    asked_at_ms: int = missing()
    """Names this question."""
    deadline: LocalTime = missing("")
    deadline_ms: int
    answer: Object = missing({})


class ProgramLine(Answer, kw_only=True):
    """A line of a program, by its number in the program as it was handed in."""

    line: int
    text: str
    """As it was sent."""


class StoppedAt(Answer, kw_only=True):
    """Where a program was when its command ended before it."""

    lines: int
    """The number of its last line that is sent."""
    answered: ProgramLine | None = missing()
    """The last one that the controller has answered."""
    done: ProgramLine | None = missing()
    """The last one that was surely carried out, with all before it. Null: not certain of any."""
    begun: ProgramLine | None = missing()
    """The last one that may have begun: nothing behind it was sent."""


class TaskError(Answer, kw_only=True):
    code: int = missing(0)
    error_code: str = missing("")
    message: str = missing("")
    step: str | None = missing()
    """The step during which it happened."""
    stopped_at: StoppedAt | None = None
    """Where its program was; only where it had begun one."""
    args: Object = missing({})


class Resolution(Answer, kw_only=True):
    outcome: str
    actor: str
    at: LocalTime
    at_ms: int
    note: str
