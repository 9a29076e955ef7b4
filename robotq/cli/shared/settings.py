"""How the flags of a command become a configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robotq.config import Config, load_config


def loader(file: Path | None, flags: Mapping[str, Any]) -> Callable[[], Config]:
    """What reads the configuration with these flags over it, now and for every reload."""
    return lambda: load_config(file, os.environ, flags)
