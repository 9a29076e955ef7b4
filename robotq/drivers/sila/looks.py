"""Questions to a server that begin nothing: what it lacks, and what it knows of an execution."""

from __future__ import annotations

from collections.abc import Callable

import grpc

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.settling import Settled
from robotq.drivers.sila.faults import fault_of, lost
from robotq.drivers.sila.ready import Ask, ReadyRobot
from robotq.drivers.sila.server import Server
from robotq.drivers.sila.watch import Info, info_of
from robotq.model.json import JsonObject

_ASKED_S = 5.0
"""Wall seconds in which a server says what became of an execution."""


def lacking(server: Server, ready: ReadyRobot) -> tuple[str, ...]:
    """What the server does not have of what commands name."""
    wrong = []
    for name, program in ready.programs.items():
        for ask in (program.ask, *program.requires):
            try:
                server.part(ask.feature, ask.part)
            except DriverError as error:
                wrong.append(f"{name}: {error}")
    return tuple(wrong)


def end_of(uuid: str, ended: Callable[[], JsonObject]) -> Settled:
    """How an execution has ended that is over: `ended` returns and raises what its `execute` would.

    Raises LinkLost, to be asked again over the next link.
    """
    try:
        result = ended()
    except Stopped:
        return Settled.stopped(id=uuid)
    except DriverError as error:
        told = {name: value for name, value in error.args_.items() if name != "reason"}
        return Settled.failed(str(error), id=uuid, code=error.code, **told)
    except LinkLost:
        raise
    except UncertainOutcome as error:
        return Settled.unknown(error.reason)
    return Settled.completed(result, id=uuid)


def first_info(server: Server, ask: Ask, uuid: str) -> Info | Settled:
    """The first that the server says of the execution. Raises LinkLost."""
    message = server.feature(ask.feature).execution(uuid)
    stream = server.stream(ask.feature, f"{ask.part}_Info", message, _ASKED_S)
    try:
        for each in stream:
            return info_of(each)
    except ValueError as error:
        return Settled.unknown(f"{ask.name}: {error}")
    except grpc.RpcError as error:
        fault = fault_of(error)
        if fault is None and error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
            raise lost(error, ask.name) from error
        if fault is not None and fault.forgotten:
            return Settled.unknown("the server does not know the execution any more")
        if fault is not None:
            return Settled.unknown(fault.text)
    finally:
        stream.cancel()
    return Settled.unknown(f"{ask.name}: the server says nothing of the execution")
