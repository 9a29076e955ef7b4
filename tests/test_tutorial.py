"""The tutorial on the simulator, typed line by line as a reader would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from .cli.conftest import environment

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial" / "simulator.md"
_PATIENCE_S = 60.0


def blocks() -> list[str]:
    text = TUTORIAL.read_text(encoding="utf-8")
    found: list[str] = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


class Reader:
    """Somebody with two terminals in a folder with the source of robotq."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon: subprocess.Popen[bytes] | None = None
        self.url = ""
        for name in ("commands", "config"):
            (folder / name).symlink_to(ROOT / name)
        # what `pip install` and `activate` have done by then
        program = folder / "bin" / "robotq"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m robotq "$@"\n')
        program.chmod(0o755)
        self._path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"

    def serve(self, block: str) -> None:
        self.end()
        # ten times faster than the text says, on a port that nobody else has
        block = block.replace("0.05", "0.005").replace("robotq serve", "exec robotq serve")
        with (self.folder / "shown.txt").open("ab") as shown:
            self.daemon = subprocess.Popen(
                ["bash", "-eu", "-c", block],
                cwd=self.folder,
                stdout=shown,
                stderr=shown,
                env=environment(PATH=self._path, PYTHONPATH=str(ROOT), ROBOTQ_PORT="0"),
            )
        port = self.folder / "robotq-data" / "port"
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers(port):
            assert self.daemon.poll() is None, (self.folder / "shown.txt").read_text()
            assert time.monotonic() < deadline, "the daemon does not answer"
            time.sleep(0.05)

    def _answers(self, port: Path) -> bool:
        try:
            self.url = f"http://127.0.0.1:{int(port.read_text())}"
            return requests.get(f"{self.url}/health", timeout=10).ok
        except (FileNotFoundError, ValueError, requests.ConnectionError):
            return False

    def type(self, block: str) -> subprocess.CompletedProcess[str]:
        # a failure on the left of a pipe counts too
        return subprocess.run(
            [
                "bash",
                "-eu",
                "-o",
                "pipefail",
                "-c",
                block.replace("http://127.0.0.1:8090", self.url),
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=environment(PATH=self._path, PYTHONPATH=str(ROOT), ROBOTQ_URL=self.url),
            timeout=_PATIENCE_S,
            check=False,
        )

    def end(self) -> None:
        """Ctrl-C in the daemon's terminal."""
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGINT)
            assert self.daemon.wait(_PATIENCE_S) == 0
            self.daemon = None


_NOT_YET = "Nothing that runs is waiting for this answer"


@pytest.mark.slow
def test_tutorial__every_command_in_it_ends_well(tmp_path: Path) -> None:
    install, *rest = blocks()
    assert install.endswith("pip install .\n")
    reader = Reader(tmp_path)
    shown = ""
    try:
        for block in rest:
            if "robotq serve" in block:
                reader.serve(block)
                continue
            deadline = time.monotonic() + _PATIENCE_S
            while True:
                done = reader.type(block)
                # as the text says: nothing asks yet, so once more
                asked_too_early = "ENTER_ID" in block and _NOT_YET in done.stderr
                if not asked_too_early or time.monotonic() > deadline:
                    break
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            shown += done.stdout
        eleven = reader.type(
            """echo '{"cmd_type": "RINSE", "params": {"cycles": 11}}' | robotq submit -"""
        )
        ended = requests.get(f"{reader.url}/tasks", timeout=10).json()["tasks"]
    finally:
        reader.end()
    assert _NOT_YET in TUTORIAL.read_text(encoding="utf-8")
    assert [task["state"] for task in ended if task["cmd_type"] == "RINSE"] == ["completed"]
    assert (eleven.returncode, "cycles" in eleven.stderr) == (1, True)
    assert "a bottle fell" in shown
    assert "RINSE done" in shown
