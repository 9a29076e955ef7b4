"""Codes in pictures: each is exactly the one on the label, or there is none."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.scanner.camera.decode import look
from robotq.drivers.scanner.camera.options import FORMATS, CameraOptions
from robotq.drivers.scanner.camera.picture import PictureRefused

from .pictures import Images, Label, drawn, encoded, of, placed, segno, spoiled, zxing

OPTIONS = CameraOptions(file=Path("x"))


def codes(data: bytes, **how: Any) -> tuple[str, ...]:
    options = CameraOptions(file=Path("x"), **how)
    return look(data, options).codes


def _judged(seeds: range) -> Counter[str]:
    """How they were read; a code that is on no label of its picture fails the test."""
    found: Counter[str] = Counter()
    wrong = []
    for seed in seeds:
        labels, data = spoiled(seed)
        try:
            read = codes(data)
        except PictureRefused as error:
            found[error.reason] += 1
            continue
        texts = {one.text for one in labels}
        found[f"{len(read)} of {len(texts)}"] += 1
        if not set(read) <= texts:
            wrong.append((seed, labels, read))
    assert wrong == []
    return found


@pytest.mark.slow
def test_pictures__blurred_turned_dirty_and_cut_give_the_code_or_none() -> None:
    found = _judged(range(60))
    # they are no easy ones, and not all too hard
    assert found["1 of 1"] >= 15, found
    assert found["0 of 1"] >= 8, found
    assert found["2 of 2"] >= 2, found


@pytest.mark.parametrize("seed", [1638, 2003, 2107, 2445])
def test_bars__that_are_misread_with_a_right_check_digit_are_not_taken(seed: int) -> None:
    """zxing alone gives another code for each of these, whose check digit is right."""
    _judged(range(seed, seed + 1))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_pictures__more_than_a_thousand_seeded_give_no_wrong_code() -> None:
    found = _judged(range(1_000, 2_100))
    assert found["1 of 1"] >= 300, found


def _zbar() -> Any:
    try:
        # it raises where the system has no libzbar
        return import_module("pyzbar.pyzbar")
    except ImportError as error:
        pytest.skip(f"no second opinion by zbar: {error}")


def _second_opinion(seeds: range) -> Counter[str]:
    pyzbar = _zbar()
    found: Counter[str] = Counter()
    for seed in seeds:
        labels, data = spoiled(seed)
        theirs = {
            one.data.decode()
            for one in pyzbar.decode(Images.open(io.BytesIO(data)))
            # zbar reads what a part of a code may look like, and the order does not ask for it
            if one.type in ("QRCODE", "CODE128", "EAN13")
        }
        try:
            ours = set(codes(data))
        except PictureRefused:
            # what is doubtful is no code
            ours = set()
        texts = {one.text for one in labels}
        if ours and theirs:
            found["both"] += 1
            assert ours <= texts, (seed, ours, theirs)
            assert not (theirs & texts) or ours & texts, (seed, ours, theirs)
            if len(ours) == len(theirs) == 1 and len(texts) == 1:
                assert ours == theirs, (seed, ours, theirs)
        found["ours" if ours else "nobody" if not theirs else "theirs"] += 1
    return found


@pytest.mark.slow
def test_zbar__reads_what_we_read() -> None:
    assert _second_opinion(range(100, 140))["both"] >= 5


@pytest.mark.long
@pytest.mark.timeout(600)
def test_zbar__reads_what_we_read_in_four_hundred_pictures() -> None:
    found = _second_opinion(range(4_000, 4_400))
    assert found["both"] >= 40


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("QRCode", "a\\b\\000026"),
        ("DataMatrix", "[)>\x1e06\x1d1P123\x1d\x1e\x04"),
        ("Code128", "ABC-abc\x1d12"),
        ("Aztec", " leading and trailing "),
        ("EAN13", "4006381333931"),
        ("EAN13", "0123456789012"),
        ("QRCode", "x" * 1_500),
    ],
)
def test_code__is_kept_as_it_is(kind: str, text: str) -> None:
    assert codes(of(text, kind)) == (text,)


@pytest.mark.parametrize("kind", ["DataMatrix", "Code128", "QRCode"])
def test_gs1__separators_stay(kind: str) -> None:
    made = zxing.create_barcode(
        "(01)09506000134352(10)ABC(17)250101", getattr(zxing.BarcodeFormat, kind), gs1=True
    )
    picture = drawn(made, scale=5)
    assert codes(encoded(picture)) == ("010950600013435210ABC\x1d17250101",)


def _named(text: str, encoding: str, *, eci: bool) -> bytes:
    buffer = io.BytesIO()
    segno.make(text, micro=False, encoding=encoding, eci=eci).save(buffer, kind="png", scale=6)
    return buffer.getvalue()


def test_encoding__that_a_code_names_is_taken_and_no_other_is_guessed() -> None:
    # these two bytes would be one letter in UTF-8
    assert codes(_named("Ã©", "latin-1", eci=True)) == ("Ã©",)
    assert codes(_named("瓶", "utf-8", eci=True), encoding="latin-1") == ("瓶",)
    # it names none: then it is as the configuration says
    assert codes(_named("Ã©", "latin-1", eci=False)) == ("é",)
    assert codes(_named("Ã©", "latin-1", eci=False), encoding="latin-1") == ("Ã©",)
    with pytest.raises(PictureRefused, match="no text in utf-8") as refused:
        codes(_named("héllo", "latin-1", eci=False))
    assert refused.value.code == "code_refused"


@pytest.mark.parametrize("content", [b"A\0B", b"\x82\xa0"])
def test_bytes__that_are_no_text_are_refused(content: bytes) -> None:
    made = zxing.create_barcode(content, zxing.BarcodeFormat.QRCode)
    picture = drawn(made, scale=5)
    with pytest.raises(PictureRefused) as refused:
        codes(encoded(picture))
    assert refused.value.code == "code_refused"


def test_two_codes__are_both_seen_and_a_region_leaves_one() -> None:
    picture = encoded(
        placed([Label("QRCode", "left"), Label("DataMatrix", "right")], random.Random(1))
    )
    assert set(codes(picture)) == {"left", "right"}
    assert codes(picture, region=(0, 0, 0.5, 1)) == ("left",)
    assert codes(picture, region=(0.5, 0, 0.5, 1)) == ("right",)
    # what is not asked for does not count
    assert codes(picture, formats=("data_matrix",)) == ("right",)


def test_same_code_twice__is_one() -> None:
    picture = placed([Label("QRCode", "same"), Label("DataMatrix", "same")], random.Random(2))
    assert codes(encoded(picture)) == ("same",)


def test_formats__are_all_known_to_the_library() -> None:
    assert codes(of("x"), formats=tuple(FORMATS)) == ("x",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged"),
        (b"<html>", "damaged"),
        (of("x")[:400], "damaged"),
        (of("x", kind="QRCode") + b"", None),
        (encoded(Images.new("1", (6_000, 5_000))), "pixels"),
        (encoded(Images.new("RGB", (9, 9)), "GIF"), "damaged"),
        (
            encoded(
                Images.new("L", (9, 9)), "PNG", save_all=True,
                append_images=[Images.new("L", (9, 9), 255)],
            ),
            "frames",
        ),
    ],
)  # fmt: skip
def test_files__that_are_no_single_picture_are_refused(data: bytes, reason: str | None) -> None:
    if reason is None:
        assert look(data, OPTIONS).codes == ("x",)
        return
    with pytest.raises(PictureRefused) as refused:
        look(data, OPTIONS)
    assert refused.value.reason == f"reason.picture_{reason}"


def test_bomb__is_not_unpacked() -> None:
    """Some kilobytes that would be 3.6 GB."""
    head = encoded(Images.new("1", (8, 8)))
    bomb = head.replace(head[8:33], _ihdr(60_000, 60_000))
    with pytest.raises(PictureRefused):
        look(bomb, OPTIONS)


def _ihdr(width: int, height: int) -> bytes:
    data = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    crc = zlib.crc32(b"IHDR" + data)
    return struct.pack(">I", len(data)) + b"IHDR" + data + struct.pack(">I", crc)
