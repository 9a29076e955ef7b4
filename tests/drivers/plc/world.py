"""A model of a PLC behind a wire, and the handshake with it, on a clock of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.plc.handshakes.handshake import Handshake
from robotq.drivers.plc.pattern import Alarm, Hooks, LeftOpen, Outcome, Pattern, Refused, Station
from robotq.testing.driver_contract import RecordingContext
from tests.drivers.plc.model import FAILED, OK, STOPPED, Kind, ModelPlc

KINDS: list[Kind] = ["pulse", "request", "numbered"]
POLL_S, EXCHANGE_S = 0.05, 0.004


class World:
    """The PLC behind a wire, on a clock of its own. What happens at a moment stands in `events`."""

    def __init__(
        self,
        kind: Kind,
        *,
        stands: bool = True,
        outcome: bool = False,
        pulse_s: float | None = None,
        idle: bool = False,
        **plc: Any,
    ) -> None:
        self.plc = ModelPlc(kind, **plc)
        self.now = 0.0
        self.stopping = self.latched = self.left = False
        self.cut_at: int | None = None
        self.cut_before = True
        self.happens_at: tuple[int, str] | None = None
        """An exchange, and what happens right before it."""
        self.keeps_at_most: int | None = None
        """What it does with a parameter that is larger."""
        self.refuses: str | None = None
        """A node that it does not let be written."""
        self.at_its_end: LeftOpen | None = None
        """What a person has said of."""
        self.exchanges = 0
        self.events: dict[float, str] = {}
        self.writes: list[tuple[str, Any]] = []
        self.report = RecordingContext()
        self.station = Station(
            stop="stop", stopped="stopped", boot="boot", ready_s=0.5, accept_s=0.5, stop_s=1,
            alarms=[Alarm(node="alarm", bits={2: "夹爪故障"}, stands=stands)],
        )  # fmt: skip
        numbered = kind == "numbered"
        self.pattern = Pattern(
            numbered=numbered,
            start="start",
            done="done",
            accepted=None if kind == "pulse" else "accepted",
            most=32_767 if numbered else 1,
            pulse_s=pulse_s,
            idle=idle,
            outcome=Outcome(node="outcome", ok=(OK,), stopped=(STOPPED,), texts={FAILED: "jam"})
            if numbered or outcome
            else None,
            results=["weight"],
        )

    def handshake(self) -> Handshake:
        hooks = Hooks(
            now=lambda: self.now,
            pause=lambda: self.pass_(POLL_S),
            stopping=lambda: self.stopping,
            latched=lambda: self.latched,
            left=lambda: self.left,
            at_its_end=lambda left: left == self.at_its_end,
        )
        return Handshake(self, self.pattern, self.station, hooks, self.report)

    def run(self, goal: int = 7) -> Mapping[str, Any]:
        return self.handshake().carry_out({"goal": goal})

    # -- the wire ------------------------------------------------------------------------------

    def read(self, names: Collection[str]) -> Mapping[str, Any]:
        self._exchange()
        told = self.plc.told()
        self._answer()
        return {name: told[name] for name in names}

    def write(self, name: str, value: Any) -> None:
        self._exchange()
        if name == self.refuses:
            raise Refused(f"{name}: BadOutOfRange")
        if name == "goal" and self.keeps_at_most is not None:
            value = min(value, self.keeps_at_most)
        self.plc.nodes[name] = value
        self.writes.append((name, value))
        self.plc.scan(0)
        self._answer()

    def _exchange(self) -> None:
        self.exchanges += 1
        if self.happens_at is not None and self.exchanges == self.happens_at[0]:
            self._happen(self.happens_at[1])
        self.pass_(EXCHANGE_S)
        if self.exchanges == self.cut_at and self.cut_before:
            raise LinkLost("cut")

    def _answer(self) -> None:
        if self.exchanges == self.cut_at and not self.cut_before:
            raise LinkLost("the answer is lost")

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < 100, "the handshake waits for ever"
        for at in sorted(self.events):
            if at <= self.now:
                self._happen(self.events.pop(at))
        self.plc.scan(seconds)

    def _happen(self, event: str) -> None:
        if event == "stop":
            self.stopping = True
            self.plc.nodes["stop"] = True
        elif event == "emergency":
            self.latched = True
            self.plc.nodes["stop"] = True
        elif event == "restart":
            self.plc.restart(self.plc.boot + 1)
        elif event == "alarm":
            self.plc.nodes["alarm"] = 4
        elif event == "stuck":
            self.plc.done_stuck = True
        elif event == "leave":
            self.left = True


def starts(world: World) -> int:
    return sum(name == "start" and bool(value) for name, value in world.writes)
