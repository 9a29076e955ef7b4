"""The layout of the simulated lab: places, stations, robots, bottles, speeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

BOTTLE_TYPES: Mapping[str, float] = {
    "glass_bottle_250": 250.0,
    "glass_bottle_500": 500.0,
    "glass_bottle_1000": 1000.0,
}
"""What a bottle of each type holds, in ml."""

STEPS = (
    "GRAB_SCAN_GUN",
    "CV_DETECTING",
    "GRABBING_BOTTLE",
    "SCANNING",
    "PUTTING_TO_BACK",
    "TAKING_FROM_BACK",
    "TURNING_BACK_FRONT",
    "PUTTING_DOWN",
    "SPLITTING",
    "REFILLING",
    "GRABBING_BOX",
    "PUTTING_DOWN_BOX",
)
"""Steps whose duration the layout gives; all others follow from distances."""

STATIONS = (
    "SCAN_TABLE",
    "SPLIT_TABLE",
    "WAITING_SPLIT_AREA",
    "SPLIT_DONE_250ML_AREA",
    "SPLIT_DONE_500ML_AREA",
    "CHROMATOGRAPH",
    "BOTTLE_OPENER_250",
    "BOTTLE_OPENER_500",
    "REFILL_STATION",
)
"""Stations that the commands need."""

PLACES = ("HOME", "CHARGER", "SCAN_TABLE", "SPLIT_TABLE", "CHROMATOGRAPH")
"""Places that every lab has."""

SKILLS = ("scan", "split", "refill")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a robot can stand, in mm."""

    x: float
    y: float


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A table or device on which bottles stand."""

    slots: tuple[str, ...]
    """The pose of each slot, e.g. SPLIT_TABLE_001."""
    types: tuple[str, ...]
    """The bottles that fit."""
    reach: Mapping[str, tuple[str, ...]]
    """Robot -> the places from which it reaches this station; it goes to the first."""


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a part of a robot moves."""

    speed: float
    """mm/s"""
    acceleration: float
    """mm/s2"""


class RobotLayout(msgspec.Struct, frozen=True, kw_only=True):
    place: str
    """Where it stands at first."""
    skills: tuple[str, ...]
    back_slots: int
    """Bottles that fit on its back platform."""
    drive: Axis
    arm: Axis
    gripper: Axis


class FirstBottle(msgspec.Struct, frozen=True, kw_only=True):
    """A bottle as it stands when the lab is set up."""

    id: str
    type: str
    slot: str
    volume: float
    """ml"""
    task: str
    readable: bool
    """Whether a scanner can read its code."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    clear_of_place: float
    """mm from a place after which a robot has left it."""
    speed_variation: float
    """Share by which a drive may be slower than the set speed."""
    portion: float
    """ml that one splitting takes from a bottle."""
    id_input_timeout: float
    """s that a scan waits for a person's answer."""
    id_input_attempts: int
    battery_life: float
    """s of motion from full to empty."""
    battery_charge: float
    """s at the charger from empty to full."""
    battery_swap_below: float
    """Percent."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    source: Path
    places: Mapping[str, Place]
    stations: Mapping[str, Station]
    box_areas: tuple[str, ...]
    boxes: Mapping[str, str]
    """Box -> the area where it is at first."""
    robots: Mapping[str, RobotLayout]
    bottles: tuple[FirstBottle, ...]
    durations: Mapping[str, tuple[float, float]]
    actions: Mapping[str, tuple[float, float]]
    thresholds: Thresholds

    @cached_property
    def station_of(self) -> Mapping[str, str]:
        """Pose -> the station to which it belongs."""
        return {slot: name for name, station in self.stations.items() for slot in station.slots}

    @cached_property
    def contents(self) -> str:
        """Changes whenever the lab would be set up with other bottles, boxes or robots."""
        first = (self.bottles, sorted(self.boxes.items()), sorted(self.robots))
        return hashlib.sha256(repr(first).encode()).hexdigest()[:16]


def removed(old: Layout, new: Layout) -> str | None:
    """What `new` lacks that a command which runs in `old` may be about to use; None if nothing."""
    for kind, before, after in (
        ("robot", old.robots, new.robots),
        ("place", old.places, new.places),
        ("pose", old.station_of, new.station_of),
        ("box area", old.box_areas, new.box_areas),
    ):
        for name in before:
            if name not in after:
                return f"{kind} {name}"
    for name, station in old.stations.items():
        for robot in station.reach:
            if robot not in new.stations[name].reach:
                return f"{robot} in stations.{name}.reach"
    return None


def gripper(robot: str) -> str:
    """The slot of a bottle that the robot holds."""
    return f"{robot}.gripper"


def back(robot: str, slots: int) -> tuple[str, ...]:
    """The slots of the robot's back platform."""
    return tuple(f"{robot}.back_{number}" for number in range(1, slots + 1))
