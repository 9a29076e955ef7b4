"""`robotq doctor` and the data: whether it says the same in all places, and so does the daemon."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from robotq.cli.doctor.daemon import REPORT, against_daemon, listed
from robotq.cli.doctor.finding import Finding, Verdict
from robotq.daemon.kept_programs import look_at_programs
from robotq.store.audit import contradictions
from robotq.store.sqlite.peek import peek_at_all, peek_at_steps

_FINISHED = 1_000
_EVENTS = 10_000
"""Of a database of any size no more is looked at, besides all that has not ended."""
_CONNECT_S = 2.0


def data_findings(folder: Path, url: str, key: str | None) -> Iterator[Finding]:
    """Nothing where there is no database yet. Changes nothing."""
    database = folder / "robotq.db"
    if not database.exists():
        return
    try:
        restored, latest = peek_at_all(database, finished=_FINISHED, events=_EVENTS)
        stray = peek_at_steps(database, tasks=_FINISHED)
    except (sqlite3.Error, TypeError, ValueError, LookupError) as error:
        yield Finding(
            what="data",
            verdict=Verdict.BAD,
            found=f"{database} cannot be read: {error}",
            mend="`robotq restore` a backup; a database of another version of robotq is read "
            "by that version.",
        )
        return
    wrong = [*contradictions(restored, latest), *stray]
    looked = (
        f"{len(restored.unfinished)} tasks that have not ended, {len(restored.finished)} that "
        f"have, {len(restored.holds)} holds and {len(latest)} events agree"
    )
    if wrong:
        yield Finding(
            what="data",
            verdict=Verdict.BAD,
            found=listed(wrong),
            mend=f"Start the daemon, which puts right what a crash has left, and look again; "
            f"if it stays, {REPORT}.",
        )
    else:
        yield Finding(what="data", verdict=Verdict.OK, found=looked)
    yield from _programs(folder)
    if _listens(url):
        yield from against_daemon(database, url, key)


def _programs(folder: Path) -> Iterator[Finding]:
    """Nothing where no program was ever handed in."""
    try:
        kept = look_at_programs(folder)
    except (OSError, sqlite3.Error) as error:
        yield Finding(
            what="programs",
            verdict=Verdict.BAD,
            found=f"cannot be looked at: {error}",
            mend="Look whether the data folder can be read by you.",
        )
        return
    if kept.missing:
        yield Finding(
            what="programs",
            verdict=Verdict.BAD,
            found=f"{len(kept.missing)} that tasks name are missing: {listed(kept.missing)}",
            mend="Their tasks fail before anything moves. Hand such programs in again, or "
            "`robotq restore` a backup.",
        )
    elif kept.orphans:
        yield Finding(
            what="programs",
            verdict=Verdict.NOTE,
            found=f"{kept.orphans} of {kept.files} are named by no task "
            f"({kept.orphan_bytes / 1e6:.1f} MB)",
            mend="Nothing: the daemon removes them within an hour, and where it needs the room.",
        )
    elif kept.files:
        yield Finding(what="programs", verdict=Verdict.OK, found=f"{kept.files} are all there")


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_S).close()
    except OSError:
        return False
    return True
