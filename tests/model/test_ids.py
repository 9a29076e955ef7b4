"""Ids: readable, of the documented form, and different whatever the clock does."""

from __future__ import annotations

import re
from itertools import pairwise
from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from robotq.model import ids

TASK = re.compile(r"task_\d{8}_\d{6}_[0-9a-z]{6}")
BATCH = re.compile(r"batch_\d{8}_\d{6}_[0-9a-z]{6}")
numbers = st.integers(1, 10**15)
times = st.integers(0, 4_000_000_000_000)


@given(at_ms=times, number=numbers)
def test_form__is_the_documented_one(at_ms: int, number: int) -> None:
    assert TASK.fullmatch(ids.task_id(at_ms, number))
    assert BATCH.fullmatch(ids.batch_id(at_ms, number))


@given(at_ms=times, first=numbers, distance=st.integers(1, 36**6 - 1))
def test_two_numbers__never_make_the_same_id(at_ms: int, first: int, distance: int) -> None:
    assert ids.task_id(at_ms, first) != ids.task_id(at_ms, first + distance)


@given(
    at_ms=times,
    first=numbers,
    second=numbers,
    blocks=st.lists(st.integers(0, ids.BLOCKS - 1), min_size=2, max_size=2, unique=True),
    salt=st.integers(0, 2**64),
)
def test_two_daemons_of_a_fleet__never_make_the_same_id(
    at_ms: int, first: int, second: int, blocks: list[int], salt: int
) -> None:
    one, other = ids.Numbers(blocks[0], salt), ids.Numbers(blocks[1])
    assert TASK.fullmatch(one.task_id(at_ms, first))
    assert one.task_id(at_ms, first) != other.task_id(at_ms, second)
    assert BATCH.fullmatch(one.batch_id(at_ms, first))
    assert one.batch_id(at_ms, first) != other.batch_id(at_ms, second)


@given(at_ms=times, first=numbers, distance=st.integers(1, 36**6 // ids.BLOCKS - 1))
def test_daemon_of_a_fleet__makes_no_id_twice(at_ms: int, first: int, distance: int) -> None:
    daemon = ids.Numbers(7)
    assert daemon.task_id(at_ms, first) != daemon.task_id(at_ms, first + distance)


def test_suffix__is_a_permutation() -> None:
    assert gcd(ids._MULTIPLIER, 36) == 1
    many = {ids.suffix(number) for number in range(50_000)}
    assert len(many) == 50_000


def test_clock_that_is_set_back__makes_no_id_twice() -> None:
    made = [ids.task_id(5_000 if number % 2 else 1_000, number) for number in range(1_000)]
    assert len(set(made)) == 1_000


def test_consecutive__do_not_look_so() -> None:
    suffixes = [ids.suffix(number) for number in range(1_000)]
    alike = sum(first[:2] == second[:2] for first, second in pairwise(suffixes))
    assert alike < 10


def test_time__is_the_local_submit_time() -> None:
    first, second = ids.task_id(86_400_000 * 365, 1), ids.task_id(86_400_000 * 365 + 1_000, 1)
    assert first[:-9] == second[:-9]
    assert int(second[-9:-7]) - int(first[-9:-7]) == 1
