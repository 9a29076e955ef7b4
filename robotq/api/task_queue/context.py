"""What the handlers of the task queue interface find on the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Absolute paths."""

    tasks_dir: str
    results_dir: str


ENDPOINTS: web.AppKey[Mapping[str, str]] = web.AppKey("task_queue_endpoints")
"""Method and path -> what it does."""
FOLDERS = web.AppKey("task_queue_folders", Folders)
