"""How much longer a command takes is guessed from how long it took before."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from robotq.engine.state.estimates import Estimates
from robotq.engine.state.robot_queue import RobotQueue
from robotq.model.task import Command, Question, Step, StepState, Task, TaskState


def task(
    number: int,
    *,
    cmd_type: str = "SCAN",
    state: TaskState = TaskState.PENDING,
    started_at_ms: int | None = None,
    ended_at_ms: int | None = None,
    steps: tuple[tuple[str, int], ...] = (),
) -> Task:
    return Task(
        id=f"task_{number}",
        seq=number,
        api="robot",
        queue="robot_a",
        command=Command(cmd_type=cmd_type),
        actor="test",
        submitted_at_ms=0,
        rank=float(number),
        state=state,
        started_at_ms=started_at_ms,
        ended_at_ms=ended_at_ms,
        steps=tuple(
            Step(name=name, state=StepState.RUNNING, started_at_ms=at_ms) for name, at_ms in steps
        ),
    )


def completed(seconds: int, *steps: tuple[str, int], cmd_type: str = "SCAN") -> Task:
    """A run that took `seconds` from second 1000 of the epoch on."""
    return task(
        1,
        cmd_type=cmd_type,
        state=TaskState.COMPLETED,
        started_at_ms=1_000_000,
        ended_at_ms=1_000_000 + seconds * 1000,
        steps=tuple((name, 1_000_000 + at_s * 1000) for name, at_s in steps),
    )


def test_estimates__nothing_seen_nothing_guessed() -> None:
    estimates = Estimates()
    running = task(2, state=TaskState.RUNNING, started_at_ms=5_000)
    assert estimates.duration_s("SCAN") is None
    assert estimates.remaining_s(running, 6_000) is None


def test_estimates__a_failed_run_does_not_count() -> None:
    estimates = Estimates([replace(completed(3), state=TaskState.FAILED)])
    assert estimates.duration_s("SCAN") is None


def test_estimates__one_slow_run_does_not_spoil_the_usual_duration() -> None:
    estimates = Estimates([completed(100), completed(102), completed(3_000)])
    assert estimates.duration_s("SCAN") == 102


def test_remaining__counts_from_the_step_that_runs() -> None:
    estimates = Estimates([completed(100, ("GO", 0), ("LOOK", 40))])
    # this one was slow on the way: what matters is what usually comes after LOOK has begun
    running = task(
        2,
        state=TaskState.RUNNING,
        started_at_ms=0,
        steps=(("GO", 0), ("LOOK", 90_000)),
    )
    assert estimates.remaining_s(running, 100_000) == pytest.approx(50.0)


def test_remaining__another_course_falls_back_to_the_whole() -> None:
    estimates = Estimates([completed(100, ("GO", 0), ("LOOK", 40))])
    running = task(2, state=TaskState.RUNNING, started_at_ms=0, steps=(("ASK", 0),))
    assert estimates.remaining_s(running, 30_000) == pytest.approx(70.0)
    assert estimates.remaining_s(running, 300_000) == 0.0


def test_remaining__nobody_can_guess_a_persons_time() -> None:
    estimates = Estimates([completed(100)])
    question = Question(prompt="?", asked_at_ms=0, deadline_ms=1)
    running = replace(task(2, state=TaskState.RUNNING, started_at_ms=0), waiting_for=question)
    assert estimates.remaining_s(running, 0) is None


def test_schedule__adds_up_what_is_ahead() -> None:
    estimates = Estimates([completed(100), completed(10, cmd_type="HOME")])
    robot_queue = RobotQueue("robot_a")
    robot_queue.update(task(1, state=TaskState.RUNNING, started_at_ms=0))
    robot_queue.update(task(2, cmd_type="HOME"))
    robot_queue.update(task(3))
    robot_queue.update(task(4))
    assert estimates.schedule(robot_queue, 10, 60_000) == [40.0, 50.0, 150.0]
    assert [estimates.starts_in_s(robot_queue, position, 60_000) for position in (1, 2, 3)] == [
        40.0,
        50.0,
        150.0,
    ]


def test_schedule__an_unknown_command_ends_the_guessing() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    robot_queue.update(task(1, cmd_type="NEW"))
    robot_queue.update(task(2))
    assert estimates.schedule(robot_queue, 2, 0) == [0.0, None]
    assert estimates.starts_in_s(robot_queue, 2, 0) is None


def test_starts_in__far_back_takes_the_average() -> None:
    estimates = Estimates([completed(10)])
    robot_queue = RobotQueue("robot_a")
    for number in range(1, 1_002):
        robot_queue.update(task(number))
    assert estimates.starts_in_s(robot_queue, 1_001, 0) == pytest.approx(10_000)


def test_starts_in__what_is_not_due_is_passed_over_and_comes_first_when_it_is() -> None:
    estimates = Estimates([completed(100), completed(10, cmd_type="HOME")])
    robot_queue = RobotQueue("robot_a")
    now_ms = 1_000_000
    robot_queue.update(replace(task(1, cmd_type="HOME"), not_before_ms=now_ms + 50_000))
    robot_queue.update(task(2))
    robot_queue.update(replace(task(3), not_before_ms=now_ms + 500_000))
    robot_queue.update(task(4, cmd_type="HOME"))
    starts = [estimates.starts_in_s(robot_queue, position, now_ms) for position in (1, 2, 3, 4)]
    # 2 runs until 100; 1 has become due meanwhile and stands before 4; 3 waits for its time
    assert starts == [100.0, 0.0, 500.0, 110.0]
    assert estimates.schedule(robot_queue, 4, now_ms) == starts


def test_starts_in__of_a_time_that_has_passed_is_that_of_its_place() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    robot_queue.update(task(1))
    robot_queue.update(replace(task(2), not_before_ms=5_000))
    assert estimates.starts_in_s(robot_queue, 2, 60_000) == 100.0


def test_starts_in__one_that_is_not_due_waits_for_those_that_are_due_before_it() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    for number, due_s in ((1, 300), (2, 350), (3, 320)):
        robot_queue.update(replace(task(number), not_before_ms=due_s * 1_000))
    # 1 runs from 300 to 400, and by then 2 is due, which stands before 3
    assert estimates.starts_in_s(robot_queue, 3, 0) == 500.0


def test_starts_in__behind_one_that_is_due_in_two_hours_is_now() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    robot_queue.update(replace(task(1), not_before_ms=7_200_000))
    robot_queue.update(task(2))
    robot_queue.update(task(3))
    assert estimates.schedule(robot_queue, 3, 0) == [7_200.0, 0.0, 100.0]
    assert estimates.schedule(robot_queue, 1, 0, offset=2) == [100.0]


def test_starts_in__what_waits_for_a_person_shifts_nobody() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    robot_queue.update(replace(task(1), awaits_approval=True))
    robot_queue.update(task(2))
    robot_queue.update(task(3))
    assert estimates.schedule(robot_queue, 3, 0) == [None, 0.0, 100.0]


def test_starts_in__a_batch_that_has_begun_waits_for_its_next_and_all_wait_for_it() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    batch = {"batch_id": "batch_1", "contiguous": True}
    robot_queue.update(replace(task(1), state=TaskState.RUNNING, started_at_ms=0, **batch))
    robot_queue.update(replace(task(2), not_before_ms=600_000, **batch))
    robot_queue.update(replace(task(3), **batch))
    robot_queue.update(task(4))
    assert estimates.schedule(robot_queue, 3, 0) == [600.0, 700.0, 800.0]
    robot_queue.update(replace(task(2), awaits_approval=True, **batch))
    assert estimates.schedule(robot_queue, 3, 0) == [None, None, None], (
        "nobody knows when it is approved"
    )


def test_starts_in__a_batch_lets_nobody_in_between() -> None:
    estimates = Estimates([completed(100)])
    robot_queue = RobotQueue("robot_a")
    robot_queue.update(replace(task(1), not_before_ms=50_000))
    batch = {"batch_id": "batch_1", "contiguous": True}
    robot_queue.update(replace(task(2), **batch))
    robot_queue.update(replace(task(3), **batch))
    assert estimates.schedule(robot_queue, 3, 0) == [200.0, 0.0, 100.0]


@pytest.mark.parametrize(
    ("progress", "after_s", "left_s"),
    [(0.05, 10, 190), (0.5, 10, 10), (0.05, 100, 1_900), (0.5, 100, 100), (1.0, 100, 0)],
)
def test_remaining__goes_by_the_progress_where_nothing_is_known_and_where_it_says_otherwise(
    progress: float, after_s: int, left_s: float
) -> None:
    """A long program of a command that took ten seconds before is not done "any moment"."""
    running = replace(task(2, state=TaskState.RUNNING, started_at_ms=0), progress=progress)
    for known in ([], [completed(10)]):
        assert Estimates(known).remaining_s(running, after_s * 1000) == pytest.approx(left_s)


def test_remaining__goes_by_earlier_runs_where_the_progress_agrees() -> None:
    estimates = Estimates([completed(100, ("GO", 0), ("LOOK", 40))])
    running = replace(
        task(2, state=TaskState.RUNNING, started_at_ms=0, steps=(("GO", 0), ("LOOK", 40_000))),
        progress=0.5,
    )
    assert estimates.remaining_s(running, 45_000) == pytest.approx(55.0)


def test_remaining__a_progress_of_nothing_says_nothing() -> None:
    running = replace(task(2, state=TaskState.RUNNING, started_at_ms=0), progress=0.0)
    assert Estimates().remaining_s(running, 5_000) is None
    assert Estimates([completed(100)]).remaining_s(running, 5_000) == pytest.approx(95.0)


def test_remaining__time_in_which_it_was_held_is_no_work() -> None:
    estimates = Estimates(worked_s=lambda _: 10.0)
    running = replace(task(2, state=TaskState.RUNNING, started_at_ms=0), progress=0.5)
    assert estimates.remaining_s(running, 3_600_000) == pytest.approx(10.0)


def test_estimates__are_wall_time_of_today_s_time_scale() -> None:
    """Yesterday the simulator ran twenty times faster than today."""
    run = completed(9, ("GO", 0), ("LOOK", 4))
    steps = tuple(replace(step, duration_s=90.0) for step in run.steps)
    fast = replace(run, steps=steps, simulated=True)
    assert Estimates([fast], 1.0).duration_s("SCAN") == pytest.approx(180.0)
    assert Estimates([fast], 0.05).duration_s("SCAN") == pytest.approx(9.0)
    assert Estimates([replace(fast, simulated=False)], 1.0).duration_s("SCAN") == pytest.approx(9.0)


def test_starts_in__nothing_waits_there() -> None:
    assert Estimates().starts_in_s(RobotQueue("robot_a"), 1, 0) is None


def test_long_queue__is_not_worked_out_for_each_of_thousand_polls() -> None:
    """A queue of thousands that many scripts poll: it took four fifths of the loop's time."""
    robot_queue = RobotQueue("robot_a")
    for number in range(1, 501):
        robot_queue.update(task(number))
    looked = 0

    def waits(_: Task) -> bool:
        nonlocal looked
        looked += 1
        return False

    estimates = Estimates(waits_for_others=waits)
    for number in range(1_000):
        # something has changed each time, as it has while commands come and go
        robot_queue.update(task(1_000 + number))
        estimates.starts_in_s(robot_queue, 1 + number % 200, 0)
    assert looked < 1_000 * 200 / 4
