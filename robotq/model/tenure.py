"""Whether this daemon drives a robot that two machines can reach, and for how long yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

if hasattr(time, "CLOCK_BOOTTIME"):

    def since_boot() -> float:
        """Seconds that no clock of the wall changes, and that go on while the machine sleeps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:  # pragma: no cover - other systems
    since_boot = time.monotonic


class NotOurs(Exception):
    """This daemon does not drive the robot now. Its text says why."""


class Tenure:
    """Of one robot. Whoever has the lease grants it and ends it; the driver looks at it before
    everything that it sends. All of it may be used from any thread."""

    def __init__(self, robot: str, fence: str, clock: Callable[[], float] = since_boot) -> None:
        self.robot = robot
        self.fence = fence
        """As `StandbyConfig.fence`."""
        self._clock = clock
        self._changed = threading.Condition()
        self._epoch = 0
        self._until = 0.0
        self._suspended = False
        self._why = "nobody has said yet which daemon drives it"
        self._refused = 0

    @property
    def valid(self) -> bool:
        return self._epoch > 0 and not self._suspended and self._clock() < self._until

    @property
    def epoch(self) -> int:
        """Under which it was granted last; 0 where it was not, or was ended."""
        return self._epoch

    @property
    def ended(self) -> bool:
        """Another daemon may drive the robot from now on."""
        return not self._epoch

    @property
    def why(self) -> str:
        """Why it is not valid."""
        return self._why

    @property
    def refused(self) -> int:
        """The epoch of the device, where that has refused ours; 0 where it has not."""
        return self._refused

    def look(self) -> int:
        """The epoch under which the robot is driven right now. Raises NotOurs."""
        with self._changed:
            if self.valid:
                return self._epoch
            raise NotOurs(self._why)

    def grant(self, epoch: int, until: float) -> None:
        """It is ours until then, by `since_boot`."""
        with self._changed:
            if epoch < self._epoch:
                return
            if epoch > self._epoch:
                self._refused = 0
            self._epoch, self._until, self._suspended = epoch, until, False
            self._why = "its lease was not renewed in time: the fleet's database is away"
            self._changed.notify_all()

    def suspend(self, why: str) -> None:
        """Nothing more until it is granted again."""
        with self._changed:
            if not self.ended:
                self._suspended, self._why = True, why
                self._changed.notify_all()

    def end(self, why: str) -> None:
        """It is another's, or nobody's."""
        with self._changed:
            self._epoch, self._until, self._why = 0, 0.0, why
            self._changed.notify_all()

    def was_refused(self, epoch: int) -> None:
        """The device has a higher epoch: nothing that we send counts there."""
        with self._changed:
            self._refused = max(self._refused, epoch)
            self._suspended = True
            self._why = f"the device is driven under epoch {epoch}"
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Until it may have changed, or the time is up."""
        with self._changed:
            self._changed.wait(timeout_s)
