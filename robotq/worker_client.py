"""The name that `robotq.client.worker` had before; it stays for programs that import it."""

from __future__ import annotations

from robotq.client.worker import Job, JobFailed, Refused, Work, Worker

__all__ = ["Job", "JobFailed", "Refused", "Work", "Worker"]
