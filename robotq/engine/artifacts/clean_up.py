"""Files that no task names any more are removed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from robotq.engine.artifacts.files import ArtifactFiles
from robotq.store.port import Store

_log = logging.getLogger(__name__)

_REST_S = 3_000.0
"""Seconds for which no task has to name a file before it goes: a backup that has copied the
database a moment ago still finds what that names."""


class CleanUp:
    """Looks at all files."""

    def __init__(self, files: ArtifactFiles, store: Store, *, rest_s: float = _REST_S) -> None:
        self._files = files
        self._store = store
        self._rest_s = rest_s
        self._unnamed: dict[str, float] = {}
        """Since when nobody names it, on `time.monotonic`."""

    async def look(self) -> int:
        """Returns how many files went."""
        sweep = await self._files.sweep(self._store, self._young)
        if sweep is None or not sweep.removed:
            return 0
        _log.info("%d files of artifacts that no task names are removed", sweep.removed)
        return sweep.removed

    def _young(self, unnamed: Iterable[str]) -> set[str]:
        now = time.monotonic()
        since = {one: self._unnamed.get(one, now) for one in unnamed}
        self._unnamed = {one: at for one, at in since.items() if now - at < self._rest_s}
        return set(self._unnamed)
