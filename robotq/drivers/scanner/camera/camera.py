"""One camera: pictures on its own loop, codes on its own thread, reads for the command thread.

A read takes a picture that was taken after the read had begun, or none at all.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future

from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.scanner.camera.aside import Aside
from robotq.drivers.scanner.camera.decode import why_not
from robotq.drivers.scanner.camera.options import CameraOptions
from robotq.drivers.scanner.camera.picture import Asked, PictureRefused
from robotq.drivers.scanner.camera.taking import Outcome, Taking
from robotq.drivers.scanner.needed import LOOK_S, REOPEN_S, until_there
from robotq.drivers.scanner.options import ScannerOptions
from robotq.drivers.scanner.reader import Keep, nothing_kept
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_WATCH_S = 30.0
"""How often a camera that is there is looked at while nobody reads."""
_ENDS_S = 2.0
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class _GivenUp(Exception):
    pass


class Camera:
    """`CodeReader`. `read` belongs to the command thread."""

    def __init__(self, robot: str, options: ScannerOptions) -> None:
        assert options.camera is not None
        self.options = options
        self._camera: CameraOptions = options.camera
        self._robot = robot
        self._aside = Aside(f"{robot}-codes")
        self._taking = Taking(robot, options, self._camera, self._aside)
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Event | None = None
        self._turn: asyncio.Lock | None = None
        self._closed = False
        self._absent: str | None = "not tried yet"
        self._note: str | None = None
        """What is to be said of it although it is there."""

    # -- for the driver ------------------------------------------------------------------------

    def start(self) -> None:
        """Try it, and go on looking whether it is there. Does not wait for it."""
        with self._changed:
            if self._thread is not None or self._closed:
                return
            self._thread = threading.Thread(
                target=self._run, name=f"{self._robot}-camera", daemon=True
            )
            self._thread.start()

    @property
    def ready(self) -> bool:
        return self._absent is None

    def require(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait for it as long as the options say, or until nobody wants it any more. Raises
        DriverError scanner_absent where it gives no picture."""

        def check() -> None:
            if given_up():
                raise _GivenUp

        try:
            self._until_there(check, given_up)
        except _GivenUp:
            return

    def _until_there(self, check: Callable[[], None], given_up: Callable[[], bool]) -> None:
        until_there(
            lambda: self._need(check),
            lambda: self.ready,
            self._changed,
            wait_s=self.options.wait_s,
            given_up=given_up,
            warn=self._warn,
        )

    def read(
        self, timeout_s: float, check: Callable[[], None], keep: Keep = nothing_kept
    ) -> str | None:
        """The code in view; None where there is none in time. `check` is called often, and may
        raise; `keep` gets the picture that was looked at last.

        Raises DriverError scanner_absent, picture_refused, code_refused.
        """
        self._need(check)
        outcome = self._wait(self._read(Asked(), timeout_s), check)
        self._keep(outcome, keep)
        if outcome.error is not None:
            raise outcome.error
        return outcome.code

    def state(self) -> JsonObject:
        """What there is to be shown of it."""
        told: dict[str, str | bool | None] = {
            "kind": "camera",
            "connected": self.ready,
            "port": self._camera.where,
        }
        if self._taking.seen is not None:
            told["picture"] = self._taking.seen
        if self._taking.dated is not None:
            told["dated"] = self._taking.dated
        if (reason := self._absent or self._note) is not None:
            told["reason"] = reason
        return told

    def close(self) -> None:
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is None:
            self._loop.close()
            return
        try:
            self._loop.call_soon_threadsafe(self._end)
        except RuntimeError:
            # it has ended by itself
            return
        thread.join(_ENDS_S)

    # -- the command thread --------------------------------------------------------------------

    def _need(self, check: Callable[[], None]) -> None:
        """Raises DriverError, and what `check` raises."""
        self.start()
        if self.ready:
            return
        self._wait(self._try(unless_ready=True), check)
        if self._absent is not None:
            raise DriverError(self._absent, code="scanner_absent")

    def _wait(self, work: Coroutine[object, None, Outcome], check: Callable[[], None]) -> Outcome:
        if self._closed:
            work.close()
            raise DriverError("it is closed", code="scanner_absent")
        future: Future[Outcome] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while True:
                check()
                try:
                    return future.result(LOOK_S)
                except TimeoutError:
                    if future.done():
                        raise
                    if self._closed:
                        raise DriverError("it is closed", code="scanner_absent") from None
        finally:
            future.cancel()

    def _keep(self, outcome: Outcome, keep: Keep) -> None:
        if outcome.picture is None or self._camera.picture == "dropped":
            return
        name = f"picture.{_ENDINGS.get(outcome.media_type, 'bin')}"
        needed = self._camera.picture == "needed"
        keep(name, outcome.media_type, outcome.picture.data, needed=needed)

    # -- on its loop ---------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._watch())
        finally:
            self._aside.end()
            self._loop.close()

    def _end(self) -> None:
        if self._ended is not None:
            self._ended.set()

    async def _watch(self) -> None:
        """Looks whether it is there, until the end."""
        self._ended = ended = asyncio.Event()
        while not ended.is_set() and not self._closed:
            await self._try()
            try:
                async with asyncio.timeout(_WATCH_S if self.ready else REOPEN_S):
                    await ended.wait()
            except TimeoutError:
                continue
        await self._taking.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _own_turn(self) -> asyncio.Lock:
        if self._turn is None:
            self._turn = asyncio.Lock()
        return self._turn

    async def _try(self, *, unless_ready: bool = False) -> Outcome:
        """Get a picture of any age, and look whether it is one. `unless_ready`: not where somebody
        has just done it."""
        outcome = Outcome()
        async with self._own_turn():
            if unless_ready and self.ready:
                return outcome
            try:
                await self._taking.take_any(outcome)
            except PictureRefused as error:
                if error.passing:
                    self._there(str(error))
                else:
                    self._lost(str(error))
            except LinkLost as error:
                self._lost(error.reason)
            except Exception as error:  # noqa: BLE001 - a fault of our own must not end the watch
                _log.exception("%s: the camera cannot be tried", self._robot)
                self._lost(f"{type(error).__name__}: {error}")
            else:
                self._there(None)
        return outcome

    async def _read(self, asked: Asked, timeout_s: float) -> Outcome:
        outcome = Outcome()
        deadline = time.monotonic() + timeout_s
        async with self._own_turn():
            try:
                await self._taking.read_until(deadline, asked, outcome)
            except PictureRefused as error:
                outcome.error = DriverError(error.reason, code=error.code, **error.args_)
            except LinkLost as error:
                self._lost(error.reason)
                outcome.error = DriverError(error.reason, code="scanner_absent")
        return outcome

    def _there(self, note: str | None) -> None:
        before, self._absent, self._note = self._absent, None, note
        if before is not None:
            _log.info("%s: the camera is at %s", self._robot, self._camera.where)
        with self._changed:
            self._changed.notify_all()

    def _lost(self, reason: str) -> None:
        if reason != self._absent:
            self._warn(f"gives no picture: {reason}")
        self._absent, self._note = why_not() or reason, None
        with self._changed:
            self._changed.notify_all()

    def _warn(self, text: str) -> None:
        _log.warning("%s: the camera: %s", self._robot, text)
