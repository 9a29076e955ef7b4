"""Stopping: the server's own cancel, and what the site has written besides; each call on a
connection on which no motion waits."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

import grpc

from robotq.drivers.base import DriverError
from robotq.drivers.sila.faults import fault_of
from robotq.drivers.sila.ready import Halt, ReadyRobot
from robotq.drivers.sila.server import CANCEL, Server
from robotq.drivers.sila.values import as_message
from robotq.model.json import JsonObject

CANNOT_STOP = (
    "this server offers no cancel (CancelController), and `stop` names no command: robotq cannot "
    "stop it, what runs goes on to its end"
)
_ANSWER_S = 2.0
"""Wall seconds in which a server answers a cancel."""
_TOLD_S = 0.5
"""Wall seconds that a stop waits for the word of the server."""
_MOST_OPEN = 50


class Stops:
    """Over one connection. Methods wait for a moment at most."""

    def __init__(self, server: Server, ready: ReadyRobot) -> None:
        self._server = server
        self._ready = ready
        self._open: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()
        self.refused: str | None = None
        """What the server has said to the last cancel."""

    @property
    def can_stop(self) -> bool:
        return self._server.can_cancel or bool(self._ready.halts)

    def again(self, uuid: str) -> None:
        """Stop an execution that has not ended, where the last call for it has been answered: the
        first may have come before it. Waits for nothing, and raises nothing."""
        if self._server.can_cancel:
            self._cancel(uuid)
        for halt in self._ready.halts:
            try:
                self._halt(halt)
            except DriverError as error:
                self.refused = str(error)

    def stop(self, uuids: Iterable[str | None]) -> None:
        """Cancel these, and send what the site has written besides. Raises DriverError where it is
        not certain that the server has heard it."""
        if not self.can_stop:
            raise DriverError(CANNOT_STOP)
        calls: list[Future[Any]] = []
        if self._server.can_cancel:
            calls += [self._cancel(uuid) for uuid in uuids]
        wrong = []
        for halt in self._ready.halts:
            try:
                calls.append(self._halt(halt))
            except DriverError as error:
                wrong.append(str(error))
        wrong += _wrong(calls)
        self.refused = "; ".join(wrong)[:500] or None
        if self.refused:
            raise DriverError(self.refused)

    def _cancel(self, uuid: str | None) -> Future[Any]:
        rpc = "CancelAll" if uuid is None else "CancelCommand"
        values = {} if uuid is None else {"CommandExecutionUUID": uuid}
        return self._call(CANCEL, rpc, values)

    def _halt(self, halt: Halt) -> Future[Any]:
        """Raises DriverError."""
        return self._call(halt.feature, halt.command, halt.parameters)

    def _call(self, feature: str, command: str, values: JsonObject) -> Future[Any]:
        """One call of each kind at a time: a server that is slow gets no pile of them."""
        key = f"{feature}/{command}/{values}"
        with self._lock:
            before = self._open.get(key)
            if before is not None and not before.done():
                return before
            part = self._server.part(feature, command)
            sent = as_message(part.parameters, values, command)
            call = self._server.begin(feature, command, sent, _ANSWER_S, stops=True)
            if len(self._open) >= _MOST_OPEN:
                self._open.clear()
            self._open[key] = call
            return call


def _wrong(calls: Iterable[Any]) -> list[str]:
    """What is wrong with them, as far as it shows within a moment."""
    done = threading.Event()
    wrong = []
    calls = list(calls)
    left = len(calls)
    lock = threading.Lock()

    def one(_: Any) -> None:
        nonlocal left
        with lock:
            left -= 1
            if not left:
                done.set()

    for call in calls:
        call.add_done_callback(one)
    if calls:
        done.wait(_TOLD_S)
    for call in calls:
        if not call.done():
            wrong.append("the server has not answered a stop yet")
            continue
        error = call.exception()
        if not isinstance(error, grpc.RpcError):
            continue
        fault = fault_of(error)
        if fault is None:
            wrong.append(f"{error.code().name}: {error.details()}"[:200])
        elif not fault.text.startswith("InvalidCommandExecutionUUID"):
            # what has ended meanwhile needs no cancel
            wrong.append(f"the server refuses to cancel: {fault.text}")
    return list(dict.fromkeys(wrong))
