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
from robotq.drivers.sila.ready import ReadyRobot
from robotq.drivers.sila.server import CANCEL, Server
from robotq.drivers.sila.values import as_message

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
        self._open: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.refused: str | None = None
        """What the server has said to the last cancel."""

    @property
    def can_stop(self) -> bool:
        return self._server.can_cancel or bool(self._ready.halts)

    def again(self, uuid: str | None) -> None:
        """Cancel an execution, or with None all, where the last cancel of it has been answered.
        Waits for nothing, and raises nothing: a stop is repeated."""
        if self._server.can_cancel:
            self._cancel(uuid)

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
                part = self._server.part(halt.feature, halt.command)
                sent = as_message(part.parameters, halt.parameters, halt.command)
            except DriverError as error:
                wrong.append(str(error))
                continue
            calls.append(
                self._server.begin(halt.feature, halt.command, sent, _ANSWER_S, stops=True)
            )
        wrong += _wrong(calls)
        self.refused = "; ".join(wrong)[:500] or None
        if self.refused:
            raise DriverError(self.refused)

    def _cancel(self, uuid: str | None) -> Future[Any]:
        """One call for each at a time: a server that is slow gets no pile of them."""
        with self._lock:
            before = self._open.get(uuid or "")
            if before is not None and not before.done():
                return before  # type: ignore[no-any-return]
            rpc = "CancelAll" if uuid is None else "CancelCommand"
            part = self._server.part(CANCEL, rpc)
            values = {} if uuid is None else {"CommandExecutionUUID": uuid}
            sent = as_message(part.parameters, values, rpc)
            call = self._server.begin(CANCEL, rpc, sent, _ANSWER_S, stops=True)
            if len(self._open) >= _MOST_OPEN:
                self._open.clear()
            self._open[uuid or ""] = call
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
