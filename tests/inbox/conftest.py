"""A hot folder over a running engine with bench robots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from robotq.config import InboxConfig
from robotq.inbox.commands import CommandFiles
from robotq.inbox.hot_folder import Accepts, HotFolder
from robotq.model.task import Task
from robotq.store.port import TaskQuery
from tests.engine.conftest import Lab, StartLab, start_lab

__all__ = ["start_lab"]


def work(cmd_id: str = "", **fields: Any) -> dict[str, Any]:
    """A command that the bench robot does at once."""
    return {"cmd_type": "WORK", "cmd_id": cmd_id, **fields}


@dataclass
class Inbox:
    path: Path
    lab: Lab
    folder: HotFolder

    def drop(self, name: str, content: Any) -> Path:
        """Put a file there in one go, as a careful program does."""
        half = self.path / f".{name}.half"
        half.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
        return half.rename(self.path / name)

    async def look(self) -> None:
        await self.folder.look()

    def names(self, folder: str = "") -> list[str]:
        return sorted(file.name for file in (self.path / folder).iterdir() if file.is_file())

    def note(self, name: str) -> Any:
        return orjson.loads((self.path / name).read_bytes())

    async def tasks(self) -> list[Task]:
        """Every task, in the order of arrival."""
        return list(reversed(await self.lab.engine.reads.tasks(TaskQuery(limit=1_000))))

    async def cmd_ids(self) -> list[str | None]:
        return [task.command.cmd_id for task in await self.tasks()]


Open = Callable[..., Awaitable[Inbox]]


@pytest.fixture
async def open_inbox(start_lab: StartLab, tmp_path: Path) -> AsyncIterator[Open]:
    """Open the folder: `await open_inbox(settle_s=0, data=, lasts_s=, **config)`."""
    opened: list[Inbox] = []

    async def make(
        settle_s: float = 60,
        lasts_s: float = 86_400,
        accepts: Callable[[Any], Accepts] = CommandFiles,
        **how: Any,
    ) -> Inbox:
        lab = await start_lab(**how)
        config = InboxConfig(settle_s=settle_s, poll_s=0.01)
        path = tmp_path / "inbox"
        folder = HotFolder(path, accepts(lab.engine), lab.engine, config, lasts_s=lasts_s)
        await asyncio.to_thread(folder._folder.prepare)
        opened.append(Inbox(path, lab, folder))
        return opened[-1]

    yield make
    for inbox in opened:
        await inbox.folder.stop()


@pytest.fixture
async def inbox(open_inbox: Open) -> Inbox:
    return await open_inbox()
