"""The options under `scanner` of a camera. See docs/drivers/camera.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from robotq.drivers.reading import Section

FORMATS: Mapping[str, str] = {
    "aztec": "Aztec",
    "codabar": "Codabar",
    "code_39": "Code39Std",
    "code_93": "Code93",
    "code_128": "Code128",
    "data_matrix": "DataMatrix",
    "ean_8": "EAN8",
    "ean_13": "EAN13",
    "itf": "ITF",
    "micro_qr_code": "MicroQRCode",
    "pdf417": "PDF417",
    "qr_code": "QRCode",
    "rmqr_code": "RMQRCode",
}
"""Their names here -> those of zxing-cpp."""
SURE = ("aztec", "code_128", "data_matrix", "ean_13", "qr_code")
"""Each of these has a check that tells a part of it, and noise, from the whole."""

KEEPING = ("kept", "needed", "dropped")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlOptions:
    url: str
    shown: str
    """The same for people: without what follows a question mark, which may be a secret."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    digest: bool = False
    fingerprint: bytes | None = None
    """SHA-256 of the certificate, in place of one that somebody has signed."""
    time_header: str | None = None
    """Says when the picture was taken, by a clock that is set as this machine's."""
    clock_s: float = 0.0
    """By how much the two clocks may differ."""
    discard: int = 1
    """Pictures that are thrown away at the begin of a read, where the camera tells no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOptions:
    url: UrlOptions | None = None
    file: Path | None = None
    """Exactly one of the two is there."""
    formats: tuple[str, ...] = SURE
    region: tuple[float, float, float, float] | None = None
    """Left, top, width and height, as parts of the picture."""
    encoding: str = "utf-8"
    picture_s: float = 5.0
    """Wall seconds that one picture may take."""
    every_s: float = 0.2
    """Wall seconds between two of them."""
    max_bytes: int = 8 * _MIB
    max_pixels: int = 24_000_000
    picture: str = "kept"

    @property
    def where(self) -> str:
        """What is shown of it: never a secret."""
        return self.url.shown if self.url is not None else str(self.file)


def read_camera_options(own: Section, encoding: str) -> CameraOptions:
    """Raises ConfigError."""
    url = _url(own)
    file = own.optional_text("file")
    if (url is None) == (file is None):
        own.refuse("kind", "a camera has one of `url` and `file`")
    formats = own.texts("formats", of=tuple(FORMATS), default=SURE)
    if not formats:
        own.refuse("formats", f"expected at least one of {', '.join(FORMATS)}")
    return CameraOptions(
        url=url,
        file=None if file is None else Path(file),
        formats=tuple(dict.fromkeys(formats)),
        region=_region(own),
        encoding=encoding,
        picture_s=own.number("picture_s", least=0.1, default=5.0),
        every_s=own.number("every_s", least=0.02, default=0.2 if file is None else 0.05),
        max_bytes=own.whole("max_bytes", least=1_024, most=64 * _MIB, default=8 * _MIB),
        max_pixels=own.whole("max_pixels", least=10_000, most=64_000_000, default=24_000_000),
        picture=own.text("picture", of=KEEPING, default="kept"),
    )


_OF_URLS = ("user", "password", "auth", "fingerprint", "time_header", "clock_s", "discard")


def _url(own: Section) -> UrlOptions | None:
    url = own.optional_text("url")
    if url is None:
        for key in _OF_URLS:
            if key in own.names():
                own.refuse(key, "is for a camera with `url`")
            # so that it is among the known keys
            own.optional_text(key)
        return None
    parts = _parts(url)
    if parts is None:
        # not what was found: it may hold a secret
        own.refuse("url", "expected an address like http://10.0.0.7/snapshot.jpg")
    if parts.username is not None or parts.password is not None:
        own.refuse("url", "set `user` and `password` in place of what stands in front of the @")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    user, password = own.optional_text("user"), _secret(own, "password")
    if (user is None) != (password is None):
        own.refuse("user", "`user` and `password` go together")
    auth = own.text("auth", of=("basic", "digest"), default="basic")
    header = own.optional_text("time_header")
    return UrlOptions(
        url=url,
        shown=f"{parts.scheme}://{host}{port}{parts.path or '/'}",
        user=user,
        password=password,
        digest=auth == "digest",
        fingerprint=_fingerprint(own, parts.scheme),
        time_header=header,
        clock_s=own.number("clock_s", least=0, default=0.0),
        discard=own.whole("discard", most=100, default=1),
    )


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if named else None


def _secret(own: Section, key: str) -> str | None:
    """A text that no message repeats."""
    if key not in own.names():
        own.optional_text(key)
        return None
    if not own.is_text(key):
        own.refuse(key, "expected a text; put it between quotation marks")
    return own.text(key)


def _fingerprint(own: Section, scheme: str) -> bytes | None:
    text = own.optional_text("fingerprint")
    if text is None:
        return None
    plain = text.replace(":", "")
    if scheme != "https":
        own.refuse("fingerprint", "is for an address that begins with https://")
    if not _HASH.fullmatch(plain):
        own.refuse("fingerprint", "expected the SHA-256 of its certificate, 64 digits")
    return bytes.fromhex(plain)


def _region(own: Section) -> tuple[float, float, float, float] | None:
    """Left, top, width, height."""
    if "region" not in own.names():
        own.numbers("region")
        return None
    found = own.numbers("region")
    if len(found) != 4:
        own.refuse("region", "expected four numbers, [left, top, width, height]")
    left, top, width, height = found
    inside = 0 <= left < 1 and 0 <= top < 1 and width > 0 and height > 0
    if not inside or left + width > 1 + 1e-9 or top + height > 1 + 1e-9:
        own.refuse("region", "expected parts of the picture, from 0 to 1: [0.25, 0.25, 0.5, 0.5]")
    return left, top, width, height
