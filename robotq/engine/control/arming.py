"""START_WORKING and STOP_WORKING."""

from __future__ import annotations

from robotq.engine.settings import Settings


class Arming:
    """Where the site demands it, commands are taken only after START_WORKING was sent. Not kept
    over a restart: somebody has to be there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._working = False

    @property
    def armed(self) -> bool:
        return self.is_armed()

    def is_armed(self) -> bool:
        return self._working or not self._settings.config.require_start_working

    def arm(self, armed: bool) -> None:
        self._working = armed
