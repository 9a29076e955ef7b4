"""Starting and ending the daemon."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from robotq.cli.host.serve import _serve
from robotq.config import LimitsConfig, load_config
from robotq.daemon.assembly import running_daemon
from robotq.daemon.process import StopSignals
from robotq.model.errors import ConfigError
from robotq.store.sqlite import moving
from robotq.system.listen import CannotListen
from tests.cli.conftest import SCAN, Serve, Served, Typed, environment, robotq
from tests.slices import each
from tests.store import old_tasks


@pytest.fixture(scope="module")
def daemon(serve: Serve) -> Served:
    """One that nobody ends."""
    return serve("serve", "--host", "0.0.0.0", "--trusted-network", "192.168.0.0/16")


def start_scan(served: Served) -> str:
    """Submit a scan and wait until the robot moves."""
    task_id = str(served.post("/", json.loads(SCAN.read_text()))["task_id"])
    served.wait_until(f"/task/{task_id}", lambda task: bool(task.get("steps")))
    return task_id


def test_serve__listens_where_it_says_and_writes_its_port(serve: Serve, tmp_path: Path) -> None:
    served = serve("serve", data=tmp_path / "made" / "if absent")
    served.wait_until("/health", lambda health: bool(health["status"] == "ok"))
    code, shown = served.end(signal.SIGINT)
    assert code == 0
    assert f"Listening on: {served.url.removeprefix('http://')}" in shown
    assert "(this machine only)" in shown
    assert not (served.data / "port").exists()


@pytest.mark.long
def test_serve__logs_for_programs_what_became_of_a_task(serve: Serve) -> None:
    served = serve("serve", "--time-scale", "0", env={"ROBOTQ_LOG": "json"})
    task_id = str(
        served.post("/", {"cmd_type": "NAVIGATION", "params": {"area": "HOME"}})["task_id"]
    )
    served.wait_until(f"/task/{task_id}", lambda task: bool(task["status"] == "completed"))
    lines = [json.loads(line) for line in served.end()[1].splitlines() if line.startswith("{")]
    told = [line["event"] for line in lines if line.get("task_id") == task_id]
    assert told == ["task.submitted", "task.claimed", "task.completed"]
    events = [line["event"] for line in lines if "event" in line]
    assert (events[0], events[-1]) == ("daemon.started", "daemon.stopped")


@pytest.mark.long
def test_serve__synchronous_mode_answers_with_the_result(serve: Serve) -> None:
    served = serve("serve", "--mode", "sync", "--time-scale", "0")
    served.wait_until("/health", lambda health: bool(health["status"] == "ok"))
    answer = served.post("/", json.loads(SCAN.read_text()))
    assert answer["scanned_count"] == 3
    assert "Mode: synchronous" in served.end()[1]


async def test_serve__that_is_to_end_does_not_move_all_data_of_an_earlier_robotq_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A million tasks take a minute and more; whoever waits for an end would kill it."""
    monkeypatch.setattr(moving, "_ROWS", 10)
    await asyncio.to_thread(old_tasks.make, tmp_path, 100)
    config = await asyncio.to_thread(load_config, None, {}, {"port": 0, "data": str(tmp_path)})
    signals = StopSignals()
    signals.end.set()
    assert await _serve(config, lambda: config, signals) == 0
    assert capsys.readouterr().out == "Stopped; everything is on disk\n"
    with closing(sqlite3.connect(tmp_path / "robotq.db")) as database:
        assert old_tasks.whole_for_the_old(database, 100)
        assert database.execute("SELECT next_seq FROM moving").fetchone() == (11,)


async def refusal(kind: type[Exception] = ConfigError, *, port: int = 0, **flags: str) -> str:
    """Why a daemon with these flags does not start."""
    config = await asyncio.to_thread(load_config, None, {}, {"port": port, **flags})
    with pytest.raises(kind) as told:
        async with running_daemon(config, lambda: config, reload=asyncio.Event()):
            raise AssertionError("it started")
    return str(told.value)


async def test_serve__a_taken_port_is_told_with_the_way_out(daemon: Served, tmp_path: Path) -> None:
    port = daemon.url.rpartition(":")[2]
    told = await refusal(CannotListen, port=int(port), data=str(tmp_path / "data"))
    assert told.startswith(f"port {port} on 127.0.0.1 is taken by another program")
    assert "--port" in told


@pytest.mark.long
def test_serve__a_taken_port_is_exit_code_1(daemon: Served, tmp_path: Path) -> None:
    port = daemon.url.rpartition(":")[2]
    failed = robotq("serve", "--port", port, "--data", tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"robotq: port {port} on 127.0.0.1 is taken")
    assert failed.stderr.count("\n") == 1


async def test_serve__a_second_daemon_is_kept_off_the_same_data(daemon: Served) -> None:
    assert str(daemon.data) in await refusal(data=str(daemon.data))
    daemon.wait_until("/health", lambda health: bool(health["status"] == "ok"))


async def test_serve__refuses_the_network_without_keys_and_says_what_to_type(
    tmp_path: Path,
) -> None:
    told = await refusal(data=str(tmp_path), host="0.0.0.0")
    assert "serve --host 0.0.0.0 --trusted-network 192.168.0.0/16" in told


def test_serve__the_line_of_the_refusal_works(daemon: Served) -> None:
    daemon.wait_until("/health", lambda health: bool(health["status"] == "ok"))


def test_serve__a_wrong_configuration_names_file_key_and_what_was_expected(
    typed: Typed, tmp_path: Path
) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text("prot: 8091\ntime_scale: fast\n")
    for command in (("serve", "--config", file), ("check-config", file)):
        failed = typed(*command)
        assert failed.code == 2
        assert f"{file}:1: prot: unknown key; did you mean port?" in failed.err
        assert "time_scale" in failed.err


@each(
    ("robot", "told"),
    [
        (
            "driver: grbl\n    options: {port: /dev/ttyUSB0, bawd: 115200}",
            "robots.arm.options: bawd: unknown key, expected one of after_failure, ",
        ),
        (
            "driver: grbl\n    options: {port: /dev/ttyUSB0, homing_required: 1}",
            "robots.arm.options: homing_required: found 1, expected true or false",
        ),
        (
            "driver: marlin\n    options: {emergency: M410}",
            "robots.arm.options: port: expected one of port, usb and replay, found none of them",
        ),
        (
            "driver: marlin\n    options: {port: /dev/ttyUSB0, emergency: M999}",
            "robots.arm.options: emergency: found 'M999', expected one of M112, M410",
        ),
        (
            "driver: jsonline\n    options: {port: /dev/ttyUSB0, hello_s: soon}",
            "robots.arm.options: hello_s: found 'soon', expected a number above 0",
        ),
        (
            "driver: simulator\n    options: {seed: -1}",
            "robots.arm.options: lab: ",
        ),
        ("driver: gbrl", "robots.arm.driver: found 'gbrl', expected one of grbl, jsonline, "),
    ],
)
def test_check_config__refuses_options_as_the_daemon_does(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, robot: str, told: str
) -> None:
    monkeypatch.setenv("ROBOTQ_DATA", str(tmp_path / "data"))
    file = tmp_path / "site.yaml"
    file.write_text(f"port: 0\nrobots:\n  arm:\n    {robot}\n")
    checked = typed("check-config", file)
    started = typed("serve", "--config", file)
    assert checked.code == started.code == 2
    (line,) = [line for line in checked.err.splitlines() if "robots.arm" in line]
    assert f"{file}: {told}" in line
    assert line in started.err


def test_check_config__tells_every_robots_fault_and_opens_no_port(
    typed: Typed, tmp_path: Path
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "robots:\n"
        "  arm: {driver: grbl, options: {port: /dev/arm, window: 4}}\n"
        f"  belt: {{driver: jsonline, options: {{port: {tmp_path}/none, record: {tmp_path}/r}}}}\n"
        "  gantry: {driver: marlin, options: {usb: {vendor: 2341}}}\n"
    )
    checked = typed("check-config", file)
    assert checked.code == 2
    assert "robots.arm.options: window: found 4" in checked.err
    assert "robots.gantry.options: usb.vendor: found 2341" in checked.err
    assert "belt" not in checked.err
    assert not (tmp_path / "r").exists()


def test_check_config__says_what_is_right(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBOTQ_DATA", str(tmp_path))
    right = typed("check-config")
    assert right.code == 0
    assert "2 robots (robot_a, robot_b)" in right.out


def test_keys__are_shown_once_and_can_be_revoked(typed: Typed, tmp_path: Path) -> None:
    made = typed("keys", "new", "bench", "--scope", "read", "--data", tmp_path)
    key = made.out.strip()
    assert key.startswith("rq_")
    listed = typed("keys", "list", "--data", tmp_path)
    assert "bench" in listed.out
    assert key not in listed.out
    assert (tmp_path / "keys.yaml").stat().st_mode & 0o777 == 0o600
    assert typed("keys", "revoke", "bench", "--data", tmp_path).code == 0
    assert "no keys" in typed("keys", "list", "--data", tmp_path).out


def test_keys__a_daemon_with_keys_wants_one(serve: Serve, typed: Typed, tmp_path: Path) -> None:
    key = typed("keys", "new", "bench", "--data", tmp_path).out.strip()
    served = serve("serve", data=tmp_path)
    refused = typed("status", "--url", served.url)
    assert refused.code == 1
    assert "key is needed" in refused.err
    assert typed("status", "--url", served.url, "--key", key).code == 0


def test_keys__a_running_daemon_stays_shut_when_they_go_and_opens_by_a_word(
    serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    key = typed("keys", "new", "bench", "--data", tmp_path).out.strip()
    served = serve("serve", data=tmp_path)
    assert typed("status", "--url", served.url, "--key", key).code == 0
    revoked = typed("keys", "revoke", "bench", "--data", tmp_path)
    assert "robotq keys open" in revoked.err
    served.until_shown("nobody can use the daemon")
    noted = tmp_path / "keys.required"
    noted.unlink()
    (tmp_path / "keys.yaml").unlink()
    deadline = time.monotonic() + 60
    while not noted.exists():
        assert time.monotonic() < deadline, "it has not seen that its keys are gone"
        time.sleep(0.02)
    for how in ((), ("--key", key)):
        refused = typed("status", "--url", served.url, *how)
        assert refused.code == 1
        assert "key is needed" in refused.err
    assert typed("keys", "open", "--yes", "--data", tmp_path).code == 0
    deadline = time.monotonic() + 60
    while typed("status", "--url", served.url).code != 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigterm__in_the_middle_of_a_scan_stops_the_robot_and_writes_everything(
    serve: Serve,
) -> None:
    served = serve("serve", env={"ROBOTQ_LIMITS__SHUTDOWN_GRACE_S": "0.2"})
    running = start_scan(served)
    waiting = served.post("/", json.loads(SCAN.read_text()))["task_id"]
    started = time.monotonic()
    code, shown = served.end(signal.SIGTERM)
    assert code == 0
    assert time.monotonic() - started < 8
    assert "everything is on disk" in shown
    assert "Traceback" not in shown
    motions = (served.data / "simulator" / "motions.jsonl").read_text().splitlines()

    again = serve("serve", data=served.data, env={"ROBOTQ_TIME_SCALE": "0"})
    task = again.get(f"/task/{running}")
    assert task["error_code"] == "stopped_by_shutdown"
    assert again.get(f"/task/{waiting}")["state"] != "failed"
    moved = (served.data / "simulator" / "motions.jsonl").read_text().splitlines()
    assert moved[: len(motions)] == motions
    assert not any(running in line for line in moved[len(motions) :])


@pytest.mark.long
def test_sigterm__while_stopping_status_and_stop_still_get_through(serve: Serve) -> None:
    served = serve("serve")
    start_scan(served)
    served.process.send_signal(signal.SIGTERM)
    served.wait_until("/health", lambda health: health["status"] != "ok")
    refused = requests.post(served.url, json=json.loads(SCAN.read_text()), timeout=5)
    assert refused.status_code == 503
    assert refused.json()["error_code"] == "shutting_down"
    assert served.post("/estop")["success"] is True
    assert served.process.wait(timeout=6) == 0


def test_second_signal__ends_at_once(serve: Serve) -> None:
    served = serve("serve")
    start_scan(served)
    served.process.send_signal(signal.SIGTERM)
    served.wait_until("/health", lambda health: health["status"] != "ok")
    refused = served.post("/", json.loads(SCAN.read_text()))
    assert refused["error_code"] == "shutting_down"
    started = time.monotonic()
    code, _ = served.end(signal.SIGINT)
    assert code == 130
    assert time.monotonic() - started < LimitsConfig().shutdown_grace_s


def test_sighup__reloads_and_refuses_what_is_wrong(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "robotq.yaml"
    file.write_text("language: zh\n")
    served = serve("serve", "--config", str(file), data=tmp_path / "data")
    file.write_text("language: en\n")
    served.process.send_signal(signal.SIGHUP)
    served.wait_until("/task/none", lambda answer: answer["message"].startswith("No such task"))
    file.write_text("language: fr\n")
    served.process.send_signal(signal.SIGHUP)
    served.until_shown("not reloaded, nothing was changed")
    assert served.get("/task/none")["message"].startswith("No such task")
    code, shown = served.end()
    assert code == 0
    assert "not reloaded, nothing was changed" in shown
    assert "language" in shown


@pytest.mark.slow
def test_run_program__a_stuck_thread_does_not_keep_the_process_alive() -> None:
    program = """
import sys, threading, time
from robotq.daemon import process

process._THREADS_S = 0.2
threading.Thread(target=time.sleep, args=(600,), name="robot_a-stop").start()

async def nothing(signals):
    return 7

sys.exit(process.run_program(nothing))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert "robot_a-stop" in done.stderr


def test_places__a_misspelt_one_is_refused_by_check_start_reload_and_submit(
    serve: Serve, typed: Typed, tmp_path: Path
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("resources: {table: [SCAN_TABEL]}\n")
    checked = typed("check-config", file)
    assert checked.code == 2
    assert "resources.table[0]: found no place 'SCAN_TABEL'; did you mean SCAN_TABLE?" in (
        checked.err
    )
    assert robotq("serve", "--config", file, ROBOTQ_DATA=str(tmp_path / "data")).returncode == 2

    file.write_text("resources: {table: [SCAN_TABLE]}\n")
    served = serve("serve", "--config", str(file), "--time-scale", "0")
    refused = requests.post(
        served.url, json={"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABEL"}}, timeout=10
    )
    assert refused.status_code == 400
    told = refused.json()
    assert (told["error_code"], told["field"]) == ("bad_parameter", "params.area")
    assert served.get("/queue/status")["total_tasks"] == 0

    file.write_text("resources: {table: [SCAN_TABEL]}\n")
    reloaded = requests.post(f"{served.url}/reload", timeout=10)
    assert reloaded.status_code >= 400
    assert "did you mean SCAN_TABLE?" in reloaded.text
    assert "SCAN_TABEL" not in json.dumps(served.get("/robots"))


def test_check_config__says_what_nobody_can_check(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("robots: {gantry: {driver: grbl, options: {port: /dev/gantry}}}\n")
    told = typed("check-config", file)
    assert told.code == 0
    assert "Note: nobody says which places gantry has" in told.out
    assert "commands that come with robotq are for other robots, and are refused here" in told.out
    assert "PICK_UP" not in told.out
    note, *_ = typed("check-config", file, "--json").json["notes"]
    assert "list them under `places` and `resources`" in note
