"""The spool: days of bars as they came from feeds, kept so that a fetch can go on.

``<folder>/<feed>/<SYMBOL>/<TIMEFRAME>/<year>/<date>.npz``; a day that cannot be read counts as
one that is not there.
"""

import os
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from secrets import token_hex

import numpy as np

from setupdesk.adapters.folder_sync import sync_folder
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.days import from_ms
from setupdesk.market.feed import Chunk

_COLUMNS = ("time", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class FeedSpool:
    """All days of all feeds, under one folder."""

    folder: Path

    def find(self, feed: str, symbol: Symbol, timeframe: Timeframe, start_ms: int) -> Chunk | None:
        """Find the day that begins at *start_ms*; one counted in other ticks is not there."""
        try:
            raw = self._path(feed, symbol, timeframe, start_ms).read_bytes()
            with np.load(BytesIO(raw), allow_pickle=False) as kept:
                if float(kept["tick"]) != symbol.tick:
                    return None
                columns = (kept[name] for name in _COLUMNS)
                return Chunk(
                    start_ms=start_ms,
                    bars=Bars(timeframe, symbol.tick, *columns),
                    sha256=str(kept["sha256"]),
                    is_final=bool(kept["is_final"]),
                    silent=int(kept["silent"]),
                )
        except (FileNotFoundError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, feed: str, symbol: Symbol, timeframe: Timeframe, chunk: Chunk) -> None:
        """Keep a day: the file is there whole, or not at all."""
        path = self._path(feed, symbol, timeframe, chunk.start_ms)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{token_hex(8)}-{path.name}")
        columns = {name: getattr(chunk.bars, name) for name in _COLUMNS}
        with draft.open("wb") as file:
            np.savez_compressed(
                file,
                tick=symbol.tick,
                sha256=chunk.sha256,
                is_final=chunk.is_final,
                silent=chunk.silent,
                **columns,
            )
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        # What was pushed and acknowledged has no other copy.
        sync_folder(path.parent)

    def _path(self, feed: str, symbol: Symbol, timeframe: Timeframe, start_ms: int) -> Path:
        day = from_ms(start_ms).date()
        return self.folder / feed / symbol.name / timeframe / str(day.year) / f"{day}.npz"
