"""robotq device: a simulated robot behind a serial port, as if it were a machine."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

from robotq.cli.shared import parse
from robotq.cli.shared.failure import ExitCode, Failure
from robotq.cli.shared.logs import log_to_stderr, tell
from robotq.drivers import simulator
from robotq.drivers.base import DriverSetup
from robotq.model.clock import MotionClock
from robotq.system.clocks import ScaledClock, VirtualClock


def device(
    *,
    robot: Annotated[
        str, parse.Option("--robot", help="Which robot of the lab it is.")
    ] = "robot_a",
    data: Annotated[
        Path, parse.Option("--data", help="Folder of the device: its lab and its log of motions.")
    ] = Path("robotq-device"),
    link: Annotated[
        Path | None,
        parse.Option("--link", help="Make this symbolic link to the port, for a name that stays."),
    ] = None,
    listen: Annotated[
        str | None,
        parse.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Be in the network, as behind a serial server that takes several hosts, and not "
            "behind a port of this machine.",
        ),
    ] = None,
    one_client: Annotated[
        bool,
        parse.Option("--one-client", help="With --listen: a new connection cuts the one before."),
    ] = False,
    lab: Annotated[
        Path | None, parse.Option("--lab", help="Lab file. [default: the packaged lab]")
    ] = None,
    time_scale: Annotated[
        float,
        parse.Option(
            "--time-scale", min=0.0, metavar="FACTOR", help="Wall seconds per simulated second."
        ),
    ] = 1.0,
    max_line: Annotated[
        int, parse.Option("--max-line", min=256, max=65536, help="Longest line in bytes.")
    ] = 4096,
    crc: Annotated[
        bool, parse.Option("--crc/--no-crc", help="Whether lines carry a checksum.")
    ] = True,
) -> None:
    """Simulate a robot with a controller of its own, which speaks jsonline over a serial port.

    Prints the port; a robot with `driver: jsonline` and that port in its options uses it.
    """
    if listen is None and sys.platform == "win32":
        raise Failure("pseudo-terminals need Linux or macOS", ExitCode.FAILED)
    # needs a system that has pseudo-terminals
    from robotq.drivers.jsonline.device import (  # noqa: PLC0415
        Device,
        DeviceOptions,
        PtyPort,
        TcpPort,
    )

    log_to_stderr("info")
    clock: MotionClock = ScaledClock(time_scale) if time_scale else VirtualClock()
    driver = simulator.create(
        DriverSetup(
            robot=robot,
            options={} if lab is None else {"lab": str(lab)},
            data=data,
            clock=clock,
            link_changed=lambda *_: None,
            shared={},
        )
    )
    port: PtyPort | TcpPort
    if listen is None:
        port = PtyPort(link)
    else:
        address, _, digits = listen.rpartition(":")
        if not digits.isdecimal():
            raise Failure(f"--listen: found {listen!r}, expected HOST:PORT", ExitCode.USAGE)
        port = TcpPort(address or "127.0.0.1", int(digits), one_client=one_client)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: port.stop())
    tell(port.path)
    try:
        memory = data / "commands.json"
        memory.parent.mkdir(parents=True, exist_ok=True)
        options = DeviceOptions(name=robot, crc=crc, max_line=max_line, memory=memory)
        Device(driver, port, clock, options).serve()
    finally:
        driver.close()
        port.close()
