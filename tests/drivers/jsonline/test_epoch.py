"""A device that two hosts can reach takes nothing from the one whose epoch is over."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import jsonline, simulator
from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.epochs import KeepsEpoch, StaleEpoch
from robotq.drivers.jsonline.device import Device, DeviceOptions, TcpPort
from robotq.drivers.jsonline.driver import JsonlineDriver
from robotq.model.task import Command
from robotq.system.clocks import VirtualClock
from robotq.testing.driver_bench import Execution
from robotq.testing.driver_contract import driver_setup
from tests.drivers.jsonline.machine import QUICK

NOD = Command(cmd_type="ROBOT_ACTION", params={"action_type": "NOD"})


class InTheNetwork:
    """A device behind a serial server, and hosts of it."""

    def __init__(self, folder: Path, *, one_client: bool = False, **options: Any) -> None:
        self._folder = folder
        self._options = DeviceOptions(
            name="robot_a", beat_s=0.1, **{"memory": folder / "commands.json", **options}
        )
        self._port = TcpPort("127.0.0.1", 0, one_client=one_client)
        setup, _ = driver_setup(folder, {})
        clock = VirtualClock()
        self._robot = simulator.create(setup)
        device = Device(self._robot, self._port, clock, self._options)
        self._serving = threading.Thread(target=device.serve, name="device")
        self._serving.start()
        self._hosts: list[JsonlineDriver] = []

    def host(self, epoch: int) -> JsonlineDriver:
        setup, _ = driver_setup(self._folder, {"port": self._port.path, **QUICK})
        host = jsonline.create(setup)
        assert isinstance(host, KeepsEpoch)
        assert isinstance(host, JsonlineDriver)
        self._hosts.append(host)
        if epoch:
            host.take_epoch(epoch)
        return host

    def motions(self) -> list[str]:
        log = self._folder / "simulator" / "motions.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line)["task_id"] for line in lines]

    def raw(self, *lines: bytes) -> None:
        """What a host wrote long ago, and what comes only now."""
        address = self._port.path.removeprefix("socket://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as late:
            for line in lines:
                late.sendall(line + b"\n")
            late.settimeout(2)
            late.recv(1)

    def end(self) -> None:
        for host in self._hosts:
            host.close()
        self._port.stop()
        self._serving.join(5)
        self._port.close()
        self._robot.close()


@contextmanager
def in_the_network(folder: Path, **options: Any) -> Iterator[InTheNetwork]:
    device = InTheNetwork(folder, **options)
    try:
        yield device
    finally:
        device.end()


def test_host__whose_epoch_is_over_moves_nothing_and_asks_nothing(tmp_path: Path) -> None:
    with in_the_network(tmp_path) as device:
        old, new = device.host(1), device.host(2)
        old.connect()
        assert Execution(old, NOD, task_id="task_1").ended().error is None
        moved = device.motions()
        new.connect()

        late = Execution(old, NOD, task_id="task_2").ended()
        assert isinstance(late.error, LinkLost)
        with pytest.raises(LinkLost):
            # its link is lost with the first refusal, and it gets no other one
            old.stop()
        with pytest.raises(StaleEpoch) as refused:
            old.connect()
        assert refused.value.epoch == 2
        assert device.motions() == moved
        assert Execution(new, NOD, task_id="task_3").ended().error is None
        assert set(device.motions()) == {"task_1", "task_3"}


def test_host__without_any_epoch_is_refused_once_there_is_one(tmp_path: Path) -> None:
    with in_the_network(tmp_path) as device:
        one = device.host(7)
        one.connect()
        with pytest.raises(StaleEpoch):
            device.host(0).connect()
    # over a restart too
    with in_the_network(tmp_path) as device:
        with pytest.raises(StaleEpoch) as refused:
            device.host(6).connect()
        assert refused.value.epoch == 7
        device.host(7).connect()


def test_bytes__that_come_late_begin_nothing(tmp_path: Path) -> None:
    """What stood in a buffer while the other host took over: every op, and of any shape."""
    with in_the_network(tmp_path, crc=False) as device:
        new = device.host(5)
        new.connect()
        request: dict[str, Any] = {
            "op": "run",
            "id": "task_9.1",
            "cmd": "ROBOT_ACTION",
            "task": "task_9",
        }
        request |= {"attempt": 1, "params": {"action_type": "NOD"}}
        hello = new._link.hello
        assert hello is not None
        request["boot"] = hello.boot
        for epoch in (4, 0, -1, True, "5", None, 5.0):
            device.raw(json.dumps({**request, "epoch": epoch}).encode())
        device.raw(json.dumps(request).encode())
        # whoever asks how it stands has it refused for good, so that is not theirs to ask either
        device.raw(b'{"op":"status","id":"x.1","run":"task_10.1","epoch":4}')
        assert device.motions() == []
        assert Execution(new, NOD, task_id="task_10").ended().error is None


def test_device__that_keeps_no_epoch_is_no_fence(tmp_path: Path) -> None:
    with in_the_network(tmp_path, newest=1) as device:
        with pytest.raises(LinkLost, match="keeps no epoch"):
            device.host(1).connect()
        device.host(0).connect()


def test_serial_server__that_takes_one_client_cuts_the_one_before(tmp_path: Path) -> None:
    with in_the_network(tmp_path, one_client=True) as device:
        old, new = device.host(0), device.host(0)
        old.connect()
        new.connect()
        late = Execution(old, NOD, task_id="task_1").ended()
        assert isinstance(late.error, LinkLost | DriverError)
        assert device.motions() == []
        assert Execution(new, NOD, task_id="task_2").ended().error is None
