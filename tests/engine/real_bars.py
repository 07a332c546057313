"""Real bars, where they lie beside the project, as markets on which setups are tried."""

from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import session_by_clock
from tests.engine.markets import Market

SHARED = (parent / "shared/data" for parent in Path(__file__).parents)
REAL = next((folder for folder in SHARED if folder.is_dir()), Path("shared/data"))


@cache
def read_market(file: str, *, last: int, warm_up: int, earlier: int) -> Market:
    """Read the *last* bars of a file, such as ``GER40_M15_forexcom``; skip without it.

    The first *warm_up* weekdays have no session, but the last *earlier* of them are looked back on.
    """
    path = REAL / f"clean/{file}.parquet"
    if not path.is_file():
        pytest.skip(f"no real file {path.name} in ../shared/data")
    name, timeframe, _ = file.split("_")
    symbol = load_catalogue()[name]
    bars = read_bars(path, Timeframe(timeframe), symbol.tick, last)
    zone = ZoneInfo(symbol.zone)
    dates = {datetime.fromtimestamp(at / 1000, zone).date() for at in bars.time.tolist()}
    days = sorted(day for day in dates if day.isoweekday() < 6)
    held = [session_by_clock(day, symbol.session) for day in days]
    return Market(symbol, bars, held[warm_up:], held[warm_up - earlier : warm_up])


def read_bars(path: Path, timeframe: Timeframe, tick: float, last: int) -> Bars:
    frame = pl.read_parquet(path).tail(last)
    opened, high, low, close = (
        np.rint(frame[name].to_numpy() / tick).astype(np.int64)
        for name in ("open", "high", "low", "close")
    )
    stamps = frame["ts"].dt.epoch("ms").to_numpy().astype(np.int64)
    return Bars(timeframe, tick, stamps, opened, high, low, close, np.full(len(frame), np.nan))
