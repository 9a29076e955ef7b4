"""`robotq doctor` and serial ports: those of robots and scanners, and who else writes to them."""

from __future__ import annotations

import os
import pty
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from serial.tools import list_ports

from robotq.cli.doctor import ports as examine_ports
from robotq.cli.doctor.finding import Finding, Verdict
from robotq.cli.doctor.ports import devices
from robotq.config import Config, load_config
from tests import nobody


@dataclass
class Port:
    device: str
    location: str = "1-1.2:1.0"
    vid: int | None = 0x1A86
    pid: int | None = 0x7523
    serial_number: str | None = None


class Machine:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.ports: list[Port] = []
        self.proc, self.udev, self.rules = (folder / n for n in ("proc", "udev", "rules.d"))
        for each in (self.proc, self.udev, self.rules):
            each.mkdir()
        monkeypatch.setattr(examine_ports, "PROCESSES", self.proc)
        monkeypatch.setattr(examine_ports, "UDEV_DATA", self.udev)
        monkeypatch.setattr(examine_ports, "UDEV_RULES", (self.rules,))
        monkeypatch.setattr(list_ports, "comports", lambda: list(self.ports))
        self.far, near = pty.openpty()
        self.name = os.ttyname(near)
        os.close(near)

    def runs(self, name: str) -> None:
        folder = self.proc / str(100 + len(list(self.proc.iterdir())))
        folder.mkdir()
        (folder / "comm").write_text(f"{name}\n")

    def findings(self, options: str, driver: str = "grbl") -> dict[str, Finding]:
        return {each.what: each for each in devices(self._config(options, driver))}

    def _config(self, options: str, driver: str) -> Config:
        path = self.folder / "robotq.yaml"
        path.write_text(
            f"robots:\n  gantry:\n    driver: {driver}\n    options: {options}\n"
            f"default_robot: gantry\nport: {nobody.PORT}\n"
        )
        return load_config(path, {}, {})


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path, monkeypatch)
    yield made
    os.close(made.far)


def test_scanner__that_is_not_there_is_found(machine: Machine) -> None:
    told = machine.findings(f"{{port: {machine.name}, scanner: {{port: /dev/ttyNONE}}}}")
    assert told["port of gantry"].verdict is Verdict.OK
    assert told["scanner of gantry"].verdict is Verdict.BAD
    assert "/dev/ttyNONE is not there" in told["scanner of gantry"].found


def test_pattern__is_looked_up_as_the_driver_does(machine: Machine) -> None:
    (machine.folder / "usb-Arduino-if00").symlink_to(machine.name)
    told = machine.findings(f"{{port: '{machine.folder}/usb-*'}}")
    assert told["port of gantry"].verdict is Verdict.OK
    (machine.folder / "usb-Scanner-if00").symlink_to(machine.name)
    told = machine.findings(f"{{port: '{machine.folder}/usb-*'}}")
    assert told["port of gantry"].verdict is Verdict.BAD
    assert "more than one port" in told["port of gantry"].found


def test_usb__that_no_device_has(machine: Machine) -> None:
    told = machine.findings('{usb: {vendor: "2341"}}')
    assert "no port is a USB device" in told["port of gantry"].found


def test_twins__are_told_before_the_first_start(machine: Machine) -> None:
    machine.ports = [Port(machine.name), Port("/dev/ttyUSB9", location="1-1.3:1.0")]
    told = machine.findings(f"{{port: {machine.name}}}")
    assert told["port of gantry"].verdict is Verdict.BAD
    assert "either of two boards" in told["port of gantry"].found
    told = machine.findings(f"{{port: {machine.name}, identity: gantry}}")
    assert told["port of gantry"].verdict is Verdict.OK


def test_nothing_else_on_the_port__is_said_where_nothing_is(machine: Machine) -> None:
    machine.runs("systemd")
    (machine.rules / "85-brltty.rules").write_text('# ENV{PRODUCT}=="1a86/7523/*"\n')
    assert set(machine.findings(f"{{port: {machine.name}}}")) == {"port of gantry"}


def test_modem_manager__with_the_rule_for_this_board(machine: Machine) -> None:
    machine.ports = [Port(machine.name, vid=0x2341, pid=0x0043, serial_number="55")]
    machine.runs("ModemManager")
    told = machine.findings(f"{{port: {machine.name}}}")["ModemManager"]
    assert told.verdict is Verdict.NOTE
    assert 'ATTRS{idVendor}=="2341", ENV{ID_MM_DEVICE_IGNORE}="1"' in told.mend
    device = Path(machine.name).stat().st_rdev
    noted = machine.udev / f"c{os.major(device)}:{os.minor(device)}"
    noted.write_text("E:ID_VENDOR=Arduino\nE:ID_MM_DEVICE_IGNORE=1\n")
    assert "ModemManager" not in machine.findings(f"{{port: {machine.name}}}")


@pytest.mark.parametrize("plugged", [True, False])
def test_brltty__by_its_rules_also_where_it_has_taken_the_port_away(
    machine: Machine, plugged: bool
) -> None:
    machine.ports = [Port(machine.name)] if plugged else []
    port = machine.name if plugged else "/dev/ttyUSB77"
    rule = 'ENV{PRODUCT}=="1a86/7523/*", ENV{BRLTTY_BRAILLE_DRIVER}="bm"\n'
    (machine.rules / "85-brltty.rules").write_text(f"# Baum\n{rule}")
    told = machine.findings(f"{{port: {port}}}")["brltty"]
    assert told.verdict is Verdict.NOTE
    assert "85-brltty.rules" in told.found
    assert "apt remove brltty" in told.mend


def test_brltty__that_runs(machine: Machine) -> None:
    machine.runs("brltty")
    assert "it runs" in machine.findings(f"{{port: {machine.name}}}")["brltty"].found


@pytest.mark.parametrize("port", ["socket://10.0.0.5:23", "rfc2217://10.0.0.5:4000"])
def test_port__that_is_no_device_of_this_machine_is_passed_over(
    machine: Machine, port: str
) -> None:
    machine.runs("ModemManager")
    assert machine.findings(f"{{port: '{port}'}}") == {}


def test_scanner_at_the_network__is_there_or_not(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        options = f"{{port: {machine.name}, scanner: {{tcp: '127.0.0.1:{door.getsockname()[1]}'}}}}"
        there = machine.findings(options)["scanner of gantry"]
    assert there.verdict is Verdict.OK
    absent = machine.findings(options)["scanner of gantry"]
    assert absent.verdict is Verdict.BAD
    assert "takes no connection" in absent.found


def test_scanner_that_is_a_keyboard__says_what_is_missing(machine: Machine) -> None:
    options = f"{{port: {machine.name}, scanner: {{hid: /dev/input/by-id/nobody-event-kbd}}}}"
    told = machine.findings(options)["scanner of gantry"]
    assert told.verdict is Verdict.BAD
    assert "evdev" in told.found or "it is not there" in told.found


def test_camera__is_asked_for_a_picture(machine: Machine, tmp_path: Path) -> None:
    pictures = pytest.importorskip("tests.drivers.scanner.camera.pictures")
    file = tmp_path / "latest.png"
    options = f"{{port: {machine.name}, scanner: {{kind: camera, file: {file}}}}}"
    found = machine.findings(options)["camera of gantry"]
    assert (found.verdict, "no picture yet" in found.found) == (Verdict.NOTE, True)
    file.write_bytes(pictures.of("bottle 7"))
    found = machine.findings(options)["camera of gantry"]
    assert (found.verdict, "640x480" in found.found) == (Verdict.OK, True)
    assert "1 code in view" in found.found
    file.write_bytes(b"<html>")
    found = machine.findings(options)["camera of gantry"]
    assert (found.verdict, "no picture" in found.found) == (Verdict.BAD, True)
    nowhere = options.replace(str(file), str(tmp_path / "nowhere" / "x.png"))
    found = machine.findings(nowhere)["camera of gantry"]
    assert (found.verdict, "is not there" in found.found) == (Verdict.BAD, True)
