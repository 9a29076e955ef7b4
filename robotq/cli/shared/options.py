"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from robotq.cli.shared import parse

ConfigFile = Annotated[
    Path | None,
    parse.Option("--config", envvar="ROBOTQ_CONFIG", help="Configuration file (YAML)."),
]
Url = Annotated[str, parse.Option("--url", envvar="ROBOTQ_URL", help="Address of the daemon.")]
Key = Annotated[
    str | None,
    parse.Option("--key", envvar="ROBOTQ_KEY", help="Key to send, where the daemon wants one."),
]
Robot = Annotated[
    str | None, parse.Option("--robot", metavar="NAME", help="One robot; without it, all.")
]
TimeScale = Annotated[
    float | None,
    parse.Option(
        "--time-scale",
        metavar="FACTOR",
        help="Wall seconds per second of simulated motion: 1 real time, 0.05 twenty times "
        "faster, 0 without waiting.",
    ),
]
AsJson = Annotated[bool, parse.Option("--json", help="Print the daemon's answer as JSON.")]
OutcomeAsJson = Annotated[bool, parse.Option("--json", help="Print the outcome as JSON.")]

URL = "http://127.0.0.1:8090"
"""The default of `--url`. Written here too, so that a start does not load the client."""
