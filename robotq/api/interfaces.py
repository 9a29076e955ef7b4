"""Every interface besides that of the robots, in the order of the documentation.

Most daemons serve robots alone. So what is behind an interface is read for the first request that
comes for it; here is only what has to run from the start on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

from robotq.api.dispatcher.context import hub
from robotq.api.http.interface import Contents, Interface
from robotq.api.task_queue.files import task_files


def _behind(package: str) -> Callable[[], Contents]:
    return partial(_contents, f"robotq.api.{package}.interface")


def _contents(module: str) -> Contents:
    found: Contents = import_module(module).CONTENTS
    return found


TASK_QUEUE = Interface(
    name="task_queue",
    prefix="/apis/task-queue",
    load=_behind("task_queue"),
    background=task_files,
)
ORCHESTRATOR = Interface(
    name="orchestrator", prefix="/apis/orchestrator", load=_behind("orchestrator")
)
CHECKLIST = Interface(name="checklist", prefix="/apis/checklist", load=_behind("checklist"))
DISPATCHER = Interface(
    name="dispatcher", prefix="/apis/dispatcher", load=_behind("dispatcher"), early=hub
)

INTERFACES: Sequence[Interface] = (TASK_QUEUE, ORCHESTRATOR, CHECKLIST, DISPATCHER)

FLEET_INTERFACE = Interface(name="fleet", prefix="/fleet", load=_behind("fleet"))
"""There where the daemon is in a fleet; it has no port of its own."""
