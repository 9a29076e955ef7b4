"""Changes that go to their end, whether or not anybody still waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

# a loop refers to its tasks only weakly
_under_way: set[asyncio.Task[Any]] = set()


def unbroken(
    method: Callable[_P, Coroutine[Any, Any, _T]],
) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Once called, `method` runs to its end, also when its caller is cancelled meanwhile.

    So a request that is cut off cannot leave a change on disk that memory does not know of,
    nor one that is half done.
    """

    @wraps(method)
    async def begun(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        task = asyncio.create_task(method(*args, **kwargs))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        return await asyncio.shield(task)

    return begun
