"""How far a command travels through robotq until it is answered, counted."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import robotq
from robotq.api.access.keys import KeyFile
from robotq.store.sqlite.store import SqliteStore
from tests.api.conftest import StartLab
from tests.api.kept_connection import Client, request
from tests.api.lab import SCAN
from tests.api.served import serve

_HOME = str(Path(robotq.__file__).parent)
_MOST_FILES = 27
"""Lower it when the way becomes shorter."""


class _Journey:
    """The files of robotq/ that are entered, on the loop and the thread of the store, in their
    order. What goes on beside it is not counted: the executor that is woken, the looks of a second.
    """

    def __init__(self) -> None:
        self.files: dict[str, None] = {}
        self.others: set[asyncio.Task[Any]] = set()
        """Tasks of the loop that were there before."""

    def look(self, frame: FrameType, event: str, _argument: Any) -> None:
        here = threading.current_thread().name
        if here != "robotq-store" and asyncio.current_task() in self.others:
            return
        if event == "call" and frame.f_code.co_filename.startswith(_HOME):
            self.files[frame.f_code.co_filename.removeprefix(_HOME)] = None


async def test_a_scan_is_answered_after_few_files(start_lab: StartLab, tmp_path: Path) -> None:
    journey = _Journey()
    with _on_new_threads(journey) as at_work:
        lab = await start_lab(disk=SqliteStore(tmp_path))
    await lab.post("/queue/pause", {"robot_id": "robot_a"})
    served, port = await serve(lab, await asyncio.to_thread(KeyFile, tmp_path))
    client = await Client.of(port)
    await client.ask(request(SCAN, "Idempotency-Key: first"))
    journey.others = asyncio.all_tasks()
    at_work.set()
    sys.setprofile(journey.look)
    try:
        status, _, _ = await client.ask(request(SCAN, "Idempotency-Key: second"))
    finally:
        sys.setprofile(None)
        at_work.clear()
    await client.close()
    await served.close()
    assert status == 200
    assert len(journey.files) <= _MOST_FILES, "\n".join(journey.files)


@contextmanager
def _on_new_threads(journey: _Journey) -> Iterator[threading.Event]:
    """Threads that are started inside look while the event is set."""
    at_work = threading.Event()

    def look(frame: FrameType, event: str, argument: Any) -> None:
        if at_work.is_set() and threading.current_thread().name == "robotq-store":
            journey.look(frame, event, argument)

    threading.setprofile(look)
    try:
        yield at_work
    finally:
        threading.setprofile(None)
