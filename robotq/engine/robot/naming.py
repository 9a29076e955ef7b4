"""The id by which a device knows a run, on its way from the driver to the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import msgspec
import orjson

from robotq.drivers.base import NotDriving
from robotq.engine.queue.step_recorder import Recorder
from robotq.model.clock import MotionClock, WallClock
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain, plain_text
from robotq.model.task import DeviceRun, Task

_log = logging.getLogger(__name__)

_ID = 500
"""Characters of an id, and of a boot id."""
_DETAILS = 8_192
"""Bytes of what else a driver keeps with it."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    run: DeviceRun
    written: Future[None]
    """Done when it is on disk."""


class Naming:
    """Of one command. `take` is called on the thread of the driver, all else on the loop."""

    def __init__(
        self,
        task: Task,
        recorder: Recorder,
        *,
        driver: str,
        write: Callable[[Task, DeviceRun], Awaitable[None]],
        motion: MotionClock,
        clock: WallClock,
        used: Callable[[], tuple[float, bool]],
    ) -> None:
        """`used`: the motion time that the command has had, and whether none passes now."""
        self._task = task
        self._recorder = recorder
        self._driver = driver
        self._write_run = write
        self._motion = motion
        self._clock = clock
        self._used = used
        self.run: DeviceRun | None = task.run
        """The one that is on disk."""
        if self.run is not None:
            recorder.run = self.now
        self._writing: set[asyncio.Task[None]] = set()

    def take(self, run_id: str, boot: str, details: JsonObject | None) -> Named:
        """Raises ValueError for what cannot be kept: too long, or no text that a disk takes. A
        changed id would be that of another run."""
        if not run_id or len(run_id) > _ID or len(boot) > _ID:
            raise ValueError(f"the id of a run has 1 to {_ID} characters")
        if plain_text(run_id) != run_id or plain_text(boot) != boot:
            odd = ascii(run_id if plain_text(run_id) != run_id else boot)
            raise ValueError(f"the id of a run is no Unicode text: {odd}")
        kept: dict[str, Any] = plain(details or {})
        if len(orjson.dumps(kept)) > _DETAILS:
            raise ValueError(f"the details of a run have at most {_DETAILS} bytes")
        run = DeviceRun(
            id=run_id,
            driver=self._driver,
            boot=boot,
            details=kept,
            at_ms=self._clock.now_ms(),
        )
        return Named(run=run, written=Future())

    def write(self, named: Named) -> None:
        writing = asyncio.create_task(self._write(named), name=f"run id of {self._task.id}")
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _write(self, named: Named) -> None:
        try:
            await self._write_run(self._task, named.run)
        except NotDriving as error:
            # the driver sends nothing, and says so
            named.written.set_exception(error)
        except RobotqError as error:
            # the command has an end already, or another claim
            _log.warning("%s: the id of the run is not kept: %s", self._task.id, error)
            named.written.set_exception(error)
        except Exception as error:  # noqa: BLE001 - its driver would wait for ever
            _log.exception("%s: the id of the run is not kept", self._task.id)
            named.written.set_exception(error)
        else:
            self.run = named.run
            self._recorder.run = self.now
            named.written.set_result(None)
        finally:
            # where the daemon ends there is no answer
            named.written.cancel()
            self._motion.notify()

    def now(self) -> DeviceRun:
        """The run with the time that it has had."""
        assert self.run is not None
        worked_s, paused = self._used()
        return msgspec.structs.replace(
            self.run, at_ms=self._clock.now_ms(), worked_s=round(worked_s, 3), paused=paused
        )

    async def all_written(self) -> DeviceRun | None:
        """The run that is on disk, when nothing is on its way any more."""
        while self._writing:
            await asyncio.wait(set(self._writing))
        return self.run
