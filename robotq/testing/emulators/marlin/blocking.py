"""The command that is carried out, where those behind it have to wait for its end."""

from __future__ import annotations

from collections.abc import Callable

from robotq.testing.emulators.motion import Axes

FOREVER_S = 3600.0


class Blocking:
    """`busy_s`: how often it says meanwhile that it is busy, or waits for a person; None: never."""

    def __init__(self, axes: Axes, busy_s: float | None, say: Callable[[str], None]) -> None:
        self._axes = axes
        self._busy_s = FOREVER_S if busy_s is None else busy_s
        self._say = say
        self._ready: Callable[[float], bool] | None = None
        """Whether the command that is carried out has ended; None where none blocks."""
        self._finish: Callable[[], None] = lambda: None
        self._since = 0.0
        self._waits_for_user = False
        """What blocks is a pause until somebody presses the button, or M108 comes."""

    def __bool__(self) -> bool:
        return self._ready is not None

    def clear(self) -> None:
        self._ready = None
        self._waits_for_user = False

    def begins(self, now: float) -> None:
        """A command begins, and may block."""
        self._since = now

    def until(self, ready: Callable[[float], bool], finish: Callable[[], None]) -> None:
        """It blocks until it is `ready`, by the device's clock."""
        self._ready, self._finish = ready, finish

    def over(self, now: float) -> bool:
        """Whether it is finished; then nothing blocks any more."""
        if self._ready is None or not self._ready(now):
            return False
        self._ready = None
        self._finish()
        return True

    def after_motion(self, seconds: float, finish: Callable[[], None]) -> None:
        """Done when nothing is planned any more, and `seconds` after that."""
        until: list[float] = []

        def ready(now: float) -> bool:
            if self._axes.blocks:
                return False
            until.append(now + seconds)
            return now >= until[0]

        self.until(ready, finish)

    def pause(self, seconds: float, finish: Callable[[], None]) -> None:
        """What is planned is carried out first; then it waits for a person, or for a while."""
        until: list[float] = []

        def ready(now: float) -> bool:
            if self._axes.blocks:
                # nobody can end the pause before it has begun, not by M108 either
                return False
            if not until:
                until.append(now + seconds if seconds else FOREVER_S + now)
                self._waits_for_user = True
            self._waits_for_user = self._waits_for_user and now < until[0]
            return not self._waits_for_user

        self.until(ready, finish)

    def user_is_there(self) -> None:
        """Somebody presses the button, or M108 comes."""
        self._waits_for_user = False

    def left_s(self, now: float) -> float:
        """Say that it is busy, where it is time for that; the seconds until it is looked at."""
        if now - self._since >= self._busy_s:
            self._since = now
            user = self._waits_for_user and not self._axes.blocks
            self._say(f"echo:busy: {'paused for user' if user else 'processing'}")
        left = self._since + self._busy_s - now
        return max(0.001, min(left, self._axes.next_event_s() or 0.02))
