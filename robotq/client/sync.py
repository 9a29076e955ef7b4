"""robotq.Client: talks to a daemon with nothing but the standard library."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Self, TypeVar

from robotq.client import calls
from robotq.client.address import Address, address_of
from robotq.client.calls import Call, resumable
from robotq.client.errors import Refused, Unreachable
from robotq.client.shapes import (
    Accepted,
    AcceptedBatch,
    CancelledMany,
    CommandSpec,
    EmergencyStop,
    Event,
    Hold,
    QueueStatus,
    Robot,
    Task,
    TaskLine,
    TaskPage,
    ToCancel,
)
from robotq.client.stream import SILENCE_S, EventStream
from robotq.client.trying import (
    CONNECT_S,
    Lost,
    Progress,
    Trying,
    Watching,
    read_answer,
)
from robotq.model.json import JsonObject, JsonValue

_T = TypeVar("_T")

_BLOCK = 65_536


class Client:
    """A daemon, for a program that blocks. Keeps no connection and no state, so threads may
    share one.

    Every method raises Refused with a stable `code` where the daemon says no, and Unreachable
    where it does not answer within `retry_s` of wall time. Until then a request is sent again
    after a transport error, but only where that cannot do anything twice: see docs/client.md.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout_s: float = 10.0,
        retry_s: float = 30.0,
        language: str | None = None,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`url` and `key` come from ROBOTQ_URL and ROBOTQ_KEY where they are not given, and the
        url is http://127.0.0.1:8090 without both.

        `timeout_s`: silence after which a request counts as lost, besides the time that it asks
        the daemon to wait. `language`: of messages, `en` or `zh`. Raises ValueError for a url
        that is none.
        """
        self._address: Address = address_of(url, key, language, headers or {})
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._tls = tls

    @property
    def url(self) -> str:
        return self._address.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is left open between two calls."""

    # -- commands ----------------------------------------------------------------------------

    def submit(
        self,
        command: str | JsonObject,
        params: JsonValue = None,
        *,
        robot_id: str | None = None,
        cmd_id: str | None = None,
        priority: int | str | None = None,
        callback_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Hand in a queued command: a `cmd_type` with its params, or a whole command. It is on
        the daemon's disk when this returns.

        Sent again with the same Idempotency-Key until there is an answer, so it counts once.
        Without `idempotency_key` a new one is made. Raises WrongKind for an immediate command.
        """
        body = calls.command_of(
            command,
            params,
            {
                "robot_id": robot_id,
                "cmd_id": cmd_id,
                "priority": priority,
                "callback_url": callback_url,
            },
        )
        return self._do(calls.submit(body, idempotency_key or calls.new_key()))

    def submit_batch(
        self,
        commands: Sequence[JsonObject],
        *,
        contiguous: bool | None = None,
        idempotency_key: str | None = None,
    ) -> AcceptedBatch:
        """Hand in commands together, all or none; `contiguous` lets no other in between
        (default: where a robot gets more than one of them)."""
        key = idempotency_key or calls.new_key()
        return self._do(calls.submit_batch(commands, key, contiguous))

    def run(
        self,
        command: str | JsonObject,
        params: JsonValue = None,
        *,
        robot_id: str | None = None,
        cmd_id: str | None = None,
        timeout_s: float | None = None,
        progress: Progress | None = None,
    ) -> Task:
        """`submit`, `wait`, and the completed task.

        Raises OutcomeUnknown, TaskCancelled, TaskFailed, and what those two raise.
        """
        accepted = self.submit(command, params, robot_id=robot_id, cmd_id=cmd_id)
        return self.wait(accepted.task_id, timeout_s=timeout_s, progress=progress).check()

    def immediate(
        self,
        command: str | JsonObject,
        params: JsonValue = None,
        *,
        robot_id: str | None = None,
        cmd_id: str | None = None,
    ) -> JsonObject:
        """Have a command done that acts at once: a query, a signal, an answer.

        Sent again
        with the same Idempotency-Key until there is an answer, so it counts once."""
        body = calls.command_of(command, params, {"robot_id": robot_id, "cmd_id": cmd_id})
        return self._do(calls.immediate(body))

    def dry_run(self, commands: JsonValue) -> Sequence[JsonObject]:
        """Check a command, or a list of them, as they would be taken. Nothing is done."""
        return self._do(calls.dry_run(commands))

    # -- tasks -------------------------------------------------------------------------------

    def task(self, task_id: str, *, wait_s: float = 0.0) -> Task:
        """A task as it is, or as soon as it has ended, after `wait_s` (60 at most) at the
        latest."""
        return self._do(calls.task(task_id, wait_s))

    def tasks(self, *, cursor: str | None = None, limit: int = 50, **filters: Any) -> TaskPage:
        """A page of tasks, newest first. `filters`: state, robot_id, cmd_type, cmd_id, batch_id,
        error_code, api, to; `from` as `**{"from": ...}`."""
        return self._do(calls.tasks({**filters, "cursor": cursor, "limit": limit}))

    def all_tasks(self, **filters: Any) -> Iterator[TaskLine]:
        """Every task, newest first, page by page as they are needed."""
        cursor: str | None = None
        while True:
            page = self.tasks(cursor=cursor, limit=500, **filters)
            yield from page.tasks
            cursor = page.next_cursor
            if cursor is None:
                return

    def wait(
        self,
        task_id: str,
        *,
        timeout_s: float | None = None,
        progress: Progress | None = None,
        interval_s: float = 0.5,
    ) -> Task:
        """The task when it has ended, however that was; `check()` raises where it failed.

        `progress` gets the task each time that something about it has changed, looked at every
        `interval_s`. Raises NotFinished after `timeout_s`; the task goes on.
        """
        watching = Watching(timeout_s, progress, interval_s)
        while True:
            task = self.task(task_id, wait_s=watching.wait_s)
            if watching.seen(task):
                return task

    def wait_all(
        self, task_ids: Iterable[str], *, timeout_s: float | None = None
    ) -> Sequence[Task]:
        """All of them when they have ended, in this order."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        return [
            self.wait(
                task_id,
                timeout_s=None if deadline is None else max(deadline - time.monotonic(), 0.001),
            )
            for task_id in task_ids
        ]

    def cancel(self, task_id: str, reason: str = "") -> Task:
        """Call a task off; a running one is stopped. Returns the cancelled task."""
        try:
            return self._do(calls.cancel(task_id, reason))
        except Refused as refusal:
            # the answer to an attempt that worked may have been lost
            if refusal.repeated and (task := self.task(task_id)).cancelled:
                return task
            raise

    def to_cancel(self, **selection: Any) -> ToCancel:
        """How many tasks are meant; nothing is done. By `robot_id`, `batch_id`, `cmd_type`,
        `cmd_id`, `group`, `api`, `task_ids`, or `all=True`; `state="pending,running"` for those
        that run too."""
        return self._do(calls.to_cancel(selection))

    def cancel_many(self, found: ToCancel, reason: str = "") -> CancelledMany:
        """Call off what `to_cancel` has told, and nothing that was submitted later.

        Raises Refused with the code `count_differs`, and nothing is cancelled, where other tasks
        match by now. The same again goes on where the first was broken off.
        """
        return self._do(calls.cancel_many(found, reason))

    def resolve(
        self,
        task_id: str,
        outcome: str,
        note: str = "",
        *,
        revision: int | None = None,
        then: str | None = None,
    ) -> Task:
        """Say how a task with unknown outcome ended, after looking at the robot: completed,
        failed or retry.

        `revision`: of the task as it was seen, else of what it is at the moment of the call;
        one that has changed since is Refused task_changed. `then`: continue or stay_paused.
        """
        key = calls.new_key()
        if revision is None:
            revision = (self.task(task_id)).revision
        return self._do(
            calls.resolve(task_id, outcome, key, note=note, revision=revision, then=then)
        )

    def retry(self, task_id: str, note: str = "", *, then: str | None = None) -> Task:
        """Run an ended command again, as a new task at the head of its queue. Never sent again
        after it may have reached the daemon."""
        return self._do(calls.retry(task_id, calls.new_key(), note, then))

    def retry_batch(
        self, batch_id: str, note: str = "", *, then: str | None = None
    ) -> AcceptedBatch:
        """Run what has not completed of an ended batch again, in its order, as one batch."""
        return self._do(calls.retry_batch(batch_id, calls.new_key(), note, then))

    def answer_task(self, task_id: str, value: JsonValue, *, question: int | None = None) -> Task:
        """Answer the question (`waiting_for`) of a running command.

        `question`: its `asked_at_ms`, else that of the one that is open at the moment of the
        call. Another one is never answered: Refused no_question.
        """
        if question is None and (asked := (self.task(task_id)).waiting_for) is not None:
            question = asked.asked_at_ms
        return self._do(calls.answer_task(task_id, value, question))

    def approve(
        self,
        task_id: str,
        note: str = "",
        *,
        revision: int | None = None,
        then: str | None = None,
    ) -> Task:
        """Let a task run that an agent submitted and that waits for a person's approval.
        `revision`, `then`: as for `resolve`."""
        if revision is None:
            revision = (self.task(task_id)).revision
        return self._do(calls.approve(task_id, note, revision, then))

    def reject(self, task_id: str, reason: str = "", *, revision: int | None = None) -> Task:
        """Refuse such a task; it never runs. `revision`: as for `resolve`."""
        if revision is None:
            revision = (self.task(task_id)).revision
        return self._do(calls.reject(task_id, reason, revision))

    # -- queues and robots -------------------------------------------------------------------

    def queue_status(self, robot_id: str | None = None, *, limit: int = 20) -> QueueStatus:
        """How much waits and runs, and why nothing moves where nothing does."""
        return self._do(calls.queue_status(robot_id, limit))

    def pause(self, robot_id: str | None = None, reason: str = "") -> Sequence[Hold]:
        """Start nothing more, on one robot or on all; what runs goes on. Returns the holds."""
        return self._do(calls.pause(robot_id, reason))

    def resume(
        self,
        robot_id: str | None = None,
        *,
        holds: Sequence[str] | None = None,
        note: str = "",
        then: str | None = None,
    ) -> Sequence[Hold]:
        """Let one queue, or all, go on. Returns what still holds them.

        `holds`: the ids of the holds that are meant; without them those that hold it at the
        moment of the call. What comes later is never lifted: Refused not_what_was_meant.
        """
        if holds is None:
            holds = resumable(self.queue_status(robot_id, limit=0))
        return self._do(calls.resume(robot_id, holds, note, then))

    def estop(self, reason: str = "") -> EmergencyStop:
        """Stop every robot now. Not a safety-rated stop. Raises Refused device_error where a
        robot has not confirmed it; the others are stopped."""
        return self._do(calls.estop(reason))

    def estop_state(self) -> EmergencyStop:
        return self._do(calls.estop_state())

    def reset_estop(
        self,
        robot_id: str | None = None,
        *,
        holds: Sequence[str] | None = None,
        note: str = "",
    ) -> EmergencyStop:
        """Leave the emergency stop. Moves nothing; the queues stay paused until `resume`."""
        if holds is None:
            holds = [
                hold.id for hold in (self.estop_state()).holds if robot_id in (None, hold.robot_id)
            ]
        return self._do(calls.reset_estop(robot_id, holds, note))

    def robots(self) -> Sequence[Robot]:
        return self._do(calls.robots())

    def robot(self, robot_id: str) -> Robot:
        return self._do(calls.robot(robot_id))

    def stop_robot(self, robot_id: str, reason: str = "") -> Sequence[Hold]:
        """Stop a robot in a controlled way: what runs is cancelled, its queue is paused."""
        return self._do(calls.on_robot(robot_id, "stop", {"reason": reason}))

    def hold_motion(self, robot_id: str) -> Sequence[Hold]:
        """Pause a robot in its motion; the command waits."""
        return self._do(calls.on_robot(robot_id, "hold", {}))

    def resume_motion(
        self,
        robot_id: str,
        *,
        holds: Sequence[str] | None = None,
        note: str = "",
        then: str | None = None,
    ) -> Sequence[Hold]:
        """Let a held motion go on. `holds`: as for `resume`. With `then` stay_paused nothing
        starts after its command."""
        if holds is None:
            found = (self.robot(robot_id)).holds
            holds = [hold.id for hold in found if hold.clear.get("action") == "resume_motion"]
        body = calls.about(holds=holds, note=note, then=then)
        return self._do(calls.on_robot(robot_id, "resume", body))

    # -- the daemon --------------------------------------------------------------------------

    def commands(self) -> Sequence[CommandSpec]:
        """Every command that the daemon knows."""
        return self._do(calls.commands())

    def command(self, cmd_type: str) -> CommandSpec:
        return self._do(calls.command(cmd_type))

    def health(self) -> JsonObject:
        """`status` is ok, degraded or unavailable."""
        return self._do(calls.health())

    def request(
        self,
        method: str,
        path: str,
        body: JsonValue = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Any request of docs/reference/http.md; the answer as it comes."""
        return self._do(calls.other(method, path, body, query or {}, headers or {}))

    def events(
        self,
        *,
        last_event_id: int | None = None,
        task_id: str | None = None,
        robot_id: str | None = None,
        kind: str | None = None,
    ) -> Generator[Event, None, None]:
        """What happens, as it happens, for ever; each event once and none missed, also where the
        connection or the daemon breaks meanwhile.

        From the next event on, or after `last_event_id`; 0 is from the beginning. `kind`: only
        those that begin with it, e.g. `task.`.
        """
        filters = {"task_id": task_id, "robot_id": robot_id, "kind": kind}
        stream = EventStream(last_event_id, filters)
        call = calls.other("GET", "/events", None, stream.query, {})
        trying = self._trying(call)
        while True:
            try:
                for block in self._blocks(call, stream):
                    yield from stream.feed(block)
                    trying = self._trying(call)
                raise Lost("the stream has ended", sent=False)
            except (Lost, Refused) as problem:
                pause_s = trying.pause_s(problem)
            time.sleep(pause_s)

    # -- the way out -------------------------------------------------------------------------

    def _trying(self, call: Call[object]) -> Trying:
        return Trying(call, self.url, self._retry_s)

    def _do(self, call: Call[_T]) -> _T:
        trying = self._trying(call)
        while True:
            try:
                status, content = self._send(call)
                return read_answer(call, status, content, repeated=trying.maybe_done)
            except (Lost, Refused) as problem:
                pause_s = trying.pause_s(problem)
            time.sleep(pause_s)
            if trying.asks_for_kind:
                self._check_queued(call, trying)

    def _check_queued(self, call: Call[object], trying: Trying) -> None:
        try:
            spec = self.command(call.cmd_type)
        except (Refused, Unreachable) as error:
            raise trying.given_up(str(error)) from error
        if spec.kind != "queued":
            raise trying.given_up(f"{call.cmd_type} acts at once")

    def _send(self, call: Call[object]) -> tuple[int, bytes]:
        with self._ask(call, call.headers, self._timeout_s + call.wait_s) as response:
            return _lost(lambda: (response.status, response.read()))

    def _blocks(self, call: Call[object], stream: EventStream) -> Iterator[bytes]:
        """What comes over one connection. Raises Lost, Refused, NotRobotq."""
        stream.connected()
        with self._ask(call, stream.headers, SILENCE_S) as response:
            if response.status != 200:
                content = _lost(response.read)
                read_answer(call, response.status, content, repeated=False)
            while block := _lost(lambda: response.read1(_BLOCK)):
                yield block

    @contextmanager
    def _ask(
        self, call: Call[object], headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[HTTPResponse]:
        """The answer as far as its headers; the rest can be read inside the block."""
        # who answers decides whether the connection ends with the answer: here it always does
        with (
            closing(self._connect()) as connection,
            _lost(lambda: self._answer(connection, call, headers, timeout_s)) as response,
        ):
            yield response

    def _answer(
        self,
        connection: HTTPConnection,
        call: Call[object],
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> HTTPResponse:
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        everything = {**self._address.headers, "Connection": "close", **headers}
        path = self._address.prefix + call.target
        connection.request(call.method, path, call.body, everything)
        return connection.getresponse()

    def _connect(self) -> HTTPConnection:
        address = self._address
        connection: HTTPConnection
        if address.secure:
            connection = HTTPSConnection(
                address.host, address.port, timeout=CONNECT_S, context=self._tls
            )
        else:
            connection = HTTPConnection(address.host, address.port, timeout=CONNECT_S)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise Lost(_reason(error), sent=False) from error
        return connection


def _lost(work: Callable[[], _T]) -> _T:
    """The result of `work`. Raises Lost where the connection breaks or stays silent."""
    try:
        return work()
    except (OSError, HTTPException) as error:
        raise Lost(_reason(error), sent=True) from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
