"""robotq worker: do a queue's tasks with a command of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from robotq.cli.shared import parse
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.logs import log_to_stderr
from robotq.cli.shared.options import URL, Key, Url
from robotq.client.worker import Job, JobFailed, Refused, SocketWorker, Worker
from robotq.model.json import JsonValue

_OUTPUT = 500_000
"""Bytes of output that are read; more is an error of the command."""
_TAIL = 2_000
"""Characters of what a failed command wrote that go into the task's error."""
_TERMINATE_S = 5.0
"""Seconds that a command has to end after it was told to."""


def worker(
    *,
    execute: Annotated[
        str,
        parse.Option(
            "--exec",
            metavar="COMMAND",
            help="What does a task. {payload} stands for its params as JSON, {task_id} and "
            "{cmd_type} for those; each fills a place in one argument and is never read by a "
            "shell. The whole task is on its standard input. What it prints is the result; an "
            "exit code other than 0 fails the task with what it wrote to standard error.",
        ),
    ],
    queue: Annotated[
        str, parse.Option("--queue", help="Whose tasks: task_queue, orchestrator, dispatcher.")
    ] = "task_queue",
    match: Annotated[
        str, parse.Option("--match", "--group", help="Only tasks of this work directory or group.")
    ] = "",
    name: Annotated[
        str | None,
        parse.Option("--name", help="What this worker calls itself. [default: host and process]"),
    ] = None,
    spool: Annotated[
        Path, parse.Option("--spool", help="Folder for results that the daemon has yet to take.")
    ] = Path("robotq-results"),
    once: Annotated[
        bool, parse.Option("--once", help="Do one task, if one waits, and end.")
    ] = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Take tasks of a queue and do them, one at a time, until Ctrl-C.

    With a URL such as ws://127.0.0.1:3000/ws they come over the WebSocket of the dispatcher.
    The worker reconnects by itself, keeps results on disk until the daemon has taken them, and
    ends a command whose task is called off.
    """
    log_to_stderr("info")
    command = shlex.split(execute)
    if not command:
        raise Failure("--exec: found nothing, expected a command", ExitCode.USAGE)

    async def work(job: Job) -> JsonValue:
        return await _executed(command, job)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        if sys.platform != "win32":
            for number in (signal.SIGINT, signal.SIGTERM):
                # the second one ends the process at once
                loop.add_signal_handler(number, _stop_once, loop, stop)
        if url.startswith(("ws://", "wss://")):
            await SocketWorker(url, work, spool=spool, group=match or None, key=key).run(
                stop, once=once
            )
            return
        await Worker(
            url,
            work,
            spool=spool,
            queue=queue,
            worker_id=name,
            match=match,
            key=key,
        ).run(stop, once=once)

    try:
        asyncio.run(run())
    except Refused as error:
        raise Failure(str(error)) from error


def _stop_once(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    print("stopping when this task is done; again to end at once", file=sys.stderr, flush=True)
    stop.set()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


async def _executed(command: Sequence[str], job: Job) -> JsonValue:
    """What the command printed, as JSON where it is. Raises JobFailed."""
    places = {
        "payload": json.dumps(job.params, ensure_ascii=False),
        "task_id": job.task_id,
        "cmd_type": job.cmd_type,
    }
    whole = json.dumps(
        {
            "task_id": job.task_id,
            "cmd_type": job.cmd_type,
            "params": job.params,
            "extra": job.extra,
            "attempt": job.attempt,
        },
        ensure_ascii=False,
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *[_filled(argument, places) for argument in command],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_OUTPUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise JobFailed(f"{command[0]} cannot be started: {error}") from error
    try:
        out, told = await _talked(process, whole.encode())
    except BaseException:
        await _ended(process)
        raise
    if process.returncode != 0:
        reason = told.decode(errors="replace").strip()[-_TAIL:]
        raise JobFailed(reason or f"exit code {process.returncode}", _result(out))
    return _result(out)


def _filled(argument: str, places: Mapping[str, str]) -> str:
    # one pass, so that what stands in a payload is never taken for a place itself
    return re.sub(r"\{(payload|task_id|cmd_type)\}", lambda found: places[found[1]], argument)


async def _talked(process: asyncio.subprocess.Process, told: bytes) -> tuple[bytes, bytes]:
    """Output and error of the command, when it has ended. Raises JobFailed."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    out, error, _ = await asyncio.gather(
        _all_of(process.stdout), _all_of(process.stderr), _fed(process.stdin, told)
    )
    await process.wait()
    return out, error


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    read = bytearray()
    while chunk := await stream.read(65_536):
        read += chunk
        if len(read) > _OUTPUT:
            raise JobFailed(f"the command wrote more than {_OUTPUT} bytes")
    return bytes(read)


async def _fed(stream: asyncio.StreamWriter, told: bytes) -> None:
    # a command that does not care for its input may close it
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(told)
        await stream.drain()
    stream.close()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End the command and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            async with asyncio.timeout(_TERMINATE_S):
                await process.wait()
        except TimeoutError:
            continue
        return


def _result(out: bytes) -> JsonValue:
    text = out.decode(errors="replace").strip()
    if not text:
        return {}
    try:
        return json.loads(text)
    except ValueError:
        return {"output": text}
