"""Hold, stop and emergency stop of one simulated robot."""

from __future__ import annotations

from robotq.model.clock import MotionClock


class Run:
    """One execution of a command. Its flags are only ever raised: nothing that was stopped
    goes on, not even after a reset."""

    __slots__ = ("deaf", "emergency", "released", "stop")

    def __init__(self) -> None:
        self.stop = False
        """Come to rest and end."""
        self.emergency = False
        """End at once."""
        self.deaf = False
        """By an injected fault, a stop is not confirmed until `released`."""
        self.released = False

    def interrupted(self) -> bool:
        return self.stop or self.emergency


class Controls:
    """What may be asked of the robot from any thread. Flags without a lock, so that neither
    setting nor reading one ever waits."""

    def __init__(self, clock: MotionClock) -> None:
        self._clock = clock
        self._run: Run | None = None
        self.held = False
        """The robot pauses in its motion, or will with the next one."""
        self.held_because = ""
        """What the robot says, where it has paused by itself."""
        self.latched = False
        """An emergency stop has not been reset."""

    def begin(self) -> Run:
        """A new execution, ended already while an emergency stop is latched."""
        self._run = run = Run()
        # after the assignment: an emergency stop in between has seen the run or is seen here
        if self.latched:
            run.emergency = True
        return run

    def end(self) -> None:
        self._run = None

    def hold(self, because: str = "") -> None:
        self.held, self.held_because = True, because
        self._clock.notify()

    def resume(self) -> None:
        self.held, self.held_because = False, ""
        self._clock.notify()

    def stop(self) -> None:
        """End the execution that is under way, if any; ends a hold too."""
        run = self._run
        if run is not None:
            run.stop = True
        self.held = False
        self._clock.notify()

    def emergency_stop(self) -> None:
        self.latched = True
        run = self._run
        if run is not None:
            run.emergency = True
        self.held = False
        self._clock.notify()

    def reset(self) -> None:
        self.latched = False
        self._release()

    def close(self) -> None:
        run = self._run
        if run is not None:
            run.emergency = True
        self._release()

    def _release(self) -> None:
        run = self._run
        if run is not None:
            run.released = True
        self._clock.notify()
