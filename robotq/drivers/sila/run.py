"""One command: what it waits for, what its execution tells, and what is certain at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import grpc

from robotq.config.sila_robot import SilaRobot
from robotq.drivers.base import CommandContext, DriverError, Stopped, UncertainOutcome
from robotq.drivers.mapped.filling import arrives, filled, leaves, require
from robotq.drivers.mapped.told import Told
from robotq.drivers.settling import LeftRunning
from robotq.drivers.sila.faults import fault_of, lost, not_answered, not_begun
from robotq.drivers.sila.ready import Ask, SilaProgram, results_of
from robotq.drivers.sila.server import Server
from robotq.drivers.sila.values import as_json, as_message, plain
from robotq.drivers.sila.watch import State, Watch
from robotq.model.json import JsonObject

_TURN_S = 0.2
"""Between two looks at what is to happen besides; a stop wakes it at once."""
_CANCEL_S = 0.3
"""Between two cancels of an execution that has not ended."""
_RESULT_S = 10.0
"""Wall seconds in which a server hands out a result that it has."""


def asked(server: Server, ask: Ask, scope: Mapping[str, Any], *, acts: bool) -> dict[str, Any]:
    """The name that the answer adds to `scope`. `acts`: the command may move the robot, so that an
    answer that does not come leaves everything open.

    Raises DriverError, LinkLost, UncertainOutcome.
    """
    part = server.part(ask.feature, ask.part)
    try:
        if ask.is_property:
            message = server.read(ask.feature, ask.part, ask.answer_s)
            told: dict[str, Any] = {"value": plain(part.to_native_type(message))}
        else:
            if server.is_observable(ask.feature, ask.part):
                raise DriverError(f"{ask.name} is observable, so it is no query")
            values = filled(ask.parameters, scope)
            sent = as_message(part.parameters, values, ask.name)
            message = server.call(ask.feature, ask.part, sent, ask.answer_s)
            told = {"response": as_json(part.responses, message)}
    except grpc.RpcError as error:
        raise not_answered(error, ask.name, acts=acts) from error
    except ValueError as error:
        if acts:
            raise UncertainOutcome("answer_lost", f"{ask.name}: {error}"[:500]) from error
        raise DriverError(f"{ask.name}: {error}"[:500]) from error
    require(ask.check, {**scope, **told}, ask.otherwise, ask.name)
    return told


class Run:
    """A command on its way. `stop` may be called from any thread."""

    def __init__(
        self,
        program: SilaProgram,
        params: JsonObject,
        robot: SilaRobot,
        *,
        server: Server,
        cancel: Callable[[str], None],
        latched: Callable[[], bool],
    ) -> None:
        """`cancel`: has the server cancel an execution, and waits for nothing."""
        self._program = program
        self._scope: dict[str, Any] = {"params": params, "values": robot.values}
        self._server = server
        self._cancel = cancel
        self._latched = latched
        self._accept_s = robot.accept_s
        self._stopping = False
        self._left = False
        self._watch: Watch | None = None
        self.uuid: str | None = None
        """Of the execution, as soon as the server has told it."""

    def stop(self) -> None:
        self._stopping = True
        self._wake()

    def breaks(self, error: UncertainOutcome) -> None:
        watch = self._watch
        if watch is not None:
            watch.breaks(error)

    def let_go(self) -> None:
        """The robot is to go on without robotq."""
        self._left = True
        self._wake()

    def _wake(self) -> None:
        watch = self._watch
        if watch is not None:
            watch.wake()

    def carry_out(self, context: CommandContext) -> JsonObject:
        """Raises DriverError, Stopped, UncertainOutcome."""
        ask = self._program.ask
        for each in self._program.requires:
            self._check()
            asked(self._server, each, self._scope, acts=False)
        if ask.is_property or not self._server.is_observable(ask.feature, ask.part):
            self._check()
            leaves(self._program.place, context)
            told = asked(self._server, ask, self._scope, acts=not ask.is_property)
            return self._done({**self._scope, **told}, context)
        uuid = self._begun(context)
        self.uuid = uuid
        details = {"feature": ask.feature, "command": ask.part, "server": self._server.uuid}
        context.run_id(uuid, begun=True, details=details)
        return self.follow(uuid, context)

    def _begun(self, context: CommandContext) -> str:
        """Raises DriverError, Stopped, UncertainOutcome."""
        ask = self._program.ask
        part = self._server.part(ask.feature, ask.part)
        sent = as_message(part.parameters, filled(ask.parameters, self._scope), ask.name)
        self._check()
        leaves(self._program.place, context)
        try:
            told = self._server.call(ask.feature, ask.part, sent, self._accept_s)
        except grpc.RpcError as error:
            raise not_begun(error, ask.name) from error
        try:
            return str(UUID(told.commandExecutionUUID.value))
        except ValueError as error:
            reason = f"{ask.name}: the server has begun, and gave no id for it"
            raise UncertainOutcome("answer_lost", reason) from error

    def follow(self, uuid: str, context: CommandContext) -> JsonObject:
        """Wait for the end of an execution. Raises as `carry_out`."""
        ask = self._program.ask
        self.uuid = uuid
        watch = self._watch = Watch(self._server, ask.feature, ask.part, uuid)
        cancelled_at = 0.0
        try:
            watch.start()
            telling, seen = self._program.telling, None
            with Told(ask.name, telling, self._scope, context) as told:
                while True:
                    if self._is_stopping() and time.monotonic() - cancelled_at >= _CANCEL_S:
                        self._cancel(uuid)
                        cancelled_at = time.monotonic()
                    info, intermediate = watch.take(_TURN_S, self._woken())
                    if info is not None and telling.progress is None:
                        told.progress(info.progress)
                    if intermediate is not None and intermediate != seen:
                        seen = intermediate
                        told.said(intermediate=intermediate)
                    if info is not None and info.state.over:
                        break
                    if self._left:
                        raise LeftRunning
            return self.ended(info.state, uuid, context)
        finally:
            watch.close()
            self._watch = None

    def ended(self, state: State, uuid: str, context: CommandContext) -> JsonObject:
        """The result of an execution that is at its end. Raises as `carry_out`."""
        ask = self._program.ask
        part, feature = self._server.part(ask.feature, ask.part), self._server.feature(ask.feature)
        try:
            rpc = f"{ask.part}_Result"
            message = self._server.call(ask.feature, rpc, feature.execution(uuid), _RESULT_S)
        except grpc.RpcError as error:
            fault = fault_of(error)
            if fault is None:
                raise lost(error, ask.name) from error
            if fault.kind == "frameworkError" or state is not State.FAILED:
                # it may have forgotten it meanwhile
                raise UncertainOutcome("answer_lost", f"{ask.name}: {fault.text}") from error
            if self._is_stopping():
                raise Stopped from error
            raise DriverError(f"{ask.name}: {fault.text}") from error
        if state is State.FAILED:
            raise DriverError(
                f"{ask.name} has ended with an error, and the server does not say why"
            )
        try:
            told = as_json(part.responses, message)
        except ValueError as error:
            raise UncertainOutcome("answer_lost", f"{ask.name}: {error}"[:500]) from error
        scope = {**self._scope, "response": told}
        require(ask.check, scope, ask.otherwise, ask.name)
        return self._done(scope, context)

    def _done(self, scope: Mapping[str, Any], context: CommandContext) -> JsonObject:
        arrives(self._program.place, scope, context)
        return results_of(self._program, scope)

    def _is_stopping(self) -> bool:
        return self._stopping or self._latched()

    def _check(self) -> None:
        if self._is_stopping():
            raise Stopped

    def _woken(self) -> Callable[[], bool]:
        """What ends a wait before its time: what has not been seen to yet."""
        stopping = self._is_stopping()
        return lambda: self._left or (not stopping and self._is_stopping())
