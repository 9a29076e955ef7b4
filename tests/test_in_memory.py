"""Folders of default tests are in memory, unless somebody wants them elsewhere or has no room."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import in_memory

ROOT = "PYTEST_DEBUG_TEMPROOT"


@pytest.fixture(autouse=True)
def nobody_has_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT, raising=False)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    monkeypatch.setattr(in_memory, "_ROOM", 5)


def chosen(where: Path) -> str | None:
    in_memory.keep_folders_in_memory(where)
    return os.environ.pop(ROOT, None)


def test_folders__are_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(tmp_path) == str(tmp_path)
    monkeypatch.setattr(in_memory, "_ROOM", 9)
    assert chosen(tmp_path) is None


def test_folders__are_not_where_there_is_nothing(tmp_path: Path) -> None:
    assert chosen(tmp_path / "shm") is None


@pytest.mark.parametrize("variable", [ROOT, "TMPDIR"])
def test_folders__stay_where_somebody_wants_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/elsewhere")
    assert chosen(tmp_path) != str(tmp_path)
