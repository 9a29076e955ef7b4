"""One robot behind a SiLA 2 server, as a robot of robotq."""

from __future__ import annotations

import threading
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
    UncertainOutcome,
    UnknownCommand,
)
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.mapped.commands import CannotPause
from robotq.drivers.mapped.filling import leaves
from robotq.drivers.params import checked
from robotq.drivers.settling import Settled, UnsettledRun
from robotq.drivers.sila.beat import Beat
from robotq.drivers.sila.looks import end_of, first_info, lacking
from robotq.drivers.sila.options import SilaOptions, read_options
from robotq.drivers.sila.ready import results_of
from robotq.drivers.sila.run import Run, asked
from robotq.drivers.sila.server import Server
from robotq.drivers.sila.stops import CANNOT_STOP, Stops
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command


class SilaDriver(CannotPause):
    def __init__(self, setup: DriverSetup, options: SilaOptions) -> None:
        self._name = setup.robot
        self._options = options
        self._robot = options.ready.robot
        self._link_changed = setup.link_changed
        wanted = self._robot.server_uuid
        self._recognition = Recognition(
            None if wanted is None else wanted.lower(), "a SiLA server always has a UUID"
        )
        self._server: Server | None = None
        self._stops: Stops | None = None
        self._making: Server | None = None
        self._run: Run | None = None
        self._found: str | None = None
        """An execution that was found running, and that nobody follows yet."""
        self._latched = False
        self._missing: tuple[str, ...] = ()
        self._state = threading.Lock()
        self._beat: Beat | None = None

    @property
    def capabilities(self) -> Capabilities:
        stops = self._stops
        return Capabilities(
            acknowledgement=Acknowledgement.FINISHED,
            # known when the server has said what it offers
            stop_out_of_band=stops is not None and stops.can_stop,
            position_survives_stop=True,
            immediate_while_busy=True,
        )

    @property
    def many_clients(self) -> str:
        """Of `TakesManyClients`."""
        return "a SiLA server takes any number of clients"

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        self._drop()
        server = Server(self._robot)
        with self._state:
            self._making = server
        try:
            self._recognition.look(
                lambda: Self(names=(server.look(),), whole=server.uuid), once=True
            )
            server.learn(self._options.ready.features)
            stops = Stops(server, self._options.ready)
            if self._latched and stops.can_stop:
                stops.stop([None])
        except BaseException as error:
            server.close()
            if isinstance(error, DriverError):
                raise LinkLost(f"the emergency stop does not get through: {error}") from error
            raise
        finally:
            with self._state:
                self._making = None
        self._missing = lacking(server, self._options.ready)
        self._found = None
        beat = Beat(self._name, server, lambda reason: self._lost(server, reason))
        with self._state:
            self._server, self._stops, self._beat = server, stops, beat
        beat.start()

    def _lost(self, server: Server, reason: str) -> None:
        """From any thread; once for each connection."""
        with self._state:
            if self._server is not server:
                return
            self._server = self._stops = None
            self._end_beat()
            run = self._run
        if run is not None:
            run.breaks(LinkLost(reason))
        server.close()
        self._link_changed(LinkState.DISCONNECTED, reason)

    def _drop(self) -> None:
        with self._state:
            server, self._server, self._stops = self._server, None, None
            self._end_beat()
        if server is not None:
            server.close()

    def _end_beat(self) -> None:
        """In `_state`: it is that of the connection that ends."""
        if self._beat is not None:
            self._beat.end()

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        server, run = self._made(command)
        return self._watched(server, run, lambda: run.carry_out(context))

    def _watched(self, server: Server, run: Run, work: Callable[[], JsonObject]) -> JsonObject:
        self._run = run
        try:
            return work()
        except LinkLost as error:
            self._lost(server, error.reason)
            raise
        except ValueError as error:
            # the library says so of a connection that was closed meanwhile
            self._lost(server, str(error))
            raise LinkLost(str(error)) from error
        finally:
            self._run = None

    def _made(self, command: Command) -> tuple[Server, Run]:
        program = self._options.program(command)
        params = checked(program.params, command.params)
        server, stops = self._server, self._stops
        if server is None or stops is None:
            raise LinkLost("not connected")
        return server, Run(
            program,
            params,
            self._robot,
            server=server,
            cancel=stops.again,
            latched=lambda: self._latched,
        )

    def immediate(self, command: Command) -> JsonObject:
        program = self._options.program(command)
        if not program.query:
            raise UnknownCommand("it is no query")
        scope = {"params": checked(program.params, command.params), "values": self._robot.values}
        server = self._server
        if server is None:
            raise LinkLost("not connected")
        try:
            told = asked(server, program.ask, scope, acts=False)
        except ValueError as error:
            raise LinkLost(str(error)) from error
        return results_of(program, {**scope, **told})

    # -- runs that nobody has watched to their end ---------------------------------------------

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:
        """Of `Settles`: by what the server keeps under the UUID of the execution."""
        server, followed = self._unsettled(run)
        try:
            info = first_info(server, self._options.program(run.command).ask, run.id)
            if isinstance(info, Settled):
                return info
            state = info.state
            self._found = None if state.over else run.id
            if not state.over:
                return Settled.running(id=run.id)
            return end_of(run.id, lambda: followed.ended(state, run.id, context))
        except ValueError as error:
            # the library says so of a connection that was closed meanwhile
            raise LinkLost(str(error)) from error

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Of `Settles`."""
        server, followed = self._unsettled(run)
        self._found = None
        leaves(self._options.program(run.command).place, context)
        return self._watched(server, followed, lambda: followed.follow(run.id, context))

    def let_go(self, limit_s: float) -> None:  # noqa: ARG002 - an execution has no time limit of ours
        """Of `Settles`."""
        run = self._run
        if run is not None:
            run.let_go()

    def _unsettled(self, run: UnsettledRun) -> tuple[Server, Run]:
        """Raises UncertainOutcome."""
        ask, written = self._options.program(run.command).ask, run.at_device.details
        if (ask.feature, ask.part) != (written.get("feature"), written.get("command")):
            raise UncertainOutcome(
                "answer_lost",
                f"it was an execution of {written.get('command')}, which the options do not name "
                "any more",
            )
        server, followed = self._made(run.command)
        if written.get("server") != server.uuid:
            reason = f"it was begun at the server {written.get('server')}, this is {server.uuid}"
            raise UncertainOutcome("device_reset", reason)
        return server, followed

    # -- stopping ------------------------------------------------------------------------------

    def stop(self) -> None:
        self._give_up()
        run, stops, found = self._run, self._stops, self._found
        if run is not None:
            run.stop()
            if stops is not None:
                stops.stop([run.uuid] if run.uuid is not None else [])
            return
        if stops is None:
            return
        if found is not None:
            stops.stop([found])
        elif self._robot.cancel_all and stops.can_stop:
            stops.stop([None])

    def emergency_stop(self) -> None:
        # before the link is looked at: a robot that is not there is stopped when it comes back
        self._latched = True
        self._give_up()
        run, stops = self._run, self._stops
        if run is not None:
            run.stop()
        if stops is None:
            raise LinkLost("not connected: it is stopped first when the server is back")
        one = [] if run is None or run.uuid is None else [run.uuid]
        stops.stop([*one, None])

    def _give_up(self) -> None:
        with self._state:
            making = self._making
        if making is not None:
            making.give_up()

    def reset(self) -> None:
        self._recognition.accept()
        self._latched = False

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        server, stops = self._server, self._stops
        if server is None or stops is None:
            return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
        details: dict[str, Any] = {
            "server": self._robot.address,
            "server_uuid": server.uuid,
            "emergency_stop": self._latched,
            "offers_cancel": server.can_cancel,
        }
        if not stops.can_stop:
            details["cannot_stop"] = CANNOT_STOP
        if stops.refused:
            details["stop_refused"] = stops.refused
        if self._missing:
            details["missing"] = list(self._missing)
        return DriverStatus(link=LinkState.CONNECTED, details=details)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Only the same options: other commands and another server need a new start."""
        ready = read_options(self._name, options).ready
        if ready.commands != self._options.ready.commands or ready.robot != self._robot:
            raise ConfigError(
                f"robots.{self._name}.options: another server or other commands need a restart"
            )
        return lambda: None

    def close(self) -> None:
        self._give_up()
        self._drop()
