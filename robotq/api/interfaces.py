"""Every interface besides that of the robots, in the order of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.api.checklist.interface import CHECKLIST
from robotq.api.dispatcher.interface import DISPATCHER
from robotq.api.http.interface import Interface
from robotq.api.orchestrator.interface import ORCHESTRATOR
from robotq.api.task_queue.interface import TASK_QUEUE

INTERFACES: Sequence[Interface] = (TASK_QUEUE, ORCHESTRATOR, CHECKLIST, DISPATCHER)
