"""The language in which an operator says what a command does: see docs/commands-as-configuration.

Pure: it is read and checked here, and carried out by a driver.
"""

from __future__ import annotations

from robotq.steps.language import Program
from robotq.steps.reader import read_program

__all__ = ["Program", "read_program"]
