"""What a camera gives right now, in words: for `robotq doctor`."""

from __future__ import annotations

import asyncio

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.camera.aside import Aside
from robotq.drivers.scanner.camera.by_file import ByFile
from robotq.drivers.scanner.camera.by_url import ByUrl
from robotq.drivers.scanner.camera.decode import look, why_not
from robotq.drivers.scanner.camera.options import CameraOptions
from robotq.drivers.scanner.camera.picture import ANY_TIME, Picture

_NO_TIME = "it does not tell when it was taken; docs/drivers/camera.md says what follows"


def heard(options: CameraOptions) -> str:
    """Asks for one picture of any age. Blocks, at most for its time limit. Raises LinkLost,
    PictureRefused."""
    if (missing := why_not()) is not None:
        raise LinkLost(missing)
    picture = asyncio.run(_fetched(options))
    seen = look(picture.data, options)
    codes = f"{len(seen.codes)} codes in view" if len(seen.codes) != 1 else "1 code in view"
    told = "" if picture.dated else f"; {_NO_TIME}"
    return f"{options.where}: {seen.size}, {len(picture.data) // 1024} KiB, {codes}{told}"


async def _fetched(options: CameraOptions) -> Picture:
    aside = Aside("doctor-camera")
    if options.url is not None:
        source: ByUrl | ByFile = ByUrl(options, options.url)
    else:
        assert options.file is not None
        source = ByFile(options, options.file, aside)
    try:
        async with asyncio.timeout(options.picture_s * 2):
            return await source.fetch(ANY_TIME)
    except TimeoutError:
        raise LinkLost(f"{options.where} did not answer in time") from None
    finally:
        aside.end()
        await source.close()
