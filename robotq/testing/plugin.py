"""Fixtures for pytest, loaded by it wherever robotq is installed.

Only names stand here: until a test asks for a daemon, nothing else of robotq is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from robotq.client import Client
    from robotq.testing.daemon import Daemon
    from robotq.testing.host import Host


@pytest.fixture(scope="session")
def robotq_host() -> Iterator[Host]:
    """The process in which the daemons of this test run live."""
    from robotq.testing.host import Host  # noqa: PLC0415

    with Host() as host:
        yield host


@pytest.fixture
def robotq_config() -> Path | Mapping[str, Any]:
    """The configuration of `robotq_daemon`: a file, or keys by their path joined by dots, over
    the packaged lab. Override this fixture to have another one."""
    return {}


@pytest.fixture
def robotq_daemon(
    robotq_host: Host,
    robotq_config: Path | Mapping[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Daemon]:
    """A real daemon on a free port of this machine, new for every test, with simulated robots
    whose motions take no time."""
    folder = tmp_path_factory.mktemp("robotq")
    with robotq_host.daemon(folder, robotq_config) as daemon:
        yield daemon


@pytest.fixture
def robotq_client(robotq_daemon: Daemon) -> Client:
    """A client of `robotq_daemon`."""
    return robotq_daemon.client()
