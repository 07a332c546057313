"""Pictures to look at in tests: bars that are known, and a PNG as its pixels."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from setupdesk.core.timeframe import Timeframe
from setupdesk.picture.frame import Caption
from setupdesk.picture.inks import Ink
from setupdesk.picture.run import Picture, draw_run, to_ms

Pixels = npt.NDArray[np.uint8]

M15 = 900_000
FIRST = to_ms("2025-05-05T00:00:00Z")
SYMBOL = {"session": "09:00-17:30", "zone": "Europe/Berlin", "tick": 0.1}
CAPTION = Caption("IB_raid_v1, GER40 M15", "Not proven: 36 trades averaged +0.04R.")


def at(row: int) -> str:
    return str(np.datetime64(FIRST + row * M15, "ms")) + "+00:00"


def draw_bars(count: int, **report: Any) -> Picture:
    """Draw bars that rise and fall by turns, from 100 to 104."""
    rises = [row % 2 == 0 for row in range(count)]
    columns: dict[str, Any] = {
        "time": [FIRST + row * M15 for row in range(count)],
        "open": [101.0 if rise else 103.0 for rise in rises],
        "high": [104.0] * count,
        "low": [100.0] * count,
        "close": [103.0 if rise else 101.0 for rise in rises],
    }
    told = {"zone": "Europe/Berlin", "sessions": [], "trades": []} | report
    return draw_run(columns, told, SYMBOL, Timeframe.M15)


def trade_of(number: int, first: int, last: int, **said: Any) -> dict[str, Any]:
    usual = {
        "number": number,
        "side": "long",
        "exit_reason": "target",
        "r": 2.0,
        "entry": 102.0,
        "stop": 99.0,
        "target": 108.0,
        "exit": 108.0,
    }
    return usual | {"entry_at": at(first), "exit_at": at(last)} | said


def look_at(png: bytes) -> Pixels:
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def find(pixels: Pixels, ink: Ink) -> npt.NDArray[np.bool_]:
    """Find where an ink is, alone and whole."""
    return np.asarray((pixels == np.array(ink[:3], np.uint8)).all(axis=2))
