"""A bench: a gantry with a scanner; beside it a balance and a pump, each at its own link."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from robotq.testing.emulators import GrblEmulator, ScannerEmulator
from tests.drivers.line.pump import OPTIONS, Pump
from tests.drivers.line.wire import Wire

COMMANDS = """\
commands:
  PREPARE_VIAL:
    title: {en: Fill a vial and weigh it, zh: 装瓶并称重}
    schema:
      type: object
      required: [volume_ml]
      properties: {volume_ml: {type: number, minimum: 0, maximum: 5000}}
    steps:
      - gcode: [G21, G90, G0 X10 Y5]
      - {step: SCANNING, scan: {timeout_s: 5}, into: code}
      - {step: TARING, on: balance, do: {cmd_type: TARE}}
      - step: DISPENSING
        on: pump
        do: {cmd_type: PUMP, params: {volume_ml: "{params.volume_ml}"}}
      - {step: WEIGHING, on: balance, do: {cmd_type: WEIGH}, into: weighed}
      - gcode: G0 X0 Y0
      - result: {code: "{code}", weight_g: "{weighed.weight_g}"}
  MOVE_AWAY:
    steps: [{gcode: [G21, G90, G0 X20]}]
  FLUSH_AND_WEIGH:
    steps:
      - {on: pump, do: {cmd_type: FLUSH}}
      - {on: balance, do: {cmd_type: WEIGH}, into: weighed}
      - gcode: [G21, G90, G0 X20]
"""


class Balance:
    """Speaks MT-SICS; a gram a millilitre."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self.tares = 0

    def __call__(self, line: str) -> str:
        match line:
            case "I4":
                return 'I4 A "B123"'
            case "T":
                self.tares += 1
                return "T S      0.000 g"
            case "S":
                return f"S S {self._pump.volume_ml():10.3f} g"
            case _:
                return "ES"


class Bench:
    """All machines, and the files that describe them. Use it as a context manager."""

    def __init__(self, folder: Path, *, codes: int = 20, speed: float = 100) -> None:
        self.folder = folder
        self.pump = Pump()
        self.balance = Balance(self.pump)
        self.pump_wire = Wire(self.pump)
        self.balance_wire = Wire(self.balance)
        self.gantry = GrblEmulator(folder / "ttyUSB0", speed=speed)
        self.scanner = ScannerEmulator(folder / "scanner", [f"vial_{n:03}" for n in range(codes)])
        # YAML takes JSON
        (folder / "pump.yaml").write_text(json.dumps(OPTIONS))
        (folder / "own.yaml").write_text(COMMANDS)
        self.site = folder / "site.yaml"
        self.write({})
        self._stack = ExitStack()

    def write(self, more: dict[str, Any]) -> None:
        """The configuration; `more` are keys of the gantry."""
        gantry = {
            "driver": "grbl",
            "options": {
                "port": f"{self.folder}/ttyUSB0",
                "homing_required": False,
                "scanner": {"port": f"{self.folder}/scanner", "trigger": "\x16T\r"},
            },
            "devices": {
                "balance": {"options": {"device": "mt-sics", "port": self.balance_wire.url}},
                "pump": {"options": {"device": "./pump.yaml", "port": self.pump_wire.url}},
            },
            "on_start": "resume",
            "reconnect_s": 0.1,
            **more,
        }
        # as nobody would set it, so that a test does not wait for the operator's patience
        limits = {"stop_timeout_s": 5}
        self.site.write_text(
            json.dumps({"robots": {"gantry": gantry}, "commands": ["own.yaml"], "limits": limits})
        )

    def __enter__(self) -> Self:
        for device in (self.gantry, self.scanner):
            self._stack.enter_context(device)
        self._stack.callback(self.pump_wire.close)
        self._stack.callback(self.balance_wire.close)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def pump_moves(self) -> bool:
        return self.pump.moves_now

    def went_to_the_vial(self, since: int) -> bool:
        """Whether the gantry got this line, behind so many others."""
        return any("X10" in line for line in self.gantry.taken[since:])

    def at_pump(self, word: str) -> int:
        """How often the pump got a line that begins with this."""
        return sum(each.startswith(word) for each in self.pump_wire.heard)
