"""robotq notify test, at a service of somebody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robotq.cli.shared.failure import ExitCode

from .conftest import Typed
from .test_notify_kills import Service

pytest.importorskip("apprise", reason="the extra notify is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # of apprise's plugins


def test_notify_test__tells_each_receiver_and_says_who_has_taken_it(
    typed: Typed, tmp_path: Path
) -> None:
    service = Service()
    urls = tmp_path / "urls"
    file = tmp_path / "site.yaml"
    file.write_text(json.dumps({"language": "en", "notify": {"to": ["file:urls"]}}))
    with service.there():
        urls.write_text(f"json://li:geheim@127.0.0.1:{service.port}/\n")
        ran = typed("notify", "test", "--config", file)
        assert ran.code == ExitCode.OK, ran.err
        assert service.titles == ["robotq: A test of notifications"]
        assert ran.out.splitlines()[0].endswith(": taken")
        urls.write_text(urls.read_text() + "json://127.0.0.1:1/\n")
        ran = typed("notify", "test", "--config", file)
        assert ran.code == ExitCode.FAILED
        assert "1 of the receivers" in ran.err
    assert "geheim" not in ran.out + ran.err


def test_notify_test__without_receivers_says_where_to_put_them(typed: Typed) -> None:
    ran = typed("notify", "test")
    assert ran.code == ExitCode.USAGE
    assert "notify.to is empty" in ran.err
