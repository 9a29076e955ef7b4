"""Workers elsewhere that take tasks: who they are, what they have, and for how long."""

from __future__ import annotations

from robotq.workers.hub import Connection, Hub, Link
from robotq.workers.registry import Worker
from robotq.workers.workers import Heartbeat, Order, TaskReport, Workers

__all__ = ["Connection", "Heartbeat", "Hub", "Link", "Order", "TaskReport", "Worker", "Workers"]
