"""What the clients ask for, drawn from a seed."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

from .ledger import Item, Submission

ROBOTS = ("robot_a", "robot_b")
SCAN_PRIORITY = 6
"""Before everything else that waits."""

_PLACES = {
    "robot_a": ("HOME", "CHARGER", "BOX_AREA_1", "BOX_AREA_2"),
    "robot_b": ("SPLIT_STANDBY", "BOX_AREA_3", "HOME"),
}
"""No resource covers these, so nothing ever waits for one of them."""

_SHARED = "CHROMATOGRAPH"
_HOME = {"robot_a": "HOME", "robot_b": "SPLIT_STANDBY"}


class Mix:
    """Commands and requests; the same ones for the same seed."""

    def __init__(self, random: Random, prefix: str) -> None:
        """`prefix` keeps the `cmd_id`s of this mix apart from all others."""
        self._random = random
        self._prefix = prefix
        self._numbers = count(1)

    def scan(self) -> Submission:
        return self._request([self._item("robot_a", "SCAN_QRCODE", {}, SCAN_PRIORITY)])

    def home(self, robot: str) -> Submission:
        """Away from every shared place, before all that waits."""
        return self._request([self._item(robot, "NAVIGATION", {"area": _HOME[robot]}, 10)])

    def question(self, robot: str) -> Submission:
        """A step that asks a person, before all that waits but a scan."""
        return self._request([self._item(robot, "MANUAL_STEP", {"title": "look"}, 5)])

    def submissions(self, commands: int) -> list[Submission]:
        """Requests with so many commands in all, or a few more."""
        requests: list[Submission] = []
        while sum(len(request.items) for request in requests) < commands:
            requests.append(self._submission())
        return requests

    def _submission(self) -> Submission:
        random = self._random
        robot = random.choice(ROBOTS)
        kind = random.random()
        if kind < 0.7:
            return self._request([self._command(robot)])
        if kind < 0.85:
            return self._request([self._command(robot) for _ in range(random.randint(2, 4))])
        if kind < 0.95:
            items = [self._command(random.choice(ROBOTS)) for _ in range(random.randint(2, 5))]
            return self._request(items, contiguous=random.choice((True, False, None)))
        # there and away again, with nothing in between: nobody is kept out for long
        away = (_SHARED, _HOME[robot])
        return self._request([self._item(robot, "NAVIGATION", {"area": to}, 0) for to in away])

    def _command(self, robot: str) -> Item:
        kind = self._random.random()
        if kind < 0.1:
            return self._item(robot, "RUN_GCODE", {"program": self._program()}, self._priority())
        if kind < 0.6:
            return self._drive(robot, self._random.choice(_PLACES[robot]))
        if kind < 0.95:
            action = self._random.choice(("WAVE", "NOD", "ARM_TO_REST", "LOOK_AROUND"))
        else:
            action = "SOMERSAULT"  # which no robot can do, so the device reports a failure
        return self._item(robot, "ROBOT_ACTION", {"action_type": action}, self._priority())

    def _program(self) -> str:
        """Some are handed in several times, and some are longer than what a task shows."""
        number = self._random.randrange(12)
        remark = "; a tool that likes to talk\n" * (60 * (number % 2))
        return f"G21\nG90\n{remark}G1 X{number} F3000\n"

    def _drive(self, robot: str, area: str) -> Item:
        return self._item(robot, "NAVIGATION", {"area": area}, self._priority())

    def _priority(self) -> int:
        return 0 if self._random.random() < 0.8 else self._random.randint(-5, 4)

    def _item(self, robot: str, cmd_type: str, params: dict[str, Any], priority: int) -> Item:
        return Item(
            cmd_id=f"{self._prefix}-{next(self._numbers)}",
            cmd_type=cmd_type,
            robot=robot,
            params=params,
            priority=priority,
        )

    def _request(self, items: list[Item], *, contiguous: bool | None = None) -> Submission:
        keyed = self._random.random() < 0.5
        return Submission(
            items=tuple(items),
            batch=len(items) > 1,
            contiguous=contiguous,
            key=f"key-{items[0].cmd_id}" if keyed else None,
        )
