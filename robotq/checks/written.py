"""What operators have written, checked against the robots that it is for.

Configuration and command specs are each right by themselves when they come here. What only shows
where they meet is found before anything runs, and not when its turn comes: a place that nobody
knows, steps that the driver of a robot would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from robotq.catalog import Catalog
from robotq.checks.places import Places, line_of
from robotq.checks.ports import shared_ports
from robotq.config import Config
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.base import ChecksSteps, KnowsCommands, KnowsPlaces, NotesOptions
from robotq.drivers.registry import check_devices, check_options, wrong_on_devices
from robotq.engine.state.known_robots import KnownRobots
from robotq.model.errors import ConfigError, RobotqError
from robotq.steps import Program
from robotq.steps.uses import uses_devices


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of it."""

    known: KnownRobots
    notes: Sequence[str]
    """What nobody can check, in a sentence each."""


def examine(config: Config, catalog: Catalog) -> Written:
    """Raises ConfigError with one line for each fault."""
    faults: list[str] = []
    options: dict[str, Any] = {}
    devices: dict[str, Any] = {}
    for name, robot in config.robots.items():
        try:
            options[name] = check_options(name, robot.driver, robot.options)
        except ConfigError as error:
            faults.append(f"{config.name}: {error}")
        try:
            devices[name] = check_devices(name, robot)
        except ConfigError as error:
            faults += [_of_device(config, name, line) for line in str(error).splitlines()]
    faults += shared_ports(config)
    if faults:
        # without its options nobody knows what a robot can do
        raise ConfigError("\n".join(faults))
    labs = {
        name: frozenset(read.places)
        for name, read in options.items()
        if isinstance(read, KnowsPlaces)
    }
    places = Places(config, catalog, labs)
    faults += places.faults()
    faults += _of_drivers(config, catalog, options, devices)
    if faults:
        raise ConfigError("\n".join(faults))
    lacks = {name: _lacks(read, devices[name]) for name, read in options.items()}
    known = KnownRobots(places=places.of_robot, lacks=lacks)
    notes = [
        *places.notes(),
        *_without_scanner(config, catalog, known),
        *_for_nobody(config, catalog, known),
        *(
            f"{name}: {note}"
            for name, read in options.items()
            if isinstance(read, NotesOptions)
            for note in read.notes
        ),
    ]
    return Written(known=known, notes=notes)


def _lacks(options: Any, devices: Any) -> Callable[[str, Program | None], str | None]:
    """Why a robot cannot do a command, by its driver and by its devices."""
    known = isinstance(options, KnowsCommands)

    def lacks(cmd_type: str, program: Program | None) -> str | None:
        reason = options.lacks(cmd_type, program) if known else None
        if reason is None and program is not None and uses_devices(program.steps):
            return (
                "the robot has no devices: set `devices`"
                if devices is None
                else (devices.lacks(program))
            )
        return reason

    return lacks


def _of_device(config: Config, robot: str, line: str) -> str:
    """A fault of a device, with the line in which the device stands."""
    for name in config.robots[robot].devices:
        before = f"robots.{robot}.devices.{name}.options: "
        if line.startswith(before):
            at: KeyPath = ("robots", robot, "devices", name, "options")
            return line_of(config, at, line.removeprefix(before))
    of_all = f"robots.{robot}.devices: "
    if line.startswith(of_all):
        return line_of(config, ("robots", robot, "devices"), line.removeprefix(of_all))
    # it stands in the file of a device, and names it
    return line


def _of_drivers(
    config: Config, catalog: Catalog, options: Mapping[str, Any], devices: Mapping[str, Any]
) -> Iterator[str]:
    """Steps that the driver of a robot would refuse when their turn comes, or its devices."""
    for spec in catalog:
        if spec.handler != "driver" or not spec.steps:
            continue
        found: dict[tuple[KeyPath, str], list[str]] = {}
        for name in config.robots:
            read = options[name]
            program = spec.program(name)
            able = not spec.robots or name in spec.robots
            if program is None or not able:
                continue
            at: KeyPath = ("steps", name) if name in spec.steps else ("steps",)
            wrong = list(read.wrong_steps(program)) if isinstance(read, ChecksSteps) else []
            if uses_devices(program.steps):
                shared = [] if name in spec.steps else [*config.robots]
                elsewhere = {each for robot in shared for each in config.robots[robot].devices}
                wrong += wrong_on_devices(devices[name], program, elsewhere)
            for inner, text in wrong:
                whole = (*at, *inner)
                if inner[:1] == ("finally",):
                    whole = (*program.last_at, *inner[1:])
                found.setdefault((whole, text), []).append(name)
        for (at, text), robots in found.items():
            drivers = ", ".join(f"{name} ({config.robots[name].driver})" for name in robots)
            yield catalog.fault(spec.cmd_type, at, f"{text}; for {drivers}")


def _without_scanner(config: Config, catalog: Catalog, known: KnownRobots) -> Iterator[str]:
    """Commands that are written for a robot which cannot do them all the same."""
    for spec in catalog:
        for name in config.robots:
            able = not spec.robots or name in spec.robots
            if able and spec.program(name) is not None:
                try:
                    known.check_robot(spec, name, config.robots)
                except RobotqError as error:
                    yield str(error)


def _for_nobody(config: Config, catalog: Catalog, known: KnownRobots) -> Iterator[str]:
    """Commands that are refused whenever they come, since they are written for no robot here."""
    found: dict[str, list[str]] = {}
    foreign = 0
    for spec in catalog:
        listed = [name for name in config.robots if not spec.robots or name in spec.robots]
        reasons = [known.why_not(spec, name) for name in listed]
        # what is written and cannot be done all the same is told by itself
        if None not in reasons and not any(spec.program(name) for name in listed):
            if catalog.is_packaged(spec.cmd_type):
                foreign += 1
                continue
            # robots of one kind have one reason
            told = [reason for reason in dict.fromkeys(reasons) if reason is not None]
            found.setdefault("; ".join(told) or "its robots are not here", []).append(spec.cmd_type)
    for reason, cmd_types in found.items():
        yield f"no robot here can do {', '.join(cmd_types)}: {reason}; it is refused when it comes"
    if foreign:
        # who has machines of his own has not asked for the commands of the packaged lab
        yield f"{foreign} commands that come with robotq are for other robots, and are refused here"
