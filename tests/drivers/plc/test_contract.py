"""The driver for stations behind a PLC keeps the contract of every driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract
from robotq.testing.settle_contract import SettleContract
from tests.drivers.plc.model import Kind
from tests.drivers.plc.site import LIBRARIES, SERVERS, ModbusServer, OpcUaServer, Site

pytestmark = pytest.mark.wall("the servers and clients of PLCs wait by the wall")


def bench_of(site: Site, *, breaks: bool) -> DriverBench:
    return DriverBench(
        driver=site.driver,
        links=site.links,
        quick=Command(cmd_type="MOVE", params={"goal": 2}),
        long=Command(cmd_type="MOVE", params={"goal": 1_000}),
        query=Command(cmd_type="WEIGH"),
        break_link=site.shut if breaks else None,
        mend_link=site.open if breaks else None,
        motions=lambda: len(site.plc.jobs),
        again=site.again,
    )


@pytest.mark.parametrize("kind", ["pulse", "request"])
class TestModbus(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, kind: Kind) -> Iterator[DriverBench]:
        pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
        site = Site(tmp_path, kind, ModbusServer(kind))
        yield bench_of(site, breaks=True)
        site.close()


class TestModbusNumbered(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
        site = Site(tmp_path, "numbered", ModbusServer("numbered"))
        yield bench_of(site, breaks=True)
        site.close()


@pytest.mark.long
@pytest.mark.parametrize("protocol", ["rtu", "s7"])
class TestOthersNumbered(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, protocol: str) -> Iterator[DriverBench]:
        pytest.importorskip(LIBRARIES[protocol], reason="its extra is not installed")
        site = Site(tmp_path, "numbered", SERVERS[protocol]("numbered"))
        yield bench_of(site, breaks=True)
        site.close()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["pulse", "request"])
@pytest.mark.parametrize("protocol", ["rtu", "s7"])
class TestOthers(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, protocol: str, kind: Kind) -> Iterator[DriverBench]:
        pytest.importorskip(LIBRARIES[protocol], reason="its extra is not installed")
        site = Site(tmp_path, kind, SERVERS[protocol](kind))
        yield bench_of(site, breaks=True)
        site.close()


@pytest.mark.long
class TestOpcUaNumbered(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        pytest.importorskip("asyncua", reason="the extra opcua is not installed")
        site = Site(tmp_path, "numbered", OpcUaServer("numbered"))
        yield bench_of(site, breaks=False)
        site.close()
