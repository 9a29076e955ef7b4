"""The way in: from what a client sent to an accepted task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from robotq.catalog import Catalog, CommandSpec, Kind
from robotq.catalog.catalog import parameters_in
from robotq.config.receivers import AllowedHosts, read_url
from robotq.engine.intake.schedule import SCHEDULE_KEYS, read_schedule, whole
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.model.carried.program import PROGRAM, HandedIn
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import Command, Repeat
from robotq.system.clocks import SystemClock

PRIORITY_WORDS: Mapping[str, int] = {"low": -5, "normal": 0, "high": 5}
_ARMING = frozenset({"start_working", "stop_working", "reset_system"})
"""Handlers of the commands that arm and disarm; they are taken in either state."""
_KNOWN_KEYS = SCHEDULE_KEYS | {
    "cmd_type", "cmd_id", "params", "robot_id", "priority", "callback_url"
}  # fmt: skip


_UNKNOWN_BYTES = 16_384
"""Of the keys that nobody knows, which are kept as they are."""


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A command that was read and found right: known, for a known robot, with good params."""

    command: Command
    spec: CommandSpec
    robot: str
    robot_named: bool = False
    """The client said which robot; otherwise it is the default one."""
    priority: int = 0
    not_before_ms: int | None = None
    expires_at_ms: int | None = None
    repeat: Repeat | None = None
    from_line: int | None = None
    task_id: str | None = None
    """That its task gets. None: one of its own."""
    programs: tuple[str, ...] = ()
    """The parameters that are programs of G-code: their texts go into files."""


class Intake:
    """Reads commands as clients send them. Changes nothing."""

    def __init__(
        self,
        catalog: Catalog,
        robots: Sequence[str],
        default_robot: str,
        *,
        armed: Callable[[], bool] | None = None,
        callbacks: Callable[[], AllowedHosts] = lambda: AllowedHosts(()),
        clock: WallClock | None = None,
        known: KnownRobots = NOBODY_KNOWS,
    ) -> None:
        """`armed`: whether anything but queries and `START_WORKING` is taken right now, None where
        nobody has to send that; `callbacks`: where a `callback_url` may lead to; `known`: what is
        known of the robots."""
        self._known = known
        self.catalog = catalog
        self._robots = tuple(robots)
        self._default_robot = default_robot
        self._armed = armed
        self._callbacks = callbacks
        self._clock = clock or SystemClock()
        self._fitting: dict[tuple[str, str], tuple[bool, tuple[str, ...]]] = {}
        """Commands and robots that were found to fit, which does not change: whether parameters
        of the command name places, and those that are programs."""

    def read(self, body: Any) -> Order:
        """Read one command, plain or in the wrapped form `{"params", "data": {...}}`.

        The robot is `params.robot_id`, else `robot_id`, else the default robot where it can do
        it, else the first one that can. Keys that are not known are kept in `Command.extra`.
        Raises RobotqError bad_parameter, missing_parameter, unknown_command, not_armed,
        robot_cannot.
        """
        if not isinstance(body, dict):
            raise RobotqError("bad_parameter", field="body", reason="expected a JSON object")
        if "cmd_type" not in body:
            body = _unwrapped(body)
        if "webhook_id" in body:
            # it has a cmd_type, so two daemons could keep their robots moving for ever
            raise RobotqError(
                "bad_parameter", field="webhook_id", reason="a webhook is not a command"
            )
        cmd_type = body.get("cmd_type")
        if cmd_type is None or cmd_type == "":
            raise RobotqError("missing_parameter", field="cmd_type")
        if not isinstance(cmd_type, str):
            raise RobotqError("bad_parameter", field="cmd_type", reason="expected a string")
        spec = self.catalog.get(cmd_type)
        params = body.get("params")
        if params is None:
            params = {}
        if not isinstance(params, dict | list):
            raise RobotqError(
                "bad_parameter", field="params", reason="expected an object or a list"
            )
        cmd_id, callback_url = body.get("cmd_id"), body.get("callback_url")
        command = Command(
            cmd_type=cmd_type,
            params=self.catalog.validated(spec, params),
            cmd_id=None if cmd_id is None else _cmd_id(cmd_id),
            callback_url=None if callback_url is None else self._callback_url(callback_url, spec),
            extra={} if body.keys() <= _KNOWN_KEYS else _unknown(body),
        )
        if (
            self._armed is not None
            and spec.kind is not Kind.QUERY
            and spec.handler not in _ARMING
            and not self._armed()
        ):
            raise RobotqError("not_armed")
        named, field = _named_robot(body, params)
        robot = self._robot(named, field, spec)
        fitting = self._fitting.get((cmd_type, robot))
        if fitting is None:
            self._known.check_robot(spec, robot, self._robots)
            fitting = any(map(parameters_in, spec.resources)), spec.programs(robot)
            self._fitting[cmd_type, robot] = fitting
        names_places, programs = fitting
        priority = body.get("priority")
        order = Order(
            command=command,
            spec=spec,
            robot=robot,
            robot_named=named is not None,
            priority=0 if priority is None else read_priority(priority),
            programs=programs,
        )
        if names_places:
            self._known.check_places(self.catalog, spec, command.params, robot)
        return order if SCHEDULE_KEYS.isdisjoint(body) else self._scheduled(order, body)

    def able(self, robot: str) -> list[CommandSpec]:
        """The commands that this robot can do, as far as anybody knows."""
        return [spec for spec in self.catalog if self._known.able(spec, robot)]

    def places(self, robot: str) -> tuple[str, ...] | None:
        """The places that this robot has; None where nobody has said which."""
        known = self._known.places.get(robot)
        return None if known is None else tuple(sorted(known))

    def program_body(self, text: HandedIn | str, **fields: Any) -> JsonObject:
        """The command that carries out a program which came by itself; `fields`: `cmd_type`, and
        others of the command that are not None.

        Raises RobotqError unknown_command, bad_parameter where that command takes no program.
        """
        cmd_type = fields["cmd_type"]
        if PROGRAM not in self.catalog.get(cmd_type).schema.get("properties", {}):
            reason = f"{cmd_type} takes no program"
            raise RobotqError("bad_parameter", field="cmd_type", reason=reason)
        given = {name: value for name, value in fields.items() if value is not None}
        return {**given, "params": {PROGRAM: text}}

    def read_batch(self, items: Sequence[Any]) -> list[Order]:
        """Read every command of a batch; an error names the index of its item.

        Only queued commands can be in a batch.
        """
        orders = []
        for index, item in enumerate(items):
            try:
                order = self.read(item)
                if order.spec.kind is not Kind.QUEUED:
                    raise RobotqError(
                        "bad_parameter",
                        field="cmd_type",
                        reason=f"{order.command.cmd_type} acts at once and cannot be in a batch",
                    )
                if order.repeat is not None:
                    raise RobotqError(
                        "bad_parameter",
                        field="repeat",
                        reason="a command of a batch cannot be repeated",
                    )
            except RobotqError as error:
                field = error.args_.get("field")
                error.args_["field"] = f"[{index}]" + (f".{field}" if field else "")
                error.args_["index"] = index
                raise
            orders.append(order)
        return orders

    def _scheduled(self, order: Order, body: Mapping[str, Any]) -> Order:
        given = next((key for key in sorted(SCHEDULE_KEYS) if body.get(key) is not None), None)
        if given is not None and order.spec.kind is not Kind.QUEUED:
            raise RobotqError(
                "bad_parameter", field=given, reason=f"{order.command.cmd_type} acts at once"
            )
        return replace(order, **read_schedule(body, self._clock.now_ms()))

    def _robot(self, named: Any, field: str, spec: CommandSpec) -> str:
        if not self._robots:
            reason = "this daemon drives no robots; name one of the fleet (GET /fleet)"
            raise RobotqError("bad_parameter", field=field, reason=reason)
        if named is None:
            return self._known.chosen(spec, self._robots, self._default_robot)
        if not isinstance(named, str) or named not in self._robots:
            known = ", ".join(self._robots)
            raise RobotqError("bad_parameter", field=field, reason=f"expected one of {known}")
        if spec.robots and named not in spec.robots:
            able = ", ".join(spec.robots)
            raise RobotqError(
                "bad_parameter", field=field, reason=f"{spec.cmd_type} is done by {able}"
            )
        return named

    def _callback_url(self, value: Any, spec: CommandSpec) -> str:
        try:
            url = read_url(value)
        except ValueError as error:
            raise _bad_callback(str(error)) from error
        if spec.kind is not Kind.QUEUED:
            raise _bad_callback(f"{spec.cmd_type} is answered at once")
        if url.user is not None or url.password is not None:
            raise _bad_callback("a user or password in a URL is not taken")
        if not self._callbacks().takes(url.raw_host or ""):
            raise _bad_callback(f"the host {url.host} is not in webhooks.allowed_hosts")
        return str(url)


def _bad_callback(reason: str) -> RobotqError:
    return RobotqError("bad_parameter", field="callback_url", reason=reason)


def _named_robot(body: Mapping[str, Any], params: Any) -> tuple[Any, str]:
    """The robot that the client named, None for none, and the field that says so."""
    named = params.get("robot_id") if isinstance(params, dict) else None
    if named is not None:
        return named, "params.robot_id"
    return body.get("robot_id"), "robot_id"


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    if not isinstance(data, dict) or "cmd_type" not in data:
        return body
    return {**{key: value for key, value in body.items() if key != "data"}, **data}


def _cmd_id(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 200:
        return value
    number = whole(value)
    if number is not None:
        return str(number)
    raise RobotqError(
        "bad_parameter", field="cmd_id", reason="expected a string of at most 200 characters"
    )


def read_priority(value: Any) -> int:
    """A priority as clients write it, 0 for None. Raises RobotqError bad_parameter."""
    if value is None:
        return 0
    if isinstance(value, str) and value in PRIORITY_WORDS:
        return PRIORITY_WORDS[value]
    number = whole(value)
    if number is not None and -10 <= number <= 10:
        return number
    raise RobotqError(
        "bad_parameter",
        field="priority",
        reason="expected an integer from -10 to 10, or low, normal or high",
    )


def _unknown(body: Mapping[str, Any]) -> JsonObject:
    """The keys that nobody knows. Raises RobotqError bad_parameter where it is more than some
    words about the command."""
    extra = {key: value for key, value in body.items() if key not in _KNOWN_KEYS}
    if len(orjson.dumps(extra)) > _UNKNOWN_BYTES:
        raise RobotqError(
            "bad_parameter",
            field=max(extra, key=lambda key: len(orjson.dumps(extra[key])))[:64],
            reason=f"keys that robotq does not know hold more than {_UNKNOWN_BYTES} bytes",
        )
    return extra
