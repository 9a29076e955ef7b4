"""The log, for people and for programs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from robotq.cli.logs import log_to_stderr
from robotq.model import ids


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The root logger of this process belongs to pytest."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json__is_an_object_a_line_with_its_task(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info", "json")
    log = logging.getLogger("robotq.engine")
    task_id = ids.task_id(1_700_000_000_000, 7)
    log.warning("%s: %s is not called off", "robot_a", task_id)
    log.info("two\nlines")
    log.debug("nobody wants to know")
    try:
        raise ValueError("that")
    except ValueError:
        log.exception("no")
    about, plain, raised = map(json.loads, capsys.readouterr().err.splitlines())
    assert (about["level"], about["logger"]) == ("warning", "robotq.engine")
    assert about["task_id"] == task_id
    assert about["message"] == f"robot_a: {task_id} is not called off"
    assert about["time"].endswith("+00:00")
    assert plain["message"] == "two\nlines"
    assert "task_id" not in plain
    assert "ValueError: that" in raised["exception"]


def test_text__is_a_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("warning")
    logging.getLogger("robotq").warning("the disk is slow")
    logging.getLogger("robotq").info("the link is there")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("WARNING robotq: the disk is slow")
