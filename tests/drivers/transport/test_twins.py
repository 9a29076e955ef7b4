"""Two boards with the same USB bridge and no serial number, and a plug that was pulled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from serial.tools import list_ports

from robotq.drivers import grbl
from robotq.drivers.base import LinkLost, WrongDevice
from robotq.drivers.transport import PortOptions, UsbId
from robotq.drivers.transport.find import Finder
from robotq.testing.emulators import GrblEmulator
from tests.drivers.gcode.bench import Bench, bench, until

BRIDGE = "usb-1a86_USB_Serial-if00-port0"


@dataclass
class Port:
    device: str
    location: str | None
    vid: int | None = 0x1A86
    pid: int | None = 0x7523
    serial_number: str | None = None


class Bus:
    """The USB ports of a machine, with the names that the system gives them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ports: list[Port] = []
        self.dev, self.by_id, self.by_path = (folder / n for n in ("dev", "by-id", "by-path"))
        for each in (self.dev, self.by_id, self.by_path):
            each.mkdir()
        monkeypatch.setattr(list_ports, "comports", lambda: list(self.ports))
        monkeypatch.setattr("robotq.drivers.transport.twins.BY_PATH", self.by_path)

    def plug(self, name: str, socket: str, *, linked: bool = True, **more: str | None) -> Port:
        """A board comes; the name that all boards of its kind have is its own from now on."""
        port = Port(str(self.dev / name), f"{socket}:1.0", **more)  # type: ignore[arg-type]
        Path(port.device).touch(exist_ok=True)
        self.ports.append(port)
        (self.by_path / f"pci-usb-{socket}").symlink_to(port.device)
        if linked:
            self.link(port)
        return port

    def link(self, port: Port) -> None:
        self.name.unlink(missing_ok=True)
        self.name.symlink_to(port.device)

    def unplug(self, port: Port) -> None:
        self.ports.remove(port)
        for link in self.by_path.iterdir():
            if link.readlink() == Path(port.device):
                link.unlink()

    @property
    def name(self) -> Path:
        return self.by_id / BRIDGE


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bus:
    return Bus(tmp_path, monkeypatch)


def finder(port: object, identity: str | None = None) -> Finder:
    return Finder(PortOptions(port=str(port), identity=identity))


def test_twin__a_name_that_both_have_is_refused_and_the_socket_is_recommended(bus: Bus) -> None:
    first = bus.plug("ttyUSB0", "1-1.2")
    second = bus.plug("ttyUSB1", "1-1.3")
    for name in (bus.name, f"{bus.by_id}/usb-1a86*", first.device, second.device):
        with pytest.raises(WrongDevice, match="either of two boards") as refused:
            finder(name).find()
        assert "1a86:7523 without a serial number" in refused.value.reason
        assert f"{bus.by_path}/pci-usb-1-1." in refused.value.reason
        assert "identity" in refused.value.reason
    assert finder(bus.by_path / "pci-usb-1-1.2").find().endswith("1-1.2")
    assert finder(bus.name, identity="gantry").find() == str(bus.name)


@pytest.mark.parametrize("serial", ["0001", "5573832313135"])
def test_twin__a_serial_number_that_both_have_is_none(bus: Bus, serial: str) -> None:
    bus.plug("ttyUSB0", "1-1.2", serial_number=serial)
    assert finder(bus.name).find() == str(bus.name)
    bus.plug("ttyUSB1", "1-1.3", serial_number=serial)
    with pytest.raises(WrongDevice, match=f"with serial number {serial}"):
        finder(bus.name).find()


def test_no_twin__another_bridge_a_serial_number_a_second_port_of_one_board(bus: Bus) -> None:
    port = bus.plug("ttyUSB0", "1-1.2")
    bus.plug("ttyUSB1", "1-1.3", linked=False, serial_number="A7003")
    bus.ports.append(Port(str(bus.dev / "ttyUSB2"), "1-1.2:1.1"))
    bus.ports.append(Port(str(bus.dev / "ttyACM0"), "1-1.4:1.0", vid=0x2341, pid=0x0043))
    assert finder(bus.name).find() == str(bus.name)
    assert finder(port.device).find() == port.device


def test_replug__the_other_one_has_the_name_now_and_the_first_is_away(bus: Bus) -> None:
    first = bus.plug("ttyUSB0", "1-1.2")
    one = finder(bus.name)
    one.find()
    bus.unplug(first)
    second = bus.plug("ttyUSB0", "1-1.3")
    with pytest.raises(WrongDevice, match=r"socket 1-1\.3.*in socket 1-1\.2"):
        one.find()
    # it is the same one in another socket: a person says so
    one.accept()
    assert one.find() == str(bus.name)
    bus.unplug(second)
    bus.plug("ttyUSB0", "1-1.2")
    with pytest.raises(WrongDevice):
        one.find()


def test_replug__what_was_refused_once_and_is_away_again_is_not_taken_later(bus: Bus) -> None:
    first = bus.plug("ttyUSB0", "1-1.2")
    one = finder(bus.name)
    one.find()
    bus.unplug(first)
    second = bus.plug("ttyUSB0", "1-1.3")
    with pytest.raises(WrongDevice):
        one.find()
    bus.unplug(second)
    bus.plug("ttyUSB0", "1-1.2")
    one.find()
    one.accept()
    assert one.find() == str(bus.name)


def test_usb_ids__of_a_board_without_a_serial_number_may_be_another_one(bus: Bus) -> None:
    first = bus.plug("ttyUSB0", "1-1.2")
    one = Finder(PortOptions(usb=UsbId(vendor=0x1A86)))
    assert one.find() == first.device
    bus.unplug(first)
    bus.plug("ttyUSB0", "1-1.3")
    with pytest.raises(WrongDevice):
        one.find()


def test_robot__whose_twin_took_its_name_is_not_connected_and_nothing_is_sent(
    bus: Bus, tmp_path: Path
) -> None:
    gantry, mill = (GrblEmulator(bus.dev / f"ttyUSB{n}", speed=100) for n in (0, 1))
    with gantry, mill:
        first = bus.plug("ttyUSB0", "1-1.2")
        with bench(grbl.create, tmp_path, str(bus.name)) as robot:
            robot.run(["G0 X1"])
            gantry.unplug()
            bus.unplug(first)
            until(lambda: robot.driver.status().link == "disconnected")
            bus.plug("ttyUSB1", "1-1.3")
            with pytest.raises(WrongDevice):
                robot.driver.connect()
            assert (mill.taken, mill.urgent_bytes) == ([], [])
            assert_refuses_to_move(robot)


def assert_refuses_to_move(robot: Bench) -> None:
    with pytest.raises(LinkLost):
        robot.do([{"unlock": True}])
