"""One robot behind a bridge, as a robot of robotq."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import wait
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
from robotq.drivers.mapped.commands import CannotPause
from robotq.drivers.mapped.filling import results
from robotq.drivers.params import checked
from robotq.drivers.rosbridge.asking import Asking
from robotq.drivers.rosbridge.bridge import Bridge
from robotq.drivers.rosbridge.dialects import ROS_1, ROS_2
from robotq.drivers.rosbridge.goals import Goals
from robotq.drivers.rosbridge.messages import ALL_GOALS, GoalId, GoalStatus
from robotq.drivers.rosbridge.options import RosbridgeOptions, read_options
from robotq.drivers.rosbridge.ros1.actions import goal_topic, goal_type
from robotq.drivers.rosbridge.ros1.run import Ros1Run
from robotq.drivers.rosbridge.ros1.stops import Ros1Stops
from robotq.drivers.rosbridge.run import Run
from robotq.drivers.rosbridge.shown import Shown
from robotq.drivers.rosbridge.stops import STOP_S, Stops
from robotq.drivers.settling import Settled, UnsettledRun
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.model.task import Command

_ASKED_S = 5.0
"""Wall seconds in which a server says what became of a goal."""
_LOOK_S = 0.3
"""Wall seconds in which a server tells a new listener of its goals."""


class RosbridgeDriver(CannotPause):
    def __init__(self, setup: DriverSetup, options: RosbridgeOptions) -> None:
        self._robot = setup.robot
        self._options = options
        self._link_changed = setup.link_changed
        self._bridge = Bridge(setup.robot, options.url)
        ready = options.ready
        self._ros_1 = ready.robot.ros == 1
        self._dialect = ROS_1 if self._ros_1 else ROS_2
        goals = {goal_topic(name): goal_type(type_) for name, type_ in ready.actions.items()}
        self._goals = Goals(
            self._bridge,
            ready.actions,
            self._on_lost,
            self._dialect,
            goals if self._ros_1 else None,
        )
        self._stops = (
            Ros1Stops(self._bridge, ready, self._goals)
            if self._ros_1
            else Stops(self._bridge, ready)
        )
        self._shown = Shown(
            self._bridge, options.ready.shows, {"values": dict(options.ready.robot.values)}
        )
        self._run: Run | None = None
        self._found: tuple[str, GoalId] | None = None
        """A goal that was found running, and that nobody follows yet."""
        self._latched = False
        self._up = False
        self._missing: tuple[str, ...] = ()
        self._state = threading.Lock()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            acknowledgement=Acknowledgement.FINISHED,
            stop_out_of_band=True,
            position_survives_stop=True,
            immediate_while_busy=True,
        )

    @property
    def many_clients(self) -> str:
        """Of `TakesManyClients`."""
        return "a rosbridge takes any number of clients"

    # -- the link ------------------------------------------------------------------------------

    def connect(self) -> None:
        self._up = False
        self._goals.open()
        try:
            if self._latched:
                # before it is looked whether a stop gets through; what that one says is told below
                with contextlib.suppress(DriverError):
                    self._stop_all()
            self._missing = tuple(self._stops.prepare())
            if self._latched:
                self._stop_all()
            for action in self._options.ready.actions:
                if action not in self._missing:
                    self._goals.look(action, _LOOK_S)
            self._shown.open()
        except LinkLost:
            self._shown.close()
            self._goals.close()
            self._stops.close()
            raise
        self._up = True
        if not self._goals.is_open:
            self._up = False
            raise LinkLost("the bridge has closed the connection again")

    def _on_lost(self, reason: str) -> None:
        """On the loop of the bridge, or on the thread of the command."""
        with self._state:
            if not self._up:
                return
            self._up = False
        run = self._run
        if run is not None:
            run.breaks(LinkLost(reason))
        self._link_changed(LinkState.DISCONNECTED, reason)

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        run = self._made(command)
        return self._watched(run, lambda: run.carry_out(context))

    def _watched(self, run: Run, work: Callable[[], JsonObject]) -> JsonObject:
        self._run = run
        try:
            return work()
        except LinkLost as error:
            # a socket of its own may be the first that says so
            self._on_lost(error.reason)
            raise
        finally:
            self._run = None

    def _made(self, command: Command) -> Run:
        program = self._options.program(command)
        params = checked(program.params, command.params)
        if not self._up:
            raise LinkLost("not connected")
        robot = self._options.ready.robot
        return (Ros1Run if self._ros_1 else Run)(
            program,
            params,
            robot,
            bridge=self._bridge,
            goals=self._goals,
            stops=self._stops,
            latched=lambda: self._latched,
        )

    def immediate(self, command: Command) -> JsonObject:
        program = self._options.program(command)
        if not program.query or program.ask is None:
            raise UnknownCommand("it is no query")
        scope = {
            "params": checked(program.params, command.params),
            "values": self._options.ready.robot.values,
        }
        if not self._up:
            raise LinkLost("not connected")
        told = Asking(self._bridge).ask(program.ask, scope, acts=False)
        return results(program.result, {**scope, **told})

    # -- runs that nobody has watched to their end ---------------------------------------------

    def settle(self, run: UnsettledRun, context: CommandContext) -> Settled:
        """Of `Settles`: by the status that the action server keeps under the id of the goal."""
        action, goal_id = self._unsettled(run)
        told = self._goals.look(action, _ASKED_S)
        status = None if told is None else told.get(goal_id)
        if status is None:
            return Settled.unknown(f"{action} does not know the goal any more")
        if status.active:
            self._found = (action, goal_id)
            return Settled.running(id=run.id)
        self._found = None
        if status is GoalStatus.SUCCEEDED:
            result = self._made(run.command).ended_unseen(status, context)
            return Settled.completed(result, id=run.id)
        if status is GoalStatus.CANCELED:
            return Settled.stopped(id=run.id)
        return Settled.failed("the robot gave the goal up", id=run.id)

    def attach(self, run: UnsettledRun, context: CommandContext) -> JsonObject:
        """Of `Settles`."""
        _, goal_id = self._unsettled(run)
        followed = self._made(run.command)
        self._found = None
        return self._watched(followed, lambda: followed.follow(goal_id, context))

    def let_go(self, limit_s: float) -> None:  # noqa: ARG002 - a goal has no time limit at its server
        """Of `Settles`."""
        run = self._run
        if run is not None:
            run.let_go()

    def _unsettled(self, run: UnsettledRun) -> tuple[str, GoalId]:
        action = self._options.program(run.command).action
        written = run.at_device.details.get("action")
        if action is None or action.name != written:
            raise UncertainOutcome(
                "answer_lost", f"it was a goal of {written}, which the options do not name any more"
            )
        return action.name, self._dialect.read(run.id)

    # -- stopping ------------------------------------------------------------------------------

    def stop(self) -> None:
        self._stops.give_up()
        run = self._run
        if run is None:
            # nobody follows it yet
            goals = self._unfollowed()
            self._stops.heard({a: self._stops.cancel(a, goal) for a, goal in goals.items()})
            return
        action, told = run.action, run.stop()
        if action is None or told is None:
            return
        self._stops.heard({action: told})

    def _unfollowed(self) -> Mapping[str, GoalId]:
        """Goals that go on although no command runs, of ours as far as is known."""
        if not self._up:
            return {}
        if self._found is not None:
            return dict([self._found])
        if self._options.ready.robot.others == "ignore":
            return {}
        return {each: ALL_GOALS for each in self._options.ready.actions if self._goals.active(each)}

    def emergency_stop(self) -> None:
        # before the link is looked at: a robot that is not there is stopped when it comes back
        self._latched = True
        self._stops.give_up()
        self._stop_all()

    def reset(self) -> None:
        self._latched = False

    def _stop_all(self) -> None:
        """Raises LinkLost, DriverError where it is not certain that everybody has heard it."""
        told = {action: self._stops.cancel(action) for action in self._options.ready.actions}
        halts = self._stops.halt()
        run = self._run
        if run is not None:
            run.stop()
        lost = self._stops.heard(told)
        done, late = wait(halts, timeout=STOP_S)
        lost += [str(error) for each in done if (error := each.exception()) is not None]
        lost += ["no answer yet to what `stop` sends besides"] * bool(late and not lost)
        if lost:
            raise DriverError("; ".join(lost)[:500])

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        if not self._up or not self._goals.is_open:
            return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
        actions = self._options.ready.actions
        details: dict[str, Any] = {
            "bridge": self._options.url,
            "emergency_stop": self._latched,
            "goals": {action: len(self._goals.active(action)) for action in actions},
        }
        if self._missing:
            details["no_server"] = list(self._missing)
        if self._stops.refusing:
            details["refuses_to_cancel"] = sorted(self._stops.refusing)
        return DriverStatus(link=LinkState.CONNECTED, details=details, values=self._shown.values())

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        """Only the same options: other commands and another bridge need a new start."""
        if read_options(self._robot, options).ready.robot != self._options.ready.robot:
            raise ConfigError(
                f"robots.{self._robot}.options: another bridge or other commands need a restart"
            )
        return lambda: None

    def close(self) -> None:
        self._up = False
        self._bridge.shut()
