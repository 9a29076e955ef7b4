"""Changes of tasks that other daemons change as well."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

from robotq.engine.commit.commit import Commit
from robotq.model.errors import RobotqError
from robotq.store.port import StaleRevision

_P = ParamSpec("_P")
_T = TypeVar("_T")

TRIES = 8
"""Attempts to change a task; of those that change it at the same time one succeeds each time."""


_MAY_BE_OLD = frozenset({"wrong_state", "stale_claim", "retries_used_up"})
"""Refusals that say what the task is: memory may have it as it was a moment ago."""


class Changing(Protocol):
    @property
    def commit(self) -> Commit: ...


_S = TypeVar("_S", bound=Changing)
_Method: TypeAlias = Callable[Concatenate[_S, str, _P], Coroutine[Any, Any, _T]]


def on_newest(method: _Method[_S, _P, _T]) -> _Method[_S, _P, _T]:
    """Where another daemon was first, `method` decides once more about the task as it is now.
    Nobody is refused because of what memory has of a task, where the database has another."""

    async def tried(self: _S, task_id: str, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(TRIES):
            try:
                return await method(self, task_id, *args, **kwargs)
            except StaleRevision:
                if self.commit.shared is None:
                    raise
                await self.commit.elsewhere.read_anew(task_id)
            except RobotqError as error:
                if error.code.name not in _MAY_BE_OLD or not await self.commit.elsewhere.was_old(
                    task_id
                ):
                    raise
        raise RobotqError("too_many_requests", what="changes of a task", limit=TRIES)

    update_wrapper(tried, method)
    return tried
