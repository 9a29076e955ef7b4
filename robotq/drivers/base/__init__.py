"""What a driver is: the code that makes one kind of controller carry out a command.

A driver is plain blocking code. robotq gives it threads of its own, so it may wait as long
as it likes without holding up anything else. What it must never do is wait for its own
`execute` in one of the other methods: stop and status have to get through at any time.
"""

from __future__ import annotations

from robotq.drivers.base.context import CommandContext, HasDevices, HearsOfRest
from robotq.drivers.base.driver import (
    BringsCommands,
    ChecksSteps,
    Driver,
    DriverFactory,
    DriverSetup,
    JudgesPrograms,
    KnowsCommands,
    KnowsPlaces,
    NotesOptions,
    Pictured,
    ReadsPrograms,
    Reporting,
    ResumesPrograms,
    Resumption,
    unknown_driver,
)
from robotq.drivers.base.endings import (
    Busy,
    DeviceUncertain,
    DrivenElsewhere,
    DriverError,
    Ended,
    LastSteps,
    LinkLost,
    NotAsConfigured,
    NotDriving,
    NotReady,
    NotUnderstood,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
    Withdrawn,
    WrongDevice,
)
from robotq.drivers.base.status import Acknowledgement, Capabilities, DriverStatus, LinkState

__all__ = [
    "Acknowledgement",
    "BringsCommands",
    "Busy",
    "Capabilities",
    "ChecksSteps",
    "CommandContext",
    "DeviceUncertain",
    "DrivenElsewhere",
    "Driver",
    "DriverError",
    "DriverFactory",
    "DriverSetup",
    "DriverStatus",
    "Ended",
    "HasDevices",
    "HearsOfRest",
    "JudgesPrograms",
    "KnowsCommands",
    "KnowsPlaces",
    "LastSteps",
    "LinkLost",
    "LinkState",
    "NotAsConfigured",
    "NotDriving",
    "NotReady",
    "NotUnderstood",
    "NotesOptions",
    "Pictured",
    "ReadsPrograms",
    "Reporting",
    "ResumesPrograms",
    "Resumption",
    "Stopped",
    "UncertainOutcome",
    "UnknownCommand",
    "Withdrawn",
    "WrongDevice",
    "unknown_driver",
]
