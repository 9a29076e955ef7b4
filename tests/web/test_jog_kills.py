"""Somebody holds a button that moves a gantry or an arm, and the browser is killed, stopped, or its
connection stalls without a word; the page is frozen, or crashes; the daemon is killed. In each
case the robot stands within half a second, and its queue stays paused.

A Chromium of its own for each round, a daemon in a process of its own, and the device says when
its axes have moved last. This prints the figures of fifty seeds:

ROBOTQ_ROUNDS=50 python -m pytest -m long tests/web/test_jog_kills.py -n 0 -s
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from playwright.async_api import Page, Playwright, async_playwright

from robotq.testing.process import DaemonProcess
from tests.drivers.gcode.test_over_http import READY, Machine, device
from tests.web.conftest import _FLAGS, MISSING, chromium_path

ROUNDS = int(os.environ.get("ROBOTQ_ROUNDS", "3"))
FIRST_SEED = int(os.environ.get("ROBOTQ_SEED", "0"))
STANDS_S = 0.5
pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(60 + 40 * ROUNDS),
    pytest.mark.wall("browser, daemon and machine each wait for the others"),
]


# -- what stands between the browser and the daemon


class Wire:
    """Forwards bytes, until it does not any more: both ends keep their connection."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._stalled = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0

    def stall(self) -> None:
        self._stalled.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for pump in self._pumps:
                pump.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)
            for end in self._ends:
                end.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._ends += [writer, back]
        for source, target in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                if self._stalled.is_set():
                    # nothing is forwarded, and nobody is told
                    await asyncio.Event().wait()
                target.write(data)
                await target.drain()
            target.close()
        except ConnectionError:
            target.close()


# -- the scene


@dataclass
class Held:
    """Somebody holds the button."""

    page: Page
    browser: asyncio.subprocess.Process
    wire: Wire
    daemon: DaemonProcess


@dataclass
class Bench:
    name: str
    machine: Machine
    daemon: DaemonProcess
    robot: str
    late: list[float] = field(default_factory=list)
    """Seconds from what happened to the last step, round by round."""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return requests.request(method, self.daemon.url + path, json=body, timeout=30).json()

    def home(self) -> None:
        """Homed, at its place, and its queue is paused."""
        self._until(lambda: self._robot()["connected"])
        self.ask("POST", "/queue/resume", {"robot_id": self.robot, "holds": self._holds()})
        task = self.ask("POST", "/", {"cmd_type": "HOME", "params": {}})["task_id"]
        self._until(lambda: self.ask("GET", f"/task/{task}")["status"] == "completed")
        self.ask("POST", "/queue/pause", {"robot_id": self.robot})

    def _robot(self) -> Any:
        return self.ask("GET", f"/robots/{self.robot}")

    def _holds(self) -> list[str]:
        return [hold["id"] for hold in self._robot()["holds"]]

    def codes(self) -> set[str]:
        return {hold["code"] for hold in self._robot()["holds"]}

    def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def gone_mm(self) -> float:
        self.machine.order(lambda: self.machine.axes.advance(self.machine.now()))
        return self.machine.axes.travelled_mm

    def rest(self) -> None:
        """It has not moved for a second."""
        self._until(lambda: self.gone_mm() >= 0 and self._stands_s() > 1.0)

    def _stands_s(self) -> float:
        return self.machine.now() - self.machine.axes.last_step


def _config(name: str, folder: Path) -> Path:
    read = yaml.safe_load((READY / f"{name}.yaml").read_text(encoding="utf-8"))
    for robot in read["robots"].values():
        robot["options"]["port"] = f"{folder}/tty*"
        robot["options"]["scanner"]["port"] = f"{folder}/scanner"
        robot |= {"on_start": "resume", "reconnect_s": 0.05}
    read["commands"] = [str(READY / file) for file in read["commands"]]
    file = folder / "robotq.yaml"
    file.write_text(yaml.safe_dump(read), encoding="utf-8")
    return file


@contextmanager
def _bench(name: str, folder: Path) -> Iterator[Bench]:
    with device(name, folder, speed=1) as machine:
        daemon = DaemonProcess(folder / "data", time_scale=1, config=_config(name, folder))
        with daemon:
            daemon.keep_port()
            robots = requests.get(f"{daemon.url}/robots", timeout=10).json()["robots"]
            made = Bench(name, machine, daemon, robots[0]["robot_id"])
            made.home()
            yield made


@asynccontextmanager
async def _held(
    bench: Bench, playwright: Playwright, folder: Path, seed: int
) -> AsyncIterator[Held]:
    """A browser of its own, killed at the end with all that belongs to it."""
    path = await asyncio.to_thread(chromium_path, playwright.chromium.executable_path)
    if path is None:
        pytest.skip(MISSING)
    profile = folder / f"profile-{seed}"
    wire = Wire(bench.daemon.port)
    async with wire.open(), AsyncExitStack() as stack:
        browser = await asyncio.create_subprocess_exec(
            path,
            *_FLAGS,
            "--headless=new",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        stack.push_async_callback(browser.wait)
        stack.callback(_signal, browser, signal.SIGKILL)
        port_file = profile / "DevToolsActivePort"
        async with asyncio.timeout(30):
            while not (port_file.exists() and port_file.read_text().count("\n")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        port = port_file.read_text().split()[0]
        over_cdp = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        page = await (await over_cdp.new_context(locale="en-GB")).new_page()
        await page.goto(f"http://127.0.0.1:{wire.port}/dashboard")
        await page.locator("details summary", has_text="Move by hand").click()
        sign = "X +" if seed % 2 else "X −"
        # from home, minus leads out of the work area: first a little way from it
        await _press(bench, page, "X +")
        if sign != "X +":
            await page.mouse.up()
            await asyncio.to_thread(bench.rest)
            await _press(bench, page, sign)
        yield Held(page, browser, wire, bench.daemon)


async def _press(bench: Bench, page: Page, sign: str) -> None:
    """Until the axis moves; again where a busy machine has kept the page waiting."""
    await page.locator("button.jog", has_text=sign).hover()
    async with asyncio.timeout(40):
        while True:
            before = await asyncio.to_thread(bench.gone_mm)
            await page.mouse.down()
            for _ in range(100):
                await asyncio.sleep(0.02)
                if await asyncio.to_thread(bench.gone_mm) - before >= 1:
                    return
            await page.mouse.up()


def _signal(browser: asyncio.subprocess.Process, number: int) -> None:
    """To it and all of its processes."""
    try:
        os.killpg(browser.pid, number)
    except ProcessLookupError:
        return


# -- what happens


async def _browser_killed(held: Held) -> float:
    _signal(held.browser, signal.SIGKILL)
    return 0.0


async def _browser_stopped(held: Held) -> float:
    _signal(held.browser, signal.SIGSTOP)
    return 0.0


async def _page_killed(held: Held) -> float:
    """Only the process of the page; the browser notices it."""
    for renderer in _renderers(held.browser):
        os.kill(renderer, signal.SIGKILL)
    return 0.0


async def _page_stopped(held: Held) -> float:
    for renderer in _renderers(held.browser):
        os.kill(renderer, signal.SIGSTOP)
    return 0.0


async def _connection_stalled(held: Held) -> float:
    held.wire.stall()
    return 0.0


async def _tab_hidden(held: Held) -> float:
    """The page says when it was: the message to it takes its time."""
    at_ms: float = await held.page.evaluate(
        """() => {
          Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
          const at = Date.now();
          document.dispatchEvent(new Event("visibilitychange"));
          return at;
        }"""
    )
    return time.time() - at_ms / 1000


async def _daemon_killed(held: Held) -> float:
    os.kill(held.daemon.pid, signal.SIGKILL)
    return 0.0


WAYS: dict[str, Callable[[Held], Awaitable[float]]] = {
    "browser killed": _browser_killed,
    "browser stopped": _browser_stopped,
    "page killed": _page_killed,
    "page stopped": _page_stopped,
    "connection stalled": _connection_stalled,
    "tab hidden": _tab_hidden,
    "daemon killed": _daemon_killed,
}
"""Each returns how many seconds ago it has happened."""


def _renderers(browser: asyncio.subprocess.Process) -> list[int]:
    """The processes of its pages."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
            group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
        except OSError:
            # it has ended
            continue
        if group == browser.pid and b"--type=renderer" in line:
            found.append(int(folder.name))
    assert found
    return found


@pytest.mark.parametrize("name", ["grbl-gantry", "marlin-arm"])
@pytest.mark.parametrize("way", WAYS)
def test_button__whose_holder_is_gone_without_a_word(name: str, way: str, tmp_path: Path) -> None:
    with _bench(name, tmp_path) as bench:
        asyncio.run(_rounds(bench, tmp_path, way))
    late = sorted(bench.late)
    sys.stdout.write(
        f"\n{name}, {way}: {len(late)} rounds, last step after {late[len(late) // 2]:.3f} s "
        f"(median), {late[-1]:.3f} s (latest)\n"
    )
    assert late[-1] <= STANDS_S


async def _rounds(bench: Bench, folder: Path, way: str) -> None:
    async with async_playwright() as playwright:
        for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
            await _round(bench, playwright, folder, way, seed)


async def _round(bench: Bench, playwright: Playwright, folder: Path, way: str, seed: int) -> None:
    async with _held(bench, playwright, folder, seed) as held:
        await asyncio.sleep(random.Random(seed).uniform(0, 0.3))
        gone = await asyncio.to_thread(bench.gone_mm)
        began = bench.machine.now()
        ago_s = await WAYS[way](held)
        happened = bench.machine.now() - ago_s if ago_s else began
        await asyncio.to_thread(bench.rest)
        # a round in which the page had let go before proves nothing
        assert bench.machine.axes.last_step > happened - 0.25, f"seed {seed}: it stood already"
        assert bench.machine.axes.travelled_mm >= gone
        bench.late.append(bench.machine.axes.last_step - happened)
    if way == "daemon killed":
        await asyncio.to_thread(bench.daemon.kill)
        assert await asyncio.to_thread(bench.daemon.start)
    await asyncio.to_thread(_is_still_paused, bench)
    if way == "daemon killed" or seed % 5 == 4:
        await asyncio.to_thread(bench.home)


def _is_still_paused(bench: Bench) -> None:
    bench._until(lambda: bench.codes() <= {"paused", "restarted"})
    assert "paused" in bench.codes()
