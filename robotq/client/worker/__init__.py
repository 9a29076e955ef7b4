"""Workers: programs that take tasks of a daemon, do them, and answer.

`Worker` speaks HTTP, `SocketWorker` the WebSocket of the dispatcher.
"""

from __future__ import annotations

from robotq.client.worker.http import Worker
from robotq.client.worker.job import Job, JobFailed, Refused, Work
from robotq.client.worker.websocket import SocketWorker

__all__ = ["Job", "JobFailed", "Refused", "SocketWorker", "Work", "Worker"]
