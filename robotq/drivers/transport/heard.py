"""Why there is no link, from what was heard: nothing, noise, or somebody else. Pure."""

from __future__ import annotations

import re

from robotq.drivers.base import NotUnderstood

KEPT = 512
"""Bytes of an opening that are kept for this."""
_QUOTED = 60
_TEXT_SHARE = 0.9
"""So much of a text is letters of it; what a wrong baud rate makes has less."""
_NAMES = {"grbl": "GRBL", "marlin": "Marlin", "jsonline": "the JSON lines of robotq"}
_SIGNS = {
    "grbl": re.compile(
        r"^Grbl(HAL)?\b|^<(Idle|Run|Hold|Alarm|Door|Home|Jog|Check|Sleep)\b|^\[MSG:|^ALARM:[0-9]"
        r"|^\[(VER|OPT|GC):|^error:\s?[0-9]|(?-i:^error: )",
        re.IGNORECASE | re.ASCII,
    ),
    "marlin": re.compile(
        r"^Marlin\b|^echo:|^start$|^Resend:|FIRMWARE_NAME:|^ok T:|^Error:(?!\s?[0-9])",
        re.ASCII,
    ),
    "jsonline": re.compile(r'^\{"[a-z_]+":'),
}
"""What only one of them says, line by line."""
_OLD = re.compile(r"Grbl ([0-9]+)\.([0-9]+)\S*", re.IGNORECASE | re.ASCII)
_OLDEST = (1, 1)
_OLD_REPORT = re.compile(r"^<[A-Za-z]+,MPos:")


def too_old(text: str) -> NotUnderstood | None:
    """What is wrong with a Grbl that says this of itself."""
    found = _OLD.search(text)
    if found and (int(found[1]), int(found[2])) < _OLDEST:
        return NotUnderstood("too_old", f"it says {found[0]}; 1.1 is needed: update its firmware")
    if _OLD_REPORT.match(text):
        return NotUnderstood(
            "too_old",
            f"it says {_quoted(text)}, a report of a Grbl before 1.1; 1.1 is needed: update its "
            "firmware",
        )
    return None


def other_firmware(heard: bytes, driver: str) -> NotUnderstood | None:
    """Who it is, where it says something that the firmware of `driver` never says."""
    for text in _lines(heard):
        for name, sign in _SIGNS.items():
            if name != driver and sign.search(text):
                return NotUnderstood(
                    "other_firmware",
                    f"it speaks {_NAMES[name]}; driver is {driver} (it says {_quoted(text)}). Is "
                    f"it the right port? If so, set driver: {name}",
                )
    return None


def why_no_link(heard: bytes, *, driver: str, baud: int) -> NotUnderstood:
    """A sentence for whoever has to mend it. `heard`: the first bytes since the port was
    opened."""
    lines = _lines(heard)
    if not heard.strip(b"\0\r\n "):
        return NotUnderstood(
            "silent",
            "nothing was heard: is it the right port, is the robot switched on, and is the baud "
            f"rate {baud}?",
        )
    if driver == "grbl":
        for text in lines:
            if (old := too_old(text)) is not None:
                return old
    other = other_firmware(heard, driver)
    if other is not None:
        return other
    if _text_share(heard) < _TEXT_SHARE:
        tried = "250000, 57600 or 9600" if baud == 115_200 else "115200"
        return NotUnderstood(
            "noise",
            f"bytes that are no text were heard ({_bytes(heard)}): the baud rate is not {baud}; "
            f"try {tried}",
        )
    said = next((text for text in lines if text), "")
    if driver not in _NAMES:
        return NotUnderstood("unknown_text", f"it says {_quoted(said)}, and not what is expected")
    known = next((text for text in lines if _SIGNS[driver].search(text)), None)
    if known is not None:
        return NotUnderstood(
            "unknown_text",
            f"it says {_quoted(known)}, but does not answer; restart it, and look at the cable",
        )
    return NotUnderstood(
        "unknown_text",
        f"it says {_quoted(said)}, which is not {_NAMES[driver]}; is it the right port, and is "
        f"the baud rate {baud}?",
    )


def _lines(heard: bytes) -> list[str]:
    text = heard.decode("ascii", "replace")
    return [line.strip(" \t\0") for line in re.split(r"[\r\n]+", text)]


def _text_share(heard: bytes) -> float:
    """Bytes that stand in a text, of all; line ends and letters of UTF-8 are among them."""
    bad = sum(1 for byte in heard if byte < 0x20 and byte not in b"\t\r\n\x1b")
    bad += sum(1 for letter in heard.decode("utf-8", "replace") if letter in "\ufffd\x7f")
    return 1 - bad / len(heard)


def _quoted(text: str) -> str:
    short = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    return '"' + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short) + '"'


def _bytes(heard: bytes) -> str:
    return " ".join(f"{byte:02x}" for byte in heard[:8]) + (" …" if len(heard) > 8 else "")
