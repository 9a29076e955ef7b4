"""An answer that comes after its time is never that of the next question."""

from __future__ import annotations

import random
from typing import Any

import pytest

from robotq.drivers.base import DriverError, LinkLost, UncertainOutcome
from tests.drivers.line.bench import Bench, Scripted, eventually
from tests.drivers.line.conftest import Make

WEIGH: dict[str, Any] = {
    "commands": {
        "WEIGH": {
            "send": "W?",
            "reads": True,
            "expect": r"W (?P<weight_g>\d+)",
            "types": {"weight_g": "integer"},
        },
        "TARE": {"send": "TARE", "expect": "OK"},
    }
}


class Balance(Scripted):
    """Another weight at each question, so that each answer says which question it is for."""

    def __init__(self) -> None:
        super().__init__(TARE="OK")
        self.weight = 0

    def __call__(self, text: str) -> str | None:
        if text == "W?":
            self.weight += 1
            return f"W {self.weight}"
        return super().__call__(text)


def late_rounds(bench: Bench, balance: Balance, rounds: int, seed: int) -> tuple[int, int]:
    """How many were told, and how many of them with the weight of another question."""
    chance = random.Random(seed)
    told = wrong = 0
    for _ in range(rounds):
        # from in time to three times as late as allowed, and the questions between alike
        bench.wire.delay_s = lambda line: (
            chance.uniform(0.0, 0.25) if line == "W?" else (chance.choice((0.0, 0.0, 0.13)))
        )
        before = balance.weight
        try:
            weight = bench.do("WEIGH")["weight_g"]
        except DriverError:
            continue
        told += 1
        wrong += weight != before + 1
    return told, wrong


@pytest.mark.parametrize("seed", range(2))
def test_late_answers__are_given_to_nobody(bench: Make, seed: int) -> None:
    balance = Balance()
    device = bench(balance, WEIGH).connected()
    told, wrong = late_rounds(device, balance, 20, seed)
    assert wrong == 0
    assert 0 < told < 20


@pytest.mark.long
def test_late_answers__of_two_hundred(bench: Make) -> None:
    balance = Balance()
    device = bench(balance, WEIGH).connected()
    told, wrong = late_rounds(device, balance, 200, 13)
    assert (told > 40, wrong) == (True, 0)


def test_answer__that_comes_after_the_link_was_opened_anew(bench: Make) -> None:
    balance = Balance()
    device = bench(balance, {**WEIGH, "resync": {"quiet_s": 0.01, "wait_s": 0.2}}).connected()
    # behind a converter from serial to TCP, it comes to whoever is connected then
    device.wire.delay_s = lambda line: 0.5 if line == "W?" else 0.0
    with pytest.raises(DriverError):
        device.do("WEIGH")
    assert device.links, "the device is silent, and that is told"
    device.wire.delay_s = lambda _: 0.0
    for _ in range(20):
        try:
            device.driver.connect()
        except LinkLost:
            continue
        break
    assert device.do("WEIGH") == {"weight_g": 2}


def test_lost_answer__of_a_line_that_may_act(bench: Make) -> None:
    device = bench(Balance(), WEIGH).connected()
    device.wire.lost = lambda line: line == "TARE"
    with pytest.raises(UncertainOutcome) as told:
        device.do("TARE")
    assert told.value.cause == "answer_lost"
    assert device.heard("TARE") == 1, "it is not sent again"
    assert device.do("WEIGH") == {"weight_g": 1}


def test_lost_answer__of_a_line_that_only_asks_is_a_certain_failure(bench: Make) -> None:
    device = bench(Balance(), WEIGH).connected()
    device.wire.lost = lambda line: line == "W?"
    with pytest.raises(DriverError, match="nothing was changed"):
        device.do("WEIGH")


def test_answer__that_nobody_asked_for(bench: Make) -> None:
    """Somebody presses the button at the balance, between two commands."""
    balance = Balance()
    device = bench(balance, WEIGH).connected()
    assert device.do("WEIGH") == {"weight_g": 1}
    device.wire.say("W 999")
    eventually(lambda: device.driver._link._lines)  # type: ignore[attr-defined]
    assert device.do("WEIGH") == {"weight_g": 2}
    assert device.driver.status().details["dropped_lines"] == 1
    assert device.driver.status().details["resynchronised"] == 1


def test_half_an_answer__is_not_the_front_of_the_next_one(bench: Make) -> None:
    balance = Balance()
    device = bench(balance, WEIGH).connected()
    end, device.wire._send = device.wire._send, ""
    with pytest.raises(DriverError):
        device.do("WEIGH")
    device.wire._send = end
    assert device.links, "nobody can tell the halves apart, so the link is opened anew"
    device.driver.connect()
    assert device.do("WEIGH") == {"weight_g": 2}


def test_silent_device__is_not_asked_again(bench: Make) -> None:
    device = bench(Balance(), {**WEIGH, "resync": {"quiet_s": 0.01, "wait_s": 0.1}}).connected()
    device.wire.lost = lambda _: True
    with pytest.raises(DriverError):
        device.do("WEIGH")
    with pytest.raises(LinkLost):
        device.do("WEIGH")
    assert device.heard("W?") == 1


def test_ids__say_which_question_an_answer_is_for(bench: Make) -> None:
    answers = Balance()

    def with_id(text: str) -> str | None:
        number, _, line = text.partition(" ")
        told = answers(line)
        return None if told is None else f"{number} {told}"

    device = bench(
        with_id,
        {**WEIGH, "frame": {"send": "#{id} {line}", "receive": "#{id} (?P<line>.*)"}},
    ).connected()
    device.wire.delay_s = lambda line: 0.15 if line.endswith("W?") else 0.0
    with pytest.raises(DriverError):
        device.do("WEIGH")
    device.wire.delay_s = lambda _: 0.0
    resyncs = device.driver.status().details["resynchronised"]
    while True:
        try:
            assert device.do("WEIGH") == {"weight_g": answers.weight}
        except DriverError:
            continue
        break
    assert device.driver.status().details["resynchronised"] == resyncs


def test_echo__tells_a_late_answer_too(bench: Make) -> None:
    balance = Balance()
    device = bench(balance, {**WEIGH, "echo": True}, echo=True).connected()
    told, wrong = late_rounds(device, balance, 10, 5)
    assert (told > 0, wrong) == (True, 0)
