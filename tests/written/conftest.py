"""A site as its operator writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from robotq.catalog import Catalog, load_catalog
from robotq.checks.written import Written, examine
from robotq.config import Config, load_config
from robotq.model.errors import ConfigError

Site = Callable[..., tuple[Config, Catalog]]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Write site.yaml and own.yaml, and read them."""

    def write(config: str = "", commands: str = "") -> tuple[Config, Catalog]:
        named = "commands: [own.yaml]\n" if commands else ""
        (tmp_path / "own.yaml").write_text(commands)
        (tmp_path / "site.yaml").write_text(config + named)
        read = load_config(tmp_path / "site.yaml", {}, {})
        return read, load_catalog(read.commands)

    return write


def faults(site: tuple[Config, Catalog]) -> list[str]:
    """What is wrong with it, without the folder of its files; none: it is right."""
    try:
        examine(*site)
    except ConfigError as error:
        folder = f"{site[0].source.parent}/" if site[0].source else ""
        return str(error).replace(folder, "").splitlines()
    return []


def right(site: tuple[Config, Catalog]) -> Written:
    return examine(*site)
