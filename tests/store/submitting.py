"""A daemon that does nothing but submit, until it is killed; see test_crash.py.

It prints a task's number as soon as the store has answered for it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from robotq.store.port import SaveAnswer
from robotq.store.sqlite import SqliteStore

from .records import answer, change, claimed, completed, pending, submit

_CLIENTS = 16


async def main(folder: Path) -> None:
    store = SqliteStore(folder)
    restored = await store.open(finished=0)
    numbers = itertools.count(restored.last_seq + 1)

    async def client(place: int) -> None:
        queue = f"robot_{place}"
        for seq in numbers:
            task = pending(seq, queue=queue)
            await store.apply([*submit(task), SaveAnswer(answer(f"key {seq}"))])
            _say(f"submitted {seq}")
            running = claimed(task)
            await store.apply(change(task, running))
            _say(f"started {seq}")
            await store.apply(change(running, completed(running)))
            _say(f"completed {seq}")

    for task in restored.unfinished:
        if task.attempt:
            await store.apply(change(task, completed(task)))
    async with asyncio.TaskGroup() as clients:
        for place in range(_CLIENTS):
            clients.create_task(client(place))


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
