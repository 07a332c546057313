from pathlib import Path

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session

REAL = Path(__file__).parents[2].parent / "shared/data/clean/GER40_M15_forexcom.parquet"

Market = tuple[Bars, list[Session]]


@pytest.fixture(scope="session")
def real_ger40(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Give the real GER40 M15 with its sessions."""
    if not REAL.is_file():
        pytest.skip("no real bars in ../shared/data")
    import polars as pl

    from setupdesk.adapters.calendar import ExchangeCalendar
    from setupdesk.market.days import day_of

    symbol, table = load_catalogue()["GER40"], pl.read_parquet(REAL)
    opened, high, low, close = (
        np.rint(table[name].to_numpy() / symbol.tick).astype(np.int64)
        for name in ("open", "high", "low", "close")
    )
    times = table["ts"].dt.epoch("ms").to_numpy().astype(np.int64)
    no_volume = np.full(len(times), np.nan)
    bars = Bars(Timeframe.M15, symbol.tick, times, opened, high, low, close, no_volume)
    first, last = (day_of(int(times[row]), symbol.zone) for row in (0, -1))
    calendar = ExchangeCalendar(tmp_path_factory.mktemp("calendar"))
    found = calendar.sessions(symbol, first, last)
    return bars, [one for one in found if one.closes_ms > times[0]]
