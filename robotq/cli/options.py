"""Options that several commands share, and how they become a configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from robotq.cli.http import DEFAULT_URL
from robotq.config import Config, load_config

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", envvar="ROBOTQ_CONFIG", help="Configuration file (YAML)."),
]
Url = Annotated[str, typer.Option("--url", envvar="ROBOTQ_URL", help="Address of the daemon.")]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="ROBOTQ_KEY", help="Key to send, where the daemon wants one."),
]
Robot = Annotated[
    str | None, typer.Option("--robot", metavar="NAME", help="One robot; without it, all.")
]
TimeScale = Annotated[
    float | None,
    typer.Option(
        "--time-scale",
        metavar="FACTOR",
        help="Wall seconds per second of simulated motion: 1 real time, 0.05 twenty times "
        "faster, 0 without waiting.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the daemon's answer as JSON.")]

URL = DEFAULT_URL


def loader(file: Path | None, flags: Mapping[str, Any]) -> Callable[[], Config]:
    """What reads the configuration with these flags over it, now and for every reload."""
    return lambda: load_config(file, os.environ, flags)
