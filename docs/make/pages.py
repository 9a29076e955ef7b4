"""Which pages there are, and what makes each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.make import cli, commands, config, errors, http, messages, metrics

FOLDER = Path(__file__).parents[1] / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "http.md": http.page,
    "shapes.md": http.shapes_page,
    "errors.md": errors.page,
    "config.md": config.page,
    "commands.md": commands.page,
    "metrics.md": metrics.page,
    "cli.md": cli.page,
    "messages.md": messages.page,
}
