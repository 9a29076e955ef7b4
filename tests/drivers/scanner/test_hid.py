"""Scanners that are a keyboard, tried on streams of key events. No device has been tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.scanner import Scanner
from robotq.drivers.scanner.hearing import Hearing, Read
from robotq.drivers.scanner.hid import HidOptions, KeyEvent, open_keyboard
from robotq.drivers.scanner.hid.keys import KeyReader
from robotq.model.errors import ConfigError
from tests.drivers.scanner.test_codes import options
from tests.drivers.scanner.test_scanner import PATIENCE_S, never, once, until
from tests.drivers.scanner.typist import (
    ALT_GR,
    CTRL,
    ENTER,
    RIGHT_SHIFT,
    SHIFT,
    Keyboard,
    keys_of,
    recorded,
    typed,
)
from tests.slices import some

DEVICE = "/dev/input/by-id/usb-Scanner-event-kbd"
# what evemu-record writes for "Ab-1" and Enter: scan codes, keys, and the end of each report
RECORDING = """
# EVEMU 1.3
E: 0.000001 0004 0004 458977	# EV_MSC / MSC_SCAN             458977
E: 0.000001 0001 002a 0001	# EV_KEY / KEY_LEFTSHIFT        1
E: 0.000001 0001 001e 0001	# EV_KEY / KEY_A                1
E: 0.000001 0000 0000 0000	# ------------ SYN_REPORT (0) ----------
E: 0.004003 0001 002a 0000	# EV_KEY / KEY_LEFTSHIFT        0
E: 0.004003 0001 001e 0000	# EV_KEY / KEY_A                0
E: 0.004003 0000 0000 0000	# ------------ SYN_REPORT (0) ----------
E: 0.008001 0001 0030 0001	# EV_KEY / KEY_B                1
E: 0.012002 0001 0030 0000	# EV_KEY / KEY_B                0
E: 0.016001 0001 000c 0001	# EV_KEY / KEY_MINUS            1
E: 0.020001 0001 000c 0000	# EV_KEY / KEY_MINUS            0
E: 0.024001 0001 0002 0001	# EV_KEY / KEY_1                1
E: 0.028001 0001 0002 0000	# EV_KEY / KEY_1                0
E: 0.032001 0001 001c 0001	# EV_KEY / KEY_ENTER            1
E: 0.036001 0001 001c 0000	# EV_KEY / KEY_ENTER            0
"""


def code_of(events: list[KeyEvent], **given: Any) -> str | None:
    """The code that a read gets from these keys."""
    asked = options(port=None, hid=DEVICE, **given)
    assert asked.hid is not None
    hearing, reader, read = Hearing(asked, lambda _: None), KeyReader(asked.hid), Read()
    hearing.begin(read)
    for event in events:
        letter, doubt = reader.feed(event)
        if letter:
            hearing.heard(letter.encode(), 10.0)
        if doubt is not None:
            hearing.doubt(doubt, 10.0)
    hearing.cut(11.0)
    return read.code


def test_recording() -> None:
    assert code_of(recorded(RECORDING)) == "Ab-1"


@pytest.mark.parametrize(
    ("keyboard", "code"),
    [
        ("us", "bottle_007"),
        ("us", "AZaz09-/.,;:!@#+?{[]\\| x"),
        ("us", "01095\x1d17ABC"),
        ("us", "A\tB"),
        ("de", "ZyzY-_/:;#+ß?ÄöÜ<>"),
        ("de", "user@lab[7]{8}\\|~€"),
    ],
)
def test_keyboards__each_letter(keyboard: str, code: str) -> None:
    assert code_of(typed(f"{code}\r", keyboard), keyboard=keyboard) == code


def test_ends__tab_and_the_enter_of_the_keypad() -> None:
    assert code_of(typed("A7\t"), end="\t") == "A7"
    assert code_of([*typed("A7"), KeyEvent(96, 1), KeyEvent(96, 0)]) == "A7"
    digits = [KeyEvent(key, value) for key in (82, 79, 80) for value in (1, 0)]
    assert code_of([*digits, *typed("\r")]) == "012"


def test_a_key_that_goes_up_after_the_next_one_went_down() -> None:
    a, b, enter = 30, 48, ENTER
    order = [(a, 1), (b, 1), (a, 0), (enter, 1), (b, 0), (enter, 0)]
    assert code_of([KeyEvent(*each) for each in order]) == "ab"


def test_shift_held__only_where_the_scanner_is_known_for_it() -> None:
    plain = [event for letter in "abc" for event in typed(letter)]
    held = [KeyEvent(RIGHT_SHIFT, 1), *plain, KeyEvent(RIGHT_SHIFT, 0), *typed("d\r")]
    assert code_of(held) is None
    assert code_of(held, shift="held") == "ABCd"


@pytest.mark.parametrize(
    "events",
    [
        [KeyEvent(30, 1), KeyEvent(30, 2), KeyEvent(30, 2), KeyEvent(30, 0), *typed("b\r")],
        [KeyEvent(30, 1), *typed("bc\r")],
        [KeyEvent(30, 1), KeyEvent(30, 1), KeyEvent(30, 0), *typed("\r")],
        [KeyEvent(SHIFT, 1), *typed("a\r")],
        [KeyEvent(SHIFT, 1), *typed("\r")],
        [KeyEvent(SHIFT, 0), *typed("a\r")],
        [*typed("ab"), KeyEvent(0, 0, lost=True), *typed("c\r")],
        [*typed("ab"), KeyEvent(58, 1), KeyEvent(58, 0), *typed("c\r")],
        [*typed("ab"), KeyEvent(103, 1), KeyEvent(103, 0), *typed("c\r")],
        [KeyEvent(56, 1), *typed("a"), KeyEvent(56, 0), *typed("\r")],
        [KeyEvent(ALT_GR, 1), *typed("a"), KeyEvent(ALT_GR, 0), *typed("\r")],
        [KeyEvent(CTRL, 1), *typed("1"), KeyEvent(CTRL, 0), *typed("\r")],
        typed("ab"),
    ],
    ids=["autorepeat", "key-up lost", "down twice", "Shift-up lost", "Shift at the end",
         "Shift-down lost", "events dropped", "Caps Lock", "an arrow", "Alt", "AltGr alone",
         "Ctrl with a digit", "no end"],
)  # fmt: skip
def test_what_may_be_another_code__is_none(events: list[KeyEvent]) -> None:
    assert code_of(events) is None


def test_key_up_lost__also_the_codes_after_it_are_none() -> None:
    """Linux says nothing when a key goes down that has not gone up for it."""
    swallowed = [event for event in typed("cat\r") if event != KeyEvent(30, 1)]
    reader = KeyReader(HidOptions(device=DEVICE))
    for event in (KeyEvent(30, 1), *typed("bc\r")):
        reader.feed(event)
    told = [reader.feed(event) for event in swallowed]
    assert "".join(letter for letter, _ in told) == "ct\r"
    assert any("stayed down" in doubt for _, doubt in told if doubt is not None)


_BLOCK = 250


@pytest.mark.parametrize("block", some(range(8), 2))
def test_one_event_amiss__each_code_exact_or_none(block: int) -> None:
    """Lost, twice, dropped by the system, or a key of somebody else."""
    exact = 0
    for seed in range(block * _BLOCK, (block + 1) * _BLOCK):
        random = Random(seed)
        keyboard = random.choice(("us", "de"))
        letters = "abcyzABCYZ0189-_ :!" + ("\x1d@#" if keyboard == "us" else "äÖß@{<")
        codes = ["".join(random.choices(letters, k=random.randint(1, 12))) for _ in range(2)]
        events = typed(f"{codes[0]}\r", keyboard)
        at = random.randrange(len(events))
        match random.randrange(4):
            case 0:
                del events[at]
            case 1:
                events.insert(at, events[at])
            case 2:
                events[at] = KeyEvent(0, 0, lost=True)
            case _:
                events.insert(at, KeyEvent(random.choice((58, 59, 103, 125)), 1))
        code = code_of(events, keyboard=keyboard)
        assert code in (None, codes[0]), (seed, keyboard, codes[0], code, at)
        exact += code is not None
        assert code_of(typed(f"{codes[1]}\r", keyboard), keyboard=keyboard) == codes[1]
    assert exact < _BLOCK, "nothing was amiss"


def test_no_letter_is_two_keys() -> None:
    for keyboard in ("us", "de"):
        pressed = [keys_of(letter, keyboard) for letter in "abcyz_-:!@"]
        assert len({(tuple(held), key) for held, key in pressed}) == len(pressed)


# -- as a scanner of a robot --------------------------------------------------------------------


@pytest.fixture
def keyboard() -> Keyboard:
    return Keyboard()


Made = Callable[..., Scanner]


@pytest.fixture
def made(keyboard: Keyboard) -> Iterator[Made]:
    with ExitStack() as stack:

        def make(**given: Any) -> Scanner:
            asked = options(port=None, hid=DEVICE, **{"late_s": 0.1, **given})
            scanner = Scanner("arm", asked, keyboard.open)
            stack.callback(scanner.close)
            return scanner

        yield make


def test_scanner__reads_what_is_typed_and_is_shown(made: Made, keyboard: Keyboard) -> None:
    scanner = made(keyboard="de")
    scanner.require()
    assert scanner.state() == {"connected": True, "port": "/dev/input/event7"}
    action = lambda: keyboard.type(typed("Zylinder-7\r", "de"))  # noqa: E731
    assert scanner.read(PATIENCE_S, once(action)) == "Zylinder-7"
    assert keyboard.options == HidOptions(device=DEVICE, keyboard="de")


def test_scanner__doubts_are_told(made: Made, keyboard: Keyboard) -> None:
    events = [KeyEvent(30, 1), KeyEvent(30, 2), *typed("b\r")]
    with pytest.raises(DriverError, match="key 30 stays down") as refused:
        made().read(PATIENCE_S, once(lambda: keyboard.type(events)))
    assert refused.value.code == "code_refused"


def test_scanner__pulled_out_and_plugged_in_again(made: Made, keyboard: Keyboard) -> None:
    scanner = made(late_s=0.5)

    def half() -> None:
        keyboard.type(typed("bottle_0"))
        keyboard.unplug()

    with pytest.raises(DriverError, match="keyboard is gone") as gone:
        scanner.read(PATIENCE_S, once(half))
    assert gone.value.code == "scanner_absent"
    until(lambda: bool(scanner.state()["connected"]))
    assert (keyboard.opened, keyboard.closed) == (2, 1)
    keyboard.type(typed("12\r"))
    assert scanner.read(0.3, never) is None


def test_keyboard__that_is_not_there_or_without_the_library() -> None:
    with pytest.raises(LinkLost, match=r"robotq\[hid\]|it is not there"):
        open_keyboard(HidOptions(device="/dev/input/by-id/nobody*"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"hid": "event7"}, "by-id"),
        ({"hid": DEVICE, "port": "/dev/x"}, "is a keyboard"),
        ({"hid": DEVICE, "trigger": "T"}, "is a keyboard"),
        ({"hid": DEVICE, "keyboard": "fr"}, "us, de"),
        ({"hid": DEVICE, "end": ""}, "have something end"),
        ({"port": "/dev/x", "keyboard": "de"}, "set `hid`"),
    ],
)
def test_options__that_make_no_sense(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        options(**{"port": None, **given})
