"""A running lab for every test of the robot interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from robotq.catalog import Catalog, load_catalog
from robotq.config import Config, load_config, packaged
from robotq.store.port import Store

from .lab import Lab, running_lab

StartLab = Callable[..., Awaitable[Lab]]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog([])


def lab_config(folder: Path, **changes: Any) -> Config:
    """The packaged lab in a folder of its own; `changes` by key, joined by two underscores."""
    overrides = {key.replace("__", "."): value for key, value in changes.items()}
    return load_config(
        None,
        {},
        {
            "data": str(folder),
            "store": "memory",
            "time_scale": 0,
            "limits.shutdown_grace_s": 0,
            **overrides,
        },
    )


@pytest.fixture
async def start_lab(catalog: Catalog, tmp_path: Path) -> AsyncIterator[StartLab]:
    """Start a lab: `await start_lab(mode="sync", queue__max_length=3)`; `disk`: its store,
    `keys_check_s`: how soon it sees other keys."""
    async with AsyncExitStack() as stack:

        async def start(
            *, disk: Store | None = None, keys_check_s: float = 1.0, **changes: Any
        ) -> Lab:
            config = await asyncio.to_thread(lab_config, tmp_path, **changes)
            lab = running_lab(config, catalog, store=disk, keys_check_s=keys_check_s)
            return await stack.enter_async_context(lab)

        yield start


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    return await start_lab()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab_at_work(
    catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """One lab for all tests of a module that change nothing: a task runs, another waits."""
    config = await asyncio.to_thread(lab_config, tmp_path_factory.mktemp("lab"))
    async with running_lab(config, catalog) as lab:
        await lab.asking()
        await lab.submit()
        yield lab


@pytest.fixture
def unreadable(tmp_path: Path) -> dict[str, Any]:
    """A lab whose second bottle has a code that cannot be read."""
    text = packaged("lab.yaml").read_text(encoding="utf-8")
    bottle, readable = "id: bottle_002", "readable: true"
    before, after = text.split(bottle)
    lab = tmp_path / "lab.yaml"
    lab.write_text(before + bottle + after.replace(readable, "readable: false", 1))
    return {f"robots__{robot}__options": {"lab": str(lab)} for robot in ("robot_a", "robot_b")}
