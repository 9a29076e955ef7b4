"""Parts of an engine that few sites need, each made for the first who asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from robotq.engine.assembly.parts import Parts
from robotq.engine.intake.read_command import Intake


def from_line(parts: Parts) -> Any:
    from robotq.engine.control.from_line import FromLine  # noqa: PLC0415 - seldom needed

    return FromLine(
        again=parts.again,
        queue=parts.tasks.queue,
        reads=parts.base.reads,
        judging=parts.tasks.judging,
        programs=parts.base.programs,
        drivers={name: robot.host.driver for name, robot in parts.roster.items()},
    )


def alarms(parts: Parts, note: Callable[..., Awaitable[Any]], maintenance: Any) -> Any:
    from robotq.engine.alarms import Alarms  # noqa: PLC0415 - a start needs none

    return Alarms(
        holds=parts.base.holds,
        why=parts.why,
        queues=parts.base.memory.robot_queues,
        clock=parts.base.clock,
        note=note,
        robots=parts.roster,
        maintenance=maintenance,
    )


def standby(parts: Parts) -> Any:
    from robotq.engine.control.standby import StandbyControl  # noqa: PLC0415 - few sites
    from robotq.engine.waiting.handing_over import HandingOver  # noqa: PLC0415

    base, tasks = parts.base, parts.tasks
    return StandbyControl(
        parts.roster,
        handing_over=HandingOver(
            commit=base.commit, admission=tasks.admission, reads=base.reads, clock=base.clock
        ),
        claims=tasks.claims,
        memory=base.memory,
        holds=base.holds,
        settings=base.settings,
    )


def mirror(parts: Parts) -> Any:
    from robotq.engine.upkeep.mirror import Mirror  # noqa: PLC0415 - few sites

    return Mirror(parts.base.commit, parts.base.memory)


def repeats(parts: Parts, intake: Callable[[], Intake]) -> Any:
    from robotq.engine.control.by_the_clock import RepeatsByTheClock  # noqa: PLC0415 - few sites

    base = parts.base
    return RepeatsByTheClock(
        queue=parts.tasks.queue,
        commit=base.commit,
        reads=base.reads,
        holds=base.holds,
        clock=base.clock,
        intake=intake,
        facts=base.restored.facts,
    )


def raw_lines(parts: Parts) -> Any:
    from robotq.engine.control.raw_lines import RawLines  # noqa: PLC0415 - seldom needed

    base = parts.base
    return RawLines(
        roster=parts.roster,
        holds=base.holds,
        claims=parts.tasks.claims,
        resources=base.resources,
        commit=base.commit,
        clock=base.clock,
        jogging=parts.jogging,
    )
