"""The one lab in which all simulated robots of a daemon work, kept on disk."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import orjson

from robotq.drivers.reading import Section
from robotq.drivers.simulator.lab.layout import BOTTLE_TYPES, Layout
from robotq.drivers.simulator.lab.state import Bottle, LabState, RobotState, first_state, misfit
from robotq.model.errors import ConfigError
from robotq.system.durable import write_durably

_log = logging.getLogger(__name__)
_VERSION = 1
_LATER_S = 1.0
_sharing = threading.Lock()


class Lab:
    """The state of the lab, read by anyone at any time and changed by one thread at a time.

    Every change is on disk, in `lab.json`, when `change` returns; a file that was cut short or
    does not fit the layout is set aside as `lab.json.bad`, and the lab is set up anew. When the
    disk takes no writes the lab goes on in memory and is written with the next change.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "lab.json"
        self._changing = threading.Lock()
        self._unsaved = False
        self._saved_at = 0.0
        self.layout = layout
        self.state = self._loaded() or first_state(layout)
        self._save()

    def change(self, change: Callable[[LabState], LabState], *, save_later: bool = False) -> None:
        """Replace the state; when `change` raises, nothing has changed.

        `save_later`: it is on disk with the next change that has not said so, or with one of
        its kind a second later; for what a motion has worn off, of which there are thousands.
        """
        with self._changing:
            self.state = change(self.state)
            if not save_later or time.monotonic() > self._saved_at + _LATER_S:
                self._save()

    def put_in_place(self, layout: Layout) -> None:
        """Use another layout from now on; what stands where stays."""
        with self._changing:
            self.layout = layout
            self._save()

    def _loaded(self) -> LabState | None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            state = _parsed(content, self._path, self.layout)
        except ConfigError as error:
            aside = self._path.with_suffix(".json.bad")
            self._path.replace(aside)
            _log.warning("the lab is set up anew, and the old file is now %s: %s", aside, error)
            return None
        return state

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        content = {"version": _VERSION, "contents": self.layout.contents, "lab": self.state}
        try:
            write_durably(self._path, orjson.dumps(content, option=orjson.OPT_INDENT_2))
        except OSError as error:
            if not self._unsaved:
                _log.warning("%s cannot be written: %s", self._path, error)
            self._unsaved = True
        else:
            self._unsaved = False


def shared_lab(shared: MutableMapping[str, Any], folder: Path, layout: Layout) -> Lab:
    """The lab of this daemon, made by the first robot that asks. Raises ConfigError where the
    robots name different lab files."""
    with _sharing:
        lab = shared.get("simulator.lab")
        if lab is None:
            lab = shared["simulator.lab"] = Lab(folder, layout)
    assert isinstance(lab, Lab)
    if lab.layout.source != layout.source:
        raise ConfigError(
            f"all simulated robots work in one lab, expected {lab.layout.source}, "
            f"found {layout.source}"
        )
    return lab


def _parsed(content: bytes, path: Path, layout: Layout) -> LabState:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    top = Section(value, lambda _: str(path))
    if top.whole("version") != _VERSION:
        top.refuse("version", f"expected {_VERSION}")
    if top.text("contents") != layout.contents:
        top.refuse("contents", f"{layout.source} has other bottles, boxes or robots by now")
    state = _lab(top.section("lab"))
    top.end()
    reason = misfit(state, layout)
    if reason is not None:
        top.refuse("lab", reason)
    return state


def _lab(section: Section) -> LabState:
    robots = section.section("robots")
    bottles = section.section("bottles")
    state = LabState(
        trays=section.whole("trays"),
        robots={name: _robot(robots.section(name)) for name in robots.names()},
        bottles={name: _bottle(bottles.section(name)) for name in bottles.names()},
        tools=_texts(section.section("tools")),
        boxes=_texts(section.section("boxes")),
        counters=_counts(section.section("counters")),
    )
    section.end()
    return state


def _robot(section: Section) -> RobotState:
    robot = RobotState(
        x=section.number("x"),
        y=section.number("y"),
        place=section.optional_text("place"),
        battery=section.number("battery"),
        motions=section.whole("motions"),
        process=section.flag("process"),
        signals=_counts(section.section("signals")),
    )
    section.end()
    return robot


def _bottle(section: Section) -> Bottle:
    bottle = Bottle(
        id=section.text("id"),
        type=section.text("type", of=tuple(BOTTLE_TYPES)),
        slot=section.text("slot"),
        origin=section.text("origin"),
        volume=section.number("volume"),
        task=section.text("task"),
        readable=section.flag("readable"),
        scanned=section.flag("scanned"),
    )
    section.end()
    return bottle


def _texts(section: Section) -> dict[str, str]:
    return {name: section.text(name) for name in section.names()}


def _counts(section: Section) -> dict[str, int]:
    return {name: section.whole(name) for name in section.names()}
