"""The host's side of the protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from robotq.drivers.base import (
    Busy,
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Stopped,
    UnknownCommand,
)
from robotq.drivers.jsonline import messages, settling
from robotq.drivers.jsonline.calls import CallRefused
from robotq.drivers.jsonline.dialogue import Dialogue
from robotq.drivers.jsonline.link import JsonlineLink
from robotq.drivers.jsonline.long_params import LongRun
from robotq.drivers.jsonline.messages import DeviceFault, Hello, Status
from robotq.drivers.jsonline.options import read_options
from robotq.drivers.jsonline.run import Followed, Run
from robotq.drivers.patience import Turns
from robotq.drivers.settling import LeftRunning, Settled, UnsettledRun
from robotq.drivers.transport import Discarded
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command

_FRESH_S = 0.2
"""A status that is younger is told without asking: looking on must not slow the robot."""
_BEATS = 3
"""Beats of the device that may be missing before it is asked how the command stands."""
_LONGEST_PAUSE_S = 1.0


class JsonlineDriver:
    """One robot whose controller speaks robotq's own protocol."""

    def __init__(self, setup: DriverSetup) -> None:
        self._robot = setup.robot
        self._link = JsonlineLink(
            setup.robot, read_options(setup.robot, setup.options), setup.link_changed
        )
        self._latched = False
        self._capabilities = Capabilities(stop_out_of_band=True)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def take_epoch(self, epoch: int) -> None:
        """Of `KeepsEpoch`: it goes with everything that is sent from the next `connect` on."""
        self._link.epoch = epoch

    def connect(self) -> None:
        self._link.connect(latched=self._latched)
        hello = self._link.hello
        if hello is not None:
            self._capabilities = replace(
                self._capabilities,
                position_survives_stop=hello.position_survives_stop,
                immediate_while_busy=hello.query_while_busy,
                can_hold=hello.hold,
            )

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        link, hello = self._link, self._link.hello
        if hello is None or not link.up:
            raise LinkLost("not connected")
        run = Run(f"{context.task_id}.{context.attempt}", context)
        request = {
            "op": "run",
            "id": run.id,
            "boot": hello.boot,
            "cmd": command.cmd_type,
            "params": command.params,
            "task": context.task_id,
            "attempt": context.attempt,
        }
        # before the id is given: what does not fit is not begun
        long = LongRun(request, link.max_line)
        settling.name(run, hello, link.begun)
        return self._followed(run, long, hello)

    @property
    def names_first(self) -> bool:
        """Of `NamesFirst`: with a device of version 2."""
        hello = self._link.hello
        return hello is not None and settling.can_be_asked(hello)

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:  # noqa: ARG002
        return settling.settle(self._link, run)

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        link, hello = self._link, self._link.hello
        if hello is None or not link.up:
            raise LinkLost("not connected")
        followed = Run(run.id, context)
        # the device has it, so it is only looked at
        followed.known = True
        request = {"op": "look", "id": run.id, "params": run.command.params}
        long = LongRun(request, link.max_line)
        long.request = {"op": "look", "id": run.id}
        return self._followed(followed, long, hello)

    def let_go(self, limit_s: float) -> None:  # noqa: ARG002 - the device goes on by itself
        run = self._link.run
        if run is not None:
            run.breaks(LeftRunning())

    def _followed(self, run: Run, long: LongRun, hello: Hello) -> JsonObject:
        link = self._link
        link.run = run
        try:
            with Followed(run.context) as followed:
                result = self._carried_out(run, long, followed, _BEATS * hello.beat_s)
                return {**result, "simulated": True} if hello.simulated else result
        finally:
            link.run = None

    def _carried_out(
        self, run: Run, long: LongRun, followed: Followed, silence_s: float
    ) -> JsonObject:
        if not run.known and not self._may_begin(run):
            raise Stopped
        options = self._link.options
        turns = Turns(_LONGEST_PAUSE_S)
        began, pause_s = turns.now(), options.repeat_s
        dialogue = Dialogue(self._link, run, long)
        self._send(long.request)
        while True:
            report = run.next_report(silence_s if run.known else pause_s)
            if report is None:
                if not run.known and turns.now() - began > options.answer_s:
                    self._link.lose("the device gave no answer to a command")
                # once it has the command, or is to stop, nothing may begin it again
                again = not run.known and self._may_begin(run)
                self._send(long.request if again else {"op": "look", "id": run.id})
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            elif report.state == messages.UNKNOWN and not run.known:
                # it was to stop before the request had arrived
                raise Stopped
            elif report.final:
                if not run.known and report.state != messages.REFUSED:
                    self._link.begun += 1
                followed.follow(report)
                return dialogue.result(report)
            else:
                if not run.known:
                    run.known = True
                    self._link.begun += 1
                followed.follow(report)
                dialogue.answer(report)

    def _may_begin(self, run: Run) -> bool:
        return not run.stopping and not self._latched

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._link.send(message)
        except Discarded:
            # an emergency stop came first; how the command stands is asked after the pause
            return

    def immediate(self, command: Command) -> JsonObject:
        try:
            ok = self._link.call("query", cmd=command.cmd_type, params=command.params)
        except CallRefused as error:
            raise _immediate_failure(error.fault) from error
        result = ok.get("result")
        answer = dict(result) if isinstance(result, Mapping) else {}
        hello = self._link.hello
        return {**answer, "simulated": True} if hello is not None and hello.simulated else answer

    # -- stopping ------------------------------------------------------------------------------

    def hold(self) -> None:
        self._told("hold")

    def resume(self) -> None:
        self._told("resume")

    def stop(self) -> None:
        run = self._link.run
        if run is not None:
            run.stopping = True
        self._link.interrupt("a stop came before the device had answered")
        self._told("stop")

    def emergency_stop(self) -> None:
        # before the link is looked at: a device that is not there is stopped when it comes back
        self._latched = True
        self._link.state.outdate()
        self._link.emergency_stop()

    def reset(self) -> None:
        # also where there is no link yet because of it
        self._link.accept()
        self._told("reset")
        self._latched = False

    def _told(self, op: str) -> None:
        self._link.state.outdate()
        try:
            self._link.call(op)
        except CallRefused as error:
            raise DriverError(error.fault.message, code=error.fault.code) from error
        finally:
            self._link.state.outdate()

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        return self._status(time.monotonic() - self._link.state.told_at > _FRESH_S)

    def last_status(self) -> DriverStatus:
        """Asked only where something was told since, such as a hold, that has changed it."""
        return self._status(not self._link.state.told_at)

    def _status(self, old: bool) -> DriverStatus:
        link, hello = self._link, self._link.hello
        if not link.up or hello is None:
            return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
        status = link.state.status
        if status is None or old:
            try:
                status = link.ask_status()
            except LinkLost:
                # the watch decides whether it is gone
                status = status or Status(boot=hello.boot, position_known=False)
        return DriverStatus(
            link=LinkState.CONNECTED,
            held=status.held,
            held_because=status.held_because,
            still_moving=status.still_moving,
            planned_moves=status.planned_moves,
            position_known=status.position_known,
            place=status.place,
            details={
                **status.details,
                "device": hello.name,
                "firmware": hello.firmware,
                "simulated": hello.simulated,
                "boot": hello.boot,
                "running": status.running,
                "emergency_stop": status.estop,
                "damaged_lines": link.bad_lines,
            },
            values=link.state.values,
        )

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Times change; another port needs a restart."""
        new = read_options(self._robot, options)
        if new.port != self._link.options.port:
            raise ConfigError(f"robots.{self._robot}.options: another port needs a restart")

        def apply() -> None:
            self._link.options = new

        return apply

    def close(self) -> None:
        self._link.shut()


def _immediate_failure(fault: DeviceFault) -> Exception:
    if fault.code == "unknown_command":
        return UnknownCommand(fault.message)
    if fault.code == "busy":
        return Busy(fault.message)
    return DriverError(fault.message, code=fault.code)
