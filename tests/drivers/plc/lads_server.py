"""A device of LADS behind asyncua's server: a functional unit with the names, types and arguments
of OPC 30500-1, as strict as it says, and a machine that works a program off."""

from __future__ import annotations

import asyncio
import datetime as dt
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LADS, DI = "http://opcfoundation.org/UA/LADS/", "http://opcfoundation.org/UA/DI/"
UNITS = "DeviceSet/Mover/FunctionalUnitSet"
UNIT, OTHER_UNIT = f"{UNITS}/MoverUnit", f"{UNITS}/OtherUnit"
PROGRAM = "Move to goal"
STATES = {
    "Stopped": 5085, "Running": 5099, "Stopping": 5100, "Clearing": 5143, "Aborting": 5159,
    "Aborted": 5160,
}  # fmt: skip
INNER = {"Starting": 5117, "Idle": 5120, "Completing": 5127, "Complete": 5128, "Execute": 5168}
GOAL_S = 0.05
"""Seconds for every one of the goal."""
_RESTS_S, _STOPS_S = 0.02, 0.05
"""In Complete; from Stopping to Stopped."""


@dataclass(slots=True)
class Job:
    """What the machine has been made to do."""

    goal: int
    task: str
    run: str
    sample: str
    ended: str = ""
    """complete, stopped or aborted."""


class LadsDevice:
    """Its methods run on the loop of the server."""

    def __init__(self, name: str = "MoverUnit") -> None:
        self._name = name
        self.jobs: list[Job] = []
        self.heard: list[str] = []
        """The methods that were called."""
        self.at_start: Callable[[], None] | None = None
        """What happens when a start has come, and before it is carried out."""
        self.shown = ""
        """The run that its active program shows."""
        self.templates = {PROGRAM}
        self.judges = True
        """Whether it has a RunningStateMachine."""
        self.results_early = True
        """A result is there from the start of its run, and not from its end."""
        self.finishes = False
        """The machine is at its goal now."""
        self.stale = False
        """It shows Complete whenever no program works, whatever became of the last one."""
        self.fails = False
        """The machine aborts the program by itself."""
        self.shows: str | None = None
        """Another run than the one it has: a lie."""
        self.refuses_stops = False
        self.clears_itself = False
        self._named_runs = True
        self.state = "Stopped"
        self.inner = ""
        self._since = 0.0
        self._ns = self._own = self._made = self._runs = 0
        self._ua: Any = None
        self._nodes: dict[str, Any] = {}

    async def as_new(self, *, judges: bool = True) -> None:
        """For the next test, with no jobs and no results."""
        await self.forget()
        self.jobs, self.heard = [], []
        self.results_early, self.shows = True, None
        self.fails = self.finishes = self.stale = self.refuses_stops = self.clears_itself = False
        self.at_start, self.templates = None, {PROGRAM}
        self.state, self.inner = "Stopped", ""
        if judges != self.judges:
            self.judges = judges
            if judges:
                await self._judge()
            else:
                await self._nodes["inner machine"].delete(recursive=True)
        if not self._named_runs:
            self._named_runs, at = True, self._named("DeviceProgramRunId")
            made = await self._nodes["program"].add_property(self._new(), at, "")
            self._nodes["DeviceProgramRunId"] = made
        await self._show()

    # -- the machine ---------------------------------------------------------------------------

    @property
    def job(self) -> Job:
        return self.jobs[-1]

    @property
    def moves(self) -> bool:
        return self.state == "Running" and self.inner == "Execute"

    def _to(self, state: str, inner: str = "") -> None:
        if state != self.state or inner != self.inner:
            self._since = time.monotonic()
        self.state, self.inner = state, inner

    async def scan(self) -> None:
        passed = time.monotonic() - self._since
        if self.state == "Running":
            await self._work(passed)
        elif self.state == "Stopping" and passed > _STOPS_S:
            self._to("Stopped")
        elif self.state == "Aborting" and passed > _STOPS_S:
            self._to("Aborted")
            if self.clears_itself:
                await self._show()
                self._to("Clearing")
                await self._show()
                self._to("Stopped")
        elif self.state == "Clearing":
            self._to("Stopped")
        await self._show()

    async def _work(self, passed: float) -> None:
        if self.inner == "Starting":
            self._to("Running", "Execute")
        elif self.inner == "Execute" and self.fails:
            self.job.ended = "aborted"
            self._to("Aborting")
        elif self.inner == "Execute" and (self.finishes or passed > self.job.goal * GOAL_S):
            self.job.ended = "complete"
            if not self.results_early:
                await self._add_result(self.job)
            self._to("Running", "Complete")
        elif self.inner == "Complete" and passed > _RESTS_S:
            self._to("Stopping")

    def restart(self) -> None:
        """Its power fails for a moment; the server was started anew too."""
        if self.jobs and not self.job.ended:
            self.job.ended = "aborted"
        self.state, self.inner = "Stopped", ""

    # -- its methods ---------------------------------------------------------------------------

    async def _start(self, _: Any, *given: Any) -> Any:
        codes = self._ua.StatusCodes
        self.heard.append("StartProgram")
        if self.at_start is not None:
            await asyncio.to_thread(self.at_start)
        if len(given) != 5:
            return self._bad(codes.BadArgumentsMissing)
        template, properties, job_id, task, samples = (each.Value for each in given)
        if not all(isinstance(each, str) for each in (template, job_id, task)):
            return self._bad(codes.BadTypeMismatch)
        if self.state != "Stopped":
            return self._bad(codes.BadInvalidState)
        told: dict[str, str] = {}
        for each in properties or ():
            key, value = self._texts(each, 2, "KeyValueType")
            told[key] = value
        infos = [self._texts(each, 4, "SampleInfoType") for each in samples or ()]
        if template not in self.templates or not set(told) <= {"goal"}:
            return self._bad(codes.BadInvalidArgument)
        self._runs += 1
        run = f"{time.strftime('%Y%m%d')}-{self._runs}"
        sample = infos[0][1] if infos else ""
        self.jobs.append(Job(int(float(told.get("goal", "1"))), task, run, sample))
        if self.results_early:
            await self._add_result(self.job)
        self._to("Running", "Starting")
        await self._show()
        return [self._ua.Variant(run, self._ua.VariantType.String)]

    async def begin(self, goal: int) -> None:
        """At the device, or by somebody else."""
        self.jobs.append(Job(goal, "theirs", f"theirs-{len(self.jobs)}", ""))
        self._to("Running", "Execute")

    async def nameless(self) -> None:
        """Its active program does not say which run it is."""
        await self._nodes["DeviceProgramRunId"].delete()
        self._named_runs = False

    async def press_stop(self) -> None:
        """At the device."""
        self.job.ended = "stopped"
        self._to("Stopping")

    async def _stop(self, _: Any) -> Any:
        return await self._end("Stop", "Stopping", "stopped")

    async def _abort(self, _: Any) -> Any:
        return await self._end("Abort", "Aborting", "aborted")

    async def _end(self, name: str, state: str, ended: str) -> Any:
        self.heard.append(name)
        if self.state != "Running" or self.refuses_stops:
            return self._bad(self._ua.StatusCodes.BadInvalidState)
        self.job.ended = self.job.ended or ended
        self._to(state)
        await self._show()
        return []

    async def _clear(self, _: Any) -> Any:
        self.heard.append("Clear")
        if self.state != "Aborted":
            return self._bad(self._ua.StatusCodes.BadInvalidState)
        self._to("Clearing")
        await self._show()
        return []

    def _bad(self, code: int) -> Any:
        return self._ua.StatusCode(self._ua.UInt32(code))

    def _texts(self, structure: Any, many: int, kind: str) -> tuple[str, ...]:
        """The fields of a structure that has only texts, as they came over the wire."""
        assert structure.TypeId == self._nodes[kind].nodeid, structure
        raw, found = structure.Body, []
        for _ in range(many):
            (length,) = struct.unpack_from("<i", raw)
            found.append(raw[4 : 4 + length].decode())
            raw = raw[4 + length :]
        assert not raw
        return tuple(found)

    # -- its nodes -----------------------------------------------------------------------------

    async def build(self, server: Any) -> None:
        from asyncua import ua  # noqa: PLC0415 - of an extra

        self._ua = ua
        di = await server.register_namespace(DI)
        self._ns = await server.register_namespace(LADS)
        self._own = await server.register_namespace("urn:mover")
        types = server.nodes.base_object_type
        machine_type = await types.add_object_type(self._id(1043), "FunctionalUnitStateMachineType")
        running_type = await types.add_object_type(self._id(1036), "RunningStateMachineType")
        for name, at in STATES.items():
            await machine_type.add_object(self._id(at), self._named(name))
        for name, at in INNER.items():
            await running_type.add_object(self._id(at), self._named(name))
        await self._structures(server)
        objects = server.nodes.objects
        device_set = await objects.add_object(f"ns={di};i=5001", f"{di}:DeviceSet")
        device = await device_set.add_object(self._new(), f"{self._own}:Mover")
        units = await device.add_object(self._new(), self._named("FunctionalUnitSet"))
        self._nodes["units"] = units
        await self._unit()
        await self._show()

    async def join(self, other: LadsDevice) -> None:
        """A second unit of the same device."""
        self._ua, self._ns, self._own = other._ua, other._ns, other._own
        for name in ("units", "KeyValueType", "SampleInfoType"):
            self._nodes[name] = other._nodes[name]
        await self._unit()
        await self._show()

    async def _structures(self, server: Any) -> None:
        ua = self._ua
        for name, at, encoding in (("KeyValueType", 3003, 5042), ("SampleInfoType", 3002, 5045)):
            kind = await server.nodes.base_structure_type.add_data_type(self._id(at), name)
            self._nodes[name] = await kind.add_object(self._id(encoding), "0:Default Binary")
            await kind.add_reference(self._nodes[name], ua.ObjectIds.HasEncoding)

    async def _unit(self) -> None:
        ua = self._ua
        unit = await self._nodes["units"].add_object(self._new(), f"{self._own}:{self._name}")
        text, duration = ua.VariantType.String, ua.VariantType.Double
        structure = ua.VariantType.ExtensionObject
        machine = await unit.add_object(self._new(), self._named("FunctionalUnitState"))
        self._nodes["state"] = await self._machine(machine)
        self._nodes["machine"] = machine
        if self.judges:
            await self._judge()
        kinds = [text, structure, text, text, structure]
        for name, act, takes, gives in (
            ("StartProgram", self._start, kinds, [text]),
            ("Stop", self._stop, [], []),
            ("Abort", self._abort, [], []),
            ("Clear", self._clear, [], []),
        ):
            await machine.add_method(self._new(), self._named(name), act, takes, gives)
        manager = await unit.add_object(self._new(), self._named("ProgramManager"))
        program = await manager.add_object(self._new(), self._named("ActiveProgram"))
        for name, kind, value in (
            ("DeviceProgramRunId", text, ""),
            ("CurrentRuntime", duration, 0.0),
            ("EstimatedRuntime", duration, 0.0),
            ("CurrentStepName", ua.VariantType.LocalizedText, ua.LocalizedText("")),
        ):
            made = ua.Variant(value, kind)
            self._nodes[name] = await program.add_property(self._new(), self._named(name), made)
        self._nodes["program"] = program
        self._nodes["results"] = await manager.add_object(self._new(), self._named("ResultSet"))

    async def _judge(self) -> None:
        machine = self._nodes["machine"]
        inner = await machine.add_object(self._new(), self._named("RunningStateMachine"))
        self._nodes["inner machine"] = inner
        self._nodes["inner"] = await self._machine(inner)

    async def _machine(self, machine: Any) -> Any:
        ua = self._ua
        shown = await machine.add_variable(self._new(), "0:CurrentState", ua.LocalizedText(""))
        null = ua.Variant(ua.NodeId(), ua.VariantType.NodeId)
        return await shown.add_property(self._new(), "0:Id", null)

    async def _add_result(self, job: Job) -> None:
        result = await self._nodes["results"].add_object(self._new(), f"{self._own}:{job.run}")
        for name, value in (
            ("DeviceProgramRunId", job.run),
            ("SupervisoryJobId", "robotq"),
            ("SupervisoryTaskId", job.task),
        ):
            await result.add_property(self._new(), self._named(name), value)
        now = dt.datetime.now(dt.UTC)
        await result.add_property(self._new(), self._named("Started"), now)

    async def own_task(self, run: str, task: str) -> None:
        """Another id stands in the result of a run: a lie."""
        path = [f"{self._own}:{run}", self._named("SupervisoryTaskId")]
        node = await self._nodes["results"].get_child(path)
        await node.write_value(task)

    async def forget(self) -> None:
        """It has no results."""
        for each in await self._nodes["results"].get_children():
            await each.delete(recursive=True)

    async def _show(self) -> None:
        ua, nodes = self._ua, self._nodes
        inactive = ua.DataValue(StatusCode=self._bad(ua.StatusCodes.BadStateNotActive))
        await nodes["state"].write_value(ua.NodeId(STATES[self.state], self._ns))
        if self.judges:
            stale = self.stale and self.inner in ("", "Starting")
            inner = INNER.get("Complete" if stale else self.inner)
            shown = inactive if inner is None else ua.NodeId(inner, self._ns)
            await nodes["inner"].write_value(shown)
        if not self.jobs:
            return
        whole = self.job.goal * GOAL_S * 1_000
        passed = min(whole, (time.monotonic() - self._since) * 1_000) if self.moves else 0.0
        run = self.job.run if self.shows is None else self.shows
        step = "moving" if self.moves else ""
        values: Mapping[str, Any] = {
            "DeviceProgramRunId": run, "CurrentRuntime": passed, "EstimatedRuntime": whole,
            "CurrentStepName": ua.LocalizedText(step),
        }  # fmt: skip
        for name, value in values.items():
            if name != "DeviceProgramRunId" or self._named_runs:
                await nodes[name].write_value(value)
        self.shown = run

    def _new(self) -> str:
        self._made += 1
        return f"ns={self._own};s={self._name}{self._made}"

    def _id(self, number: int) -> str:
        return f"ns={self._ns};i={number}"

    def _named(self, name: str) -> str:
        return f"{self._ns}:{name}"
