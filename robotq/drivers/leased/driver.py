"""A driver that sends nothing while another daemon may drive its robot, but for stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, cast

from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    DrivenElsewhere,
    Driver,
    DriverError,
    DriverFactory,
    DriverSetup,
    DriverStatus,
    JudgesPrograms,
    LinkState,
    NotDriving,
    Pictured,
    ReadsPrograms,
    Reporting,
    ResumesPrograms,
    Resumption,
    Stopped,
    UnknownCommand,
)
from robotq.drivers.epochs import KeepsEpoch, StaleEpoch
from robotq.drivers.jogging import JogLife, Jogs, JogWanted
from robotq.drivers.raw_lines import TakesRawLines
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.model.tenure import NotOurs
from robotq.steps import Program

_log = logging.getLogger(__name__)

_LOOK_S = 0.1
_MADE_ANEW = -1
"""In place of an epoch: the inner driver is made anew before it connects."""


class Leased:
    """`Driver`. Everything but the look at the lease is the robot's own driver's.

    While the lease is not valid the link may stay open, so that a stop still gets through: a
    stop and an emergency stop never look at the lease. Once another daemon may drive the robot,
    the link is given up, by the next `connect`.
    """

    def __init__(self, setup: DriverSetup, make: DriverFactory, first: Driver) -> None:
        tenure = setup.tenure
        assert tenure is not None
        self.tenure = tenure
        self.inner = first
        self._setup = setup
        self._make = make
        self._used = 0
        """The epoch with which the inner driver has connected last; 0: it has not."""
        self._running = False
        self._given_up = False
        """The running command was ended because of the lease."""
        self._latched = False
        self._closed = threading.Event()
        self._reporting = isinstance(first, Reporting)
        self._watch = threading.Thread(
            target=self._keep_watch, name=f"{setup.robot}-lease", daemon=True
        )
        self._watch.start()

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def require(self) -> int:
        """The epoch. Raises DrivenElsewhere where this daemon does not drive the robot."""
        try:
            return self.tenure.look()
        except NotOurs as error:
            raise DrivenElsewhere(str(error)) from error

    def connect(self) -> None:
        if self._used and self.tenure.epoch != self._used:
            self._renewed()
        epoch = self.require()
        if self.tenure.fence == "device":
            assert isinstance(self.inner, KeepsEpoch)
            self.inner.take_epoch(epoch)
        self._used = epoch
        try:
            self.inner.connect()
        except StaleEpoch as error:
            self.tenure.was_refused(error.epoch)
            raise

    def _renewed(self) -> None:
        """Give up the link of a tenure that is over. On the command thread, as `close`."""
        self._used = 0
        old, self.inner = self.inner, self._make(self._setup)
        try:
            old.close()
        except Exception:  # noqa: BLE001 - a driver may raise anything
            _log.exception("%s: the link of before is not closed", self._setup.robot)
        if self._latched:
            self._stop_by(self.inner)

    def _stop_by(self, inner: Driver) -> None:
        try:
            inner.emergency_stop()
        except Exception as error:  # noqa: BLE001 - it has no link yet, and stops first with one
            _log.info("%s: the emergency stop goes out with the link: %s", self._setup.robot, error)

    # -- commands ------------------------------------------------------------------------------

    def execute(self, command: Command, context: CommandContext) -> JsonObject:
        try:
            self.tenure.look()
        except NotOurs as error:
            raise NotDriving(str(error)) from error
        crash_point(CrashPoint.FLEET_LOOKED)
        return self.carried_out(lambda: self.inner.execute(command, context))

    def carried_out(self, work: Callable[[], JsonObject]) -> JsonObject:
        self._running, self._given_up = True, False
        try:
            return work()
        except StaleEpoch as error:
            self.tenure.was_refused(error.epoch)
            raise
        except Stopped as error:
            if self._given_up:
                raise DriverError(self.tenure.why, code="lease_lost") from error
            raise
        finally:
            self._running = False

    def immediate(self, command: Command) -> JsonObject:
        self.require()
        return self.inner.immediate(command)

    def hold(self) -> None:
        self.require()
        self.inner.hold()

    def resume(self) -> None:
        self.require()
        self.inner.resume()

    def jog(self, wanted: JogWanted, life: JogLife) -> JsonObject:
        """Of `Jogs`."""
        self.require()
        inner = self.inner
        if not isinstance(inner, Jogs):
            raise UnknownCommand("its driver cannot jog")
        return self.carried_out(lambda: inner.jog(wanted, life))

    def why_no_raw_line(self, line: str) -> str | None:
        """Of `TakesRawLines`, where `capabilities.raw_lines` says so."""
        return cast(TakesRawLines, self.inner).why_no_raw_line(line)

    def raw_line(self, line: str, limit_s: float) -> JsonObject:
        """Of `TakesRawLines`."""
        self.require()
        return self.carried_out(lambda: cast(TakesRawLines, self.inner).raw_line(line, limit_s))

    # -- stops ---------------------------------------------------------------------------------

    def stop(self) -> None:
        if self._used > 0:
            self.inner.stop()

    def emergency_stop(self) -> None:
        self._latched = True
        if self._used > 0:
            self.inner.emergency_stop()
        else:
            # nothing goes out, and a link that is made later begins with it
            self._stop_by(self.inner)

    def reset(self) -> None:
        if self._used > 0 and not self.tenure.ended:
            self.require()
            self.inner.reset()
        elif self._latched:
            # the robot is another's to reset; ours has no link, and begins as if never stopped
            self._used = _MADE_ANEW
        self._latched = False

    # -- the lease -----------------------------------------------------------------------------

    def _keep_watch(self) -> None:
        driving = False
        while not self._closed.is_set():
            valid = self.tenure.valid
            if driving and not valid:
                self._lost()
            driving = valid
            self.tenure.wait(_LOOK_S)

    def _lost(self) -> None:
        """Stop driving: what runs goes on at its device where that can be asked for it later, and
        is stopped elsewhere."""
        why = self.tenure.why
        _log.warning("%s: this daemon stops driving: %s", self._setup.robot, why)
        if self._running:
            self._given_up = True
            try:
                self._give_up_command()
            except Exception as error:  # noqa: BLE001 - a driver may raise anything
                _log.error("%s: its command is not given up: %s", self._setup.robot, error)
        self._setup.link_changed(LinkState.DISCONNECTED, why)

    def _give_up_command(self) -> None:
        self.inner.stop()

    # -- the rest ------------------------------------------------------------------------------

    def status(self) -> DriverStatus:
        return self.inner.status() if self.tenure.valid else _not_ours()

    def last_status(self) -> DriverStatus:
        """Of `Reporting`."""
        inner = self.inner
        if not self.tenure.valid:
            return _not_ours()
        return inner.last_status() if isinstance(inner, Reporting) else inner.status()

    def picture(self) -> JsonObject | None:
        """Of `Pictured`; None where the robot tells nothing."""
        inner = self.inner
        return inner.picture() if isinstance(inner, Pictured) else None

    def judge(
        self, command: Command, steps: Program, look: Callable[[int], None]
    ) -> JsonObject | None:
        """Of `JudgesPrograms`."""
        inner = self.inner
        return inner.judge(command, steps, look) if isinstance(inner, JudgesPrograms) else None

    def reads_as_files(self, steps: Program) -> Collection[str]:
        """Of `ReadsPrograms`."""
        inner = self.inner
        return inner.reads_as_files(steps) if isinstance(inner, ReadsPrograms) else ()

    def from_line(
        self, command: Command, steps: Program, line: int, look: Callable[[int], None]
    ) -> Resumption:
        """Of `ResumesPrograms`."""
        inner = self.inner
        if not isinstance(inner, ResumesPrograms):
            raise DriverError("its driver cannot do that", code="robot_cannot")
        return inner.from_line(command, steps, line, look)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        prepared = self.inner.prepare_reload(options)

        def apply() -> None:
            prepared()
            self._setup = replace(self._setup, options=options)

        return apply

    def close(self) -> None:
        self._closed.set()
        self.inner.close()


def _not_ours() -> DriverStatus:
    return DriverStatus(link=LinkState.DISCONNECTED, position_known=False)
