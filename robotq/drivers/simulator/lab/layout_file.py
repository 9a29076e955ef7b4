"""The layout of the simulated lab as a YAML file that a technician edits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from robotq.config import packaged
from robotq.config.strict_yaml import parse, text_of
from robotq.drivers.reading import Section
from robotq.drivers.simulator.lab.layout import (
    BOTTLE_TYPES,
    PLACES,
    SKILLS,
    STATIONS,
    STEPS,
    Axis,
    FirstBottle,
    Layout,
    Place,
    RobotLayout,
    Station,
    Thresholds,
)

PACKAGED = packaged("lab.yaml")
"""The lab that is simulated where the options name no other."""


def read_layout(path: Path | None) -> Layout:
    """The lab of a YAML file, the packaged one for None. Raises ConfigError."""
    source = PACKAGED if path is None else path
    return _layout(source, text_of(source))


# a start asks three times for each robot of a lab: its commands, its check, its driver
@lru_cache(maxsize=4)
def _layout(source: Path, text: str) -> Layout:
    document = parse(text, str(source))
    top = Section(document.value, document.where)
    places = _places(top.section("places"))
    robots = _robots(top.section("robots"), tuple(places))
    stations = _stations(top.section("stations"), tuple(places), tuple(robots))
    box_areas = top.texts("box_areas", of=tuple(places), default=())
    layout = Layout(
        source=source,
        places=places,
        stations=stations,
        box_areas=box_areas,
        boxes=_boxes(top, box_areas),
        robots=robots,
        bottles=_bottles(top.rows("bottles"), stations),
        durations=_durations(top.section("durations")),
        actions=_actions(top.section("actions")),
        thresholds=_thresholds(top.section("thresholds")),
    )
    top.end()
    return layout


def _places(section: Section) -> dict[str, Place]:
    places = {}
    for name in section.names():
        row = section.section(name)
        places[name] = Place(x=row.number("x"), y=row.number("y"))
        row.end()
    for name in PLACES:
        section.section(name)
    return places


def _robots(section: Section, places: tuple[str, ...]) -> dict[str, RobotLayout]:
    robots = {}
    for name in section.names():
        row = section.section(name)
        robots[name] = RobotLayout(
            place=row.text("place", of=places),
            skills=row.texts("skills", of=SKILLS, default=()),
            back_slots=row.whole("back_slots", default=0),
            drive=_axis(row.section("drive")),
            arm=_axis(row.section("arm")),
            gripper=_axis(row.section("gripper")),
        )
        row.end()
    return robots


def _axis(section: Section) -> Axis:
    axis = Axis(
        speed=section.number("speed", above=0), acceleration=section.number("acceleration", above=0)
    )
    section.end()
    return axis


def _stations(
    section: Section, places: tuple[str, ...], robots: tuple[str, ...]
) -> dict[str, Station]:
    stations = {}
    for name in section.names():
        row = section.section(name)
        reach = row.section("reach")
        for robot in reach.names():
            if robot not in robots:
                reach.refuse(robot, f"no such robot, expected one of {', '.join(robots)}")
            if not reach.texts(robot, of=places):
                reach.refuse(robot, "names no place, expected at least one")
        stations[name] = Station(
            slots=tuple(f"{name}_{n:03d}" for n in range(1, row.whole("slots", least=1) + 1)),
            types=row.texts("types", of=tuple(BOTTLE_TYPES), default=tuple(BOTTLE_TYPES)),
            reach={robot: reach.texts(robot) for robot in reach.names()},
        )
        row.end()
    for name in STATIONS:
        section.section(name)
    return stations


def _boxes(top: Section, areas: tuple[str, ...]) -> dict[str, str]:
    section = top.section("boxes")
    boxes: dict[str, str] = {}
    for name in section.names():
        area = section.text(name, of=areas)
        if area in boxes.values():
            section.refuse(name, f"{area} has a box already")
        boxes[name] = area
    return boxes


def _bottles(rows: list[Section], stations: Mapping[str, Station]) -> tuple[FirstBottle, ...]:
    bottles: dict[str, FirstBottle] = {}
    slots = {slot: station for station in stations.values() for slot in station.slots}
    for row in rows:
        kind = row.text("type", of=tuple(BOTTLE_TYPES))
        bottle = FirstBottle(
            id=row.text("id"),
            type=kind,
            slot=row.text("slot", of=tuple(slots)),
            volume=row.number("volume", least=0),
            task=row.text("task", default="none"),
            readable=row.flag("readable", default=True),
        )
        row.end()
        if bottle.id in bottles:
            row.refuse("id", f"{bottle.id} is there already")
        if any(other.slot == bottle.slot for other in bottles.values()):
            row.refuse("slot", f"{bottle.slot} is taken already")
        if kind not in slots[bottle.slot].types:
            row.refuse("type", f"{kind} does not fit into {bottle.slot}")
        if bottle.volume > BOTTLE_TYPES[kind]:
            row.refuse("volume", f"{kind} holds no more than {BOTTLE_TYPES[kind]:g} ml")
        bottles[bottle.id] = bottle
    return tuple(bottles.values())


def _durations(section: Section) -> dict[str, tuple[float, float]]:
    durations = {step: section.span(step) for step in STEPS}
    section.end()
    return durations


def _actions(section: Section) -> dict[str, tuple[float, float]]:
    return {name: section.span(name) for name in section.names()}


def _thresholds(section: Section) -> Thresholds:
    variation = section.number("speed_variation", least=0)
    if variation >= 1:
        section.refuse("speed_variation", f"found {variation:g}, expected a number below 1")
    thresholds = Thresholds(
        clear_of_place=section.number("clear_of_place", least=0),
        speed_variation=variation,
        portion=section.number("portion", above=0),
        id_input_timeout=section.number("id_input_timeout", above=0),
        id_input_attempts=section.whole("id_input_attempts", least=1),
        battery_life=section.number("battery_life", above=0),
        battery_charge=section.number("battery_charge", above=0),
        battery_swap_below=section.number("battery_swap_below", least=0),
    )
    section.end()
    return thresholds
