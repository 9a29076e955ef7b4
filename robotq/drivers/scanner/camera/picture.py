"""A picture of a camera, and what is wrong with one that is not taken."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from robotq.model.texts import Language, text

_COARSE = getattr(time, "CLOCK_REALTIME_COARSE", None)


class PictureRefused(Exception):
    """A picture from which no code is taken. `reason` is a code of `model.texts`.

    `code`: that of `model.errors`. `passing`: the next picture may be right.
    """

    def __init__(
        self, reason: str, *, code: str = "picture_refused", passing: bool = True, **args: Any
    ) -> None:
        super().__init__(text(reason, args, Language.EN))
        self.reason = reason
        self.code = code
        self.passing = passing
        self.args_ = args


@dataclass(frozen=True, slots=True)
class Asked:
    """The moment in which a read has begun, on all clocks that a picture's time may be of."""

    wall_s: float = field(default_factory=time.time)
    mono_s: float = field(default_factory=time.monotonic)
    file_ns: int = field(
        # the clock by which Linux dates files: some milliseconds behind the other one
        default_factory=lambda: (
            time.time_ns() if _COARSE is None else time.clock_gettime_ns(_COARSE)
        )
    )


ANY_TIME = Asked(wall_s=float("-inf"), mono_s=float("-inf"), file_ns=-1)
"""Of whoever does not mind when a picture was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    data: bytes
    dated: bool
    """Its camera tells when it was taken, and that is after it was asked for. False: the camera
    does not tell."""

    @property
    def hash(self) -> bytes:
        return sha256(self.data).digest()
