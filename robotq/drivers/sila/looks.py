"""Questions to a server that begin nothing: what it lacks, and what it knows of an execution."""

from __future__ import annotations

import grpc

from robotq.drivers.base import DriverError
from robotq.drivers.settling import Settled
from robotq.drivers.sila.faults import fault_of, lost
from robotq.drivers.sila.ready import Ask, ReadyRobot
from robotq.drivers.sila.server import Server
from robotq.drivers.sila.watch import Info, info_of

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
