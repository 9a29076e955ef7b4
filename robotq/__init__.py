"""A daemon between software and robots: durable queues, one executor per robot, drivers."""

from __future__ import annotations

__version__ = "0.1.0"
