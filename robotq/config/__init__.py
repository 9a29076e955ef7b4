"""The configuration: YAML, environment and flags in, frozen dataclasses out."""

from __future__ import annotations

from robotq.config.loader import load_config, packaged
from robotq.config.schema import (
    WORKER_QUEUES,
    Config,
    DeviceConfig,
    DispatcherConfig,
    InboxConfig,
    InterfaceConfig,
    InterfacesConfig,
    LimitsConfig,
    OrchestratorConfig,
    QueueConfig,
    RetentionConfig,
    RobotConfig,
    TaskQueueConfig,
    WebhooksConfig,
)

__all__ = [
    "WORKER_QUEUES",
    "Config",
    "DeviceConfig",
    "DispatcherConfig",
    "InboxConfig",
    "InterfaceConfig",
    "InterfacesConfig",
    "LimitsConfig",
    "OrchestratorConfig",
    "QueueConfig",
    "RetentionConfig",
    "RobotConfig",
    "TaskQueueConfig",
    "WebhooksConfig",
    "load_config",
    "packaged",
]
