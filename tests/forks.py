"""Programs of robotq as processes of their own, without the second that Python takes to load them.

They are forks of one process that has everything loaded (`tests.forked`): to be killed, stopped
and waited for like any other. What has to be loaded anew, by another library or with one that is
loaded before it, is started with `subprocess` as a user does.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

from tests.swift import CLOCK

_ROOT = Path(__file__).parents[1]
_ANSWER = 64


class Forked:
    """As much of `subprocess.Popen` as the tests use."""

    def __init__(self, pid: int, code: int) -> None:
        """`code`: the end of a pipe from which its exit code comes."""
        self.pid = pid
        self.returncode: int | None = None
        self._code = code

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        # its number is its own until its end is told, or a moment longer
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._code], [], [], timeout_s)[0]:
            told = os.read(self._code, 16)
            os.close(self._code)
            # nothing is told where the process that is forked has died: they die with it
            self.returncode = int(told or -signal.SIGKILL)
        return self.returncode


class _Source:
    """The process that is forked; started when it is needed, gone with the tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: socket.socket | None = None

    def fork(self, request: Mapping[str, Any], files: Sequence[int]) -> Forked:
        code, told = os.pipe()
        os.set_blocking(code, False)
        with self._lock:
            if self._end is None:
                self._end = self._started()
            socket.send_fds(self._end, [json.dumps(request).encode()], [*files, told])
            os.close(told)
            return Forked(int(self._end.recv(_ANSWER)), code)

    def _started(self) -> socket.socket:
        end, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(other.fileno())],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=_ROOT,
                env={**os.environ, "PYTHONUTF8": "1"},
            )
        atexit.register(self._close, end)
        return end

    def _close(self, end: socket.socket) -> None:
        end.close()
        self._process.wait()


_SOURCE = _Source()


def start(
    command: Sequence[str | Path],
    *,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any],
    stderr: int | IO[Any],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Forked:
    """Like `subprocess.Popen([sys.executable, *command])`, with files for its input and output."""
    CLOCK.by_the_wall()
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing if stdin is None else stdin, stdout, stderr]
        files[2] = files[1] if files[2] == subprocess.STDOUT else files[2]
        fds = [file if isinstance(file, int) else file.fileno() for file in files]
        request = {
            "command": [str(part) for part in command],
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or Path.cwd()),
        }
        return _SOURCE.fork(request, fds)


def run(arguments: Sequence[str], log: BinaryIO, environ: Mapping[str, str]) -> Forked:
    """For `robotq.testing.process.DaemonProcess`."""
    return start(arguments, stdout=log, stderr=log, env=environ)
