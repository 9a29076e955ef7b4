"""The event loop that the daemon would use, in an interpreter that is set as the daemon's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from robotq.daemon.process import tune_interpreter

_T = TypeVar("_T")


def run_loop(work: Coroutine[Any, Any, _T]) -> _T:
    """The result of `work`, on uvloop where it is installed."""
    tune_interpreter()
    try:
        import uvloop  # noqa: PLC0415 - it may not be installed
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
