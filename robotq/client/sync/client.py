# Made from ../asynchronous/client.py by `python -m docs.make.sync_client`.
"""Hands in commands, and asks the daemon what it knows."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from robotq.client import calls
from robotq.client.errors import Refused
from robotq.client.request import command_of, new_key
from robotq.client.shapes import Accepted, AcceptedBatch, Task
from robotq.client.stream import EventStream
from robotq.client.sync.robots import Robots
from robotq.client.sync.tasks import Tasks
from robotq.client.trying import Lost, Progress
from robotq.model.json import JsonObject, JsonValue
from robotq.wire.service import CommandSpec, Event


class Client(Tasks, Robots):
    """A daemon, for a program that blocks. Keeps no connection and no state, so threads may
    share one.

    Every method raises Refused with a stable `code` where the daemon says no, and Unreachable
    where it gives no answer. A request is sent again for `retry_s` of wall time after the first
    attempt that came to nothing, but only where that cannot do anything twice:
    see docs/guides/client.md.
    """

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
        body = command_of(
            command,
            params,
            {
                "robot_id": robot_id,
                "cmd_id": cmd_id,
                "priority": priority,
                "callback_url": callback_url,
            },
        )
        return self._do(calls.submit(body, idempotency_key or new_key()))

    def submit_batch(
        self,
        commands: Sequence[JsonObject],
        *,
        contiguous: bool | None = None,
        idempotency_key: str | None = None,
    ) -> AcceptedBatch:
        """Hand in commands together, all or none; `contiguous` lets no other in between
        (default: where a robot gets more than one of them)."""
        key = idempotency_key or new_key()
        return self._do(calls.submit_batch(commands, key, contiguous))

    def submit_file(self, content: bytes, *, idempotency_key: str | None = None) -> JsonObject:
        """Hand in a command file as it is: a command of any kind, or a list. It is the daemon
        that judges it; its answer as it comes.

        Sent again with the same Idempotency-Key until there is an answer, where that cannot do
        anything twice. Without `idempotency_key` a new one is made.
        """
        return self._do(calls.submit_file(content, idempotency_key or new_key()))

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
        task = self.wait(accepted.task_id, timeout_s=timeout_s, progress=progress)
        return task.check()

    def immediate(
        self,
        command: str | JsonObject,
        params: JsonValue = None,
        *,
        robot_id: str | None = None,
        cmd_id: str | None = None,
    ) -> JsonObject:
        """Have a command done that acts at once: a query, a signal, an answer. Never sent again
        after it may have reached the daemon."""
        body = command_of(command, params, {"robot_id": robot_id, "cmd_id": cmd_id})
        return self._do(calls.immediate(body))

    def dry_run(self, commands: JsonValue) -> Sequence[JsonObject]:
        """Check a command, or a list of them, as they would be taken. Nothing is done."""
        return self._do(calls.dry_run(commands))

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
        safe: bool = False,
    ) -> Any:
        """Any request of docs/reference/http.md; the answer as it comes. A body of bytes goes
        out as it is.

        `safe`: a second one changes nothing, so it is sent again also where it may have been
        carried out; GET is safe by itself.
        """
        call = calls.other(method, path, body, query or {}, headers or {}, safe=safe)
        return self._do(call)

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
                with closing(self._http.blocks(call, stream)) as blocks:
                    for block in blocks:
                        yield from stream.feed(block)
                        trying = self._trying(call)
                raise Lost("the stream has ended", sent=False)
            except (Lost, Refused) as problem:
                pause_s = trying.pause_s(problem)
            time.sleep(pause_s)
