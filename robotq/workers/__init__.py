"""Workers elsewhere that take tasks: who they are, what they have, and for how long."""

from __future__ import annotations

from robotq.model.job import Heartbeat, TaskReport, Verdict
from robotq.workers.hub import Hub
from robotq.workers.link import WorkerConnection, WorkerLink
from robotq.workers.registry import Worker
from robotq.workers.workers import Workers

__all__ = [
    "Heartbeat",
    "Hub",
    "TaskReport",
    "Verdict",
    "Worker",
    "WorkerConnection",
    "WorkerLink",
    "Workers",
]
