"""What the daemon of a round is told to be."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from robotq.config import packaged

from .mix import ROBOTS

COMMANDS = ("commands.yaml", "programs.yaml")


def configure(folder: Path, webhook_url: str) -> None:
    """The packaged lab with room for the bottles of many scans, one command that may run twice,
    and webhooks that are never given up."""
    lab = yaml.safe_load(packaged("lab.yaml").read_text())
    lab["stations"]["SPLIT_TABLE"]["slots"] = 200
    lab["robots"]["robot_a"]["back_slots"] = 12
    (folder / "lab.yaml").write_text(yaml.safe_dump(lab))
    for name in COMMANDS:
        shutil.copy(Path(__file__).with_name(name), folder)
    config = {
        "commands": list(COMMANDS),
        "robots": {robot: {"options": {"lab": "./lab.yaml"}} for robot in ROBOTS},
        "webhooks": {"url": webhook_url, "retries": 1_000, "retry_s": 0.05},
    }
    (folder / "robotq.yaml").write_text(yaml.safe_dump(config))
