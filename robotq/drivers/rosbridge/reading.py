"""Makes a robot ready, and finds everything that is wrong in its commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from robotq.config.ros_robot import RosAsk, RosCommand, RosRobot, RosShows, RosStop
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.mapped.pieces import MappedPieces, params_shape
from robotq.drivers.params import ParamReader
from robotq.drivers.rosbridge.ready import Action, Ask, Halt, ReadyRobot, RosProgram, Shows
from robotq.model.carried.live_value import MOST_VALUES, LiveValue, fault_of
from robotq.steps.shapes import Shape, shape_of

_NAME = re.compile(r"/[A-Za-z][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
"""A full name of ROS: https://design.ros2.org/articles/topic_and_service_names.html."""
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]*/(?:(?P<kind>msg|srv|action)/)?[A-Za-z][A-Za-z0-9_]*")
_ROS_1_TYPES = {"action": "move_base_msgs/MoveBaseAction", "srv": "std_srvs/Trigger"}


class RobotReader:
    """Reads one robot. `faults` has what is wrong, each with its place."""

    def __init__(self, robot: RosRobot) -> None:
        self._robot = robot
        self._pieces = MappedPieces()
        self.faults = self._pieces.faults
        self._params = ParamReader(self._pieces, robot.values, {}, any_text=True)
        self._values: Mapping[str, Shape] = {"values": shape_of(dict(robot.values))}

    def read(self) -> ReadyRobot | None:
        """None where there are faults."""
        robot, fault = self._robot, self._pieces.fault
        for name in robot.values:
            self._pieces.name(name, ("values", name))
        self._pieces.commands(robot.commands)
        programs = {
            name: self._program(command, ("commands", name))
            for name, command in robot.commands.items()
        }
        halts = tuple(self._halt(stop, ("stop", index)) for index, stop in enumerate(robot.stop))
        actions: dict[str, str] = {}
        for name, program in programs.items():
            if program.action is None:
                continue
            known = actions.setdefault(program.action.name, program.action.type)
            if known != program.action.type:
                fault(("commands", name, "type"), f"another command calls it {known}")
        shows = {name: self._shown(name, each) for name, each in robot.shows.items()}
        if len(shows) > MOST_VALUES:
            fault(("shows",), f"expected at most {MOST_VALUES}")
        ready = ReadyRobot(
            robot=robot, programs=programs, halts=halts, shows=shows, actions=actions
        )
        return None if self.faults else ready

    # -- commands ------------------------------------------------------------------------------

    def _program(self, command: RosCommand, at: KeyPath) -> RosProgram:
        fault = self._pieces.fault
        given = [key for key in ("action", "service", "topic") if getattr(command, key) is not None]
        if len(given) != 1:
            fault(
                at,
                f"expected one of action, service and topic, found {' and '.join(given) or 'none'}",
            )
        params = {
            name: self._params.read(name, param, (*at, "params", name))
            for name, param in command.params.items()
        }
        names = {**self._values, "params": params_shape(params)}
        answered = {"action": "result", "service": "response"}.get(
            given[0] if given else "", "message"
        )
        after = {**names, answered: Shape()}
        if command.query and command.action is not None:
            fault((*at, "query"), "an action moves the robot, so it is no query")
        if command.topic is not None and not command.query:
            fault((*at, "query"), "a topic only tells something: expected query: true")
        for key in ("goal", "feedback"):
            if command.action is None and getattr(command, key) != getattr(RosCommand(), key):
                fault((*at, key), "only an action has it")
        if command.request and command.service is None:
            fault((*at, "request"), "only a service has it")
        return RosProgram(
            action=None if command.action is None else self._action(command, at, names),
            ask=None if command.action is not None else self._ask(command, at, names),
            check=None
            if command.action is None
            else self._pieces.maybe(command.check, (*at, "check"), after),
            otherwise=command.otherwise or "",
            requires=tuple(
                self._required(ask, (*at, "requires", index), names)
                for index, ask in enumerate(command.requires)
            ),
            params=params,
            result=self._pieces.results(command.result, at, after),
            place=self._pieces.template(command.place, (*at, "place"), after),
            query=command.query,
        )

    def _action(self, command: RosCommand, at: KeyPath, names: Mapping[str, Shape]) -> Action:
        return Action(
            name=self._name(command.action, (*at, "action")),
            type=self._type(command.type, "action", (*at, "type")),
            goal=self._pieces.tree(command.goal, (*at, "goal"), names),
            telling=self._pieces.telling(
                command.feedback, (*at, "feedback"), {**names, "feedback": Shape()}
            ),
        )

    def _required(self, ask: RosAsk, at: KeyPath, names: Mapping[str, Shape]) -> Ask:
        if (ask.service is None) == (ask.topic is None):
            self._pieces.fault(at, "expected one of service and topic")
        if ask.check is None:
            self._pieces.fault((*at, "check"), "is missing: what has to be true")
        return self._ask(ask, at, names)

    def _ask(self, ask: RosAsk, at: KeyPath, names: Mapping[str, Shape]) -> Ask:
        key, kind = ("service", "srv") if ask.service is not None else ("topic", "msg")
        after = {**names, "response" if ask.service is not None else "message": Shape()}
        name = self._name(getattr(ask, key), (*at, key))
        return Ask(
            service=name if ask.service is not None else None,
            topic=name if ask.service is None else None,
            type=self._type(ask.type, kind, (*at, "type")),
            request=self._pieces.tree(ask.request, (*at, "request"), names),
            check=self._pieces.maybe(ask.check, (*at, "check"), after),
            otherwise=ask.otherwise or "",
            answer_s=ask.answer_s or self._robot.answer_s,
        )

    def _halt(self, stop: RosStop, at: KeyPath) -> Halt:
        if (stop.service is None) == (stop.topic is None):
            self._pieces.fault(at, "expected one of service and topic")
        key, kind = ("service", "srv") if stop.service is not None else ("topic", "msg")
        content = stop.request if stop.service is not None else stop.message
        name = self._name(getattr(stop, key), (*at, key))
        return Halt(
            service=name if stop.service is not None else None,
            topic=name if stop.service is None else None,
            type=self._type(stop.type, kind, (*at, "type")),
            content=dict(content),
        )

    def _shown(self, name: str, written: RosShows) -> Shows:
        at: KeyPath = ("shows", name)
        normal = None if written.normal is None else (written.normal[0], written.normal[1])
        wrong = fault_of(name, LiveValue(value=0.0, unit=written.unit, normal=normal))
        if wrong:
            self._pieces.fault(at, wrong)
        names = {**self._values, "message": Shape()}
        return Shows(
            topic=self._name(written.topic, (*at, "topic")),
            type=self._type(written.type, "msg", (*at, "type")),
            value=self._pieces.expression(written.value, (*at, "value"), names),
            unit=written.unit,
            normal=normal,
        )

    # -- names and trees -----------------------------------------------------------------------

    def _name(self, name: str | None, at: KeyPath) -> str:
        if name is None:
            return ""
        if not _NAME.fullmatch(name):
            self._pieces.fault(
                at, f"found {name!r}, expected a full name such as /navigate_to_pose"
            )
        allowed = self._robot.allowed
        if allowed and not any(fnmatchcase(name, each) for each in allowed):
            self._pieces.fault(at, f"found {name!r}, which `allowed` does not name")
        return name

    def _type(self, text: str | None, kind: str, at: KeyPath) -> str:
        found = _TYPE.fullmatch(text or "")
        if self._robot.ros == 1:
            is_action = (text or "").endswith("Action")
            if found is None or found["kind"] or (kind == "action") != is_action:
                like = _ROS_1_TYPES.get(kind, "sensor_msgs/BatteryState")
                self._pieces.fault(at, f"found {text!r}, expected a type of ROS 1 such as {like}")
            return text or ""
        if found is None or found["kind"] not in (None, kind):
            example = {"action": "nav2_msgs/action/NavigateToPose", "srv": "std_srvs/srv/Trigger"}
            expected = example.get(kind, "sensor_msgs/msg/BatteryState")
            self._pieces.fault(at, f"found {text!r}, expected a type such as {expected}")
        return text or ""
