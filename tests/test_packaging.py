"""What somebody gets who installs robotq from a folder that is no git checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import robotq

ROOT = Path(__file__).parent.parent
LOCAL = (".*", "__pycache__", "*.egg-info", "robotq-data", "build", "dist")
"""Names in the tree of a developer that are no part of it."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with robotq installed by pip from a plain copy of the source tree."""
    copy = tmp_path_factory.mktemp("plain") / "robotq-0"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LOCAL))
    target = tmp_path_factory.mktemp("site")
    # the build tool is one of the extra `dev`, so nothing is fetched
    pip = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    run([sys.executable, *pip, f"--target={target}", str(copy)], cwd=target)
    return target


def run(
    command: Sequence[str], cwd: Path, site: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with only `site` to import robotq from."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ROBOTQ_")}
    environ["PYTHONPATH"] = str(site or "")
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_wheel__has_every_file_of_the_package(site: Path) -> None:
    def files(package: Path) -> set[Path]:
        found = (path for path in package.rglob("*") if path.is_file())
        return {path.relative_to(package) for path in found if "__pycache__" not in path.parts}

    assert files(site / "robotq") == files(ROOT / "robotq")


def test_wheel__says_who_it_is(site: Path, tmp_path: Path) -> None:
    script = (
        "from importlib.metadata import metadata, entry_points as points;"
        "data = metadata('robotq');"
        "print(data['Version'], data['License-Expression'], data['Requires-Python']);"
        "print(*sorted(data.get_all('Provides-Extra')));"
        "print(*sorted(point.name for point in points(group='robotq.drivers')));"
        "print(*(p.value for p in points(group='console_scripts') if p.name == 'robotq'))"
    )
    done = run([sys.executable, "-c", script], tmp_path, site)
    assert done.stdout.splitlines() == [
        f"{robotq.__version__} Apache-2.0 >=3.11",
        "dev docs fast hid mcp modbus notify opcua postgres ros s7 sila simulators vision",
        "grbl jsonline line marlin plc rosbridge sila simulator",
        "robotq.cli:main",
    ]


def test_installed__has_its_configuration_and_commands_in_any_folder(
    site: Path, tmp_path: Path
) -> None:
    script = (
        "import robotq; from robotq.config import load_config;"
        "from robotq.catalog import load_catalog;"
        "print(robotq.__file__); print(*load_config(None, {}, {}).robots);"
        "print(load_catalog([]).get('SCAN_QRCODE').timeout_s)"
    )
    done = run([sys.executable, "-c", script], tmp_path, site)
    assert done.stdout.splitlines() == [f"{site}/robotq/__init__.py", "robot_a robot_b", "1800"]


def test_installed__scans_the_bottles_of_its_sample_command_in_any_folder(
    site: Path, tmp_path: Path
) -> None:
    program = [sys.executable, str(site / "bin" / "robotq")]
    checked = run([*program, "check-config"], tmp_path, site)
    assert "2 robots (robot_a, robot_b)" in checked.stdout
    sample = site / "robotq" / "data" / "commands" / "SCAN_QR_CODE_command.json"
    scanned = run([*program, "run", "--time-scale", "0", str(sample)], tmp_path, site)
    assert "SCAN_QRCODE" in scanned.stdout
