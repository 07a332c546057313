from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feeds.replay import ReplayFeed
from setupdesk.core.errors import MissingBarsError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.market.days import from_ms, to_ms
from setupdesk.market.feed import DAY_MS
from setupdesk.market.resample import day_ends_ms, resample
from setupdesk.market.synthetic import simulate_bars

GER40 = load_catalogue()["GER40"]
BEGAN = datetime(2026, 1, 5, 12, tzinfo=UTC)
SHOWN = datetime(2025, 3, 5, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> BarStore:
    store = BarStore(tmp_path_factory.mktemp("bars"))
    bars = simulate_bars(GER40, date(2025, 2, 20), date(2025, 3, 14), 7)
    facts = Facts(
        source_file="x", source_format="x", source_sha256="", imported_at=BEGAN, quality={}
    )
    store.save("GER40", bars, facts)
    return store


def play(
    store: BarStore, speed: float = 60, starts_at: datetime = SHOWN
) -> tuple[ReplayFeed, Callable[[float], None]]:
    """Build a replay, and what lets real seconds pass."""
    moment = [BEGAN]

    def wait(seconds: float) -> None:
        moment[0] += timedelta(seconds=seconds)

    feed = ReplayFeed(
        bar_store=store, now=lambda: moment[0], began_at=BEGAN, starts_at=starts_at, speed=speed
    )
    return feed, wait


def ends_of(bars: Bars) -> np.ndarray:
    if bars.timeframe is Timeframe.D1:
        return day_ends_ms(bars)
    return bars.time + bars.timeframe.milliseconds


def test_a_minute_of_the_replay_passes_in_a_second_at_speed_60(store: BarStore) -> None:
    feed, wait = play(store)
    before = feed.newest(GER40, Timeframe.M1, 1).time[0]

    wait(0.5)
    half = feed.newest(GER40, Timeframe.M1, 1).time[0]
    wait(0.5)
    whole = feed.newest(GER40, Timeframe.M1, 1).time[0]

    assert before == to_ms(SHOWN) - 60_000
    assert half == before
    assert whole == before + 60_000


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_at_no_moment_is_a_bar_handed_out_that_is_not_over(
    store: BarStore, timeframe: Timeframe
) -> None:
    # Three days, in steps that fall on no grid, over New York's change of the clocks.
    whole = resample(store.load("GER40", Timeframe.M1), timeframe, GER40.week)
    feed, wait = play(store, 1, datetime(2025, 3, 7, 20, tzinfo=UTC))

    for _ in range(60):
        wait(4_321)
        shown_ms = feed.shown_ms
        bars = feed.newest(GER40, timeframe, 3)

        over = whole[: int(np.searchsorted(ends_of(whole), shown_ms, "right"))]
        assert (ends_of(bars) <= shown_ms).all()
        assert bars.fingerprint() == over[len(over) - 3 :].fingerprint()


def test_a_fetch_gives_the_days_as_far_as_they_are_over(store: BarStore) -> None:
    feed, _ = play(store)
    midnight = to_ms(datetime(2025, 3, 4, tzinfo=UTC))

    yesterday, today, tomorrow = feed.fetch(GER40, Timeframe.M15, midnight, midnight + 3 * DAY_MS)

    assert (yesterday.is_final, today.is_final, tomorrow.is_final) == (True, False, False)
    assert from_ms(int(today.bars.time[-1])) == datetime(2025, 3, 5, 8, 45, tzinfo=UTC)
    assert len(tomorrow.bars) == 0


def test_a_symbol_without_bars_cannot_be_played(store: BarStore) -> None:
    feed, _ = play(store)
    other = load_catalogue()["UK100"]

    assert (feed.find_listing(GER40), feed.find_listing(other)) == ("GER40", None)
    with pytest.raises(MissingBarsError, match="no bars of UK100 M1 for a replay"):
        feed.newest(other, Timeframe.M1, 1)
