"""From keys to what the scanner has read, and to whatever makes that doubtful.

A keyboard says which keys go down and up, not which letters it means. If the system has missed
one of that, another code may come out, and it looks like any other. So everything that a scanner
does not do makes a doubt, and a code with a doubt is refused.
"""

from __future__ import annotations

from robotq.drivers.scanner.hid.events import KeyEvent
from robotq.drivers.scanner.hid.keymaps import ALT_GR, CTRLS, ENDS, HELD, KEYMAPS, SHIFTS
from robotq.drivers.scanner.hid.options import HidOptions

_UP, _DOWN, _AGAIN = 0, 1, 2
_MOST_HELD = 2
"""A key may still be down when the next one goes down, and no longer."""
_CONTROLS = range(0x40, 0x60)
"""What gives a control character together with Ctrl: Ctrl+] is GS."""


class KeyReader:
    """Gives the letters one by one, and a reason where they are not certain."""

    def __init__(self, options: HidOptions) -> None:
        self._map = KEYMAPS[options.keyboard]
        self._shift_each = options.shift == "each"
        self._under = 0
        """Letters since Shift, Ctrl or AltGr went down."""
        self._down: dict[int, int] = {}
        """Keys that are down, and which press in the order of all each of them was."""
        self._presses = 0

    def feed(self, event: KeyEvent) -> tuple[str, str | None]:
        """What this key adds to the code, and what is doubtful from now on."""
        key = event.key
        if event.lost:
            # which keys are down now nobody knows; each that goes up makes a doubt
            self._down.clear()
            return "", "the system has lost keys of it"
        if event.value == _UP:
            if self._down.pop(key, None) is None:
                return "", f"key {key} went up that was not down"
            return "", None
        if event.value == _AGAIN:
            if key in HELD:
                return "", None
            return "", f"key {key} stays down: that it went up was lost, and perhaps more"
        if key in self._down:
            return "", f"key {key} went down twice: that it went up was lost"
        if key in HELD:
            self._down[key] = self._presses
            self._under = 0
            return "", None
        return self._pressed(key)

    def _pressed(self, key: int) -> tuple[str, str | None]:
        self._presses += 1
        stuck = [
            each
            for each, press in self._down.items()
            if each not in HELD and self._presses - press >= _MOST_HELD
        ]
        self._down[key] = self._presses
        letter, doubt = self._letter(key)
        if HELD & self._down.keys():
            self._under += 1
            if self._under > 1 and self._shift_each:
                doubt = doubt or (
                    "Shift, Ctrl or AltGr stayed down for a second letter; `shift: held` is for "
                    "scanners that do so"
                )
        if stuck:
            # the system says nothing of it when it goes down once more
            doubt = f"key {stuck[0]} stayed down: that it went up was lost, and perhaps more"
        return letter, doubt

    def _letter(self, key: int) -> tuple[str, str | None]:
        shift, ctrl = (bool(keys & self._down.keys()) for keys in (SHIFTS, CTRLS))
        alt_gr = ALT_GR in self._down
        if key in ENDS:
            if shift or ctrl or alt_gr:
                return ENDS[key], "Shift, Ctrl or AltGr was still down at the end of the code"
            return ENDS[key], None
        letter: str | None
        if ctrl:
            letter = None if shift or alt_gr else self._control(key)
        elif alt_gr:
            letter = None if shift else self._map.alt_gr.get(key)
        elif shift:
            letter = self._map.shifted.get(key)
        else:
            letter = self._map.plain.get(key) or self._map.keypad.get(key)
        if letter is None:
            held = "".join(
                f"{name}+"
                for name, on in (("Shift", shift), ("Ctrl", ctrl), ("AltGr", alt_gr))
                if on
            )
            return "", f"{held}key {key} is no letter of this `keyboard`"
        return letter, None

    def _control(self, key: int) -> str | None:
        letter = self._map.plain.get(key, "").upper()
        return chr(ord(letter) & 0x1F) if letter and ord(letter) in _CONTROLS else None
