"""Its driver: all that a firmware gives to what drivers for G-code share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from robotq.drivers.base import (
    Acknowledgement,
    Capabilities,
    Driver,
    DriverError,
    DriverSetup,
    LinkLost,
    Stopped,
    UncertainOutcome,
)
from robotq.drivers.gcode.channel import LineChannel
from robotq.drivers.gcode.controller import Controller
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.driver import GcodeDriver
from robotq.drivers.gcode.options import GcodeOptions, read_shared, read_site
from robotq.drivers.gcode.position import Position
from robotq.drivers.gcode.programs.written import Reading, why_refused
from robotq.drivers.gcode.reader.dialect import Dialect
from robotq.drivers.gcode.reader.lines import Line, Rules
from robotq.drivers.gcode.robot import GcodeRobot
from robotq.drivers.gcode.state import Pause, RobotState
from robotq.drivers.gcode.stopping import Stopping
from robotq.drivers.gcode.under_way import LinesUnderWay, Sent
from robotq.drivers.gcode.watch import Watch
from robotq.drivers.identity import Recognition, Self
from robotq.drivers.reading import Section
from robotq.model.json import JsonObject

_ANSWER_S = 3.0
TINY = Dialect(name="Tiny", rules=Rules(longest=79), modes=("G90",), off=("M5",))


class TinyOptions(GcodeOptions):
    def reading(self) -> Reading:
        return Reading(
            rules=self.rules,
            program_rules=self.program_rules,
            query=lambda line: why_refused([line], self.rules),
        )


def read_options(robot: str, options: Mapping[str, Any]) -> TinyOptions:
    section = Section(options, lambda _: f"robots.{robot}.options")
    site = read_site(section, TINY)
    read = TinyOptions(
        rules=TINY.for_operator(site),
        program_rules=TINY.for_programs(site),
        **read_shared(
            section,
            answer_timeout_s=2.0,
            homing_timeout_s=30.0,
            off=TINY.off,
            off_rules=TINY.for_operator(),
        ),
    )
    section.end()
    return read


class TinyChannel(LineChannel[Sent]):
    name = ""
    held = False

    def _forget_all(self) -> None:
        self.name, self.held = "", False

    def _understand(self, raw: bytes) -> None:
        self._heard_at = time.monotonic()
        match raw.decode("ascii", "replace").split():
            case ["ok"] if self._under_way.lines:
                self._under_way.pop()
            case ["no", *_] if self._under_way.lines:
                self._complaint = (self._under_way.pop().line, "no such code")
            case ["held" | "going" as said]:
                self.held = said == "held"
            case ["tiny", *rest]:
                self._has_started()
                self.name, self.held = " ".join(rest), False
            case _:
                """It is busy: that it was heard is all there is to it."""

    def put(self, line: Line) -> bool:
        """One line at a time: it is answered when it is carried out."""
        with self._changed:
            if self._under_way.lines:
                return False
            sent = Sent(line, line.text.encode("ascii") + b"\n")
            self._line_up(sent)
        self._hand_over(sent.data, 1)
        return True


State = RobotState[TinyOptions]


class TinyStopping(Stopping):
    starts = 0

    def begin(self) -> None:
        super().begin()
        self._starts = self._channel.starts

    @property
    def started_anew(self) -> bool:
        return self._channel.starts != self._starts

    def come_to_rest(self, *, wait: bool = False) -> None:
        """A reset: nothing moves once it has greeted."""
        self._until_greeted(b"\x18")
        self.begin()

    def emergency_over(self) -> NoReturn:
        self._until_greeted(b"")
        self.begin()
        raise Stopped

    def _until_greeted(self, say: bytes) -> None:
        deadline = time.monotonic() + _ANSWER_S

        def check() -> None:
            if time.monotonic() > deadline:
                raise UncertainOutcome("stop_unconfirmed", "it does not greet")

        self._channel.wait_for(lambda: self.started_anew, check, say=say, every_s=1.0)


class TinyWatch(Watch):
    _channel: TinyChannel
    _stopping: TinyStopping

    @property
    def held(self) -> bool:
        return self._channel.held

    def _eventful(self) -> bool:
        channel = self._channel
        told = channel.lost is not None or channel.complaint is not None
        return told or self._controls.interrupted or self._stopping.started_anew

    def _take_event(self) -> None:
        if self._controls.latched or self._stopping.emergency:
            self._stopping.emergency_over()
        self._channel.require_link()
        if self._controls.interrupted:
            self._stopping.come_to_rest()
            raise Stopped
        if self._stopping.started_anew:
            raise UncertainOutcome("device_reset", "the controller has started anew")
        self.raise_complaint()

    def _check_silence(self) -> None:
        channel = self._channel
        silent_s = time.monotonic() - channel.heard_at
        if channel.lines_under_way and not self.held and silent_s > _ANSWER_S:
            raise UncertainOutcome("answer_lost", "the controller says nothing")


class TinyController(Controller):
    _channel: TinyChannel

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        self._watch.begin(timeout_s)
        self._position.unhome()
        begun = self._position.mark()
        self._exchange(f"G28 {axes}".strip())
        self._position.reached_home(begun)

    def unlock(self) -> None:
        self._position.take_as_known(self._position.mark())

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        self._watch.begin(timeout_s)
        self._exchange(line)
        return self._channel.told()

    def _jog(self, axes: str, timeout_s: float | None) -> None:
        self.run(["G91", f"G1 {axes}", "G90"], timeout_s=timeout_s)

    def switch_off(self) -> None:
        """A reset has switched everything off."""

    def _synchronise(self) -> None:
        """Both sides begin anew with each link."""

    def _modes(self) -> None:
        for text in TINY.modes:
            self._exchange(text)

    def _stream(self, lines: Sequence[Line], tell: Callable[[int], None]) -> None:
        for done, line in enumerate(lines):
            self._exchange(line.text, line.number)
            tell(done)

    def _settle(self) -> None:
        """What is answered is carried out."""

    def _exchange(self, text: str, number: int = 0) -> None:
        while not self._channel.put(Line(text=text, number=number, codes=(), motion=True)):
            self._watch.look()
        while self._channel.lines_under_way:
            self._watch.look()
        self._watch.raise_complaint()


class TinyRobot(GcodeRobot):
    _channel: TinyChannel

    capabilities = Capabilities(
        acknowledgement=Acknowledgement.FINISHED,
        stop_out_of_band=True,
        immediate_while_busy=True,
        can_hold=True,
    )

    def __init__(self, setup: DriverSetup, options: TinyOptions, controls: Controls) -> None:
        self._own_hold = False
        state = State(options=options)
        channel = TinyChannel(
            f"{setup.robot}-tiny", options.port, Position(), self._on_lost, LinesUnderWay()
        )
        stopping = TinyStopping(state, channel, controls)
        watch = TinyWatch(state, channel, controls, stopping)
        super().__init__(
            setup,
            controls,
            state=state,
            channel=channel,
            controller=TinyController(state, channel, controls, stopping, watch),
            recognition=Recognition(options.port.identity, "it has a name of its own"),
        )

    def _meet(self, interrupted: Callable[[], bool]) -> None:
        channel, starts = self._channel, self._channel.starts
        deadline = time.monotonic() + _ANSWER_S

        def check() -> None:
            if interrupted():
                raise LinkLost("a stop came before the controller had answered")
            if time.monotonic() > deadline:
                raise LinkLost("the controller does not answer")

        channel.wait_for(lambda: channel.starts != starts, check, say=b"\x18", every_s=1.0)
        self._recognition.look(lambda: Self(names=(channel.name,), whole=channel.name), once=True)

    def hold(self) -> None:
        self._own_hold = True
        self._show(b"!", held=True)

    def resume(self) -> None:
        self._own_hold = False
        self._show(b"~", held=False)
        self._channel.be_patient()

    def _show(self, byte: bytes, *, held: bool) -> None:
        deadline = time.monotonic() + _ANSWER_S

        def check() -> None:
            if time.monotonic() > deadline:
                raise DriverError("the controller does not take it")

        done = lambda: self._channel.held is held  # noqa: E731
        self._channel.wait_for(done, check, say=byte, every_s=1.0)

    def stop(self) -> None:
        self._controls.ask_to_stop()
        self._channel.wake()

    def _lost_by_stop(self, *, first: bool) -> str | None:
        return "of an emergency stop" if self._controls.running else None

    def _stop_at_once(self) -> None:
        self._channel.urgent(b"\x18")

    def _pause(self) -> Pause:
        held = self._channel.held
        at_robot = held and not self._own_hold
        return Pause(held=held, because="reason.held_at_robot" if at_robot else "")

    def _identity_details(self) -> JsonObject:
        return {"firmware": self._channel.name}

    def _point_details(self) -> JsonObject:
        return {}

    def _read_options(self, options: Mapping[str, Any]) -> TinyOptions:
        return read_options(self._robot, options)


def create(setup: DriverSetup) -> Driver:
    options = read_options(setup.robot, setup.options)
    controls = Controls()
    return GcodeDriver(setup, controls, TinyRobot(setup, options, controls), options.scanner)
