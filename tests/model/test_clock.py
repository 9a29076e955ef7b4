"""Motion time: the virtual clock jumps exactly, and never at the wrong moment."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.system.clocks import ScaledClock, VirtualClock
from tests.slices import examples

SOON = 10
"""Wall seconds after which a test gives up; none of them takes that long."""


def never() -> bool:
    return False


class Crew:
    """Threads that move on one clock, begun together."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.seen: list[tuple[float, str]] = []
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def add(self, work: Callable[[], None]) -> None:
        ready = threading.Event()

        def run() -> None:
            try:
                with self.clock.moving():
                    ready.set()
                    work()
            except BaseException as error:  # noqa: BLE001 - shown by `join`
                self.errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        assert ready.wait(SOON)

    def sleeper(self, name: str, pauses: list[float]) -> None:
        def work() -> None:
            for pause in pauses:
                assert self.clock.sleep(pause, never)
                self.see(name)

        self.add(work)

    def see(self, name: str) -> None:
        self.seen.append((self.clock.now(), name))

    def join(self) -> None:
        for thread in self._threads:
            thread.join(SOON)
            assert not thread.is_alive(), "a thread hangs"
        if self.errors:
            raise self.errors[0]


def test_virtual_sleep__takes_no_wall_time_and_exact_motion_time() -> None:
    clock = VirtualClock()
    began = time.monotonic()
    with clock.moving():
        assert clock.sleep(86_400, never)
    assert clock.now() == 86_400
    assert time.monotonic() - began < SOON


def test_virtual_sleep__is_refused_outside_of_moving() -> None:
    with pytest.raises(RuntimeError):
        VirtualClock().sleep(1, never)


def test_moving__may_be_entered_twice_by_one_thread() -> None:
    clock = VirtualClock()
    with clock.moving(), clock.moving():
        assert clock.sleep(1, never)
    assert clock.now() == 1


def test_two_robots__interleave_exactly() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    with clock.moving():
        crew.sleeper("a", [1, 3, 3])
        crew.sleeper("b", [2, 1.5, 10])
    crew.join()
    assert crew.seen == [(1, "a"), (2, "b"), (3.5, "b"), (4, "a"), (7, "a"), (13.5, "b")]


@settings(max_examples=examples(60))
@given(
    st.lists(
        st.lists(st.floats(0, 1_000, allow_nan=False), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_any_sleeps_of_any_robots__end_at_their_sums_in_order(plans: list[list[float]]) -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    with clock.moving():
        for number, plan in enumerate(plans):
            crew.sleeper(str(number), plan)
    crew.join()
    assert [at for at, _ in crew.seen] == sorted(at for at, _ in crew.seen)
    for number, plan in enumerate(plans):
        assert [at for at, name in crew.seen if name == str(number)] == list(accumulate(plan))


def test_a_robot_that_has_work_to_do__keeps_the_clock_from_jumping() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    with clock.moving():
        crew.sleeper("a", [5])
        assert not clock.wait_outside(lambda: bool(crew.seen), 0.05)
        assert clock.now() == 0
    crew.join()
    assert clock.now() == 5


def test_while_an_answer_is_awaited__nothing_moves() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    answered = threading.Event()

    def ask() -> None:
        assert clock.wait_outside(answered.is_set, SOON)
        crew.see("answered")
        clock.sleep(1, never)
        crew.see("went on")

    with clock.moving():
        crew.add(ask)
        crew.sleeper("other", [3])
    assert not clock.wait_outside(lambda: bool(crew.seen), 0.05)
    assert clock.now() == 0
    answered.set()
    clock.notify()
    crew.join()
    assert crew.seen == [(0, "answered"), (1, "went on"), (3, "other")]


def test_an_answer_that_does_not_come__ends_the_wait_in_wall_time() -> None:
    clock = VirtualClock()
    with clock.moving():
        assert not clock.wait_outside(never, 0.01)
        assert clock.now() == 0


def test_interrupted_sleep__ends_at_once_and_at_that_moment() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    stop = threading.Event()

    def work() -> None:
        assert not clock.sleep(100, stop.is_set)
        crew.see("stopped")

    def operator() -> None:
        assert clock.sleep(30, never)
        stop.set()
        clock.notify()

    with clock.moving():
        crew.add(work)
        crew.add(operator)
    crew.join()
    assert crew.seen == [(30, "stopped")]


def test_endless_sleep__ends_only_by_an_interruption() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    stop = threading.Event()

    def stall() -> None:
        assert not clock.sleep(math.inf, stop.is_set)
        crew.see("stopped")

    crew.add(stall)
    crew.sleeper("other", [7])
    assert clock.wait_outside(lambda: bool(crew.seen), SOON)
    stop.set()
    clock.notify()
    crew.join()
    assert crew.seen == [(7, "other"), (7, "stopped")]


def test_interruption_that_is_not_yet_noticed__keeps_the_clock_from_jumping_past() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    stop = threading.Event()

    def work() -> None:
        clock.sleep(100, stop.is_set)
        crew.see("stopped")

    with clock.moving():
        crew.add(work)
        crew.sleeper("other", [10])
        # raised but not announced: whoever raises it calls notify only afterwards
        stop.set()
    time.sleep(0.02)
    assert clock.now() == 0
    clock.notify()
    crew.join()
    assert crew.seen == [(0, "stopped"), (10, "other")]


def test_interruption_that_is_taken_back__leaves_nobody_hanging() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    held = threading.Event()

    def work() -> None:
        while not clock.sleep(5, held.is_set):
            clock.wait_outside(lambda: not held.is_set(), SOON)
        crew.see("done")

    with clock.moving():
        crew.add(work)
        for _ in range(200):
            held.set()
            clock.notify()
            held.clear()
            clock.notify()
    crew.join()
    assert crew.seen == [(5, "done")]


async def test_timers__fire_in_order_at_their_moments_on_the_loop() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    loop = asyncio.get_running_loop()
    here = threading.get_ident()
    threads: set[int] = set()

    def timer(name: str) -> Callable[[], None]:
        def fire() -> None:
            threads.add(threading.get_ident())
            crew.see(name)

        return fire

    for seconds in (4, 1, 2.5):
        clock.call_later(seconds, timer(f"timer {seconds}"), loop)
    crew.sleeper("robot", [2, 3])
    await asyncio.to_thread(crew.join)
    assert crew.seen == [
        (1, "timer 1"),
        (2, "robot"),
        (2.5, "timer 2.5"),
        (4, "timer 4"),
        (5, "robot"),
    ]
    assert threads == {here}


async def test_cancelled_timer__never_fires_and_is_kept_no_longer() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    loop = asyncio.get_running_loop()
    for _ in range(1_000):
        timer = clock.call_later(1_800, lambda: crew.see("cancelled"), loop)
        timer.cancel()
        timer.cancel()
    assert clock._wakes == []
    crew.sleeper("robot", [2_000])
    await asyncio.to_thread(crew.join)
    assert crew.seen == [(2_000, "robot")]


async def test_timer_cancelled_after_it_was_due__does_not_fire() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    loop = asyncio.get_running_loop()
    timer = clock.call_later(1, lambda: crew.see("late"), loop)
    crew.sleeper("robot", [3])
    # the loop has not run since, so a due timer can only be waiting for it
    deadline = time.monotonic() + SOON
    while clock.now() < 1 and time.monotonic() < deadline:
        pass
    timer.cancel()
    await asyncio.to_thread(crew.join)
    assert crew.seen == [(3, "robot")]


async def test_timer_set_while_all_robots_stall__still_fires() -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    stop = threading.Event()
    fired = asyncio.Event()
    crew.add(lambda: crew.see(f"ended: {clock.sleep(math.inf, stop.is_set)}"))

    def limit() -> None:
        stop.set()
        clock.notify()
        fired.set()

    clock.call_later(1_800, limit, asyncio.get_running_loop())
    await asyncio.wait_for(fired.wait(), SOON)
    await asyncio.to_thread(crew.join)
    assert crew.seen == [(1_800, "ended: False")]


async def test_timers__wait_while_nothing_moves() -> None:
    clock = VirtualClock()
    fired: list[float] = []
    clock.call_later(1, lambda: fired.append(clock.now()), asyncio.get_running_loop())
    await asyncio.sleep(0.02)
    assert fired == []


def test_timer_of_a_loop_that_is_gone__holds_nobody_up() -> None:
    clock = VirtualClock()
    loop = asyncio.new_event_loop()
    clock.call_later(1, lambda: None, loop)
    loop.close()
    with clock.moving():
        assert clock.sleep(5, never)
    assert clock.now() == 5


@settings(max_examples=8)
@given(st.randoms(use_true_random=False))
def test_robots_interrupted_and_held_at_random__never_hang(random: Random) -> None:
    clock = VirtualClock()
    crew = Crew(clock)
    flags = [threading.Event() for _ in range(3)]
    over = threading.Event()

    def robot(flag: threading.Event) -> None:
        left = 30
        while left:
            if clock.sleep(1, flag.is_set):
                left -= 1
            else:
                clock.wait_outside(lambda: not flag.is_set(), SOON)
        crew.see("done")

    def operator() -> None:
        for _ in range(300):
            flag = random.choice(flags)
            flag.set()
            clock.notify()
            if random.random() < 0.2:
                time.sleep(0)
            flag.clear()
            clock.notify()
        over.set()

    for flag in flags:
        crew.add(lambda flag=flag: robot(flag))  # type: ignore[misc]
    thread = threading.Thread(target=operator, daemon=True)
    thread.start()
    crew.join()
    thread.join(SOON)
    assert over.is_set()
    assert [name for _, name in crew.seen] == ["done"] * 3


def test_scaled_sleep__takes_that_share_of_wall_time() -> None:
    clock = ScaledClock(0.001)
    began, at = time.monotonic(), clock.now()
    assert clock.sleep(20, never)
    assert 0.02 <= time.monotonic() - began < SOON
    assert clock.now() - at >= 20


def test_scaled_sleep__is_interrupted_at_once_even_when_endless() -> None:
    clock = ScaledClock(1)
    stop = threading.Event()
    ended: list[bool] = []
    thread = threading.Thread(
        target=lambda: ended.append(clock.sleep(math.inf, stop.is_set)), daemon=True
    )
    thread.start()
    stop.set()
    clock.notify()
    thread.join(SOON)
    assert ended == [False]


async def test_scaled_timer__fires_after_its_share_of_wall_time() -> None:
    clock = ScaledClock(0.001)
    fired = asyncio.Event()
    began = time.monotonic()
    clock.call_later(20, fired.set, asyncio.get_running_loop())
    await asyncio.wait_for(fired.wait(), SOON)
    assert time.monotonic() - began >= 0.019


@pytest.mark.parametrize("scale", [0, -1])
def test_scale_of_zero_or_less__is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="VirtualClock"):
        ScaledClock(scale)
