"""Drivers of other packages: found by their entry point, and refused in clear words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from robotq.drivers.registry import PACKAGED, check_options, driver_factories
from robotq.model.errors import ConfigError
from robotq.testing.driver_contract import driver_setup

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "robotq-driver-blinker"


def _install(folder: Path, name: str, entry: str, module: str = "") -> None:
    """What an installer leaves behind: the module, and the metadata that names it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[robotq.drivers]\n{entry}\n")
    if module:
        (folder / f"{name}_module.py").write_text(module)


def _refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: str) -> str:
    monkeypatch.syspath_prepend(str(tmp_path))
    setup, _ = driver_setup(tmp_path, {})
    with pytest.raises(ConfigError) as refused:
        driver_factories()[driver](setup)
    return str(refused.value)


def test_packaged__are_there_without_any_installation() -> None:
    assert set(PACKAGED) <= set(driver_factories())


def test_example__is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _install(tmp_path, "robotq-driver-blinker", "blinker = robotq_driver_blinker:create")
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    monkeypatch.syspath_prepend(str(tmp_path))
    setup, _ = driver_setup(tmp_path, {"port": "loop://"})
    driver = driver_factories()["blinker"](setup)
    driver.connect()
    assert driver.capabilities.stop_out_of_band
    driver.close()


@pytest.mark.long
def test_example__keeps_the_contract_as_its_author_tries_it() -> None:
    """In this process: tests/drivers/contract/test_example.py."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", EXAMPLE,
         "-p", "no:cacheprovider", "-p", "no:randomly", EXAMPLE / "tests"],
        env={**os.environ, "PYTHONPATH": f"{EXAMPLE / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


def test_driver__whose_library_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _install(tmp_path, "missing", "arm = no_such_module_here:create")
    told = _refusal(monkeypatch, tmp_path, "arm")
    assert told.startswith("robots.robot_a.driver: the driver 'arm' cannot be loaded: ")
    assert "no_such_module_here" in told


def test_driver__that_fails_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _install(tmp_path, "fails", "arm = fails_module:create", "def create(setup): 1 / 0\n")
    told = _refusal(monkeypatch, tmp_path, "arm")
    assert told == (
        "robots.robot_a.driver: the driver 'arm' cannot be made: "
        "ZeroDivisionError: division by zero"
    )


def test_driver__that_lacks_a_method(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = (
        "class Arm:\n    capabilities = connect = execute = None\n"
        "def create(setup):\n    return Arm()\n"
    )
    _install(tmp_path, "lacks", "arm = lacks_module:create", module)
    told = _refusal(monkeypatch, tmp_path, "arm")
    assert told.startswith("robots.robot_a.driver: the driver 'arm' lacks immediate, hold, ")


def test_driver__that_two_packages_bring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _install(tmp_path, "one", "arm = one_module:create")
    _install(tmp_path, "two", "arm = two_module:create")
    told = _refusal(monkeypatch, tmp_path, "arm")
    assert told == (
        "robots.robot_a.driver: 2 packages bring a driver 'arm': "
        "one_module:create of one, two_module:create of two"
    )


def test_driver__that_is_no_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _install(tmp_path, "number", "arm = number_module:create", "create = 7\n")
    assert "is registered as 7" in _refusal(monkeypatch, tmp_path, "arm")


def test_options__of_a_packaged_driver_are_checked_as_when_it_is_made(tmp_path: Path) -> None:
    for name in PACKAGED:
        wrong = {"port": "loop://", "colour": "red"}
        with pytest.raises(ConfigError) as checked:
            check_options("robot_a", name, wrong)
        setup, _ = driver_setup(tmp_path, wrong)
        with pytest.raises(ConfigError) as made:
            driver_factories()[name](setup)
        assert str(checked.value) == str(made.value)


def test_options__of_another_package_by_its_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _install(tmp_path, "robotq-driver-blinker", "blinker = robotq_driver_blinker:create\n"
             "[robotq.driver_options]\nblinker = robotq_driver_blinker:read_options")  # fmt: skip
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    monkeypatch.syspath_prepend(str(tmp_path))
    check_options("lamp", "blinker", {"port": "loop://"})
    with pytest.raises(ConfigError, match=r"robots\.lamp\.options: port: expected one of"):
        check_options("lamp", "blinker", {})


def test_options__of_a_package_without_a_check_are_left_to_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _install(tmp_path, "plain", "arm = plain_module:create", "def create(setup): 1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    check_options("robot_a", "arm", {"anything": 1})
    with pytest.raises(ConfigError, match="expected one of arm, grbl"):
        check_options("robot_a", "leg", {})
