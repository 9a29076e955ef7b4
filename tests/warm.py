"""Byte code of the program and of the tests, made once before the processes of the tests begin.

A fresh checkout has none, and each of them would make all of it for itself, at the same moment.
"""

from __future__ import annotations

import compileall
import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def warm(config: pytest.Config) -> None:
    fork = multiprocessing.get_context("fork")
    makers = [
        fork.Process(target=_make, args=(config, number, count))
        for count in [os.cpu_count() or 1]
        for number in range(count)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()


def _make(config: pytest.Config, number: int, count: int) -> None:
    """The part of one process."""
    for file in sorted((HERE.parent / "robotq").rglob("*.py"))[number::count]:
        compileall.compile_file(file, quiet=2)
    # no interface of pytest: where it is gone, the start takes a while longer
    with suppress(ImportError, AttributeError, TypeError):
        from _pytest.assertion import rewrite  # noqa: PLC0415

        state = config.stash[rewrite.assertstate_key]
        files = [*HERE.rglob("test_*.py"), *HERE.rglob("conftest.py")]
        for file in sorted(files)[number::count]:
            pyc = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
            if not pyc.exists():
                pyc.parent.mkdir(exist_ok=True)
                source, code = rewrite._rewrite_test(file, config)
                rewrite._write_pyc(state, code, source, pyc)
