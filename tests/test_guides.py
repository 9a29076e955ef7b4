"""The guides and the tutorial on a device, typed as they are printed: each block of commands runs
here, or stands in the list of those that cannot, with the reason."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from .cli.conftest import environment
from .test_tutorial import ROOT, Reader

DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```(?:bash|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    f"{folder}/{page.name}"
    for folder in ("guides", "tutorial")
    for page in (DOCS / folder).glob("*.md")
    if _BLOCK.search(page.read_text(encoding="utf-8"))
)
ELSEWHERE = {
    "tutorial/simulator.md": "tests/test_tutorial.py",
    "tutorial/serial.md": "a story of its own, below: somebody pulls the cable",
}
CANNOT = {
    r"systemctl|useradd|\bsudo\b|\bapt\b|/etc/|/usr/local": "changes a machine, and needs its root",
    r"\bdocker\b": "needs Docker",
    r"\bpip (install|wheel)\b": "installs; tests/test_packaging.py does",
    r"robotq mcp": "speaks with the program that has started it; tests/mcp does",
    r"https://robots\.lab|@robots\.lab": "needs the proxy of that name",
    r"robotq-backups": "tests/test_backup_units.py runs the units, tests/cli/test_backup.py more",
    r"robotq release": "needs a robot that is gone: tests/cli/test_absent.py",
    r"robotq (hub|serve) --config (hub|/etc)": "needs a PostgreSQL: tests/fleet",
    r"robotq notify": "needs somebody to tell: tests/cli/test_notify.py",
}
SERVERS = re.compile(r"robotq (serve|worker|device)\b|webhook_receiver\.py")
FILES = {
    # what a page says to have, and does not print
    "guides/configuration.md": {"my-robotq.yaml": "time_scale: 0.01\n"},
    "guides/dispatcher.md": {"draw.py": "import sys\nprint(len(sys.argv[1]))\n"},
    "guides/maintenance.md": {
        "robotq.yaml": "robots:\n  robot_a:\n    driver: simulator\n    maintenance:\n      belt: "
        "{counts: hours, every: 500, warn_before: 20, then: hold, text: change the belt}\n"
    },
}
_PATIENCE_S = 60.0


def blocks(page: str) -> list[str]:
    return _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def why_not(block: str) -> str | None:
    found = (why for pattern, why in CANNOT.items() if re.search(pattern, block))
    return next(found, None)


def test_blocks__that_cannot_run_here_are_few_and_each_reason_is_needed() -> None:
    every = [block for page in PAGES if page not in ELSEWHERE for block in blocks(page)]
    left_out = [block for block in every if why_not(block)]
    assert len(every) - len(left_out) >= 15, "most of them run"
    unused = [p for p in CANNOT if not any(re.search(p, block) for block in left_out)]
    assert unused == []


class Typist(Reader):
    """The same reader, with files that a page prints, and servers in terminals of their own."""

    def __init__(self, folder: Path, page: str) -> None:
        super().__init__(folder)
        # a device leaves a link in it
        (folder / "config").unlink()
        shutil.copytree(ROOT / "config", folder / "config")
        (folder / "examples").symlink_to(ROOT / "examples")
        self.servers: list[subprocess.Popen[bytes]] = []
        for name, text in {**_printed_files(page), **FILES.get(page, {})}.items():
            (folder / name).write_text(text, encoding="utf-8")

    def beside(self, block: str) -> subprocess.Popen[bytes]:
        """In another terminal, until the page ends."""
        line = block.strip().replace("robotq ", "exec robotq ", 1)
        url = self.url or "http://127.0.0.1:8090"
        line = line.replace("://127.0.0.1:8090", url[4:])
        server = subprocess.Popen(
            ["bash", "-eu", "-c", line],
            cwd=self.folder,
            env=environment(PATH=self._path, PYTHONPATH=str(ROOT), ROBOTQ_URL=self.url),
            stdout=subprocess.DEVNULL,
        )
        self.servers.append(server)
        return server

    def type(self, block: str) -> subprocess.CompletedProcess[str]:
        """What stands in a folder of the machine stands in one of this reader."""
        return super().type(block.replace("/var/lib/robotq", str(self.folder / "var-lib-robotq")))

    def leave(self) -> None:
        """Ctrl-C in every terminal."""
        for server in self.servers:
            if server.poll() is None:
                server.send_signal(signal.SIGINT)
                server.wait(_PATIENCE_S)
        self.end()


def _printed_files(page: str) -> dict[str, str]:
    """`name.yaml`: and a block right behind it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(
        r"`([\w-]+\.(?:yaml|py))`[^\n]*:\n\n```(?:yaml|python)\n(.*?)^```",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return dict(found)


@pytest.fixture
def typist(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Typist]:
    made = Typist(tmp_path, request.param)
    try:
        yield made
    finally:
        made.leave()


@pytest.mark.long
@pytest.mark.parametrize(
    ("typist", "page"),
    [(page, page) for page in PAGES if page not in ELSEWHERE],
    indirect=["typist"],
    ids=[page for page in PAGES if page not in ELSEWHERE],
)
def test_guide__every_command_in_it_ends_well(typist: Typist, page: str) -> None:
    """As printed, but for the port, and for names that only the answer before has."""
    run = [block for block in blocks(page) if why_not(block) is None]
    if run and not any("robotq serve" in block for block in run):
        config = " --config robotq.yaml" if (typist.folder / "robotq.yaml").exists() else ""
        typist.serve(f"robotq serve{config}\n")
    told = ""
    for block in run:
        before, _, serve = block.partition("robotq serve")
        if serve:
            if before.strip() and not before.rstrip().endswith("\\"):
                # what is printed above it in the same block
                done = typist.type(before.rpartition("\n")[0] + "\n")
                assert done.returncode == 0, done.stderr
            typist.serve(block[len(before.rpartition("\n")[0]) :].lstrip("\n"))
            continue
        if SERVERS.search(block):
            server = typist.beside(block)
            time.sleep(1.0)
            assert server.poll() is None, block
            continue
        done = typist.type(_filled_in(block, told))
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert '"success": false' not in done.stdout, f"{block}\n{done.stdout}"
        told = done.stdout


def _filled_in(block: str, told: str) -> str:
    """The id that stands in a page is another one each time."""
    known = re.search(r'"task_?[iI]d"\s*:\s*"([^"]+)"', told)
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    return re.sub(uuid, known[1], block) if known else block


@pytest.mark.long
def test_tutorial__on_a_device_whose_cable_is_pulled(tmp_path: Path) -> None:
    page = "tutorial/serial.md"
    typist = Typist(tmp_path, page)
    # a reader looks for the port in the folder of the first tutorial
    (tmp_path / "robotq-data").mkdir()
    (tmp_path / "serial-data").symlink_to("robotq-data")
    device, check_and_serve, first, gcode, pulled, status, back, resolve = blocks(page)
    try:
        # ten times faster than the text says
        device = device.replace("0.05", "0.005")
        plugged = typist.beside(device)
        check, _, serve = check_and_serve.partition("robotq serve")
        assert typist.type(check).returncode == 0
        typist.serve("robotq serve" + serve)
        for block in (first, gcode):
            done = typist.type(block)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        _until(typist, lambda robot: not robot["queue_size"])
        assert typist.type(pulled).returncode == 0
        _until(typist, lambda robot: robot["running_task"] is not None)
        plugged.send_signal(signal.SIGINT)
        plugged.wait(_PATIENCE_S)
        _until(typist, lambda robot: not robot["connected"])
        told = typist.type(status)
        assert "is not connected" in told.stdout + told.stderr
        typist.beside(device)
        _until(typist, lambda robot: "outcome_unknown" in {h["code"] for h in robot["holds"]})
        told = typist.type(back)
        assert "the device could not say" in told.stdout + told.stderr
        (task,) = re.findall(r"how (task_\w+) ended", told.stdout)
        assert "TASK_ID" in resolve
        assert typist.type(resolve.replace("TASK_ID", task)).returncode == 0
        _until(typist, lambda robot: not robot["queue_size"] and not robot["running_task"])
        tasks = requests.get(f"{typist.url}/tasks", timeout=10).json()["tasks"]
        assert tasks[0]["state"] == "completed", tasks[0]
    finally:
        typist.leave()


def _until(typist: Typist, true: Callable[[Any], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not true(robot := requests.get(f"{typist.url}/robots/robot_a", timeout=10).json()):
        assert time.monotonic() < deadline, robot
        time.sleep(0.05)
