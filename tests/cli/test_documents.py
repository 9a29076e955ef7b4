"""The client and the shell loop of the robot daemon's document, unchanged but for the address."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import COMMANDS, ROOT, SCAN, Serve, Served, environment

DOCUMENTS = ROOT / "tests" / "documents"
ADDRESS = "http://172.16.11.130:8090"


@pytest.fixture(scope="module")
def chosen_from_the_menu(serve: Serve) -> Served:
    """python main.py with 1 and 2 typed."""
    return serve(stdin="1\n2\n", env={"ROBOTQ_TIME_SCALE": "0", "LANG": "zh_CN.UTF-8"})


def text_of(name: str, served: Served) -> str:
    return (DOCUMENTS / name).read_text(encoding="utf-8").replace(ADDRESS, served.url)


def run(*arguments: str | Path) -> str:
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        cwd=COMMANDS,
        env=environment(),
        timeout=60,
        check=True,
    )
    return done.stdout


def test_document__its_python_client_ends_with_scanned_bottles(
    chosen_from_the_menu: Served, tmp_path: Path
) -> None:
    client = tmp_path / "client.py"
    client.write_text(text_of("robot_daemon_client.py.txt", chosen_from_the_menu), encoding="utf-8")
    shown = run(sys.executable, client)
    assert "✓ 任务已提交: task_" in shown
    assert "✓ 任务完成" in shown
    assert "扫描完成，数量: 3" in shown


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("jq"), reason="needs curl and jq")
def test_document__its_shell_loop_ends_with_scanned_bottles(
    chosen_from_the_menu: Served, tmp_path: Path
) -> None:
    loop = tmp_path / "loop.sh"
    loop.write_text(text_of("robot_daemon_loop.sh.txt", chosen_from_the_menu), encoding="utf-8")
    shown = run("bash", "-e", loop)
    assert "Task ID: task_" in shown
    assert "Status: completed" in shown
    result = json.loads(shown[shown.index("{") :])["result"]
    assert result["success"] is True
    assert result["message"] == "SCAN_QRCODE完成"
    assert result["scanned_count"] == len(result["scanned_bottles"]) == 3


def test_document__our_example_client_ends_with_scanned_bottles(
    chosen_from_the_menu: Served,
) -> None:
    example = ROOT / "examples" / "poll_task.py"
    shown = run(sys.executable, example, SCAN, "--url", chosen_from_the_menu.url)
    assert json.loads(shown)["scanned_count"] == 3


def test_document__the_startup_lines_are_its_lines(chosen_from_the_menu: Served) -> None:
    wanted = [
        "✓ 任务队列模式已启用",
        "  - 多个命令会排队执行",
        "  - 每个命令执行完成后才会执行下一个",
        "",
        "✓ HTTP服务器已启动",
    ]
    # it answers a moment before it says so
    chosen_from_the_menu.until_shown("模式: 队列模式")
    lines = chosen_from_the_menu.shown.splitlines()
    assert wanted[0] in lines, chosen_from_the_menu.shown
    start = lines.index(wanted[0])
    assert lines[start : start + 5] == wanted
    address = chosen_from_the_menu.url.removeprefix("http://")
    assert lines[start + 5].startswith(f"监听地址: {address}")
    assert lines[start + 6].startswith("本机IP: ")
    assert lines[start + 7] == "模式: 队列模式"
