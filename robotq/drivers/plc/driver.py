"""One station behind a PLC, as a robot of robotq."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    NotReady,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.drivers.params import checked
from robotq.drivers.plc.connections import Connection
from robotq.drivers.plc.handshakes.before import NotFree
from robotq.drivers.plc.handshakes.handshake import Handshake
from robotq.drivers.plc.handshakes.numbered import settled_by_number
from robotq.drivers.plc.lads.run import LadsRun, settled
from robotq.drivers.plc.lads.units import properties_of, sample_of
from robotq.drivers.plc.link import StationLink
from robotq.drivers.plc.options import PlcOptions, read_options
from robotq.drivers.plc.pattern import Hooks
from robotq.drivers.plc.ready import PlcProgram
from robotq.drivers.settling import Settled, UnsettledRun
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command

_T = TypeVar("_T")


class _Run:
    """What is asked of a command while it runs. `stop` and `let_go` come from any thread."""

    def __init__(self, unit: str | None) -> None:
        self.unit = unit
        """Of LADS, if it is a program of one."""
        self.stopping = False
        self.left = False
        self.woken = threading.Event()


class PlcDriver:
    def __init__(self, setup: DriverSetup, options: PlcOptions) -> None:
        self._robot = setup.robot
        self._options = options
        self._ready = options.ready
        self._link_changed = setup.link_changed
        self._link = StationLink(options.ready, self._on_lost)
        self._standing = self._link.standing
        self._run: _Run | None = None
        self._latched = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            acknowledgement=Acknowledgement.FINISHED,
            stop_out_of_band=self._link.can_stop,
            position_survives_stop=True,
            immediate_while_busy=True,
        )

    @property
    def many_clients(self) -> str:
        """Of `TakesManyClients`."""
        if self._ready.written.modbus_rtu is not None:
            return ""
        return "a PLC in the network is asked over three connections of one driver already"

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        self._link.open(lambda: self._latched)

    def _on_lost(self, reason: str) -> None:
        run = self._run
        if run is not None:
            run.woken.set()
        self._link_changed(LinkState.DISCONNECTED, reason)

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        program = self._options.program(command)
        if program.lads is not None:
            return self._begun(program, command, context)
        if program.query:
            return self._asked(program, command)
        given = checked(program.params, command.params)
        try:
            values = {
                node: self._ready.nodes[node].kept(given[name])
                for node, name in program.write.items()
            }
        except ValueError as error:
            raise DriverError(str(error), code="bad_parameter", field="params") from error
        return self._carried(program, context, lambda handshake: handshake.carry_out(values))

    def _carried(
        self,
        program: PlcProgram,
        context: CommandContext,
        act: Callable[[Handshake], Mapping[str, Any]],
    ) -> JsonObject:
        pattern = program.pattern
        assert pattern is not None

        def acted(plc: Connection, hooks: Hooks) -> Mapping[str, Any]:
            try:
                return act(Handshake(plc, pattern, self._ready.station, hooks, context))
            except NotFree as error:
                self._link.look_why(plc, pattern)
                if why := self._standing.why:
                    raise NotReady(why) from error
                raise
            except LinkLost:
                raise
            except (DriverError, Stopped, UncertainOutcome) as error:
                if error.device is not None and "result" in error.device:
                    read = error.device["result"]
                    own = {
                        name: read[node] for name, node in program.result.items() if node in read
                    }
                    error.device = {**error.device, "result": own}
                # before the next command begins: the queue says why none does
                self._link.look_why(plc, pattern)
                raise

        return program.told(self._followed(acted))

    def _begun(self, program: PlcProgram, command: Command, context: CommandContext) -> JsonObject:
        """A program of LADS."""
        lads = program.lads
        assert lads is not None
        given = checked(program.params, command.params)
        properties, sample = properties_of(lads, given), sample_of(lads, given)
        details = {"unit": lads.unit}
        return self._program_run(
            program,
            context,
            lambda run: run.carry_out(lads.program, properties, sample, details),
        )

    def _program_run(
        self, program: PlcProgram, context: CommandContext, act: Callable[[LadsRun], str]
    ) -> JsonObject:
        lads = program.lads
        assert lads is not None

        def acted(plc: Connection, hooks: Hooks) -> JsonObject:
            unit, done = self._link.units.of(lads.unit), lads.stopped_is_done
            run = act(LadsRun(unit, self._ready.station, hooks, context, stopped_is_done=done))
            read = plc.read(frozenset(program.result.values())) if program.result else {}
            return {"run": run, **program.told(read)}

        return self._followed(acted, lads.unit)

    def _followed(self, act: Callable[[Connection, Hooks], _T], unit: str | None = None) -> _T:
        plc = self._link.work
        run = _Run(unit)
        hooks = Hooks(
            now=time.monotonic,
            pause=lambda: self._pause(run),
            stopping=lambda: run.stopping,
            latched=lambda: self._latched,
            left=lambda: run.left,
            at_its_end=self._standing.at_its_end,
        )
        self._run = run
        self._standing.begins()
        try:
            return act(plc, hooks)
        except LinkLost as error:
            self._link.lose(str(error))
            raise
        finally:
            self._standing.ends()
            self._run = None

    def _pause(self, run: _Run) -> None:
        run.woken.wait(self._ready.written.poll_s)
        run.woken.clear()
        self._link.require()

    def immediate(self, command: Command) -> JsonObject:
        program = self._options.program(command)
        if not program.query:
            raise UnknownCommand("it is no query")
        return self._asked(program, command)

    def _asked(self, program: PlcProgram, command: Command) -> JsonObject:
        checked(program.params, command.params)
        return program.told(self._link.look.read(frozenset(program.result.values())))

    # -- runs that nobody has watched to their end ---------------------------------------------

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:  # noqa: ARG002
        """Of `Settles`: by the number that the PLC has stored. A request that the PLC does not
        have is unknown, and not "never started": it may be on its way in the old connection."""
        lads = self._options.program(run.command).lads
        if lads is not None:
            return settled(self._link.units.that_has(lads, run), run)
        program, number = self._numbered(run)
        return settled_by_number(
            self._link.work, program, number, self._ready.station.boot, run.boot
        )

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Of `Settles`."""
        program = self._options.program(run.command)
        if program.lads is not None:
            self._link.units.that_has(program.lads, run)
            return self._program_run(program, context, lambda each: each.attach(run))
        program, number = self._numbered(run)
        return self._carried(program, context, lambda each: each.follow(number, run.boot))

    def let_go(self, limit_s: float) -> None:  # noqa: ARG002 - a PLC sets no limit
        """Of `Settles`. A command without a number is unknown afterwards."""
        run = self._run
        if run is not None:
            run.left = True
            run.woken.set()

    def _numbered(self, run: UnsettledRun) -> tuple[PlcProgram, int]:
        program = self._options.program(run.command)
        pattern, start = program.pattern, run.at_device.details.get("start")
        if pattern is None or not pattern.numbered or pattern.start != start:
            raise UncertainOutcome(
                "answer_lost", f"it was a number in {start}, which the options name no more"
            )
        return program, int(run.id)

    # -- stopping ------------------------------------------------------------------------------

    def hold(self) -> None:
        raise DriverError("this station cannot pause")

    def resume(self) -> None:
        """A person has seen to what keeps it from beginning."""
        if self._run is not None:
            raise DriverError("this station cannot pause")
        self._link.let_alarms_go(latched=lambda: self._latched)
        self._standing.resume()

    def stop(self) -> None:
        run = self._run
        if run is not None:
            run.stopping = True
        only = None if run is None or self._latched else run.unit
        try:
            self._link.stop(abort=self._latched, only=only)
        finally:
            if run is not None:
                run.woken.set()

    def emergency_stop(self) -> None:
        # before the link is looked at: a station that is not there is stopped when it comes back
        self._latched = True
        self.stop()

    def reset(self) -> None:
        """The stop bit stays high until the next command: that one sees to it that no start bit is
        high when it falls."""
        self._latched = False

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        if not self._link.is_up:
            return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
        why = "" if self._run is not None else self._standing.why
        return DriverStatus(
            link=LinkState.CONNECTED,
            held=bool(why),
            held_because=why,
            details={"emergency_stop": self._latched, "nodes": len(self._ready.nodes)},
            values=self._link.values(),
        )

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Only the same options: other nodes and commands need a new start."""
        if read_options(self._robot, options).ready.written != self._ready.written:
            raise ConfigError(f"robots.{self._robot}.options: another station needs a restart")
        return lambda: None

    def close(self) -> None:
        self._link.close()
