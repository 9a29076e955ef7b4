"""Pictures taken for a read, and the code that is in one of them."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from robotq.drivers.base import DriverError, LinkLost
from robotq.drivers.scanner.camera.aside import Aside
from robotq.drivers.scanner.camera.by_file import ByFile
from robotq.drivers.scanner.camera.by_url import ByUrl
from robotq.drivers.scanner.camera.decode import Seen, look
from robotq.drivers.scanner.camera.options import CameraOptions
from robotq.drivers.scanner.camera.picture import ANY_TIME, Asked, Picture, PictureRefused
from robotq.drivers.scanner.options import ScannerOptions

_log = logging.getLogger(__name__)

_DECODE_S = 15.0


@dataclass(slots=True)
class Outcome:
    """What has come of a read."""

    code: str | None = None
    error: DriverError | None = None
    picture: Picture | None = None
    """The one that was looked at last."""
    media_type: str = "application/octet-stream"


class Taking:
    """On the loop of its camera, for one read at a time."""

    def __init__(
        self, robot: str, options: ScannerOptions, camera: CameraOptions, aside: Aside
    ) -> None:
        self._robot = robot
        self._not_again_s = options.not_again_s
        self._camera = camera
        self._aside = aside
        self._source = _source_of(camera, aside)
        self.seen: str | None = None
        """How large the last picture was, in words."""
        self.dated: bool | None = None
        """The camera says when it has taken a picture."""
        self._last: bytes | None = None
        """The hash of the picture before."""
        self._given: str | None = None
        self._given_at = float("-inf")

    async def close(self) -> None:
        await self._source.close()

    async def take_any(self, outcome: Outcome) -> None:
        """A picture of any age. Raises PictureRefused, LinkLost."""
        picture = await self._source.fetch(ANY_TIME)
        self._last = picture.hash
        self.dated = picture.dated
        await self._looked(picture, outcome, codes=False)

    async def read_until(self, deadline: float, asked: Asked, outcome: Outcome) -> None:
        """Raises PictureRefused where no picture could be taken, or one says another thing."""
        url = self._camera.url
        discard = 0 if url is None else url.discard
        while True:
            why: PictureRefused | None = None
            try:
                picture = await self._source.fetch(asked)
                self._compare(picture)
                if not picture.dated and discard > 0:
                    # it may have been waiting in the camera since before
                    discard -= 1
                    continue
                seen = await self._looked(picture, outcome)
                if len(seen.codes) > 1:
                    raise PictureRefused(
                        "reason.codes_in_view", code="code_refused", passing=False,
                        count=len(seen.codes),
                    )  # fmt: skip
                if seen.codes and not self._again(seen.codes[0]):
                    outcome.code = self._given = seen.codes[0]
                    self._given_at = time.monotonic()
                    return
            except PictureRefused as error:
                if not error.passing:
                    raise
                why = error
            if time.monotonic() + self._camera.every_s >= deadline:
                if why is not None and outcome.picture is None:
                    raise why
                return
            await asyncio.sleep(self._camera.every_s)

    def _compare(self, picture: Picture) -> None:
        last, self._last = self._last, picture.hash
        if last == self._last:
            raise PictureRefused("reason.picture_same")

    async def _looked(self, picture: Picture, outcome: Outcome, *, codes: bool = True) -> Seen:
        outcome.picture, outcome.media_type = picture, "application/octet-stream"
        options = self._camera
        try:
            async with asyncio.timeout(_DECODE_S):
                seen = await self._aside(lambda: look(picture.data, options, codes=codes))
        except TimeoutError:
            raise LinkLost(f"its picture was not looked through within {_DECODE_S:g} s") from None
        outcome.media_type = seen.media_type
        self.seen = seen.size
        return seen

    def _again(self, code: str) -> bool:
        if code != self._given or time.monotonic() - self._given_at >= self._not_again_s:
            return False
        _log.debug("%s: the code before is in view again: %a", self._robot, code[:80])
        return True


def _source_of(options: CameraOptions, aside: Aside) -> ByUrl | ByFile:
    if options.url is not None:
        return ByUrl(options, options.url)
    assert options.file is not None
    return ByFile(options, options.file, aside)
