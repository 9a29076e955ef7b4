"""Every answer that a submit can get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from robotq.model.task import Kind
from robotq.wire.base import Answer, LocalTime, Object, Open, Params, Success, like, missing
from robotq.wire.holds import Hold
from robotq.wire.tasks import Repeat


class Accepted(Answer, kw_only=True):
    """The answer in queue mode: everything in it is on disk."""

    success: Success = missing(True)
    message: str = missing("")
    task_id: str
    queue_size: int
    """Waiting and running tasks over all robots."""
    note: str = missing("")


class AcceptedBatch(Answer, kw_only=True):
    """The answer to a list of commands in queue mode: everything in it is on disk."""

    success: Success = missing(True)
    message: str = missing("")
    batch_id: str
    task_ids: tuple[str, ...]
    """In the order of the commands."""
    queue_size: int
    """Waiting and running tasks over all robots."""
    note: str = missing("")


class DoneAtOnce(Open, kw_only=True):
    """The answer to a command that acts at once; further keys are its result."""

    success: Success
    code: Annotated[int, Meta(extra_json_schema={"const": 0})]
    message: str
    cmd_type: str
    cmd_id: str | None


class Ending(Open, kw_only=True):
    """How a command ended, in synchronous mode or after `Prefer: wait`; further keys are its
    result."""

    success: bool
    message: str
    code: int
    """0, or the number of the error."""
    error_code: str | None = None
    """Only where it did not succeed."""
    cmd_id: str | None
    task_id: str


class BatchEnding(Answer, kw_only=True):
    """How the commands of a batch ended."""

    success: bool
    """Whether every command has completed."""
    message: str
    """Of the first that failed, else of the last one."""
    code: int
    error_code: str | None = None
    """Only where one did not succeed."""
    batch_id: str
    task_ids: tuple[str, ...]
    results: tuple[Ending, ...]


class ProgramQuestion(Answer, kw_only=True):
    """A line at which a program waits for a person."""

    line: int
    code: str
    """M0, M6, M60, M600; M1 where the controller always waits at it."""


class ProgramOutlook(Answer, kw_only=True):
    """What the program of a command comes to, as far as its lines say it."""

    firmware: str
    """By the rules of which controller it was read."""
    connected: bool
    """Whether the controller is there. Where it is not, its rules are those of the option
    `dialect`, else those of all controllers of its kind."""
    lines: int
    """That will be sent."""
    estimate_s: float
    """Ways by feeds, and dwells; without acceleration, so that it takes longer."""
    box_mm: Mapping[str, tuple[float, float]] = missing({})
    """Axis -> the least and the greatest coordinate that it goes to, in those of the program."""
    tools: tuple[int, ...] = missing(())
    """Each once, as they come; the first hundred."""
    questions: tuple[ProgramQuestion, ...] = missing(())
    """The first hundred."""
    questions_in_all: int = missing(0)


class CheckedCommand(Answer, kw_only=True):
    """A command as it would be taken, with the defaults filled in."""

    cmd_type: str
    cmd_id: str | None
    kind: Annotated[str, like(Kind)]
    robot_id: str
    params: Params
    extra: Object
    priority: int
    timeout_s: float
    not_before: LocalTime | None = None
    not_before_ms: int | None = None
    expires_at: LocalTime | None = None
    expires_at_ms: int | None = None
    repeat: Repeat | None = None
    holds: tuple[Hold, ...]
    position: int | None = None
    """Of a command for a queue: the place in line that it would get now, counted from 1."""
    starts_in_s: float | None = None
    """Wall seconds until it would start, judged by earlier ones; absent where nobody can know."""
    starts_after_resume_s: float | None = None
    """The same, from the moment at which its queue goes on; only while it is held."""
    program: ProgramOutlook | None = None
    """Where it carries out a program of the client, and the robot knows what that comes to."""


class DryRun(Answer, kw_only=True):
    """The answer to `dry_run`: the commands are right, and nothing was done."""

    success: Success
    dry_run: Success
    message: str
    commands: tuple[CheckedCommand, ...]


class FirstMotion(Answer, kw_only=True):
    """What moves first."""

    line: int
    text: str
    """As it is sent."""
    axes: tuple[str, ...]
    """That go somewhere."""
    stays: tuple[str, ...]
    """Axes that stay where the robot stands."""


class FromLine(Answer, kw_only=True):
    """What would run of a program from one of its lines on. Nothing was done."""

    success: Success = missing(True)
    dry_run: Success = missing(True)
    message: str = missing("")
    task_id: str
    from_line: int
    begins_at: int
    """The first line from there on that is carried out."""
    seen: str
    """Send it back, so that this and nothing else runs."""
    preamble: tuple[str, ...]
    """What the lines before have left in effect, as lines; they run first and move nothing."""
    first_motion: FirstMotion
    """From wherever the robot stands then, on a straight way."""
    stood_at: Mapping[str, float | None]
    """Axis -> where the program was before that line, in its own coordinates and in millimetres;
    null where its lines do not say it."""
    tool: int | None = None
    """That it had chosen: it is not changed."""
    program: ProgramOutlook | None = None
    """What it comes to."""
