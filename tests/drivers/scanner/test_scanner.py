"""A scanner on a pseudo-terminal, with the habits that real ones have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import DriverError
from robotq.drivers.scanner import Scanner
from robotq.testing.emulators import Habits, ScannerEmulator
from tests.drivers.scanner.test_codes import options
from tests.patience import look_again_s

TRIGGER = "\x16T\r"
PATIENCE_S = 20.0
"""Nobody waits so long unless something is wrong."""


def never() -> None:
    """Nobody stops this read."""


class Bench:
    """A scanner's two ends."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._link = folder / "scanner"
        self._stack = stack

    def device(self, *codes: str | None, **habits: Any) -> ScannerEmulator:
        made = ScannerEmulator(self._link, codes, habits=Habits(**habits))
        return self._stack.enter_context(made)

    def scanner(self, **given: Any) -> Scanner:
        made = Scanner("arm", options(port=str(self._link), **given))
        self._stack.callback(made.close)
        return made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def once(action: Callable[[], None]) -> Callable[[], None]:
    """A look at the stop during which something happens, the second time: a read is on then."""
    looks = iter([never, never, action])

    def look() -> None:
        next(looks, never)()

    return look


def until(condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + PATIENCE_S
        time.sleep(look_again_s(began))


def test_half_a_code_long_before__is_not_the_head_of_the_next(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    device = bench.device()
    scanner = bench.scanner()
    scanner.require()
    device.send(b"PART")
    until(lambda: "'PART'" in caplog.text)
    code = scanner.read(PATIENCE_S, once(lambda: device.send(b"GOOD\r\n")))
    assert code == "GOOD"


def test_a_code_in_two_halves__neither_half_is_a_code(bench: Bench) -> None:
    device = bench.device()
    scanner = bench.scanner()
    with pytest.raises(DriverError, match=r"'bottle_0'.*without an end") as refused:
        scanner.read(PATIENCE_S, once(lambda: device.send(b"bottle_0", 1.0, b"12\r\n")))
    assert refused.value.code == "code_refused"


def test_the_second_half_of_a_code__whose_first_came_before_the_read(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    device = bench.device()
    scanner = bench.scanner(late_s=2.0)
    scanner.require()
    device.send(b"bottle_0", 1.0, b"12\r\n")
    until(lambda: "'bottle_0'" in caplog.text)
    device.send(3.0, b"bottle_013\r\n")
    assert scanner.read(PATIENCE_S, never) == "bottle_013"


def test_codes_that_end_with_cr_only(bench: Bench) -> None:
    bench.device("ONE", "TWO", "THREE", end=b"\r")
    scanner = bench.scanner(trigger=TRIGGER)
    assert [scanner.read(PATIENCE_S, never) for _ in range(3)] == ["ONE", "TWO", "THREE"]


@pytest.mark.parametrize("length", [1_500, 4_296])
def test_the_longest_codes(bench: Bench, length: int) -> None:
    long = "".join(chr(65 + n % 26) for n in range(length))
    bench.device(long)
    assert bench.scanner(trigger=TRIGGER, gap_s=1.0).read(PATIENCE_S, never) == long


def test_no_read__ends_the_attempt_at_once_and_is_nobodys_code(bench: Bench) -> None:
    device = bench.device(None, "GOOD", no_read=b"NOREAD")
    scanner = bench.scanner(trigger=TRIGGER, untrigger="\x16U\r", late_s=0)
    began = time.monotonic()
    assert scanner.read(PATIENCE_S, never) is None
    assert time.monotonic() - began < PATIENCE_S / 2
    assert scanner.read(PATIENCE_S, never) == "GOOD"
    assert b"\x16U\r" in device.heard


def test_a_code_after_the_time_out__does_not_go_to_the_next_bottle(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    device = bench.device("FIRST", "SECOND", late_s=0.5)
    scanner = bench.scanner(trigger=TRIGGER)
    assert scanner.read(0.3, never) is None
    assert scanner.read(PATIENCE_S, never) == "SECOND"
    assert device.triggered == 2
    assert "FIRST" in caplog.text


@pytest.mark.parametrize("again_s", [0.02, 0.25])
def test_a_code_that_comes_twice__goes_to_one_bottle(bench: Bench, again_s: float) -> None:
    bench.device("FIRST", "SECOND", again_s=again_s)
    scanner = bench.scanner(trigger=TRIGGER)
    assert scanner.read(PATIENCE_S, never) == "FIRST"
    assert scanner.read(PATIENCE_S, never) == "SECOND"


def test_the_same_bottle_read_once_more__is_read(bench: Bench) -> None:
    bench.device("FIRST", "FIRST", "FIRST")
    scanner = bench.scanner(trigger=TRIGGER, not_again_s=0.3)
    assert scanner.read(PATIENCE_S, never) == "FIRST"
    assert scanner.read(PATIENCE_S, never) == "FIRST"


def test_a_scanner_that_is_not_there__says_so_and_comes_back_by_itself(bench: Bench) -> None:
    scanner = bench.scanner(trigger=TRIGGER)
    with pytest.raises(DriverError, match="not there") as absent:
        scanner.require()
    assert absent.value.code == "scanner_absent"
    assert scanner.state()["connected"] is False
    assert "not there" in str(scanner.state()["reason"])
    device = bench.device("GOOD")
    until(lambda: bool(scanner.state()["connected"]))
    assert scanner.read(PATIENCE_S, never) == "GOOD"
    device.unplug()
    with pytest.raises(DriverError) as gone:
        scanner.read(PATIENCE_S, never)
    assert gone.value.code == "scanner_absent"


def test_unplugged_in_the_middle_of_a_read(bench: Bench) -> None:
    device = bench.device()
    with pytest.raises(DriverError) as gone:
        bench.scanner().read(PATIENCE_S, once(device.unplug))
    assert gone.value.code == "scanner_absent"
