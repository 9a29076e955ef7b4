"""From the bytes of a picture to the codes in it, by Pillow and zxing-cpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.camera.options import FORMATS, CameraOptions
from robotq.drivers.scanner.camera.picture import PictureRefused
from robotq.drivers.scanner.codes import LONGEST

INSTALL = "pip install 'robotq[vision]'"
_READ = ("JPEG", "PNG", "WEBP", "BMP")
_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_SMALLEST = 8
_ECI = {
    1: "latin-1", 3: "latin-1", 4: "iso8859-2", 5: "iso8859-3", 6: "iso8859-4", 7: "iso8859-5",
    9: "iso8859-7", 17: "iso8859-15", 20: "shift_jis", 21: "cp1250", 22: "cp1251", 23: "cp1252",
    25: "utf-16-be", 26: "utf-8", 27: "ascii", 28: "big5", 29: "gb2312", 30: "euc_kr",
    32: "gb18030", 170: "ascii",
}  # fmt: skip
"""Encodings that a code can name itself (AIM ITS/04-023)."""


_BINARY = 899
BARS = frozenset({"codabar", "code_39", "code_93", "code_128", "ean_8", "ean_13", "itf"})
"""Bars side by side, with one check digit or none."""
_BARS = frozenset({"]F", "]A", "]G", "]C", "]E", "]I"})
"""How their identifiers begin."""
_SMALL = 4_000_000
"""Pixels up to which bars are looked at enlarged, and from which on reduced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is in a picture."""

    codes: tuple[str, ...]
    """Each one once."""
    width: int
    height: int
    media_type: str

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"


def why_not() -> str | None:
    """Why no picture can be decoded here; None where one can."""
    missing = [name for name in ("zxingcpp", "PIL") if find_spec(name) is None]
    return f"a camera needs zxing-cpp and Pillow: {INSTALL}" if missing else None


def look(data: bytes, options: CameraOptions, *, codes: bool = True) -> Seen:
    """What is in it; without `codes` only whether it is a picture. Raises PictureRefused, and
    LinkLost where the libraries are missing."""
    image = _opened(data, options)
    found: tuple[str, ...] = ()
    try:
        # reads all of it: one that is cut short shows here
        grey = image.convert("L")
    except Exception as error:
        raise PictureRefused("reason.picture_damaged", error=_shown(error)) from error
    if codes:
        found = tuple(dict.fromkeys(_codes(_cropped(grey, options), options)))
    return Seen(
        codes=found,
        width=image.width,
        height=image.height,
        media_type=_MEDIA_TYPES.get(image.format, "application/octet-stream"),
    )


def _opened(data: bytes, options: CameraOptions) -> Any:
    """A picture of which only the head is read. Raises PictureRefused."""
    if (missing := why_not()) is not None:
        raise LinkLost(missing)
    try:
        image = import_module("PIL.Image").open(BytesIO(data), formats=_READ)
        frames = getattr(image, "n_frames", 1)
    except Exception as error:
        raise PictureRefused("reason.picture_damaged", error=_shown(error)) from error
    if image.width * image.height > options.max_pixels:
        # before anything of it is unpacked
        raise PictureRefused(
            "reason.picture_pixels",
            passing=False,
            size=f"{image.width}x{image.height}",
            limit=options.max_pixels,
        )
    if frames != 1:
        raise PictureRefused("reason.picture_frames", passing=False, frames=frames)
    return image


def _cropped(grey: Any, options: CameraOptions) -> Any:
    if options.region is None:
        return grey
    left, top, width, height = options.region
    box = (
        round(left * grey.width),
        round(top * grey.height),
        round((left + width) * grey.width),
        round((top + height) * grey.height),
    )
    return grey.crop(box)


def _codes(grey: Any, options: CameraOptions) -> Sequence[str]:
    if min(grey.size) < _SMALLEST:
        return ()
    found = _read(grey, _formats(options.formats))
    bars = [one for one in found if one.symbology_identifier[:2] in _BARS]
    if bars:
        names = tuple(name for name in options.formats if name in BARS)
        surely = _sure_bars(grey, bars, _formats(names))
        found = [one for one in found if one not in bars or one.bytes in surely]
    return [_text(one, options.encoding) for one in found]


def _read(grey: Any, formats: Any, **how: Any) -> list[Any]:
    zxing = import_module("zxingcpp")
    pixels = memoryview(grey.tobytes()).cast("B", (grey.height, grey.width))
    # with the encoding that a code names, and not as a text that was guessed
    mode = zxing.TextMode.HexECI
    return [
        one
        for one in zxing.read_barcodes(pixels, formats=formats, text_mode=mode, **how)
        if one.valid
    ]


def _sure_bars(grey: Any, found: Sequence[Any], formats: Any) -> set[bytes]:
    """Of bars that were found, what is certain. Raises PictureRefused where none is.

    One check digit lets every tenth or hundredth misread pass. A label is read the same whether its
    picture is made larger or turned a little; what unsharp edges, noise and dirt make of it is not.
    """
    part = grey.crop(_around(grey, found))
    small = part.width * part.height <= _SMALL
    once, twice = (1.5, 2.0) if small else (0.75, 0.6)
    larger, largest = _scaled(part, once), _scaled(part, twice)
    looks = [
        {one.bytes for one in _read(look, formats)}
        for look in (larger, largest, _turned(larger, 5.0), _turned(larger, -5.0))
    ]
    first = {one.bytes for one in found}
    surely = {text for text in first & looks[0] & looks[1] if text in looks[2] or text in looks[3]}
    doubtful = first.union(*looks) - surely
    if doubtful:
        raise PictureRefused("reason.code_unsure", shown=_shown(min(doubtful)))
    return surely


def _around(grey: Any, found: Sequence[Any]) -> tuple[int, int, int, int]:
    """Where they are, with a margin."""
    corners = [
        corner
        for one in found
        for corner in (
            one.position.top_left,
            one.position.top_right,
            one.position.bottom_left,
            one.position.bottom_right,
        )
    ]
    across, down = [corner.x for corner in corners], [corner.y for corner in corners]
    margin = 30 + max(max(across) - min(across), max(down) - min(down)) // 4
    return (
        max(0, min(across) - margin),
        max(0, min(down) - margin),
        min(grey.width, max(across) + margin),
        min(grey.height, max(down) + margin),
    )


def _scaled(part: Any, by: float) -> Any:
    bicubic = import_module("PIL.Image").Resampling.BICUBIC
    return part.resize((max(1, round(part.width * by)), max(1, round(part.height * by))), bicubic)


def _turned(part: Any, by: float) -> Any:
    bicubic = import_module("PIL.Image").Resampling.BICUBIC
    return part.rotate(by, bicubic, expand=True, fillcolor=part.getpixel((0, 0)))


@cache
def _formats(names: tuple[str, ...]) -> Any:
    zxing = import_module("zxingcpp")
    return zxing.BarcodeFormats([getattr(zxing.BarcodeFormat, FORMATS[name]) for name in names])


def _text(barcode: Any, encoding: str) -> str:
    """What is in a code, nothing guessed. Raises PictureRefused code_refused."""
    raw: bytes = barcode.bytes
    encoding = _named(barcode, raw) or encoding
    try:
        code = raw.decode(encoding)
        exact = code.encode(encoding) == raw
    except UnicodeError:
        exact, code = False, ""
    if not exact:
        raise _refused("reason.code_encoding", shown=_shown(raw), encoding=encoding)
    if "\0" in code or not code:
        raise _refused("reason.code_nul", shown=_shown(raw))
    if len(code) > LONGEST:
        raise _refused("reason.code_long", length=len(code))
    return code


def _named(barcode: Any, raw: bytes) -> str | None:
    """The encoding that a code names itself; None where it names none. Raises PictureRefused."""
    told = bytes.fromhex(barcode.text)
    plain = barcode.symbology_identifier.encode()
    if told[: len(plain)] == plain:
        return None
    # `\000026` and the text; a backslash in it stands there twice
    rest = told[len(plain) :]
    number = rest[1:7]
    content = rest[7:].replace(b"\\\\", b"\\")
    if rest[:1] != b"\\" or not number.isdigit() or content != raw:
        raise _refused("reason.code_encodings", shown=_shown(raw))
    if int(number) == _BINARY:
        # bytes that are no text by themselves: the configuration says what they are
        return None
    name = _ECI.get(int(number))
    if name is None:
        raise _refused("reason.code_encoding", shown=_shown(raw), encoding=f"ECI {int(number)}")
    return name


def _refused(reason: str, **args: Any) -> PictureRefused:
    return PictureRefused(reason, code="code_refused", passing=False, **args)


def _shown(what: object) -> str:
    text = ascii(what) if isinstance(what, bytes) else f"{type(what).__name__}: {what}"
    return text if len(text) <= 100 else f"{text[:97]}..."
