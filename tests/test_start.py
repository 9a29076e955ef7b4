"""What a start loads, and what it leaves for later."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from robotq.api.warm import request_models
from robotq.catalog import load_catalog
from robotq.checks.written import examine
from robotq.config import load_config, packaged, strict_yaml
from robotq.drivers.base import DriverSetup
from robotq.drivers.brought import commands_of
from robotq.drivers.registry import driver_factories
from robotq.drivers.simulator.lab.layout_file import read_layout
from robotq.system.clocks import ScaledClock

_LATER = {
    "robotq.client": "programs that talk to a daemon",
    "prometheus_client": "GET /metrics",
    "mcp": "robotq mcp",
    "rich": "nobody here",
    "requests": "the documents' examples",
    "hypothesis": "tests",
    "playwright": "tests",
    "mkdocs": "the docs",
    "serial": "drivers with a serial port",
    "robotq.api.task_queue.handlers": "the task queue interface",
    "robotq.api.orchestrator": "the orchestrator interface",
    "robotq.api.checklist": "the checklist interface",
    "robotq.api.dispatcher.handlers": "the dispatcher interface",
    "robotq.api.dispatcher.socket": "the dispatcher interface",
}
"""Heavy modules -> who needs them."""

_OF_NOTHING = {"Envelope", "RootModel[Any]", "RootModel[Union[Batch, NoneType]]"}
"""Shapes that others are made from: there is nothing in them to build."""

_LOADED = """
import json, sys
from robotq.cli import command_line
command_line({arguments})
import pydantic
def below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from below(one)
built = [
    one.__qualname__
    for one in below(pydantic.BaseModel)
    if one.__module__.startswith("robotq.") and one.__pydantic_complete__
]
print(json.dumps([sorted(sys.modules), built]))
"""


_MOST = {"robotq": 324, "libraries": 480}
"""Modules of ours and of libraries. What a start costs goes by their number; a room whose one line
says what is in it costs nothing to speak of."""


def _of_ours(name: str) -> bool:
    said = Path(__file__).parents[1].joinpath(*name.split("."), "__init__.py")
    room = said.is_file() and said.read_text("utf-8").count("\n") == 1
    return name.partition(".")[0] == "robotq" and not room


def _after(*arguments: str) -> tuple[set[str], list[str]]:
    """The modules that a fresh process has, and the shapes of requests that it has built."""
    program = _LOADED.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    modules, built = json.loads(done.stdout)
    return set(modules), built


def test_start__of_the_daemon_loads_nothing_that_it_does_not_need_to_serve() -> None:
    modules, built = _after("serve")
    assert {name: why for name, why in _LATER.items() if name in modules} == {}
    assert set(built) - _OF_NOTHING == set()
    ours = sum(map(_of_ours, modules))
    assert ours <= _MOST["robotq"]
    others = sum(name.partition(".")[0] != "robotq" for name in modules)
    assert others <= _MOST["libraries"]


@pytest.mark.parametrize("command", ["status", "estop", "submit"])
def test_start__of_a_command_loads_nothing_of_the_daemon(command: str) -> None:
    modules, _ = _after(command)
    for name in ("aiohttp.web", "robotq.engine.engine", "robotq.store.sqlite", "jsonschema_rs"):
        assert name not in modules


def test_warm__builds_the_shape_of_every_request() -> None:
    shapes = list(request_models())
    assert len(shapes) > 20
    for shape in shapes:
        shape.model_rebuild()
        assert shape.__pydantic_complete__


def test_start__reads_each_file_once_however_many_robots_stand_in_it(
    tmp_path: Path,
) -> None:
    """Commands, checks and drivers of every robot ask for the file of their lab."""
    config = load_config(None, {}, {})
    lab = tmp_path / "our_lab.yaml"
    lab.write_bytes(packaged("lab.yaml").read_bytes())
    robots = {
        name: replace(robot, options={"lab": str(lab)}) for name, robot in config.robots.items()
    }
    config = replace(config, robots=robots)
    shared: dict[str, Any] = {}
    with _files_parsed() as read:
        examine(config, load_catalog(config.commands, commands_of(config.robots)))
        for name, robot in config.robots.items():
            setup = DriverSetup(
                robot=name,
                options=robot.options,
                data=tmp_path,
                clock=ScaledClock(),
                link_changed=lambda *_: None,
                shared=shared,
            )
            driver_factories()[robot.driver](setup).close()
    assert len(config.robots) == 2
    assert read["our_lab.yaml"] == read["commands.yaml"] == 1


@contextmanager
def _files_parsed() -> Iterator[Counter[str]]:
    """How often each file of YAML was taken apart inside the block, by its name."""
    read: Counter[str] = Counter()
    parse = strict_yaml.parse.__code__

    def count(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and frame.f_code is parse:
            read[Path(frame.f_locals["name"]).name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield read
    finally:
        sys.setprofile(before)


def test_start__a_lab_that_was_edited_is_read_anew(tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    text = packaged("lab.yaml").read_text(encoding="utf-8")
    lab.write_text(text, encoding="utf-8")
    before = read_layout(lab)
    lab.write_text(text.replace("  HOME:", "  HOME_AGAIN: {x: 9.0, y: 9.0}\n  HOME:", 1))
    assert set(read_layout(lab).places) - set(before.places) == {"HOME_AGAIN"}


_FEW = {"--help": 95, "status": 225, "estop": 225}
"""Modules of a command that ends at once: on two cores that others use, each is a part of the
quarter of a second after which a person waits."""


@pytest.mark.parametrize("command", _FEW)
def test_start__of_what_ends_at_once_is_short(command: str) -> None:
    program = f"""
import sys
from robotq.cli import command_line
command_line([{command!r}])
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    modules = set(done.stdout.decode().split())
    slow = {"typer", "click", "rich", "pydantic", "aiohttp", "yaml", "sqlite3", "difflib"}
    assert not slow & modules
    assert len(modules) <= _FEW[command]
