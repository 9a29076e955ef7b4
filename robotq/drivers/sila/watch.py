"""What an execution tells: its state, and its intermediate responses, the newest of each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import grpc

from robotq.drivers.base import UncertainOutcome
from robotq.drivers.sila.faults import fault_of, lost
from robotq.drivers.sila.server import Server
from robotq.drivers.sila.values import as_json
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_STREAM_S = 3.0
"""Wall seconds after which a server is asked anew: one that has ended an execution in the moment
of the question may leave the answer open for ever."""
_AGAIN_S = 0.1


class State(IntEnum):
    """Of ExecutionInfo.CommandStatus in SiLAFramework.proto."""

    WAITING = 0
    RUNNING = 1
    FINISHED = 2
    FAILED = 3

    @property
    def over(self) -> bool:
        return self >= State.FINISHED


@dataclass(frozen=True, slots=True)
class Info:
    state: State
    progress: float | None


def info_of(message: Any) -> Info:
    progress = message.progressInfo.value if message.HasField("progressInfo") else None
    return Info(State(message.commandStatus), progress)


class Watch:
    """One execution, for the thread that follows it. `close` it at the end."""

    def __init__(self, server: Server, feature: str, command: str, uuid: str) -> None:
        self._server = server
        self._feature = feature
        self._command = command
        self._message = server.feature(feature).execution(uuid)
        self._intermediates = getattr(server.part(feature, command), "intermediate_responses", None)
        self._changed = threading.Condition()
        self._info: Info | None = None
        self._intermediate: JsonObject | None = None
        self._error: Exception | None = None
        self._news = False
        self._closed = False
        self._streams: set[Any] = set()

    def start(self) -> None:
        self._thread(self._read_infos, "infos")
        if self._intermediates:
            self._thread(self._read_intermediates, "intermediates")

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def breaks(self, error: Exception) -> None:
        """Nothing more will come; the first reason counts."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def take(
        self, seconds: float, given_up: Callable[[], bool]
    ) -> tuple[Info | None, JsonObject | None]:
        """What is known by now, after something has changed or `seconds` have passed. Raises what
        ended it; that it is at its end counts first."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._news or self._error is not None or given_up(), seconds
            )
            self._news = False
            over = self._info is not None and self._info.state.over
            if self._error is not None and not over:
                raise self._error
            return self._info, self._intermediate

    def close(self) -> None:
        with self._changed:
            self._closed = True
            streams = list(self._streams)
            self._changed.notify_all()
        for each in streams:
            each.cancel()

    # -- on threads of their own -----------------------------------------------------------------

    def _thread(self, target: Callable[[], None], name: str) -> None:
        threading.Thread(target=target, name=f"{self._command}-{name}", daemon=True).start()

    def _read_infos(self) -> None:
        while not self._closed:
            try:
                for message in self._stream("Info"):
                    self._tell(info=info_of(message))
            except grpc.RpcError as error:
                fault = fault_of(error)
                if fault is not None and fault.forgotten:
                    reason = f"{self._command}: the server does not know the execution any more"
                    self.breaks(UncertainOutcome("device_reset", reason))
                    return
                if fault is not None or not _may_go_on(error):
                    self.breaks(lost(error, self._command))
                    return
            except ValueError as error:
                self.breaks(UncertainOutcome("answer_lost", f"{self._command}: {error}"))
                return
            if self._over():
                return
            time.sleep(_AGAIN_S)

    def _read_intermediates(self) -> None:
        while not self._closed and not self._over():
            try:
                for message in self._stream("Intermediate"):
                    self._tell(intermediate=as_json(self._intermediates, message))
            except grpc.RpcError as error:
                if not _may_go_on(error):
                    # it breaks no motion; whether the link is there is seen elsewhere
                    return
            except ValueError as error:
                _log.warning("%s: %s", self._command, error)
                return
            time.sleep(_AGAIN_S)

    def _stream(self, which: str) -> Any:
        stream = self._server.stream(
            self._feature, f"{self._command}_{which}", self._message, _STREAM_S
        )
        with self._changed:
            self._streams.add(stream)
            closed = self._closed
        if closed:
            stream.cancel()
        try:
            yield from stream
        finally:
            with self._changed:
                self._streams.discard(stream)

    def _tell(self, *, info: Info | None = None, intermediate: JsonObject | None = None) -> None:
        with self._changed:
            if info is not None and info != self._info and not self._is_over():
                self._info, self._news = info, True
            if intermediate is not None and intermediate != self._intermediate:
                self._intermediate, self._news = intermediate, True
            self._changed.notify_all()

    def _over(self) -> bool:
        with self._changed:
            return self._is_over()

    def _is_over(self) -> bool:
        return self._info is not None and self._info.state.over


def _may_go_on(error: grpc.RpcError) -> bool:
    """The time of one question is over, or we have ended it ourselves."""
    return error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
