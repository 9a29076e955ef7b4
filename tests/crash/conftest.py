"""Daemons as processes of their own, gone at the end of the test whatever it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from . import faults
from .process import DaemonProcess

MakeDaemon: TypeAlias = Callable[..., DaemonProcess]


@pytest.fixture
def make_daemon(tmp_path: Path) -> Iterator[MakeDaemon]:
    """`make_daemon("data", time_scale=..., environ=...)`: a daemon that is not started yet."""
    made: list[DaemonProcess] = []

    def make(name: str = "data", **options: object) -> DaemonProcess:
        daemon = DaemonProcess(tmp_path / name, **{"time_scale": 0.001, **options})  # type: ignore[arg-type]
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        daemon.kill()


@pytest.fixture
def failing(tmp_path: Path) -> faults.Faults:
    """The disk and the clock of daemons that are made with its `environ`."""
    if not faults.possible():
        pytest.skip("a disk can be made to fail only on Linux with a C compiler")
    return faults.Faults(tmp_path)
