"""Why a connection failed, in words that name what was heard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverFactory, LinkLost, NotUnderstood
from robotq.drivers.transport.heard import other_firmware, why_no_link
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from robotq.testing.emulators.device import Device
from tests.drivers.gcode.bench import bench


class Speaker(Device):
    """Says the same to whatever it hears."""

    def __init__(self, link: Path, says: bytes) -> None:
        super().__init__(link)
        self._says = says
        self.heard = b""

    def boot(self) -> None:
        """It says nothing by itself."""

    def take(self, data: bytes) -> None:
        self.heard += data
        self._send(self._says)

    def work(self) -> float:
        return 3600.0


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers here, so nothing is too late."""
    for name, value in {"_ANSWER_S": 0.3, "_RESET_S": 0.3, "_GREETING_S": 0.3}.items():
        monkeypatch.setattr(f"robotq.drivers.grbl.connect.{name}", value)
    monkeypatch.setattr("robotq.drivers.marlin.connect._CONNECT_S", 0.8)
    monkeypatch.setattr("robotq.drivers.marlin.connect._TRY_S", 0.2)


def why(factory: DriverFactory, folder: Path, device: Device, **options: object) -> NotUnderstood:
    with (
        device,
        pytest.raises(LinkLost) as refused,
        bench(factory, folder, device.port, **options),
    ):
        pass
    assert isinstance(refused.value, NotUnderstood), refused.value
    return refused.value


NOISE = bytes(range(0x80, 0xA0)) + b"\x00\xff\xfe?"


@pytest.mark.parametrize("factory", [grbl.create, marlin.create], ids=["grbl", "marlin"])
def test_silence(tmp_path: Path, factory: DriverFactory) -> None:
    told = why(factory, tmp_path, Speaker(tmp_path / "port", b""))
    assert told.what == "silent"
    assert "nothing was heard" in told.reason


@pytest.mark.parametrize("factory", [grbl.create, marlin.create], ids=["grbl", "marlin"])
@pytest.mark.parametrize(("baud", "advice"), [(9600, "try 115200"), (115_200, "try 250000")])
def test_noise__of_a_wrong_baud_rate(
    tmp_path: Path, factory: DriverFactory, baud: int, advice: str
) -> None:
    told = why(factory, tmp_path, Speaker(tmp_path / "port", NOISE), baud=baud)
    assert told.what == "noise"
    assert advice in told.reason
    assert "80 81 82" in told.reason


@pytest.mark.parametrize(
    ("says", "quoted"),
    [
        (b"\r\nGrbl 0.9j ['$' for help]\r\n", "it says Grbl 0.9j; 1.1 is needed"),
        (b"Grbl 0.8c ['$' for help]\r\n", "it says Grbl 0.8c; 1.1 is needed"),
        (b"Grbl 1.0c ['$' for help]\r\n", "it says Grbl 1.0c; 1.1 is needed"),
        (b"<Idle,MPos:0.000,0.000,0.000,WPos:0.000,0.000,0.000>\r\n", "<Idle,MPos:.*1.1 is needed"),
    ],
)
def test_grbl__that_is_too_old(tmp_path: Path, says: bytes, quoted: str) -> None:
    device = Speaker(tmp_path / "port", says)
    told = why(grbl.create, tmp_path, device)
    assert told.what == "too_old"
    assert re.search(quoted, told.reason)
    assert b"$" not in device.heard


def test_marlin__under_the_driver_for_grbl(tmp_path: Path) -> None:
    device = MarlinEmulator(tmp_path / "port")
    told = why(grbl.create, tmp_path, device)
    assert told.what == "other_firmware"
    assert "it speaks Marlin; driver is grbl" in told.reason
    assert "Unknown command" in told.reason
    assert device.taken == []


def test_grbl__under_the_driver_for_marlin(tmp_path: Path) -> None:
    device = GrblEmulator(tmp_path / "port")
    told = why(marlin.create, tmp_path, device)
    assert told.what == "other_firmware"
    assert "it speaks GRBL; driver is marlin" in told.reason
    assert not device.axes.moved


@pytest.mark.parametrize("factory", [grbl.create, marlin.create], ids=["grbl", "marlin"])
def test_something_else__is_quoted(tmp_path: Path, factory: DriverFactory) -> None:
    told = why(factory, tmp_path, Speaker(tmp_path / "port", b"login: \r\n"))
    assert told.what == "unknown_text"
    assert '"login:"' in told.reason


@pytest.mark.parametrize(
    ("heard", "driver", "names"),
    [
        (b"start\necho:Marlin 2.1.2\n", "grbl", "Marlin"),
        (b'{"ev":"boot","boot":"1"}\n', "grbl", "the JSON lines of robotq"),
        (b"Grbl 4.0 [FluidNC v4.0.5 '$' for help]\n", "jsonline", "GRBL"),
        (b"GrblHAL 1.1f ['$' or '$HELP' for help]\r\n", "marlin", "GRBL"),
        (b"<Run|MPos:1.000,0.000,0.000|FS:0,0>\n", "marlin", "GRBL"),
    ],
)
def test_other_firmware__by_what_only_it_says(heard: bytes, driver: str, names: str) -> None:
    told = other_firmware(heard, driver)
    assert told is not None
    assert f"it speaks {names}; driver is {driver}" in told.reason


@pytest.mark.parametrize(
    ("heard", "driver"),
    [
        (b"ok\nok\n", "grbl"),
        (b"Error:checksum mismatch, Last Line: 2\nResend: 3\nok\n", "marlin"),
        (b"Error: Missing checksum\nResend:1\nok\n", "marlin"),
        (b"echo:busy: processing\nok T:20.0 /0.0\n", "marlin"),
        (b"[MSG:INFO: Caution]\r\nerror:7\r\n$0=10\r\n", "grbl"),
        (b'{"id":"a.1","ok":{}}\n', "jsonline"),
    ],
)
def test_other_firmware__is_not_the_own_one(heard: bytes, driver: str) -> None:
    assert other_firmware(heard, driver) is None


def test_noise__is_text_that_a_single_byte_has_changed_not() -> None:
    told = why_no_link(b"a\xf1 line of some other device\n", driver="grbl", baud=115_200)
    assert told.what == "unknown_text"
