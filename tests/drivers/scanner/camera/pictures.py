"""Pictures of labels as a camera sees them, made from a seed: blurred, turned, dirty, cut."""

from __future__ import annotations

import io
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

# the libraries of the extra `vision`; where they are not there, these tests are skipped and say so
zxing: Any = pytest.importorskip("zxingcpp", reason="the extra `vision` is not installed")
Images: Any = pytest.importorskip("PIL.Image", reason="the extra `vision` is not installed")
Filters: Any = pytest.importorskip("PIL.ImageFilter")
segno: Any = pytest.importorskip("segno", reason="segno draws QR codes for these tests")

SIZE = (640, 480)
_ALPHABET = string.ascii_letters + string.digits + "-./+ \x1d#"
KINDS = ("QRCode", "segno", "DataMatrix", "Aztec", "Code128", "EAN13")


def drawn(barcode: Any, scale: int) -> Any:
    """A code of zxing's own writer as a picture."""
    pixels: Any = memoryview(barcode.to_image(scale=scale, add_quiet_zones=True))
    height, width = pixels.shape
    return Images.frombytes("L", (width, height), pixels.tobytes())


@dataclass(frozen=True)
class Label:
    kind: str
    text: str

    @property
    def image(self) -> Any:
        """Black on white, with its quiet zone, one pixel a module where it is a matrix."""
        if self.kind == "segno":
            buffer = io.BytesIO()
            segno.make(self.text, micro=False, error="m").save(buffer, kind="png", border=4)
            return Images.open(buffer).convert("L")
        made = zxing.create_barcode(self.text, getattr(zxing.BarcodeFormat, self.kind))
        image = drawn(made, scale=1)
        flat = image.height < 40 and image.width > 60
        return image.resize((image.width, 40)) if flat else image


def label(chance: random.Random) -> Label:
    kind = chance.choice(KINDS)
    if kind == "EAN13":
        digits = "".join(chance.choices(string.digits, k=12))
        odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
        return Label(kind, digits + str(-(odd + 3 * even) % 10))
    length = chance.randint(4, 14 if kind == "Code128" else 40)
    text = "".join(chance.choices(_ALPHABET, k=length)).strip() or "x"
    return Label(kind, text)


def placed(labels: list[Label], chance: random.Random, *, turned: bool = True) -> Any:
    """A picture with these labels in it, side by side."""
    grey = chance.randint(150, 235)
    picture = Images.new("L", SIZE, grey)
    room = SIZE[0] // len(labels)
    for number, one in enumerate(labels):
        image = one.image
        largest = min((room - 20) / image.width, (SIZE[1] - 40) / image.height)
        scale = chance.uniform(0.55, 0.8) * largest if turned else 0.8 * largest
        image = image.resize(
            (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        )
        if turned:
            angle = chance.choice((0, 90, 180, 270)) + chance.uniform(-12, 12)
            image = image.rotate(angle, Images.Resampling.BICUBIC, expand=True, fillcolor=255)
        image.thumbnail((room, SIZE[1]))
        left = number * room + (room - image.width) // 2
        picture.paste(image, (left, (SIZE[1] - image.height) // 2))
    return picture


def _blur(picture: Any, chance: random.Random) -> Any:
    return picture.filter(Filters.GaussianBlur(chance.uniform(0.3, 4.0)))


def _noise(picture: Any, chance: random.Random) -> Any:
    noise = Images.frombytes("L", picture.size, chance.randbytes(picture.width * picture.height))
    return Images.blend(picture, noise, chance.uniform(0.05, 0.5))


def _pale(picture: Any, chance: random.Random) -> Any:
    low = chance.randint(60, 160)
    span = chance.uniform(0.04, 0.4)
    return picture.point(lambda value: round(low + value * span))


def _cut(picture: Any, chance: random.Random) -> Any:
    """Something lies over a part of it."""
    cut = picture.copy()
    size = (chance.randint(40, 400), chance.randint(40, 400))
    at = (chance.randint(0, SIZE[0] - 40), chance.randint(0, SIZE[1] - 40))
    cut.paste(chance.choice((0, 128, 255)), (*at, at[0] + size[0], at[1] + size[1]))
    return cut


def _out(picture: Any, chance: random.Random) -> Any:
    """A part of it is out of the picture."""
    by = (chance.randint(-330, 330), chance.randint(-200, 200))
    return picture.transform(
        picture.size, Images.Transform.AFFINE, (1, 0, by[0], 0, 1, by[1]), fillcolor=200
    )


def _tilted(picture: Any, chance: random.Random) -> Any:
    lean = [chance.uniform(-0.0009, 0.0009) for _ in range(2)]
    return picture.transform(
        picture.size, Images.Transform.PERSPECTIVE,
        (1, chance.uniform(-0.15, 0.15), 0, chance.uniform(-0.1, 0.1), 1, 0, *lean),
        Images.Resampling.BICUBIC, fillcolor=200,
    )  # fmt: skip


def _dirty(picture: Any, chance: random.Random) -> Any:
    spotted = picture.copy()
    for _ in range(chance.randint(3, 60)):
        side = chance.randint(2, 14)
        at = (chance.randint(0, SIZE[0] - side), chance.randint(0, SIZE[1] - side))
        spotted.paste(chance.randint(0, 255), (*at, at[0] + side, at[1] + side))
    return spotted


def _small(picture: Any, chance: random.Random) -> Any:
    by = chance.uniform(0.2, 0.8)
    size = (round(picture.width * by), round(picture.height * by))
    return picture.resize(size, Images.Resampling.BILINEAR)


def _inverted(picture: Any, chance: random.Random) -> Any:
    return picture.point(lambda value: 255 - value)


SPOILERS: tuple[Callable[[Any, random.Random], Any], ...] = (
    _blur, _noise, _pale, _cut, _out, _tilted, _dirty, _small, _inverted,
)  # fmt: skip


def encoded(picture: Any, kind: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def of(text: str, kind: str = "QRCode", **how: Any) -> bytes:
    """A good picture of one label, as a file."""
    return encoded(placed([Label(kind, text)], random.Random(text), turned=False), **how)


def spoiled(seed: int) -> tuple[list[Label], bytes]:
    """A picture, as a file, and what is on it."""
    chance = random.Random(seed)
    labels = [label(chance) for _ in range(2 if chance.random() < 0.2 else 1)]
    picture = placed(labels, chance)
    for spoil in chance.sample(SPOILERS, chance.randint(0, 3)):
        picture = spoil(picture, chance)
    if chance.random() < 0.5:
        return labels, encoded(picture, "JPEG", quality=chance.randint(8, 95))
    return labels, encoded(picture)
