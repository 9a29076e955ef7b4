"""What a device of version 2 has stored of a command, as the engine wants to know it."""

from __future__ import annotations

from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.jsonline import messages
from robotq.drivers.jsonline.calls import CallRefused
from robotq.drivers.jsonline.link import JsonlineLink
from robotq.drivers.jsonline.messages import Hello, RunStatus, read_run_status
from robotq.drivers.jsonline.run import Run
from robotq.drivers.jsonline.wire import SETTLES, BadLine
from robotq.drivers.settling import Settled, UnsettledRun


def can_be_asked(hello: Hello) -> bool:
    return hello.newest >= SETTLES and bool(hello.memory)


def name(run: Run, hello: Hello, begun: int) -> None:
    """Write its id down before the request goes out, where the device can be asked by that.
    Raises Stopped where the command is called off meanwhile."""
    if can_be_asked(hello):
        run.context.run_id(run.id, boot=hello.memory, details={"begun": begun})


def settle(link: JsonlineLink, run: UnsettledRun) -> Settled:
    """Raises LinkLost."""
    hello = link.hello
    if hello is None or not link.up:
        raise LinkLost("not connected")
    if hello.newest < SETTLES:
        return Settled.unknown("it speaks an older version now, and tells nothing of a command")
    try:
        status = read_run_status(link.call("status", run=run.id))
    except (CallRefused, BadLine) as error:
        return Settled.unknown(str(error))
    report, told = status.report, {"id": status.report.id, "boot": status.memory}
    match report.state:
        case messages.RUNNING:
            return Settled.running(**told)
        case messages.DONE:
            result = {**report.result, "simulated": True} if hello.simulated else report.result
            return Settled.completed(result, **told)
        case messages.STOPPED:
            return Settled.stopped(**told)
        case messages.FAILED:
            return _failed(report, told)
        case messages.UNKNOWN if _remembers(status, run, hello):
            return Settled.never_started(**told, cannot_start=report.refused)
        case messages.UNKNOWN:
            return Settled.unknown("it has begun so many since that it may have forgotten this one")
        case _:
            message = report.fault.message if report.fault is not None else report.state
            return Settled.unknown(message)


def _failed(report: messages.Report, told: dict[str, Any]) -> Settled:
    fault = report.fault
    message = fault.message if fault is not None else "it gives no reason"
    return Settled.failed(message, code=fault.code if fault is not None else "device_error", **told)


def _remembers(status: RunStatus, run: UnsettledRun, hello: Hello) -> bool:
    """An id that is not among its last ones was never there, unless that many came after it."""
    before = run.at_device.details.get("begun")
    since = status.begun - before if isinstance(before, int) else hello.remembers + 1
    return 0 <= since <= hello.remembers
