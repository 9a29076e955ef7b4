"""One process that runs a daemon for each test: the libraries are loaded once, so that the next
daemon is there in a fraction of a second, and nothing of it runs in the process of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from robotq.testing.daemon import Daemon
from robotq.testing.process import clean_environment

_ANSWER_S = 60.0
"""Wall seconds that a start or an end may take on a busy machine."""


class Host:
    """The tests' end of `python -m robotq.testing.hosted`. Use it as a context manager."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._end(self._process)

    @contextmanager
    def daemon(self, folder: Path, config: Path | Mapping[str, Any]) -> Iterator[Daemon]:
        """A daemon that lives inside the block, with its data in `folder`.

        Raises RuntimeError with what is wrong with the configuration.
        """
        data = folder / "data"
        keys = {} if isinstance(config, Path) else dict(config)
        file = str(config) if isinstance(config, Path) else None
        process = self._running()
        started = _ask(process, {"start": {"data": str(data), **keys}, "file": file})
        try:
            port = started["port"]
            yield Daemon(url=f"http://127.0.0.1:{port}", port=port, data=data)
        finally:
            _ask(process, {"stop": started["number"]})

    def _running(self) -> subprocess.Popen[str]:
        """The process; a new one where the last one has died."""
        if self._process is not None and self._process.poll() is not None:
            self._end(self._process)
            self._process = None
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "robotq.testing.hosted"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=clean_environment({}),
                text=True,
                encoding="utf-8",
            )
        return self._process

    def _end(self, process: subprocess.Popen[str]) -> None:
        try:
            # the end of its input is the end of it
            process.communicate(timeout=_ANSWER_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _ask(process: subprocess.Popen[str], request: Mapping[str, Any]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    # a process that does not answer is killed, so that the read below comes to an end
    alarm = threading.Timer(_ANSWER_S, process.kill)
    alarm.start()
    try:
        process.stdin.write(json.dumps(request, default=str) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    finally:
        alarm.cancel()
        alarm.join()
    if not line:
        raise RuntimeError(f"the process of the daemons has ended with code {process.wait()}")
    answer = json.loads(line)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer
