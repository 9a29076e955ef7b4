"""The name that `robotq.client.worker` had before; it stays for programs that import it."""

from __future__ import annotations

from robotq.client.worker import Job, JobFailed, Refused, SocketWorker, Work

__all__ = ["Job", "JobFailed", "Refused", "SocketWorker", "Work"]
