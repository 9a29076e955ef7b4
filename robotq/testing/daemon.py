"""A running daemon, as a test sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robotq.client import Client
from robotq.model.json import JsonObject

if TYPE_CHECKING:
    from robotq.client import AsyncClient

_PATIENCE_S = 5.0
"""Wall seconds for which a client of a test tries again: a daemon that is away stays away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    url: str
    port: int
    data: Path
    """Its data folder; gone with the temporary folders of the test run."""

    def client(self, **options: Any) -> Client:
        """A client of this daemon; `options` are those of `robotq.Client`. Messages are English
        unless they say otherwise."""
        return Client(self.url, **{"retry_s": _PATIENCE_S, "language": "en", **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """The same for an event loop."""
        from robotq.client import AsyncClient  # noqa: PLC0415 - aiohttp only where it is needed

        return AsyncClient(self.url, **{"retry_s": _PATIENCE_S, "language": "en", **options})

    def motions(self) -> Sequence[JsonObject]:
        """Every motion that its robots have begun, in order, each with `robot`, `task_id`,
        `attempt`, `step` and `motion`. Written before the motion: what is not here did not
        happen. A line that a kill cut short is of a motion that did not begin."""
        log = self.data / "simulator" / "motions.jsonl"
        if not log.exists():
            return ()
        motions: list[JsonObject] = []
        for line in log.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):
                motions.append(json.loads(line))
        return motions
