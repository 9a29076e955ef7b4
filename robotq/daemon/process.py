"""The process of a program: its event loop, its signals, and an end that nothing holds up."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

from robotq.model.errors import NotWritten
from robotq.system import descriptors

try:
    import uvloop
except ImportError:
    _new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
else:
    _new_loop = uvloop.new_event_loop

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


_THREADS_S = 5.0
"""Wall seconds that threads get at the end, when all is written, before they are left behind."""
_NOT_WRITTEN_S = 0.5
"""The same where the disk has not taken everything in its time."""
_SWITCH_S = 0.001
"""Wall seconds after which a busy thread lets another one have the interpreter; Python's own
value is longer. Measured with 64 submitting clients: 99 of 100 emergency stops
reach their driver within 40 ms instead of 130, at the same rate of submits. While a driver reads a
program of 900,000 lines, half of them are on the wire within 8 ms, and within 27 by twice this."""


_COLLECT_AFTER = (5_000, 20, 50)
"""When Python looks for cyclic garbage. By its own values it looks through everything while
thousands of tasks are submitted, and the event loop stands still for 100 ms with 16,000 of them
waiting; measured with 64 submitting clients, the longest turn of the loop is 20 ms by these."""


class StopSignals:
    """What the operating system asks of the process.

    The first SIGINT or SIGTERM asks for an orderly end; the second ends the process at once,
    whatever it is doing. SIGHUP asks for a reload.
    """

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.reload = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def install(self) -> None:
        """Take the signals over. Only in the main thread."""
        # handlers of the interpreter and not of the loop: they work while the loop stands still
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_end)
        if sys.platform != "win32":
            signal.signal(signal.SIGHUP, self._on_reload)

    async def unless_ended(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of `work`; None where a signal came first, and then it is cancelled."""
        doing = asyncio.create_task(work)
        ending = asyncio.create_task(self.end.wait())
        try:
            await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for task in (doing, ending):
                task.cancel()
            await asyncio.gather(doing, ending, return_exceptions=True)

    def _on_end(self, _number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _end_at_once)
        self._loop.call_soon_threadsafe(self.end.set)

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self.reload.set)


def run_program(program: Callable[[StopSignals], Coroutine[Any, Any, int]]) -> int:
    """Run an event loop until `program` returns the exit code of the process.

    uvloop is used where it is installed. A thread that is stuck, in a driver for example,
    cannot keep the process alive.
    """

    async def main() -> int:
        signals = StopSignals()
        signals.install()
        return await program(signals)

    descriptors.raise_limit()
    tune_interpreter()
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        threads_s = _THREADS_S
        try:
            code = runner.run(main())
        except NotWritten:
            # told already; a thread that waits for the disk has had its time
            code, threads_s = 1, _NOT_WRITTEN_S
        last_resort = threading.Timer(threads_s, _leave, args=(code,))
        last_resort.daemon = True
        last_resort.start()
    return code


def tune_interpreter() -> None:
    """How threads take turns and when garbage is looked for, for a process with an event loop that
    stays. Once its modules are imported."""
    sys.setswitchinterval(_SWITCH_S)
    # what is imported by now stays, so nobody has to look through it; there is hardly any garbage
    # in it, and looking for that takes a tenth of the start
    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECT_AFTER)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(130)


def _leave(code: int) -> None:
    """End the process although threads are still at work."""
    _log.warning("left behind at the end: %s", ", ".join(t.name for t in threading.enumerate()))
    logging.shutdown()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)
