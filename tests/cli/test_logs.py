"""The log, for people and for programs."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from robotq.cli.shared.logs import Apart, log_to_stderr, tell
from robotq.cli.shared.startup import startup_lines
from robotq.config import load_config
from robotq.model import ids

pytestmark = pytest.mark.usefixtures("root_logger")


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


def test_fields__stand_in_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info", "json")
    fields = {"event": "task.submitted", "task_id": "4711", "before": None, "data": {"n": 1}}
    logging.getLogger("robotq.journal").info("submitted 4711", extra={"fields": fields})
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["task_id"], line["data"]) == ("task.submitted", "4711", {"n": 1})
    assert "before" not in line


class Stuck(logging.Handler):
    """A reader of the log that has gone to lunch."""

    def __init__(self) -> None:
        super().__init__()
        self.back = threading.Event()
        self.asked = threading.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.asked.set()
        self.back.wait(20)
        self.lines.append(record.getMessage())


def test_reader__who_takes_nothing_makes_nobody_wait() -> None:
    reader = Stuck()
    log = Apart(reader, length=3)
    log.handle(logging.makeLogRecord({"msg": "line 0"}))
    assert reader.asked.wait(20)
    for number in range(1, 6):
        log.handle(logging.makeLogRecord({"msg": f"line {number}"}))
    assert reader.lines == []
    reader.back.set()
    log.close()
    assert reader.lines == [
        "line 0",
        "line 1",
        "line 2",
        "line 3",
        "2 lines are missing here: nobody took them",
    ]


def test_apart__everything_is_written_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info", "json", apart=True)
    try:
        raise ValueError("that")
    except ValueError:
        logging.getLogger("robotq").exception("no")
    for number in range(100):
        logging.getLogger("robotq").info("line %d", number)
    (handler,) = logging.getLogger().handlers
    handler.close()
    first, *lines = map(json.loads, capsys.readouterr().err.splitlines())
    assert "ValueError: that" in first["exception"]
    assert [line["message"] for line in lines] == [f"line {number}" for number in range(100)]


class Written(io.RawIOBase):
    """A file, and each write to it."""

    def __init__(self) -> None:
        self.writes: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.writes.append(bytes(data).decode())
        return len(data)


def test_lines_of_the_start__are_written_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a container Python does not buffer: behind each write may stand a line of the log."""
    out = Written()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True))  # type: ignore[type-var]
    config = load_config(None, {}, {"data": str(tmp_path)})
    tell(*startup_lines(config, [("127.0.0.1", 8090)]))
    (start,) = out.writes
    assert start.endswith("\n")
    assert len(start.splitlines()) > 5
