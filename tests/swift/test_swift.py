"""A clock that is swift: nobody waits for what nobody does, and nobody comes too late."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import threading
import time
import tty

import pytest

from tests.swift import CLOCK

pytestmark = pytest.mark.skipif(not CLOCK.possible, reason="only Linux tells of its threads")


def used_s(began: float) -> float:
    """Seconds by the clock on the wall of the room."""
    return time.perf_counter() - began


@pytest.mark.slow
def test_minute__that_nobody_uses_is_over_in_a_moment(swift: None) -> None:
    room, began = time.perf_counter(), time.monotonic()
    time.sleep(60)
    assert 60 <= time.monotonic() - began < 61
    assert used_s(room) < 30


def test_threads__wake_in_the_order_of_their_times(swift: None) -> None:
    woken: list[tuple[str, float]] = []
    began = time.monotonic()

    def sleeps(name: str, seconds: float) -> None:
        time.sleep(seconds)
        woken.append((name, time.monotonic() - began))

    threads = [
        threading.Thread(target=sleeps, args=(name, seconds))
        for name, seconds in (("third", 3.0), ("first", 1.0), ("second", 2.0))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert [name for name, _ in woken] == ["first", "second", "third"]
    assert [round(at) for _, at in woken] == [1, 2, 3]


def test_time__does_not_pass_while_somebody_is_at_work(swift: None) -> None:
    over = threading.Event()
    began = time.monotonic()
    waiter = threading.Thread(target=over.wait, args=(10.0,))
    waiter.start()
    used = time.process_time()
    while time.process_time() - used < 0.2:
        pass
    # as much as was worked, and no more
    assert 0.2 <= time.monotonic() - began < 1.0
    over.set()
    waiter.join()


def test_time__does_not_pass_while_the_process_stands(swift: None) -> None:
    """As on a machine that is busy with others."""
    room, began = time.perf_counter(), time.monotonic()
    number = os.getpid()
    stopping = ["sh", "-c", f"kill -STOP {number}; sleep 0.8; kill -CONT {number}"]
    child = os.posix_spawnp("sh", stopping, os.environ)
    os.waitpid(child, 0)
    assert used_s(room) >= 0.8
    # to start another process is work
    assert time.monotonic() - began < 0.6


def test_event__that_comes_is_no_event_that_was_waited_for_in_vain(swift: None) -> None:
    there, never = threading.Event(), threading.Event()

    def comes() -> None:
        time.sleep(0.5)
        there.set()

    began = time.monotonic()
    thread = threading.Thread(target=comes)
    thread.start()
    assert there.wait(5)
    assert time.monotonic() - began < 1
    assert not never.wait(2)
    assert time.monotonic() - began >= 2.5
    thread.join()


def test_join__of_a_thread_that_does_not_end_gives_up_in_its_time(swift: None) -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    began = time.monotonic()
    thread.join(1.5)
    assert thread.is_alive()
    assert time.monotonic() - began >= 1.5
    end.set()
    thread.join(5)
    assert not thread.is_alive()


def test_select__ends_in_its_time_and_earlier_with_a_byte(swift: None) -> None:
    near, far = os.pipe()
    began = time.monotonic()
    assert select.select([near], [], [], 1.5) == ([], [], [])
    assert time.monotonic() - began >= 1.5
    os.write(far, b"x")
    assert select.select([near], [], [], 1.5) == ([near], [], [])
    assert time.monotonic() - began < 2.5
    os.close(near)
    os.close(far)


def test_byte_on_its_way_through_a_terminal__comes_before_the_time_is_over(swift: None) -> None:
    """The kernel carries it a moment later, and nobody runs meanwhile."""
    near, far = os.openpty()
    tty.setraw(far)
    late = 0

    def answers() -> None:
        while os.read(far, 1) != b".":
            os.write(far, b"!")

    thread = threading.Thread(target=answers)
    thread.start()
    for _ in range(300):
        os.write(near, b"?")
        late += not select.select([near], [], [], 0.01)[0]
        os.read(near, 1)
    os.write(near, b".")
    thread.join()
    os.close(near)
    os.close(far)
    assert late == 0


@pytest.mark.slow
async def test_loop__goes_by_it(swift: None) -> None:
    loop = asyncio.get_running_loop()
    room, began = time.perf_counter(), loop.time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.Event().wait()
    assert 30 <= loop.time() - began < 31
    assert used_s(room) < 20


def test_process__of_its_own_ends_it_for_that_one_goes_by_the_wall(swift: None) -> None:
    time.sleep(5)
    began = time.monotonic()
    with subprocess.Popen(["sleep", "0.2"]) as other:
        room = time.perf_counter()
        assert other.wait(100) == 0
        time.sleep(0.02)
        assert used_s(room) >= 0.02
    assert 0.2 <= time.monotonic() - began < 50


def test_time_of_day__goes_on_with_it(swift: None) -> None:
    ahead = time.time() - time.monotonic()
    time.sleep(20)
    assert abs(time.time() - time.monotonic() - ahead) < 0.1


def test_afterwards__it_goes_by_the_wall_and_never_back() -> None:
    before = time.monotonic()
    with CLOCK.hurry():
        time.sleep(5)
        inside = time.monotonic()
    after, room = time.monotonic(), time.perf_counter()
    assert before + 5 <= inside <= after
    time.sleep(0.02)
    assert used_s(room) >= 0.02
    assert time.monotonic() - after >= 0.02
