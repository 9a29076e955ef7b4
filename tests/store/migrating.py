"""A start that does nothing but bring a database to the present schema; see test_moving.py.

It prints a line for each portion that is on disk, and `open` at the end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from robotq.store.sqlite import moving
from robotq.store.sqlite.store import SqliteStore


class Told(SqliteStore):
    def _unless_closed(self) -> None:
        _say("portion")
        super()._unless_closed()


async def main(folder: Path) -> None:
    store = Told(folder)
    restored = await store.open(finished=10)
    _say(f"open {restored.last_seq}")
    await store.close()


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    moving._ROWS = int(sys.argv[2])
    asyncio.run(main(Path(sys.argv[1])))
