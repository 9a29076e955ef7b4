"""One station behind a PLC, as a robot of robotq."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    CommandContext,
    DriverError,
    DriverSetup,
    DriverStatus,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.drivers.params import checked
from robotq.drivers.plc.connections import Connection, connections
from robotq.drivers.plc.handshake import Handshake
from robotq.drivers.plc.options import PlcOptions, read_options
from robotq.drivers.plc.pattern import Hooks, Refused, judge
from robotq.drivers.plc.reading import PlcProgram
from robotq.drivers.plc.watch import Watch
from robotq.drivers.settling import Settled, UnsettledRun
from robotq.model.carried.live_value import LONGEST_UNIT, LiveValue, LiveValues
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command


class _Run:
    """What is asked of a command while it runs. `stop` and `let_go` come from any thread."""

    def __init__(self) -> None:
        self.stopping = False
        self.left = False
        self.woken = threading.Event()


class PlcDriver:
    def __init__(self, setup: DriverSetup, options: PlcOptions) -> None:
        self._robot = setup.robot
        self._options = options
        self._ready = options.ready
        self._link_changed = setup.link_changed
        self._plc: Connection | None = None
        self._stop_plc: Connection | None = None
        """Of its own: a stop waits for no answer to anything else."""
        self._look_plc: Connection | None = None
        self._watch: Watch | None = None
        self._run: _Run | None = None
        self._latched = False
        self._up = False
        self._why_lost = "not connected"
        self._state = threading.Lock()

    @property
    def capabilities(self) -> Capabilities:
        stop = self._ready.written.stop
        return Capabilities(
            acknowledgement=Acknowledgement.FINISHED,
            stop_out_of_band=stop is not None,
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
        self._shut()
        try:
            self._stop_plc, self._plc, self._look_plc = connections(self._ready)
            self._stop_plc.open()
            if self._latched:
                self._send_stop()
            self._plc.open()
            # every node that commands use is there, and can be read
            self._plc.read(self._ready.nodes)
            self._look_plc.open()
        except LinkLost:
            self._shut()
            raise
        except Refused as error:
            self._shut()
            raise LinkLost(f"the PLC refuses the stop: {error}") from error
        self._up = True
        self._watch = Watch(self._look_plc, self._ready, self._on_lost)
        self._watch.start()

    def _on_lost(self, reason: str) -> None:
        with self._state:
            if not self._up:
                return
            self._up = False
            self._why_lost = reason
        run = self._run
        if run is not None:
            run.woken.set()
        self._link_changed(LinkState.DISCONNECTED, reason)

    def _shut(self) -> None:
        with self._state:
            self._up = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.end()
        for client in (self._plc, self._stop_plc, self._look_plc):
            if client is not None:
                client.close()
        self._plc = self._stop_plc = self._look_plc = None
        if watch is not None:
            watch.join()

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        program = self._program(command)
        if program.pattern is None:
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
        plc, pattern = self._plc, program.pattern
        assert pattern is not None
        if plc is None or not self._up:
            raise LinkLost(self._why_lost)
        run = _Run()
        hooks = Hooks(
            now=time.monotonic,
            pause=lambda: self._pause(run),
            stopping=lambda: run.stopping,
            latched=lambda: self._latched,
            left=lambda: run.left,
        )
        self._run = run
        try:
            read = act(Handshake(plc, pattern, self._ready.station, hooks, context))
        except LinkLost as error:
            self._on_lost(str(error))
            raise
        finally:
            self._run = None
        return {name: read[node] for name, node in program.result.items()}

    def _pause(self, run: _Run) -> None:
        run.woken.wait(self._ready.written.poll_s)
        run.woken.clear()
        if not self._up:
            raise LinkLost(self._why_lost)

    def immediate(self, command: Command) -> JsonObject:
        program = self._program(command)
        if program.pattern is not None:
            raise UnknownCommand("it is no query")
        return self._asked(program, command)

    def _asked(self, program: PlcProgram, command: Command) -> JsonObject:
        checked(program.params, command.params)
        plc = self._look_plc
        if plc is None or not self._up:
            raise LinkLost(self._why_lost)
        read = plc.read(frozenset(program.result.values()))
        return {name: read[node] for name, node in program.result.items()}

    def _program(self, command: Command) -> PlcProgram:
        program = self._ready.programs.get(command.cmd_type)
        if program is None:
            raise UnknownCommand(self._options.lacks(command.cmd_type, None) or "")
        return program

    # -- runs that nobody has watched to their end ---------------------------------------------

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:  # noqa: ARG002
        """Of `Settles`: by the number that the PLC has stored. A request that the PLC does not
        have is unknown, and not "never started": it may be on its way in the old connection."""
        program, number = self._numbered(run)
        pattern, plc = program.pattern, self._plc
        assert pattern is not None
        if plc is None:
            raise LinkLost(self._why_lost)
        names = [pattern.start, pattern.done, self._ready.station.boot]
        asked = [name for name in names if name is not None]
        seen = plc.read(asked)
        boot = "" if self._ready.station.boot is None else str(seen[self._ready.station.boot])
        if boot != run.boot:
            return Settled.unknown("the PLC has started anew")
        if seen[pattern.start] != number:
            return Settled.unknown(f"{pattern.start} is {seen[pattern.start]}, not {number}")
        if seen[pattern.done] != number:
            return Settled.running(id=str(seen[pattern.start]), boot=boot)
        if pattern.outcome is None:
            return Settled.unknown("the PLC does not store how it ended: expected `outcome`")
        stored = plc.read({*pattern.results, pattern.outcome.node})
        if plc.read(asked) != seen:
            return Settled.unknown("it has changed while it was read")
        told = str(seen[pattern.done])
        try:
            judge(pattern.outcome, stored[pattern.outcome.node])
        except Stopped:
            return Settled.stopped(id=told, boot=boot)
        except DriverError as error:
            return Settled.failed(str(error), id=told, boot=boot)
        result = {name: stored[node] for name, node in program.result.items()}
        return Settled.completed(result, id=told, boot=boot)

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Of `Settles`."""
        program, number = self._numbered(run)
        return self._carried(program, context, lambda each: each.follow(number, run.boot))

    def let_go(self, limit_s: float) -> None:  # noqa: ARG002 - a PLC sets no limit
        """Of `Settles`. A command without a number is unknown afterwards."""
        run = self._run
        if run is not None:
            run.left = True
            run.woken.set()

    def _numbered(self, run: UnsettledRun) -> tuple[PlcProgram, int]:
        program = self._program(run.command)
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
        raise DriverError("this station cannot pause")

    def stop(self) -> None:
        run = self._run
        if run is not None:
            run.stopping = True
        try:
            self._send_stop()
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

    def _send_stop(self) -> None:
        """Raises DriverError, LinkLost."""
        stop, plc = self._ready.station.stop, self._stop_plc
        if stop is None:
            raise DriverError("this station has no stop bit in its options")
        if plc is None:
            raise LinkLost(self._why_lost)
        try:
            plc.write(stop, True)
        except Refused as error:
            raise DriverError(f"the PLC refuses the stop: {error}") from error

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        if not self._up:
            return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
        return DriverStatus(
            link=LinkState.CONNECTED,
            details={"emergency_stop": self._latched, "nodes": len(self._ready.nodes)},
            values=self._values(),
        )

    def _values(self) -> LiveValues:
        """What is shown of the nodes, as it was read a moment ago."""
        watch = self._watch
        if watch is None or watch.seen is None:
            return {}
        read_at, seen = watch.seen
        age_s = max(0.0, time.monotonic() - read_at)
        written = self._ready.written.shows
        return {
            name: LiveValue(
                value=float(seen[node]),
                unit=self._ready.nodes[node].written.unit[:LONGEST_UNIT],
                normal=None if (normal := written[name].normal) is None else (normal[0], normal[1]),
                age_s=age_s,
            )
            for name, node in self._ready.shows.items()
        }

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Only the same options: other nodes and commands need a new start."""
        if read_options(self._robot, options).ready.written != self._ready.written:
            raise ConfigError(f"robots.{self._robot}.options: another station needs a restart")
        return lambda: None

    def close(self) -> None:
        self._shut()
