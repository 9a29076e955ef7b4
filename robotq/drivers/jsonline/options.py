"""The `options` of a robot with `driver: jsonline`.

The port as in `robotq.drivers.transport.options`, and, in seconds:

- `hello_s` (4): how long a device may take to answer after its port was opened; a board that
  is reset by that needs about two.
- `repeat_s` (0.2): after this a request without an answer is sent again.
- `answer_s` (3): after this without any answer a request has failed.
- `heartbeat_s` (1): a silent device is asked for its status this often.
- `silence_s` (3): a device that has said nothing for so long is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.drivers.reading import Section
from robotq.drivers.transport import PortOptions, read_port_options


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonlineOptions:
    port: PortOptions
    hello_s: float = 4.0
    repeat_s: float = 0.2
    answer_s: float = 3.0
    heartbeat_s: float = 1.0
    silence_s: float = 3.0


def read_options(robot: str, options: Mapping[str, Any]) -> JsonlineOptions:
    """Raises ConfigError."""
    section = Section(options, lambda _: f"robots.{robot}.options")
    read = JsonlineOptions(
        port=read_port_options(section, tells_identity=True),
        hello_s=section.number("hello_s", above=0, default=4.0),
        repeat_s=section.number("repeat_s", above=0, default=0.2),
        answer_s=section.number("answer_s", above=0, default=3.0),
        heartbeat_s=section.number("heartbeat_s", above=0, default=1.0),
        silence_s=section.number("silence_s", above=0, default=3.0),
    )
    section.end()
    if read.silence_s <= read.heartbeat_s:
        section.refuse("silence_s", "expected more than heartbeat_s")
    return read
