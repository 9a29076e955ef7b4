"""Hot folders: files that are dropped into a folder become tasks."""

from __future__ import annotations

from robotq.inbox.commands import CommandFiles
from robotq.inbox.hot_folder import Accepts, HotFolder

__all__ = ["Accepts", "CommandFiles", "HotFolder"]
