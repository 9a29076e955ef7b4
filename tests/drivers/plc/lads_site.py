"""A device of LADS behind its server, and the driver that talks to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from robotq.drivers import plc as plc_driver
from robotq.drivers.base import Driver
from robotq.drivers.plc.options import read_options
from robotq.drivers.plc.ready import ReadyStation
from robotq.testing.driver_contract import driver_setup
from tests.drivers.cable import Cable
from tests.drivers.plc.lads_server import OTHER_UNIT, PROGRAM, UNIT, LadsDevice
from tests.drivers.plc.loop import Loop
from tests.drivers.plc.site import SCAN_S, free_port


class LadsSite:
    """Close it at the end."""

    def __init__(self, tmp_path: Path) -> None:
        self.device, self.other = LadsDevice(), LadsDevice("OtherUnit")
        self._tmp_path = tmp_path
        self._port = free_port()
        self._up = self._ended = False
        self._server: Any = None
        self.loop = Loop()
        self.open()
        # later: it takes any port that is free
        self.cable = Cable(self._port)
        self._scans = self.loop.begin(self._scan())
        lads: dict[str, Any] = {
            "unit": UNIT, "program": PROGRAM, "properties": {"goal": "goal"}, "sample": "sample",
        }  # fmt: skip
        params = {
            "goal": {"type": "integer", "min": 0, "max": 2_000},
            "sample": {"type": "text", "default": "none"},
        }
        self.options: dict[str, Any] = {
            "opcua": {"url": f"opc.tcp://127.0.0.1:{self.cable.port}/lads"},
            "commands": {
                "MOVE": {"lads": lads, "params": params},
                "MOVE_OTHER": {"lads": {**lads, "unit": OTHER_UNIT}, "params": params},
                "MOVE_UNTIL_STOPPED": {"lads": {**lads, "stopped_is_done": True}, "params": params},
            },
            "poll_s": 0.02,
            # a busy machine answers late
            "answer_s": 5,
        }
        self.drivers: list[Driver] = []
        self.driver = self.again()

    def again(self) -> Driver:
        """Another driver for the same device, as after a start."""
        setup, self.links = driver_setup(self._tmp_path, self.options)
        self.drivers.append(plc_driver.create(setup))
        return self.drivers[-1]

    def as_new(self, *, judges: bool = True) -> None:
        """For the next test: a server takes seconds to start."""
        for driver in self.drivers:
            driver.close()
        self.cable.as_new()
        self.loop.do(self.device.as_new(judges=judges))
        self.loop.do(self.other.as_new())
        self.driver = self.again()

    def ready(self) -> ReadyStation:
        return read_options("mover", self.options).ready

    def open(self) -> None:
        async def opened() -> None:
            from asyncua.server.server import Server  # noqa: PLC0415 - of an extra

            self._server = Server()
            await self._server.init()
            self._server.set_endpoint(f"opc.tcp://127.0.0.1:{self._port}/lads")
            await self.device.build(self._server)
            await self.other.join(self.device)
            await self._server.start()
            self._up = True

        self.loop.do(opened())

    def shut(self) -> None:
        self._up = False
        self.loop.do(self._server.stop())

    def restart(self) -> None:
        """The device and its server, in mid-command."""
        self.shut()
        self.device.restart()
        self.open()

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()
        self.cable.close()
        self._ended = True
        self._scans.result(5)
        if self._up:
            self.shut()
        self.loop.end()

    async def _scan(self) -> None:
        while not self._ended:
            await asyncio.sleep(SCAN_S)
            if self._up:
                await self.device.scan()
                await self.other.scan()
