"""A driver at a device of these tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robotq.drivers import line
from robotq.drivers.base import Driver
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from tests.drivers.line.wire import Answer, Wire
from tests.patience import look_again_s

OPTIONS: dict[str, Any] = {
    "who": {"send": "ID?", "expect": r"ID (?P<serial>\w+)"},
    "answer_s": 0.1,
    "resync": {"quiet_s": 0.01, "wait_s": 1.0},
    "safe_state": [{"send": "OFF", "expect": "OK"}],
}


class Bench:
    """A device behind a wire, and the driver that talks to it."""

    def __init__(
        self, tmp_path: Path, answer: Answer, options: Mapping[str, Any], **wire: Any
    ) -> None:
        self.wire = Wire(answer, **wire)
        setup, self.links = driver_setup(tmp_path, {"port": self.wire.url, **OPTIONS, **options})
        self.driver: Driver = line.create(setup)

    def connected(self) -> Bench:
        self.driver.connect()
        return self

    def do(self, cmd_type: str, **params: Any) -> JsonObject:
        command = Command(cmd_type=cmd_type, params=params)
        return self.driver.execute(command, RecordingContext())

    def heard(self, word: str) -> int:
        """How often the device got a line that begins with this."""
        return sum(each.startswith(word) for each in self.wire.heard)

    def close(self) -> None:
        self.driver.close()
        self.wire.close()


class Scripted:
    """Answers each line as a table says: a text, several in turn, or a function of the line."""

    def __init__(self, **table: Any) -> None:
        self.table: dict[str, Any] = {"ID?": "ID D1", "OFF": "OK", **table}

    def __call__(self, text: str) -> str | None:
        found = self.table.get(text.split(" ", maxsplit=1)[0])
        if callable(found):
            found = found(text)
        elif isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return None if found is None else str(found)


def eventually(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + 10
        time.sleep(look_again_s(began))
