"""Daemons, one after another, and a device that outlives them and can be asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from robotq.config import LimitsConfig
from robotq.engine.timings import Timings

from .settling import Device, SettlingDriver

if TYPE_CHECKING:
    from .conftest import Lab, StartLab

QUICK = Timings(settle_s=0.1, in_doubt_s=0.3, repeat_stop_s=0.05)


class Floor:
    """Daemons, one after another, and the device that outlives them."""

    def __init__(self, start_lab: StartLab) -> None:
        self._start_lab = start_lab
        self.device = Device()
        self.lab: Lab

    async def start(self, **how: Any) -> Lab:
        how.setdefault("timings", QUICK)
        # long enough for a busy machine
        how.setdefault("limits", LimitsConfig(stop_timeout_s=2, shutdown_grace_s=0.05))
        made = how.pop("made", partial(SettlingDriver, device=self.device))
        self.lab = await self._start_lab(made=made, **how)
        return self.lab

    @property
    def driver(self) -> SettlingDriver:
        driver = self.lab.driver
        assert isinstance(driver, SettlingDriver)
        return driver

    async def command(self, cmd_id: str = "one", **params: Any) -> str:
        """One that its device carries out right now."""
        task_id = await self.lab.submit(cmd_id, **params)
        await self.lab.until(lambda: self.device.starts and self._step(task_id))
        return task_id

    def _step(self, task_id: str) -> object:
        return self.lab._in_memory(task_id).steps

    async def killed(self, **how: Any) -> Lab:
        """The daemon dies, and is started again."""
        data = await self.lab.kill()
        return await self.start(data=data, **how)

    async def attached(self) -> None:
        await self.lab.until(lambda: any(line.startswith("attach") for line in self.device.log))


def not_through() -> None:
    """For a hook of the driver: the device hears nothing."""
    raise RuntimeError("it does not get through")
