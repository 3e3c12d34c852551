"""How bright an image is and how much its light varies: needs Pillow, the extra `images`.

Rule: bounded before it begins. An image over the bounds below is not decoded, nor one of which some
is missing; all together take at most `SHARE` of a core, beyond which images go unmeasured until
there is time again. What was not measured is counted by reason. Any bytes never raise.

Theory. An image is looked at as 64 × 64 areas of grey, whatever its size, so that what is said of
two sizes can be compared. Of a JPEG libjpeg makes an eighth of each side at no cost. Measured: a
JPEG of 224 × 224 takes 0.2 ms, of 12 megapixels 13; other formats 10 to 20 ms a megapixel.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from agent.decode.images.heads import Head

FORMATS = {"jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP"}
"""By Pillow's names. Readers of the others are large, and what they take is hard to bound."""
MAX_SCALED = 40_000_000
"""Pixels of a JPEG of one scan, which is made small while it is read."""
MAX_PIXELS = 4_000_000
"""Of any other: each takes memory, 4 bytes of it."""
MAX_SCANS = 32
"""Of a JPEG, each over all of it; a few bytes can be one."""
SHARE = 0.05
"""Of a core, that all images together may take."""
SAVED_UP = 0.25
"""Seconds of it that quiet times may save up for busy ones."""

MEASURED, PARTIAL, TOO_LARGE, OVER_BUDGET, DAMAGED, NO_READER = OUTCOMES = (
    "measured",
    "partial",
    "too_large",
    "over_budget",
    "damaged",
    "no_reader",
)
_SIDE = 64
_DEEP = ("I", "I;16", "I;16B", "I;16L")
"""Modes of 16 bits."""
_SCAN = b"\xff\xda"


class Light(NamedTuple):
    """Both of 0 to 1: the mean of the grey values as they are written, and their deviation."""

    brightness: float
    contrast: float


class Meter:
    """Measures images while there is time for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds; what is spent is measured by it too."""
        self._clock = clock
        self._left = SAVED_UP
        self._since = clock()
        self.counts = dict.fromkeys(OUTCOMES, 0)
        """Images since the start, by what became of them; of none without Pillow."""

    def measure(self, whole: Callable[[], bytes] | None, head: Head) -> Light | None:
        """The light of an image; None if it is not measured.

        `whole`: gives all of its bytes, asked if they are wanted; None if some are missing.
        """
        library = _pillow()
        if library is None:
            return None
        light, outcome = self._measured(whole, head, library)
        self.counts[outcome] += 1
        return light

    def _measured(
        self, whole: Callable[[], bytes] | None, head: Head, library: Any
    ) -> tuple[Light | None, str]:
        if head.format not in FORMATS:
            return None, NO_READER
        if whole is None:
            return None, PARTIAL
        if head.width is None or head.height is None:
            return None, DAMAGED
        pixels = head.width * head.height
        if pixels > (MAX_SCALED if head.format == "jpeg" else MAX_PIXELS):
            return None, TOO_LARGE
        start = self._clock()
        self._left = min(SAVED_UP, self._left + SHARE * (start - self._since))
        self._since = start
        # Whether there is time does not depend on the image: large ones are as likely measured.
        if self._left <= 0:
            return None, OVER_BUDGET
        data = whole()
        scans = data.count(_SCAN) if head.format == "jpeg" else 1
        if scans > MAX_SCANS or (scans > 1 and pixels > MAX_PIXELS):
            return None, TOO_LARGE
        light = _light(data, head, library)
        self._left -= self._clock() - start
        return light, MEASURED if light is not None else DAMAGED


def _light(data: bytes, head: Head, library: Any) -> Light | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damage, and of its own idea of a bomb
            image = library.open(BytesIO(data), formats=(FORMATS[head.format],))
            if image.size != (head.width, head.height):
                return None
            image.draft("L", (_SIDE, _SIDE))
            deep = image.mode in _DEEP
            grey = image.convert("I" if deep else "L")
            small = grey.resize((_SIDE, _SIDE), library.Resampling.BOX)
            values = np.asarray(small, dtype=np.float64)
    except Exception:  # whatever a reader of foreign bytes may meet
        return None
    full = 65535.0 if deep else 255.0
    return Light(round(float(values.mean()) / full, 4), round(float(values.std()) / full, 4))


@lru_cache(maxsize=1)
def _pillow() -> Any:
    """Pillow's module Image, or None; looked for once."""
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


METER = Meter()
"""Of this process."""
