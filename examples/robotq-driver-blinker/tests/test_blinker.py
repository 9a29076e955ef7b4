"""The driver against a lamp on a pseudo-terminal."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from robotq_driver_blinker import create

from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract, driver_setup


class Lamp:
    """The machine: it counts how often it was switched on."""

    def __init__(self, link: Path) -> None:
        self.switched_on = 0
        self._link = link
        self.plug_in()

    def plug_in(self) -> None:
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        self._link.symlink_to(os.ttyname(self._near))
        self._thread = threading.Thread(target=self._shine, daemon=True)
        self._thread.start()

    def pull_out(self) -> None:
        self._link.unlink()
        # what the lamp reads ends when both ends are closed
        os.write(self._near, b"bye\n")
        self._thread.join()
        os.close(self._near)
        os.close(self._far)

    def _shine(self) -> None:
        rest = b""
        while True:
            rest += os.read(self._far, 100).replace(b"\x18", b"")
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line == b"bye":
                    return
                self.switched_on += line == b"on"
                os.write(self._far, b"ok\n" if line in (b"on", b"off") else b"error what?\n")


class TestBlinker(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        link = tmp_path / "lamp"
        lamp = Lamp(link)
        setup, links = driver_setup(tmp_path, {"port": str(link)})
        driver = create(setup)
        yield DriverBench(
            driver=driver,
            links=links,
            quick=Command(cmd_type="BLINK", params={"seconds": 0.01}),
            long=Command(cmd_type="BLINK", params={"times": 100, "seconds": 1}),
            break_link=lamp.pull_out,
            mend_link=lamp.plug_in,
            motions=lambda: lamp.switched_on,
        )
        driver.close()
        lamp.pull_out()
