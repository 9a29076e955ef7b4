"""Somebody who has robotq installed tests a program of their own with pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from robotq.testing.process import clean_environment

ROOT = Path(__file__).parents[2]

WITHOUT_DEV = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {
            "blockbuster", "hypothesis", "mcp", "mypy", "pytest_aiohttp", "pytest_asyncio",
            "requests", "schemathesis", "xdist",
        }:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
"""


class Suite:
    """A user's tests in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Only pytest and robotq's plugin; warnings are errors."""
        paths = os.pathsep.join([str(self.folder), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", "-p", "robotq.testing.plugin",
             "-p", "no:cacheprovider", "-q", *options],
            cwd=self.folder,
            env=clean_environment({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": paths}),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )  # fmt: skip

    def passes(self, *options: str) -> str:
        done = self.run(*options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    suite = Suite(tmp_path)
    suite.write("sitecustomize.py", WITHOUT_DEV)
    return suite


def test_plugin__is_found_by_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"robotq": "robotq.testing.plugin"}


@pytest.mark.slow
def test_suite_without_a_daemon__loads_nothing(suite: Suite) -> None:
    suite.write(
        "test_other.py",
        """
        import sys

        def test_other():
            loaded = {name for name in sys.modules if name.partition(".")[0] == "robotq"}
            assert loaded == {
                "robotq",
                "robotq.model",
                "robotq.model.version",
                "robotq.testing",
                "robotq.testing.plugin",
            }
            assert not {"aiohttp", "pydantic", "yaml", "orjson", "typer"} & sys.modules.keys()
        """,
    )
    assert "1 passed" in suite.passes()
    assert "robotq_daemon" in suite.passes("--fixtures")


@pytest.mark.slow
def test_suite__tests_a_program_with_the_configuration_that_it_chooses(suite: Suite) -> None:
    suite.write(
        "program.py",
        """
        import json
        from urllib.request import urlopen

        def scan(url):
            with urlopen(url, json.dumps({"cmd_type": "SCAN_QRCODE"}).encode()) as answer:
                task_id = json.load(answer)["task_id"]
            with urlopen(f"{url}/task/{task_id}?wait=20") as answer:
                return json.load(answer)
        """,
    )
    suite.write(
        "test_program.py",
        """
        import sys
        from program import scan

        def test_scan(robotq_daemon):
            task = scan(robotq_daemon.url)
            assert task["status"] == "completed"
            assert {motion["task_id"] for motion in robotq_daemon.motions()} == {task["task_id"]}

        def test_every_test_has_a_lab_of_its_own(robotq_daemon, robotq_client):
            assert robotq_client.queue_status().total_tasks == 0
            assert robotq_daemon.motions() == []
            assert not {"aiohttp", "pydantic", "yaml"} & sys.modules.keys(), "in its own process"
        """,
    )
    suite.write(
        "test_sync.py",
        """
        import pytest

        @pytest.fixture
        def robotq_config():
            return {"mode": "sync", "queue.max_length": 3}

        def test_answer_is_the_result(robotq_client):
            command = {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}
            assert robotq_client.request("POST", "/", command)["success"]
            assert robotq_client.health()["queue_limit"] == 3
        """,
    )
    suite.write(
        "test_file.py",
        """
        import pytest

        @pytest.fixture
        def robotq_config(tmp_path):
            config = tmp_path / "robotq.yaml"
            config.write_text("robots: {robot_b: {driver: simulator}}\\n")
            return config

        def test_robots_are_those_of_the_file(robotq_client):
            assert [robot.robot_id for robot in robotq_client.robots()] == ["robot_b"]
        """,
    )
    suite.write(
        "test_wrong.py",
        """
        import pytest

        @pytest.fixture
        def robotq_config(request):
            return {"queue.max_length": 0} if request.node.name == "test_wrong" else {}

        def test_wrong(robotq_daemon):
            pass

        def test_next(robotq_client):
            assert robotq_client.health()["status"] == "ok"
        """,
    )
    done = suite.run()
    assert "5 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "queue.max_length" in done.stdout
