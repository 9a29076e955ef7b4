"""Simulators of devices that somebody else has written, behind a wire of these tests. They come
with `pip install -e ".[dev,simulators]"`; where one is absent, its tests are skipped and say so."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.drivers.line.wire import Answer


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """One of their simulators, and what of our ready file is tried on it."""

    package: str
    device: str
    make: Callable[[Any], tuple[Any, Answer]]
    """Of the module: the simulator, and what answers a line."""
    module: str
    wire: Mapping[str, Any] = field(default_factory=dict)
    quick: str = ""
    """A command that only reads, and is answered with one line."""
    changes: Callable[[Any, int], float] = lambda _simulator, _round: 0.0
    """Gives what is read next another value for each round; the value."""
    value: str = ""
    """The entry of the result that has it."""

    def made(self) -> tuple[Any, Answer]:
        """Skips the test where the package is absent."""
        with warnings.catch_warnings():
            # of their own libraries
            warnings.simplefilter("ignore")
            try:
                module = importlib.import_module(self.module)
            except ImportError as error:
                pytest.skip(f"{self.package} is not installed (extra `simulators`): {error}")
        return self.make(module)


def _handles(simulator: Any) -> tuple[Any, Answer]:
    return simulator, simulator.handle


def _mettler(module: Any) -> tuple[Any, Answer]:
    return _handles(module.MTSICSSimulator())


def _mtsics(module: Any) -> tuple[Any, Answer]:
    config = importlib.import_module("mtsics.profiles").load("mt-xs204")
    # one for each, since a test may change it
    state = importlib.import_module("mtsics.core.state").ScaleState(config=replace(config))
    engine = module.MTSICSEngine(state)
    return state, lambda line: str(engine.handle(line)).rstrip("\r\n")


def _load(balance: Any, number: int) -> float:
    balance.load_g = 10.0 + number / 1000
    return float(balance.load_g)


def _weight(balance: Any, number: int) -> float:
    balance.set_weight(10.0 + number / 1000)
    return 10.0 + number / 1000


def _plate(plate: Any, number: int) -> float:
    plate.rng.gauss = lambda mean, sigma: 0.0
    plate.clock = lambda: 0.0
    plate._last = 0.0
    plate.medium_c = 20.0 + number / 10
    return float(plate.medium_c)


def _filling(pump: Any, number: int) -> float:
    pump.frac = number / 6000
    return float(pump.frac) * 1000


def _volts(supply: Any, number: int) -> float:
    supply.rng.gauss = lambda mean, sigma: 0.0
    supply._terminal_voltage = lambda: 1.0 + number / 100
    return 1.0 + number / 100


METTLER = Theirs(
    package="labmcp-mettler-toledo", module="labmcp_mettler_toledo.simulator", make=_mettler,
    device="mt-sics", quick="WEIGH", changes=_load, value="weight_g",
)  # fmt: skip
MTSICS = Theirs(
    package="mt-sics-emulator", module="mtsics.protocol.engine", make=_mtsics,
    device="mt-sics", quick="WEIGH", changes=_weight, value="weight_g",
)  # fmt: skip
IKA = Theirs(
    package="labmcp-ika", module="labmcp_ika.simulator",
    make=lambda module: _handles(module.IKASimulator()),
    device="namur-hotplate", wire={"receive": " \r\n", "send": "\r\n"},
    quick="GET_HOTPLATE", changes=_plate, value="temperature_c",
)  # fmt: skip
CAVRO = Theirs(
    package="labmcp-cavro", module="labmcp_cavro.simulator",
    make=lambda module: _handles(module.CavroSimulator(speed=20.0)),
    device="cavro-pump", wire={"receive": "\r", "send": "\x03\r\n"},
    quick="GET_PUMP", changes=_filling, value="position_ul",
)  # fmt: skip
SCPI = Theirs(
    package="labmcp-scpi", module="labmcp_scpi.simulator",
    make=lambda module: _handles(module.DMMPowerSupplySimulator()),
    device="scpi-supply", wire={"receive": "\n", "send": "\n"},
    quick="MEASURE_VOLTAGE", changes=_volts, value="voltage_v",
)  # fmt: skip
ALL = (METTLER, MTSICS, IKA, CAVRO, SCPI)
