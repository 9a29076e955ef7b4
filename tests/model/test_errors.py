"""The table of errors: every name and number once, and a status that fits."""

from __future__ import annotations

import pytest

from robotq.model.errors import ERROR_CODES, NotReadable, RobotqError, error_text
from robotq.model.texts import Language

DOCUMENTED = {
    "bad_json": (1001, 400),
    "missing_parameter": (1002, 400),
    "bad_parameter": (1003, 400),
    "unknown_command": (1004, 400),
    "body_too_large": (1005, 413),
    "method_not_allowed": (1006, 405),
    "not_found": (1007, 404),
    "cross_site": (1008, 403),
    "unauthorized": (1009, 401),
    "forbidden": (1010, 403),
    "idempotency_conflict": (1011, 409),
    "robot_busy": (2003, 409),
    "robot_disconnected": (2006, 502),
    "task_not_found": (3001, 404),
    "wrong_state": (3002, 409),
    "cancelled": (3005, 410),
    "queue_full": (3010, 503),
    "queue_held": (3011, 409),
    "store_unavailable": (3012, 503),
    "device_error": (5001, 422),
    "internal_error": (5000, 500),
}


def test_table__has_every_name_and_number_once() -> None:
    numbers = [row.number for row in ERROR_CODES.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(name == row.name for name, row in ERROR_CODES.items())


def test_row__can_be_told_over_http() -> None:
    for row in ERROR_CODES.values():
        assert row.name == row.name.lower()
        assert 1_000 <= row.number < 6_000, row
        assert 400 <= row.http_status < 600, row
        assert not row.retry or row.http_status in (408, 409, 429, 502, 503, 504), row


def test_documented__numbers_and_statuses_stay() -> None:
    told = {name: ERROR_CODES[name] for name in DOCUMENTED}
    assert {name: (row.number, row.http_status) for name, row in told.items()} == DOCUMENTED


def test_error__keeps_its_code_and_arguments_and_is_rendered_when_read() -> None:
    error = RobotqError("queue_full", limit=10)
    assert error.code is ERROR_CODES["queue_full"]
    assert error.args_ == {"limit": 10}
    assert str(error) == error.text(Language.EN) == "The queue is full (10 tasks). Try again later."
    assert error.text(Language.ZH) == "任务队列已满: 上限 10"


def test_error__of_whoever_wanted_to_read_says_nothing_of_writing() -> None:
    error = NotReadable("reason.not_read")
    assert error.code is ERROR_CODES["store_unavailable"]
    assert str(error) == error.text(Language.EN)
    assert str(error) == (
        "The daemon cannot read its disk, so it cannot answer: the disk does not answer"
    )
    assert error.text(Language.ZH) == "无法读取存储，不能作答: 磁盘没有应答"


def test_error__an_argument_may_have_any_name() -> None:
    error = RobotqError("device_error", code="jam", self="x", reason="stuck")
    assert error.args_ == {"code": "jam", "self": "x", "reason": "stuck"}


def test_unknown_code__is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        RobotqError("no_such_code")
    with pytest.raises(KeyError):
        error_text("no_such_code", {}, Language.EN)
