"""A network that breaks between a terminal and the daemon loses nothing, and does nothing twice."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.testing.daemon import Daemon
from tests.client.proxy import Fault, Proxy, breaking_network

from .conftest import Typed

HOME = '{"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}'


@pytest.fixture
def network(robotq_daemon: Daemon) -> Iterator[Proxy]:
    with breaking_network(robotq_daemon.port) as proxy:
        yield proxy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "go home.json"
    file.write_text(HOME)
    return file


def tasks(network: Proxy) -> int:
    return len(list(Client(network.url).all_tasks()))


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.CUT, Fault.GATEWAY])
def test_submit__whose_answer_is_lost_is_sent_again_and_counts_once(
    typed: Typed, network: Proxy, file: Path, fault: Fault
) -> None:
    network.faults.append(fault)
    done = typed("submit", file, "--url", network.url)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("task_")
    assert tasks(network) == 1


@pytest.mark.slow
def test_submit__that_stays_without_an_answer_says_how_to_repeat_it(
    typed: Typed, network: Proxy, file: Path
) -> None:
    network.faults.extend([Fault.LOSE] * 200)
    lost = typed("submit", file, "--priority", "high", "--url", network.url)
    assert (lost.code, lost.out) == (3, "")
    assert "it may have been carried out" in lost.err
    line = lost.err.strip().rpartition(": robotq ")[2]
    assert line.startswith(f"submit '{file}' --priority=high --idempotency-key ")
    network.faults.clear()
    again = typed(*shlex.split(line), "--url", network.url)
    assert (again.code, again.out) == (0, f"{next(Client(network.url).all_tasks()).task_id}\n")
    assert tasks(network) == 1


def test_submit__tells_its_key_when_asked(typed: Typed, network: Proxy, file: Path) -> None:
    first = typed("submit", file, "--verbose", "--url", network.url)
    name, _, key = first.err.strip().rpartition(" ")
    assert name == f"{file}: --idempotency-key"
    again = typed("submit", file, "--idempotency-key", key, "--url", network.url)
    assert again.out == first.out
    assert typed("submit", file, "--url", network.url).out != first.out
    assert tasks(network) == 2


def test_submit__tells_what_was_accepted_before_a_file_that_is_refused(
    typed: Typed, network: Proxy, file: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"cmd_type": "FLY"}')
    done = typed("submit", file, wrong, "--url", network.url)
    assert done.code == 1
    assert done.out.startswith("task_")
    assert "FLY" in done.err


def test_command_that_acts_at_once__is_never_sent_twice(
    typed: Typed, network: Proxy, tmp_path: Path
) -> None:
    query = tmp_path / "query.json"
    query.write_text('{"cmd_type": "GET_BATTERY_STATE"}')
    network.faults.append(Fault.LOSE)
    lost = typed("submit", query, "--url", network.url)
    assert lost.code == 3
    assert "acts at once" in lost.err
    assert [line for line in network.requests if line.startswith(b"POST")] == [b"POST / HTTP/1.1"]


def test_pause_and_stop__are_sent_again(typed: Typed, network: Proxy) -> None:
    for arguments in (("pause",), ("stop", "robot_a"), ("estop",)):
        network.faults.append(Fault.LOSE)
        done = typed(*arguments, "--url", network.url)
        assert done.code == 0, done.err


def test_resume__is_not(typed: Typed, network: Proxy) -> None:
    typed("pause", "--url", network.url)
    network.faults.extend([None, Fault.LOSE])
    lost = typed("resume", "--url", network.url)
    assert lost.code == 3
    assert "it may have been carried out" in lost.err
    assert [line for line in network.requests if b"resume" in line] == [
        b"POST /queue/resume HTTP/1.1"
    ]
