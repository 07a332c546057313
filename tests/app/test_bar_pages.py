from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.app.bar_pages import ShowBars
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.market.days import from_ms, midnight_ms
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars

GER40 = load_catalogue()["GER40"]
BARS = simulate_bars(GER40, date(2025, 3, 3), date(2025, 5, 30), 1)
FACTS = Facts(
    source_file="simulated market",
    source_format="simulated",
    source_sha256="",
    imported_at=from_ms(BARS.end_ms),
    seed=1,
    quality={},
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> ShowBars:
    store = BarStore(tmp_path_factory.mktemp("bars"))
    store.save("GER40", BARS, FACTS)
    return ShowBars(load_catalogue(), store)


def show(desk: ShowBars, timeframe: str = "M1", **asked: Any) -> dict[str, Any]:
    plain = {"start": None, "end": None, "limit": 5_000, "cursor": None}
    return desk("DE40", timeframe, **plain | asked)


def check_columns(page: dict[str, Any], bars: Bars) -> None:
    assert page["time"] == bars.time.tolist()
    for name in ("open", "high", "low", "close"):
        assert page[name] == np.round(getattr(bars, name) * bars.tick, 1).tolist()
    assert len(page["volume"]) == len(page["time"])


def test_the_newest_bars_come_the_oldest_of_them_first(desk: ShowBars) -> None:
    page = show(desk, limit=100)

    check_columns(page, BARS[len(BARS) - 100 :])
    assert (page["symbol"], page["timeframe"], page["zone"]) == ("GER40", "M1", "Europe/Berlin")
    assert (page["bars_timeframe"], page["simulated"]) == ("M1", True)
    assert page["bars_fingerprint"] == BARS.fingerprint()


@pytest.mark.parametrize(
    ("timeframe", "limit"), [("M1", 20_000), ("M15", 999), ("H1", 400), ("H4", 7), ("1d", 10)]
)
def test_pages_joined_are_all_the_bars_once(desk: ShowBars, timeframe: str, limit: int) -> None:
    pages = [show(desk, timeframe, limit=limit)]
    while cursor := pages[0]["next_cursor"]:
        pages.insert(0, show(desk, timeframe, limit=limit, cursor=cursor))

    joined = {
        name: [value for page in pages for value in page[name]]
        for name in ("time", "open", "high", "low", "close", "volume")
    }
    size = Timeframe(pages[0]["timeframe"])
    check_columns(joined, resample(BARS, size, GER40.week, GER40.roll).closed())
    assert {len(page["time"]) for page in pages[1:]} == {limit}


def test_both_days_of_a_period_are_of_the_market_and_inclusive(desk: ShowBars) -> None:
    page = show(desk, "M15", start="2025-04-02", end="20250403", limit=50_000)

    assert page["next_cursor"] is None
    assert page["time"][0] == midnight_ms(date(2025, 4, 2), "Europe/Berlin")
    assert from_ms(page["time"][-1]).isoformat() == "2025-04-03T21:00:00+00:00"
    assert show(desk, "H4", start="2025-04-05", end="2025-04-05")["time"] == []
    assert show(desk, start="2030-01-01")["time"] == show(desk, end="1999-01-01")["time"] == []
    assert show(desk, "D1", start="2030-01-01")["next_cursor"] is None


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"start": "soon", "end": "0001-01-01", "cursor": "x"}, ["start", "end", "cursor"]),
        ({"start": "2025-04-03", "end": "2025-04-02"}, ["end"]),
        ({"cursor": "9" * 16}, ["cursor"]),
        ({"cursor": "-1"}, ["cursor"]),
    ],
)
def test_every_mistake_is_told_at_once(
    desk: ShowBars, asked: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        show(desk, **asked)

    assert [problem.field for problem in refused.value.problems] == fields


def test_what_is_not_stored_is_not_there(tmp_path: Path, desk: ShowBars) -> None:
    with pytest.raises(NotFoundError, match="There is no timeframe 'M7'"):
        show(desk, "M7")
    with pytest.raises(NotFoundError, match="There is no data set 'GER40 M1'"):
        show(ShowBars(desk.catalogue, BarStore(tmp_path)))
