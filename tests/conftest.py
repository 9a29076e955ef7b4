"""What holds for every test."""

from __future__ import annotations

import gc
import os
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator, Iterator, Mapping

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

from robotq.testing.plugin import robotq_client, robotq_config, robotq_daemon, robotq_host

from . import nobody, real_time, unheard
from .in_memory import keep_folders_in_memory
from .patience import PatientLoop
from .postgres.fixtures import _own_database, new_postgres, postgres, postgres_server
from .slices import Slices, examples
from .swift import CLOCK
from .warm import warm

# here, so that one process has the daemons of all tests
__all__ = ["robotq_client", "robotq_config", "robotq_daemon", "robotq_host"]
__all__ += ["_own_database", "new_postgres", "postgres", "postgres_server"]

# a daemon starts a quarter faster from byte code, and the next run of the tests by half a minute
# of work; so they keep it where the environment would not
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# in place of port 8090 of this machine
os.environ["ROBOTQ_URL"] = nobody.URL

_slept = real_time.watch()
_unheard = unheard.watch()

# what is made while tests are collected stays: nobody has to look for what could go
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    Slices.whole = "not long" not in config.option.markexpr
    if not Slices.whole:
        keep_folders_in_memory()
    # no deadline per example: on a busy machine it fails tests that are right
    settings.register_profile("robotq", deadline=None, max_examples=examples(100))
    settings.load_profile("robotq")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """What tried a slice of its examples by default tries all of them among the long tests.

    What drives a browser is slow. These tests come first whatever the order of the others: so they
    are all of one process, and share one browser.
    """
    if Slices.whole:
        for item in items:
            if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
                item.add_marker(pytest.mark.long)
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.slow)
    yield
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    warm(config)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Two processes for each core: half of their time tests wait, for a wire or for another
    process."""
    cores = yield
    return 2 * cores


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"patient": PatientLoop}


def pytest_collection_finish() -> None:
    # nobody has to look through it again
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that sleeps for more than a moment fails, unless it is marked with the reason. So
    does one during which it came out that nobody took a fault of a task."""
    _slept.begin()
    result = yield
    told = item.get_closest_marker("real_time") or item.get_closest_marker("long")
    if _slept.waits and told is None:
        pytest.fail(f"slept for real, mark it with `real_time` if it must: {_slept.waits}")
    if told_unheard := _unheard.taken():
        pytest.fail("nobody took this, here or in a test before:\n" + "\n".join(told_unheard))
    return result


@pytest.fixture
def swift() -> Iterator[None]:
    """A clock that does not wait for what nobody does, for a test whose world is this process."""
    with CLOCK.hurry():
        yield


@pytest.fixture(autouse=True, scope="session")
def blockbuster() -> Iterator[BlockBuster]:
    """A call of robotq that blocks the event loop fails the test."""
    with blockbuster_ctx("robotq") as active:
        # a database in memory waits for nothing; the one on disk is never used on the loop
        for name, function in active.functions.items():
            if name.startswith("sqlite3."):
                function.can_block_in("robotq/store/memory.py", {"open", "apply", "read"})
            if name.startswith("threading.Lock."):
                # the end of a loop waits for the last breath of its threads
                function.can_block_in("asyncio/base_events.py", "shutdown_default_executor")
        yield active
