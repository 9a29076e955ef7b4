"""A scanner at the network: the same rules as at a serial port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from robotq.drivers.base import DriverError
from robotq.drivers.scanner import Scanner
from robotq.model.errors import ConfigError
from tests.drivers.scanner.net import NetScanner
from tests.drivers.scanner.test_codes import options
from tests.drivers.scanner.test_scanner import PATIENCE_S, never, once, until

WHO = {"who": "WHO\r", "says": r"MODEL \S+ (\S+)"}
Made = Callable[..., Scanner]


def at(address: str, **given: Any) -> Scanner:
    section = {"late_s": 0.2, "gap_s": 0.1, "tcp": address, **given}
    return Scanner("arm", options(port=None, **section))


@pytest.fixture
def made() -> Iterator[Made]:
    with ExitStack() as stack:

        def make(device: NetScanner, **given: Any) -> Scanner:
            stack.callback(device.close)
            scanner = at(device.address, **given)
            stack.callback(scanner.close)
            return scanner

        yield make


def test_codes_over_tcp(made: Made) -> None:
    device = NetScanner(b"ONE\r\n", b"TWO\r\nTHREE\r\n", b"FOUR\r\n")
    scanner = made(device, trigger="TRG\r")
    assert scanner.read(PATIENCE_S, never) == "ONE"
    with pytest.raises(DriverError, match="2 codes in one go"):
        scanner.read(PATIENCE_S, never)
    assert scanner.read(PATIENCE_S, never) == "FOUR"
    state = scanner.state()
    assert (state["connected"], state["port"]) == (True, f"socket://{device.address}")


def test_the_connection_breaks_in_a_code__its_second_half_is_no_code(made: Made) -> None:
    device = NetScanner()
    scanner = made(device, late_s=1.0)
    scanner.require()

    def half() -> None:
        device.send(b"bottle_0")
        # for the next connection: set earlier, it could still go out over this one
        device.at_connect = b"12\r\n"
        device.hang_up()

    with pytest.raises(DriverError) as gone:
        scanner.read(PATIENCE_S, once(half))
    assert gone.value.code == "scanner_absent"
    device.until(lambda: device.connections == 2)
    until(lambda: bool(scanner.state()["connected"]))
    device.at_connect = b""
    assert scanner.read(0.3, never) is None


def test_codes_that_it_has_kept_while_nobody_was_connected__are_nobodys(made: Made) -> None:
    device = NetScanner(b"NEW\r\n")
    device.at_connect = b"OLD\r\n"
    assert made(device, trigger="TRG\r", late_s=1.0).read(PATIENCE_S, never) == "NEW"


def test_another_scanner_at_that_address__is_not_read(made: Made) -> None:
    device = NetScanner(b"ONE\r\n", b"TWO\r\n")
    scanner = made(device, trigger="TRG\r", **WHO)
    assert scanner.read(PATIENCE_S, never) == "ONE"
    assert scanner.state()["identity"] == "SN-1"
    device.who = b"SN-2"
    device.hang_up()
    until(lambda: "another scanner is there" in str(scanner.state().get("reason")))
    with pytest.raises(DriverError, match=r"SN-2.*expected 'SN-1'") as other:
        scanner.read(PATIENCE_S, never)
    assert other.value.code == "scanner_absent"
    assert device.codes == [b"TWO\r\n"]
    device.who = b"SN-1"
    until(lambda: bool(scanner.state()["connected"]))
    assert scanner.read(PATIENCE_S, never) == "TWO"


@pytest.mark.parametrize(("who", "reason"), [(b"SN-3", "SN-3"), (b"", "asked who it is, it says")])
def test_the_identity_that_is_configured(made: Made, who: bytes, reason: str) -> None:
    scanner = made(NetScanner(b"ONE\r\n", who=who), identity="SN-1", **WHO)
    with pytest.raises(DriverError, match=reason):
        scanner.require()
    assert scanner.state()["connected"] is False


def test_a_command_waits_for_a_scanner_that_is_not_there_yet(made: Made) -> None:
    device = NetScanner(b"ONE\r\n")
    scanner = made(device, trigger="TRG\r", wait_s=PATIENCE_S, identity="SN-1", **WHO)
    device.who = b"SN-2"
    later = threading.Timer(0.5, setattr, (device, "who", b"SN-1"))
    later.start()
    scanner.require()
    assert device.who == b"SN-1"
    assert scanner.read(PATIENCE_S, never) == "ONE"


def test_a_command_that_waits__ends_when_nobody_wants_it_any_more() -> None:
    closed = NetScanner()
    closed.close()
    scanner = at(closed.address, wait_s=PATIENCE_S)
    began = time.monotonic()
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    scanner.require(stop.is_set)
    assert time.monotonic() - began < PATIENCE_S / 2
    scanner.close()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"tcp": "10.0.0.5"}, "host:port"),
        ({"tcp": "10.0.0.5:70000"}, "host:port"),
        ({"tcp": "10.0.0.5:2112", "port": "/dev/x"}, "port too"),
        ({"tcp": "10.0.0.5:2112", "end": ""}, "over a connection"),
        ({"port": "socket://10.0.0.5:2112", "end": ""}, "over a connection"),
        ({"tcp": "10.0.0.5:2112", "identity": "SN-1"}, "set `who`"),
    ],
)
def test_options__that_make_no_sense(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        options(**{"port": None, **given})


def test_gap__is_longer_where_packets_are_sent_again() -> None:
    assert options(port=None, tcp="[::1]:2112").gap_s == 0.5
    assert options().gap_s == 0.1
    assert options(port=None, tcp="scanner.lab:2112", end="", suffix="\x03").gap_s == 0.5
