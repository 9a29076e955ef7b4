"""A daemon that does nothing but submit, until it is killed; see test_crash.py.

It prints a task's number as soon as the store has answered for it. What a failing disk has not
taken is tried again as it is: it must not be there after all.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from robotq.model.errors import DataUnavailable
from robotq.store.port import Mutation, Restored, SaveAnswer, Store, StoreUnavailable
from robotq.store.sqlite.store import SqliteStore

from .records import answer, change, claimed, completed, pending, submit

_CLIENTS = 16


async def main(folder: Path) -> None:
    store, restored = await _opened(folder)
    numbers = itertools.count(restored.last_seq + 1)

    async def client(place: int) -> None:
        queue = f"robot_{place}"
        for seq in numbers:
            task = pending(seq, queue=queue)
            await _written(store, [*submit(task), *_keyed(seq)])
            _say(f"submitted {seq}")
            running = claimed(task)
            await _written(store, change(task, running))
            _say(f"started {seq}")
            await _written(store, change(running, completed(running)))
            _say(f"completed {seq}")

    for task in restored.unfinished:
        if task.attempt:
            await _written(store, change(task, completed(task)))
    async with asyncio.TaskGroup() as clients:
        for place in range(_CLIENTS):
            clients.create_task(client(place))


def _keyed(seq: int) -> Sequence[Mutation]:
    """Every second client has a key; those without are written another way."""
    return [SaveAnswer(answer(f"key {seq}"))] if seq % 2 else ()


async def _opened(folder: Path) -> tuple[Store, Restored]:
    while True:
        store = SqliteStore(folder)
        try:
            return store, await store.open(finished=0)
        except DataUnavailable:
            await asyncio.sleep(0.002)


async def _written(store: Store, mutations: Sequence[Mutation]) -> None:
    while True:
        try:
            await store.apply(mutations)
        except StoreUnavailable:
            await asyncio.sleep(0.002)
        else:
            return


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
