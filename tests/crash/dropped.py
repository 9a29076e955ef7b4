"""Files in the inbox of a daemon whose power goes: each is there, and what it asked for once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random

from robotq.inbox.commands import _SCOPE
from robotq.model.task import Task
from robotq.store.sqlite.store import SqliteStore

from .driving import drive

NAMES = tuple(f"dropped-{number}.json" for number in range(6))


def content(name: str) -> bytes:
    return json.dumps([drive(f"{name} {number}") for number in range(2)]).encode()


def contents(data: Path) -> Mapping[str, bytes]:
    """Where the files are before the daemon has touched them. Who dropped them has synced them."""
    return {str(data / "inbox" / name): content(name) for name in NAMES}


async def drop(data: Path, random: Random) -> None:
    """One after the other; returns when all are done."""
    inbox = data / "inbox"
    for name in NAMES:
        half = inbox / f".{name}.tmp"
        await asyncio.to_thread(half.write_bytes, content(name))
        await asyncio.to_thread(half.rename, inbox / name)
        await asyncio.sleep(random.uniform(0, 0.05))
    async with asyncio.timeout(60):
        for name in NAMES:
            while not await asyncio.to_thread((inbox / "done" / name).exists):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def judge(image: Path, store: SqliteStore, tasks: Mapping[str, Task]) -> list[str]:
    """What is wrong with the inbox on a disk; empty: nothing."""
    wrong = []
    made = {task.command.cmd_id: task.id for task in tasks.values()}
    for name in NAMES:
        of_file = [made.get(f"{name} {number}") for number in range(2)]
        places = await asyncio.to_thread(_places, image / "inbox", name)
        if len(places) != 1:
            wrong.append(f"lost or doubled: {name} is at {places}")
            continue
        folder = places[0].parent.name
        if None in of_file and any(of_file):
            wrong.append(f"lost: half of {name}")
        if folder == "inbox" and any(of_file):
            wrong.append(f"doubled: {name} would be taken again")
        if folder == "taking" and any(of_file):
            token = places[0].name.partition("~")[0]
            if await store.answer(_SCOPE, token) is None:
                wrong.append(f"doubled: nobody knows that {name} was accepted")
        if folder == "done":
            wrong += await asyncio.to_thread(_receipt, places[0], of_file)
    return wrong


def _places(inbox: Path, name: str) -> list[Path]:
    """Where the whole of a file is."""
    found = [file for file in inbox.rglob(f"*{name}") if file.is_file()]
    return [file for file in found if file.read_bytes() == content(name)]


def _receipt(done: Path, of_file: list[str | None]) -> list[str]:
    receipt = done.with_name(f"{done.name}.accepted.json")
    try:
        told = json.loads(receipt.read_bytes())["task_ids"]
    except (OSError, ValueError) as error:
        return [f"wrong: the receipt of {done.name}: {error}"]
    return [] if told == of_file else [f"wrong: {done.name} is told as {told}, and is {of_file}"]
