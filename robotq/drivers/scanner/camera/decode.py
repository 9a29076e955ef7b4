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
    width, height = grey.size
    if min(width, height) < _SMALLEST:
        return ()
    zxing = import_module("zxingcpp")
    pixels = memoryview(grey.tobytes()).cast("B", (height, width))
    # with the encoding that a code names, and not as a text that was guessed
    found = zxing.read_barcodes(
        pixels, formats=_formats(options.formats), text_mode=zxing.TextMode.HexECI
    )
    return [_text(one, options.encoding) for one in found if one.valid]


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
