"""Every driver by name: those of this package, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from robotq.config import RobotConfig
from robotq.config.strict_yaml import KeyPath
from robotq.drivers.base import Driver, DriverFactory, DriverSetup, unknown_driver
from robotq.model.errors import ConfigError
from robotq.steps import Program

GROUP = "robotq.drivers"
"""The entry-point group in which a package registers what makes its driver."""

PACKAGED: Mapping[str, str] = {
    "simulator": "robotq.drivers.simulator:create",
    "jsonline": "robotq.drivers.jsonline:create",
    "grbl": "robotq.drivers.grbl:create",
    "marlin": "robotq.drivers.marlin:create",
    "line": "robotq.drivers.line:create",
    "rosbridge": "robotq.drivers.rosbridge:create",
    "plc": "robotq.drivers.plc:create",
    "sila": "robotq.drivers.sila:create",
}
"""The same as in the group, for a source tree that was never installed. They go before others
of their name."""

OPTIONS_GROUP = "robotq.driver_options"
"""The entry-point group in which a package registers, under the name of its driver, what checks
the options of a robot: a function of its name and its options that raises ConfigError."""

PACKAGED_OPTIONS: Mapping[str, str] = {
    "simulator": "robotq.drivers.simulator.options:read_options",
    "jsonline": "robotq.drivers.jsonline.options:read_options",
    "grbl": "robotq.drivers.grbl.options:read_options",
    "marlin": "robotq.drivers.marlin.options:read_options",
    "line": "robotq.drivers.line.options:read_options",
    "rosbridge": "robotq.drivers.rosbridge.options:read_options",
    "plc": "robotq.drivers.plc.options:read_options",
    "sila": "robotq.drivers.sila.options:read_options",
}

_WITHOUT_STEPS = ("jsonline", "line", "rosbridge", "plc", "sila")
"""Drivers that do what they are told as a whole."""

_REQUIRED = (
    "capabilities",
    "connect",
    "execute",
    "immediate",
    "hold",
    "resume",
    "stop",
    "emergency_stop",
    "reset",
    "status",
    "prepare_reload",
    "close",
)
"""Names of `Driver`."""


def driver_factories() -> Mapping[str, DriverFactory]:
    """Driver name -> what makes it. A module is imported only when its driver is used, so that
    one whose libraries are missing is told to whoever wants it and to nobody else.

    The factories raise ConfigError, naming robot and driver, for a driver that cannot be
    loaded, raises something else, or lacks a method.
    """
    return _Factories(_Registered(GROUP, PACKAGED))


def check_options(robot: str, driver: str, options: Mapping[str, Any]) -> Any:
    """Look at the options of a robot as its driver does when it is made; nothing is made and
    no port is opened. A driver of another package that has registered no check is only loaded.

    Returns what the check has made of them, None for nothing. It may be of `KnowsPlaces`.

    Raises ConfigError, with the text that the driver would be refused with.
    """
    drivers = _Registered(GROUP, PACKAGED)
    if driver not in drivers:
        raise unknown_driver(robot, driver, drivers)
    _loaded(robot, driver, drivers[driver])
    checks = _Registered(OPTIONS_GROUP, PACKAGED_OPTIONS)
    if driver in checks:
        check = _loaded(robot, driver, checks[driver])
        with _as_config_error(robot, driver):
            return check(robot, options)
    return None


def check_devices(robot: str, config: RobotConfig) -> Any:
    """The same for the devices beside a robot. Returns what the check has made of them, of
    `robotq.drivers.devices.Devices`; None where there are none. Raises ConfigError."""
    if not config.devices:
        return None
    if config.driver in _WITHOUT_STEPS:
        raise ConfigError(
            f"robots.{robot}.devices: {config.driver} carries out no steps, so nothing would use "
            "them; expected a driver such as grbl or marlin"
        )
    from robotq.drivers.devices import read_devices  # noqa: PLC0415 - loaded only where needed

    return read_devices(robot, config.devices, beside=config.options)


def wrong_on_devices(
    devices: Any, program: Program, elsewhere: Collection[str]
) -> Iterator[tuple[KeyPath, str]]:
    """What is wrong in the steps that use devices, by their places. `devices`: what
    `check_devices` has returned; `elsewhere`: names of devices that other robots have."""
    from robotq.drivers.devices import Devices  # noqa: PLC0415 - loaded only where needed

    return (devices or Devices({})).wrong_steps(program, elsewhere)


class _Registered(Mapping[str, Callable[[], Any]]):
    """Driver name -> what loads that which is registered for it. Other packages are asked only
    for a name that is none of ours: to look through all that are installed takes a while."""

    def __init__(self, group: str, packaged: Mapping[str, str]) -> None:
        self._group = group
        self._packaged = packaged

    def __getitem__(self, name: str) -> Callable[[], Any]:
        where = self._packaged.get(name)
        return self._others[name] if where is None else _packaged(where)

    def __iter__(self) -> Iterator[str]:
        yield from self._packaged
        yield from self._others

    def __len__(self) -> int:
        return len(self._packaged) + len(self._others)

    @cached_property
    def _others(self) -> Mapping[str, Callable[[], Any]]:
        others: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self._group):
            if entry.name not in self._packaged:
                others.setdefault(entry.name, []).append(entry)
        # a package that is on the path twice registers the same twice
        different = {
            name: list({entry.value: entry for entry in entries}.values())
            for name, entries in others.items()
        }
        return {name: _one_of(name, entries) for name, entries in different.items()}


class _Factories(Mapping[str, DriverFactory]):
    def __init__(self, registered: Mapping[str, Callable[[], Any]]) -> None:
        self._registered = registered

    def __getitem__(self, name: str) -> DriverFactory:
        return _factory(name, self._registered[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._registered)

    def __len__(self) -> int:
        return len(self._registered)


def _packaged(where: str) -> Callable[[], Any]:
    module, attribute = where.split(":")
    return lambda: getattr(import_module(module), attribute)


def _one_of(name: str, entries: list[EntryPoint]) -> Callable[[], Any]:
    def load() -> Any:
        if len(entries) > 1:
            brought = ", ".join(sorted(_origin(entry) for entry in entries))
            raise ConfigError(f"{len(entries)} packages bring a driver {name!r}: {brought}")
        return entries[0].load()

    return load


def _origin(entry: EntryPoint) -> str:
    return f"{entry.value} of {entry.dist.name}" if entry.dist is not None else entry.value


def _factory(name: str, load: Callable[[], Any]) -> DriverFactory:
    def create(setup: DriverSetup) -> Driver:
        factory = _loaded(setup.robot, name, load)
        if setup.tenure is not None:
            # loaded only where two machines can reach a robot
            from robotq.drivers.leased import leased  # noqa: PLC0415

            return leased(setup, lambda anew: made(anew, factory))
        return made(setup, factory)

    def made(setup: DriverSetup, factory: Callable[..., Any]) -> Driver:
        with _as_config_error(setup.robot, name):
            driver: Driver = factory(setup)
        lacking = [method for method in _REQUIRED if not hasattr(driver, method)]
        if lacking:
            raise ConfigError(f"{_where(setup.robot, name)} lacks {', '.join(lacking)}")
        if setup.devices:
            # loaded only where there are any
            from robotq.drivers.devices import with_devices  # noqa: PLC0415

            return with_devices(setup, driver)
        return driver

    return create


def _loaded(robot: str, driver: str, load: Callable[[], Any]) -> Callable[..., Any]:
    """What is registered. Raises ConfigError where that is no function, or cannot be loaded."""
    try:
        found = load()
    except ConfigError as error:
        raise ConfigError(f"robots.{robot}.driver: {error}") from error
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{_where(robot, driver)} cannot be loaded: {error}") from error
    if not callable(found):
        raise ConfigError(
            f"{_where(robot, driver)} is registered as {found!r}, expected what makes it"
        )
    made: Callable[..., Any] = found
    return made


@contextmanager
def _as_config_error(robot: str, driver: str) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{_where(robot, driver)} cannot be made: {type(error).__name__}: {error}"
        ) from error


def _where(robot: str, driver: str) -> str:
    return f"robots.{robot}.driver: the driver {driver!r}"
