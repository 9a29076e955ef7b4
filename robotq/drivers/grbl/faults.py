"""What the numbers of errors and alarms of the GRBL family mean."""

from __future__ import annotations

from collections.abc import Mapping

ERRORS: Mapping[int, str] = {
    1: "a line must begin with a letter",
    2: "a number is missing or malformed",
    3: "unknown $ command",
    4: "a negative value where none may be",
    5: "homing is switched off in the settings ($22)",
    6: "a step pulse must be longer than 3 microseconds",
    7: "the stored settings could not be read; defaults are in use",
    8: "this $ command is only possible while the robot is idle",
    9: "locked by an alarm, or jogging: HOME or UNLOCK first",
    10: "soft limits need homing to be switched on",
    11: "the line is longer than the controller can hold",
    12: "the step rate of this setting is too high",
    13: "the safety door is open",
    14: "the line is longer than the memory for start lines",
    15: "the jog would leave the range of travel",
    16: "a jog without `=`, or with a forbidden code",
    17: "laser mode needs a PWM spindle",
    18: "the robot is not homed, or the emergency stop is pressed",
    20: "an unsupported or invalid G-code",
    21: "two codes of the same group in one line",
    22: "no feed rate is set",
    23: "this code takes a whole number",
    24: "two codes that both want the axis words",
    25: "a word stands twice",
    26: "axis words are missing",
    27: "the line number is out of range",
    28: "a value that the code needs is missing",
    29: "this work coordinate system does not exist",
    30: "G53 is only possible with G0 and G1",
    31: "axis words that no code of the line uses",
    32: "an arc without axis words in its plane",
    33: "the motion has no valid target",
    34: "the radius of the arc is impossible",
    35: "an arc without offsets in its plane",
    36: "words that no code of the line uses",
    37: "a tool length offset on another axis than the configured one",
    38: "the tool number is out of range",
    39: "a parameter is out of range",
    40: "a tool change has to be finished first",
    43: "the feed rate is too high",
    45: "a limit switch is pressed",
    46: "the robot has to be homed: HOME first",
    50: "the emergency stop is pressed",
    51: "a motor reports a fault",
    52: "the value of this setting is out of range",
    53: "this setting does not exist",
    79: "not allowed during a critical event, such as a pressed emergency stop",
    162: "the settings are read only",
}
"""Error number -> its meaning, in the words of robotq."""

ALARMS: Mapping[int, str] = {
    1: "a limit switch was hit; the position is lost",
    2: "the target is out of the range of travel",
    3: "reset while moving; the position is lost",
    4: "the probe was not in the expected state before the cycle",
    5: "the probe touched nothing",
    6: "homing was interrupted by a reset",
    7: "the safety door was opened while homing",
    8: "homing: the switch did not open again",
    9: "homing: no switch was found",
    10: "an emergency stop is pressed (grblHAL), or the spindle failed (FluidNC)",
    11: "homing is required (grblHAL), or a switch was pressed at the start (FluidNC)",
    12: "a limit switch is pressed (grblHAL), or homing met both switches (FluidNC)",
    13: "the probe was protected (grblHAL), or a hard stop (FluidNC)",
    14: "the spindle did not reach its speed (grblHAL), or homing is required (FluidNC)",
    15: "homing: the second switch was not found (grblHAL), or not set up (FluidNC)",
    16: "the self-test failed (grblHAL), or the port expander has restarted (FluidNC)",
    17: "a motor reports a fault (grblHAL), or an error in a file (FluidNC)",
    18: "homing failed (grblHAL), or the probe hit (FluidNC)",
}

LOST_BY_ALARM = frozenset({1, 3, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 18})
"""Alarms after which steps may be missing, on one of the firmwares at least."""


def error_text(number: int) -> str:
    """`error:9, locked by ...`"""
    return f"error:{number}, {ERRORS.get(number, 'not described; see the firmware')}"


def alarm_text(number: int) -> str:
    """`ALARM:1, a limit switch ...`"""
    if not number:
        return "an alarm"
    return f"ALARM:{number}, {ALARMS.get(number, 'not described; see the firmware')}"
