"""What the driver's return or exception means for the command that it carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from robotq.drivers.base import (
    DriverError,
    DriverStatus,
    Ended,
    LinkLost,
    NotDriving,
    NotReady,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.engine.queue.ending import (
    Ending,
    StopCause,
    StopRequest,
    completed,
    failed,
    stopped,
    stopped_there,
    unknown,
)
from robotq.engine.robot.driver_threads import DriverHost, NotBegun
from robotq.engine.robot.run import Run
from robotq.model.carried.stopped_at import KEY as STOPPED_AT
from robotq.model.json.safe import plain
from robotq.model.outcome import LAST

_log = logging.getLogger(__name__)


async def ending_of(run: Run, host: DriverHost, link_lost: Callable[[str], None]) -> Ending:
    """How a run that is over ended, and where its program was. `link_lost` is called with the
    reason where it tells that."""
    ending = await _ending_of(run, host, link_lost)
    if ending.error is None:
        return ending
    raised = run.back.exception() if run.back.done() and not run.back.cancelled() else None
    if not isinstance(raised, Ended):
        return ending
    told: dict[str, Any] = {}
    if raised.stopped_at is not None:
        told[STOPPED_AT] = plain(raised.stopped_at.view())
    if raised.last is not None:
        told[LAST] = plain({"state": raised.last.state, "reason": raised.last.reason})
    if raised.device is not None:
        told["device"] = plain(raised.device)
    if not told:
        return ending
    error = replace(ending.error, args={**ending.error.args, **told})
    return replace(ending, error=error, result={**(ending.result or {}), **told})


async def _ending_of(run: Run, host: DriverHost, link_lost: Callable[[str], None]) -> Ending:
    request = run.request
    if not run.back.done():
        assert request is not None
        return unknown("stop_unconfirmed", request.cause.value, request.actor)
    try:
        # it was made fit for the disk on the thread of the driver
        return completed(run.back.result())
    except (NotBegun, NotDriving):
        ending = stopped_there() if request is None else await _stopped(request, host, run)
        return replace(ending, began=False)
    except NotReady as error:
        if request is not None:
            ending = await _stopped(request, host, run)
        else:
            ending = failed("device_error", plain({"reason": str(error)}))
        return replace(ending, began=False)
    except Stopped:
        if request is None:
            return stopped_there()
        return await _stopped(request, host, run)
    except DriverError as error:
        return failed(error.code, plain(error.args_))
    except UnknownCommand as error:
        command = run.task.command
        args = {"robot": run.task.queue, "cmd_type": command.cmd_type, "reason": str(error)}
        return replace(failed("robot_cannot", args), began=False)
    except UncertainOutcome as error:
        if isinstance(error, LinkLost):
            link_lost(error.reason)
        return unknown(error.cause, error.reason)
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        _log.exception("%s: the driver raised in %s", run.task.queue, run.task.id)
        return unknown("driver_raised", f"{type(error).__name__}: {error}")


async def _stopped(request: StopRequest, host: DriverHost, run: Run) -> Ending:
    known = False
    if request.cause is StopCause.SHUTDOWN and host.capabilities.position_survives_stop:
        status = await status_after_stop(host, run.task.queue)
        known = status is not None and status.position_known
    return stopped(request, timeout_s=run.spec.timeout_s, position_known=known)


async def status_after_stop(host: DriverHost, robot: str) -> DriverStatus | None:
    """What the driver says, None where it says nothing in time."""
    try:
        async with asyncio.timeout(host.timings.status_s):
            return await host.status()
    except Exception as error:  # noqa: BLE001 - no answer is an answer here: not known
        _log.warning("%s: no status after the stop: %r", robot, error)
        return None
