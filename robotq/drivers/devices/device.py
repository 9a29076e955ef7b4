"""One device beside a robot: its link, which is kept for ever, and what it is doing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from robotq.drivers.base import (
    CommandContext,
    DriverError,
    DriverSetup,
    LinkState,
    Stopped,
)
from robotq.drivers.line.driver import LineDriver
from robotq.drivers.line.options import LineOptions
from robotq.model.json import JsonObject
from robotq.model.task import Command

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_LOOK_S = 0.1
_LOOK_FOR_S = 10.0
"""Wall seconds that a command waits at most for an attempt to make the link."""


class Device:
    """Its link is its own: where it is lost, the robot keeps its own, and the keeper makes that
    of the device again. `carry_out` belongs to the command thread, the rest to any."""

    def __init__(
        self, name: str, setup: DriverSetup, options: LineOptions, rested: Callable[[str], None]
    ) -> None:
        """`rested` is called when a device that was due has confirmed its safe state."""
        self.name = name
        self._robot = setup.robot
        self._options = options
        self._rested = rested
        self._driver = LineDriver(
            replace(
                setup,
                robot=f"{setup.robot}-{name}",
                link_changed=self._link_changed,
                devices={},
            ),
            options,
        )
        self._turn = threading.Lock()
        """Held while the link is made, and while a command is carried out."""
        self._changed = threading.Condition()
        self._up = False
        self._losses = 0
        self._attempts = 0
        """To make the link."""
        self._wanted = False
        """Somebody waits for it: the next attempt begins at once."""
        self._reason = "not connected yet"
        self._told: str | None = None
        self._closed = False
        self._keeper: threading.Thread | None = None
        self._due: str | None = None
        self._stops = ThreadPoolExecutor(2, thread_name_prefix=f"{setup.robot}-{name}-stop")
        # the threads exist before the first stop needs them
        for _ in range(2):
            self._stops.submit(threading.Event().wait, 0.01)

    # -- its link ------------------------------------------------------------------------------

    def start(self) -> None:
        """Make its link, and keep it. Does not wait for it."""
        with self._changed:
            if self._keeper is None and not self._closed:
                self._keeper = threading.Thread(
                    target=self._keep, name=f"{self._robot}-{self.name}", daemon=True
                )
                self._keeper.start()

    def require(self, check: Callable[[], None] | None = None) -> None:
        """Raises DriverError device_absent. With `check`, which is called often and may raise, it
        is looked for once more where it was not there, so that a command does not fail since
        robotq has just started."""
        self.start()
        deadline = time.monotonic() + _LOOK_FOR_S
        with self._changed:
            until = self._attempts + 1
            self._wanted = check is not None and not self._up
            self._changed.notify_all()
        while check is not None:
            check()
            with self._changed:
                over = self._attempts >= until or time.monotonic() > deadline
                if self._up or over or self._closed:
                    break
                self._changed.wait(_LOOK_S)
        with self._changed:
            if not self._up:
                raise self.absent(self._reason)

    def absent(self, reason: str) -> DriverError:
        return DriverError(reason, code="device_absent", device=self.name)

    @property
    def connected(self) -> bool:
        return self._up

    def state(self) -> JsonObject:
        """What there is to be shown of it."""
        with self._changed:
            up, reason, due = self._up, self._reason, self._due
        safe = None if due is None else f"not confirmed: {due}"
        return {
            "connected": up,
            "reason": None if up else reason,
            "safe_state": safe or self._driver.safe_state,
        }

    def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            with self._changed:
                while self._up and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
            there = self._reach()
            with self._changed:
                self._attempts += 1
                self._changed.notify_all()
            if there:
                pause_s = _FIRST_PAUSE_S
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wanted, pause_s)
                self._wanted = False
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _reach(self) -> bool:
        with self._turn:
            losses = self._losses
            try:
                self._driver.connect()
                if self._due is not None:
                    # before it can be used again
                    self._driver.rest()
            except Exception as error:  # noqa: BLE001 - whatever it is, the link is not there
                self._not_there(str(error) or type(error).__name__)
                return False
            with self._changed:
                if self._losses != losses:
                    return False
                due, self._due = self._due, None
                self._up, self._told = True, None
        if due is not None:
            self._rested(self.name)
            _log.warning("%s: %s has confirmed its safe state: %s", self._robot, self.name, due)
        _log.info("%s: the link to %s is there", self._robot, self.name)
        return True

    def _not_there(self, reason: str) -> None:
        with self._changed:
            self._reason = reason
            told, self._told = self._told, reason
        if told != reason:
            _log.warning("%s: no link to %s: %s", self._robot, self.name, reason)

    def _link_changed(self, state: LinkState, reason: str) -> None:
        if state is LinkState.CONNECTED:
            return
        with self._changed:
            was, self._up = self._up, False
            self._losses += 1
            self._reason = reason
            self._changed.notify_all()
        if was:
            _log.warning("%s: the link to %s is down: %s", self._robot, self.name, reason)

    # -- its safe state ------------------------------------------------------------------------

    @property
    def due(self) -> str | None:
        """Why it has to confirm its safe state before the robot does anything; None where it
        does not have to."""
        return self._due

    def must_rest(self, why: str) -> None:
        """Nobody knows what it does: it is brought to its safe state as soon as it can be
        reached."""
        if not self._options.ready.safe_state:
            # there is nothing that would have to stop, or nothing that could stop it
            _log.warning("%s: %s: %s", self._robot, self.name, why)
            self._rested(self.name)
            return
        with self._changed:
            self._due = why
            # the keeper makes the link anew, and has it rest before anything else
            self._up = False
            self._reason = f"its safe state is not confirmed: {why}"
            self._changed.notify_all()

    # -- its commands --------------------------------------------------------------------------

    def acts(self, cmd_type: str) -> bool:
        """Whether something may move or change by it."""
        program = self._options.ready.programs.get(cmd_type)
        return program is not None and not program.reads

    def limit_s(self, cmd_type: str) -> float:
        """Seconds that it may take."""
        return self._options.ready.device.commands[cmd_type].timeout_s

    def carry_out(
        self, command: Command, context: CommandContext, called_off: Callable[[], bool]
    ) -> JsonObject:
        """Nothing is sent any more once it is `called_off`, but its safe state. Raises what
        `Driver.execute` may; DriverError device_absent where it is not there."""
        self.require()
        while not self._turn.acquire(timeout=_LOOK_S):
            if called_off():
                raise Stopped
        try:
            self.require()
            self._driver.called_off = called_off
            return self._driver.execute(command, context)
        finally:
            self._driver.called_off = _never
            self._turn.release()

    # -- stops, each on a thread of its own -----------------------------------------------------

    def stop(self) -> Future[None]:
        return self._stops.submit(self._driver.stop)

    def emergency_stop(self) -> Future[None]:
        return self._stops.submit(self._emergency_stop)

    def _emergency_stop(self) -> None:
        try:
            self._driver.emergency_stop()
        except DriverError:
            # a file without a safe state is taken only where nothing in it acts
            if self._options.ready.device.safe_state is not None:
                raise

    def reset(self) -> Future[None]:
        return self._stops.submit(self._driver.reset)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._driver.close()
        self._stops.shutdown(wait=False, cancel_futures=True)


def _never() -> bool:
    return False
