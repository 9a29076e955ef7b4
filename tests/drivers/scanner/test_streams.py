"""Ten thousand byte streams into the reader of the scanner: each code exact, or none."""

from __future__ import annotations

from random import Random

import pytest

from robotq.drivers.scanner.hearing import Hearing, Read
from tests.drivers.scanner.streams import GAP_S, LATE_S, SETUPS, Stream, stream
from tests.drivers.scanner.test_codes import options
from tests.slices import some

_STEP_S = 0.01
_BLOCK = 500


class Bottle:
    """One read, as the scanner's threads do it, on a clock of ours."""

    def __init__(self, random: Random) -> None:
        self.read = Read()
        self.wanted_at = random.random()
        self.patience_s = random.choice((0.2, 3.0, 10.0))
        self.began: float | None = None


def played(given: Stream) -> list[tuple[float, Read]]:
    """Every read of a command that goes on reading, and when it began."""
    random = Random(-given.seed - 1)
    hearing = Hearing(options(gap_s=GAP_S, late_s=LATE_S, **given.setup.options), lambda _: None)
    pieces = list(given.pieces)
    bottles: list[tuple[float, Read]] = []
    bottle: Bottle | None = Bottle(random)
    now = 0.0
    end = given.now + 2.0
    while now < end:
        while pieces and pieces[0][0] <= now:
            data = pieces.pop(0)[1]
            if data is None:
                hearing.forget(now)
            else:
                hearing.heard(data, now)
        left = hearing.pause_in(now)
        if left is not None and left <= 0:
            hearing.cut(now)
        if bottle is None:
            bottle = Bottle(random)
            bottle.wanted_at = now + random.choice((0.0, 0.0, 0.3, 2.0))
        if bottle.began is None:
            if now >= bottle.wanted_at and hearing.free_in(now) == 0:
                hearing.begin(bottle.read)
                bottle.began = now
                bottles.append((now, bottle.read))
        elif bottle.read.over or (
            now >= bottle.began + bottle.patience_s and not hearing.begun(bottle.read)
        ):
            hearing.end(bottle.read, now)
            bottle = None
        following = [now + _STEP_S]
        following += [pieces[0][0]] if pieces else []
        left = hearing.pause_in(now)
        following += [now + left] if left is not None and left > 0 else []
        now = max(min(following), now + 1e-6)
    return bottles


@pytest.mark.slow
@pytest.mark.parametrize("block", some(range(20), 2))
def test_streams__each_code_exact_or_none(block: int) -> None:
    codes = 0
    for seed in range(block * _BLOCK, (block + 1) * _BLOCK):
        given = stream(seed)
        left = list(given.whole)
        for began, read in played(given):
            if read.code is None:
                continue
            codes += 1
            mine = next((sent for sent in left if sent[1] == read.code and sent[0] >= began), None)
            assert mine is not None, (
                f"stream {seed} {given.setup}: the read at {began:.3f} gave {read.code!r}, "
                f"sent whole were {given.whole}, the pieces {given.pieces}"
            )
            left = left[left.index(mine) + 1 :]
    assert codes > _BLOCK / 5, "hardly a code was read: nothing was tried"


@pytest.mark.parametrize("number", range(len(SETUPS)))
def test_streams__every_setup_gives_its_codes(number: int) -> None:
    """So that the refusals above do not refuse what is right."""
    setup, random = SETUPS[number], Random(number)
    for code in ("bottle_7", "A", "0109501101530003", "]C1"):
        hearing = Hearing(options(late_s=LATE_S, **setup.options), lambda _: None)
        read = Read()
        hearing.begin(read)
        hearing.heard(setup.wire(code.encode(setup.encoding), random), 10.0)
        hearing.cut(10.0 + GAP_S)
        assert (read.code, read.refused) == (code, None)
