"""The configuration: YAML, environment and flags in, frozen dataclasses out."""

from __future__ import annotations

from robotq.config.loader import load_config, packaged
from robotq.config.schema import (
    Config,
    LimitsConfig,
    QueueConfig,
    RetentionConfig,
    RobotConfig,
    WebhooksConfig,
)

__all__ = [
    "Config",
    "LimitsConfig",
    "QueueConfig",
    "RetentionConfig",
    "RobotConfig",
    "WebhooksConfig",
    "load_config",
    "packaged",
]
