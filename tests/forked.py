"""`python -m tests.forked FD`: has robotq loaded, and is forked for each program that is asked for.

The other end is `tests.forks`.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from robotq.cli import COMMANDS

REQUEST = 1 << 20


def serve(requests: socket.socket) -> None:
    """Until the other end is gone; what still runs is killed then. Returns in each fork too."""
    running: dict[int, int] = {}
    ended, woken = socket.socketpair()
    ended.setblocking(False)
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # whatever a daemon or a command loads
    for module in ("host.menu", *COMMANDS.values()):
        import_module(f"robotq.cli.{module}")
    gc.collect()
    gc.freeze()
    while True:
        ready, _, _ = select.select([requests, ended], [], [])
        if ended in ready:
            ended.recv(64)
            reap(running)
        if requests in ready:
            message, fds, _, _ = socket.recv_fds(requests, REQUEST, 4)
            if not message:
                break
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for end in (requests, ended, woken):
                    end.close()
                for told in (*running.values(), fds.pop()):
                    os.close(told)
                become(json.loads(message), fds)
                return
            *files, running[pid] = fds
            for fd in files:
                os.close(fd)
            requests.send(str(pid).encode())
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def reap(running: dict[int, int]) -> None:
    """Tell the exit codes of those that have ended."""
    for pid in list(running):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            told = running.pop(pid)
            with suppress(BrokenPipeError):
                os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(told)


def become(asked: Mapping[str, Any], fds: Sequence[int]) -> None:
    """The program, in a process that is as good as new."""
    for standard, fd in enumerate(fds):
        os.dup2(fd, standard)
        os.close(fd)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program, *sys.argv = asked["command"]
    if program == "-m":
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv.insert(0, program)
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    # the tests end it by closing their end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(socket.socket(fileno=int(sys.argv[1])))
