"""Answers of the shared database, on their way to whoever asked."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from typing import TypeVar

from robotq.store.port import (
    SharedUnavailable,
    StoreUnavailable,
)
from robotq.store.postgres import PostgresStore

T = TypeVar("T")


def handed_on(
    ask: Callable[[PostgresStore], Future[T]], store: PostgresStore, give: Callable[[T], T]
) -> Future[T]:
    """What `give` makes of the answer, or the error that says that the daemon's own store works."""
    ours: Future[T] = asyncio.get_running_loop().create_future()

    def hand_on(done: Future[T]) -> None:
        error = done.exception()
        if ours.done():
            return
        if isinstance(error, StoreUnavailable):
            ours.set_exception(SharedUnavailable(str(error)))
        elif error is not None:
            ours.set_exception(error)
        else:
            ours.set_result(give(done.result()))

    try:
        asked = ask(store)
    except StoreUnavailable as error:
        raise SharedUnavailable(str(error)) from error
    asked.add_done_callback(hand_on)
    return ours
