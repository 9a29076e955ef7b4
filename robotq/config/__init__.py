"""The configuration: YAML, environment and flags in, frozen dataclasses out."""

from __future__ import annotations

from robotq.config.loader import load_config, packaged
from robotq.config.outside import FleetConfig, NotifyConfig, StoreConfig, WebhooksConfig
from robotq.config.robots import (
    DeviceConfig,
    MaintenanceConfig,
    RobotConfig,
    StandbyConfig,
    ValueConfig,
)
from robotq.config.schema import (
    WORKER_QUEUES,
    Config,
    DispatcherConfig,
    InboxConfig,
    InterfaceConfig,
    InterfacesConfig,
    LimitsConfig,
    OrchestratorConfig,
    QueueConfig,
    RetentionConfig,
    TaskQueueConfig,
)

__all__ = [
    "WORKER_QUEUES",
    "Config",
    "DeviceConfig",
    "DispatcherConfig",
    "FleetConfig",
    "InboxConfig",
    "InterfaceConfig",
    "InterfacesConfig",
    "LimitsConfig",
    "MaintenanceConfig",
    "NotifyConfig",
    "OrchestratorConfig",
    "QueueConfig",
    "RetentionConfig",
    "RobotConfig",
    "StandbyConfig",
    "StoreConfig",
    "TaskQueueConfig",
    "ValueConfig",
    "WebhooksConfig",
    "load_config",
    "packaged",
]
