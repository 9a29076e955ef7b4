"""A daemon in a process of its own, for tests in which it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, Self

import robotq

_START_S = 60.0
"""Wall seconds that a start may take on a busy machine."""
_END_S = 40.0
_LOOK_S = 0.002


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without its settings for robotq, and with the same robotq to
    import; `more` goes over it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ROBOTQ_")}
    here = str(Path(robotq.__file__).parents[1])
    paths = [here, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), **more}


class Process(Protocol):
    """As much of `subprocess.Popen` as a daemon's life needs."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


Start = Callable[[Sequence[str], BinaryIO, Mapping[str, str]], Process]
"""Has Python run a program with a file for its output and with an environment."""


def start(arguments: Sequence[str], log: BinaryIO, environ: Mapping[str, str]) -> Process:
    return subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, *arguments], stdout=log, stderr=log, env=environ
    )


class DaemonProcess:
    """`robotq serve` on a data folder; one life at a time, any number of them. As a context
    manager it lives inside the block."""

    def __init__(
        self,
        data: Path,
        *,
        time_scale: float = 0.0,
        config: Path | None = None,
        port: int = 0,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "robotq"),
        start_s: float = _START_S,
        run: Start = start,
    ) -> None:
        """`environ`: ROBOTQ_ variables for every life. `program` is what Python runs. `start_s`:
        wall seconds that a start may take; `run` starts the process."""
        self.data = data
        self.time_scale = time_scale
        self.log = data.with_name(f"{data.name}.log")
        """What all lives printed."""
        self.port = port
        """Where it serves; 0 before the first start where any free one was asked for."""
        self._arguments = [*program, "serve", "--data", str(data), "--time-scale", f"{time_scale}"]
        if config is not None:
            self._arguments += ["--config", str(config)]
        self._asked_port = port
        self._environ = environ or {}
        self._start_s = start_s
        self._run = run
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it. None while it lives."""
        return None if self._process is None else self._process.poll()

    def keep_port(self) -> None:
        """Every later life serves on the port of this one."""
        self._asked_port = self.port

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, environ: Mapping[str, str] | None = None) -> bool:
        """Start, and wait until it serves. False where it has ended before that.

        `environ`: for this life only. Raises TimeoutError.
        """
        port_file = self.data / "port"
        # a killed daemon leaves its own behind
        port_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = self._run(
                [*self._arguments, "--port", str(self._asked_port)],
                log,
                clean_environment({**self._environ, **(environ or {})}),
            )
        deadline = time.monotonic() + self._start_s
        while self.alive():
            text = port_file.read_text() if port_file.exists() else ""
            if text.endswith("\n"):
                self.port = int(text)
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"no start within {self._start_s:g} s, see {self.log}")
            time.sleep(_LOOK_S)
        return False

    def kill(self) -> None:
        """kill -9, if it lives, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> int:
        """SIGTERM; returns the exit code. Raises TimeoutError where it does not end in order;
        it is killed then."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"no end within {_END_S:g} s of SIGTERM, see {self.log}") from None

    def __enter__(self) -> Self:
        """Raises RuntimeError where it does not start."""
        if not self.start():
            raise RuntimeError(f"the daemon did not start, see {self.log}")
        return self

    def __exit__(self, *exc: object) -> None:
        if self.alive():
            self.terminate()
