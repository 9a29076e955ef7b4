"""Every driver by name: those of this package, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from robotq.drivers.base import Driver, DriverFactory, DriverSetup
from robotq.model.errors import ConfigError

GROUP = "robotq.drivers"
"""The entry-point group in which a package registers what makes its driver."""

PACKAGED: Mapping[str, str] = {
    "simulator": "robotq.drivers.simulator:create",
    "jsonline": "robotq.drivers.jsonline:create",
    "grbl": "robotq.drivers.grbl:create",
    "marlin": "robotq.drivers.marlin:create",
}
"""The same as in the group, for a source tree that was never installed. They go before others
of their name."""

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
    found = {name: _factory(name, _packaged(where)) for name, where in PACKAGED.items()}
    others: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        if entry.name not in PACKAGED:
            others.setdefault(entry.name, []).append(entry)
    for name, entries in others.items():
        # a package that is on the path twice registers the same twice
        different = {entry.value: entry for entry in entries}
        found[name] = _factory(name, _one_of(name, list(different.values())))
    return found


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
        where = f"robots.{setup.robot}.driver: the driver {name!r}"
        try:
            factory = load()
        except ConfigError as error:
            raise ConfigError(f"robots.{setup.robot}.driver: {error}") from error
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{where} cannot be loaded: {error}") from error
        if not callable(factory):
            raise ConfigError(f"{where} is registered as {factory!r}, expected what makes it")
        try:
            driver: Driver = factory(setup)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(f"{where} cannot be made: {type(error).__name__}: {error}") from error
        lacking = [method for method in _REQUIRED if not hasattr(driver, method)]
        if lacking:
            raise ConfigError(f"{where} lacks {', '.join(lacking)}")
        return driver

    return create
