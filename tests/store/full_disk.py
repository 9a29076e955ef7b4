"""A store on a disk that fills up and is freed again; see test_outage.py.

A process may limit the size of its files: past that, writes fail as on a full disk.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from robotq.store.port import StaleRevision, StoreUnavailable, TaskQuery
from robotq.store.sqlite.store import SqliteStore

from .records import change, claimed, pending, submit


def _limit_files(size: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


async def main(folder: Path, room: int) -> None:
    store = SqliteStore(folder)
    await store.open(finished=10)
    await store.apply(submit(pending(1)))
    _limit_files(room)
    for attempt in range(3):
        calls = [store.apply(submit(pending(seq))) for seq in range(2, 600)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert refused, "the disk was not full"
        assert all(isinstance(error, (StoreUnavailable, StaleRevision)) for error in refused)
        assert any(isinstance(error, StoreUnavailable) for error in refused), attempt
    # what is there can be read all the while
    assert await store.get(pending(1).id) == pending(1)
    _limit_files(resource.RLIM_INFINITY)
    await store.probe()
    await store.apply(change(pending(1), claimed(pending(1))))
    there = {task.seq for task in await store.list(TaskQuery(limit=1000))}
    missing = set(range(1, 600)) - there
    await asyncio.gather(*(store.apply(submit(pending(seq))) for seq in missing))
    await store.close()
    restored = await store.open(finished=10)
    assert [task.seq for task in restored.unfinished] == list(range(1, 600))
    assert sum(restored.counts.values()) == 599
    assert restored.last_event_id == 600
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
