"""A client program lives on while its daemon dies and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.client import Client
from robotq.testing.process import DaemonProcess


@pytest.mark.long
def test_process__dies_and_comes_back_on_the_same_data(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "data", environ={"ROBOTQ_LANGUAGE": "en"})
    with daemon:
        client = Client(daemon.url, retry_s=30)
        client.pause()
        accepted = client.submit("NAVIGATION", {"area": "SPLIT_TABLE"})
        port = daemon.port
        daemon.kill()
        assert not daemon.alive()
        assert daemon.exit_code == -9
        again = DaemonProcess(tmp_path / "data", port=port)
        with again:
            assert again.port == port
            client.resume()
            assert client.wait(accepted.task_id).completed
        assert again.exit_code == 0


@pytest.mark.slow
def test_process__that_cannot_start_says_so(tmp_path: Path) -> None:
    config = tmp_path / "robotq.yaml"
    config.write_text("colour: blue\n")
    daemon = DaemonProcess(tmp_path / "data", config=config)
    with pytest.raises(RuntimeError, match="did not start"), daemon:
        pass
    assert daemon.exit_code == 2
    assert "colour" in daemon.log.read_text(encoding="utf-8")
