"""A watch sees each closed bar and says what a backtest of the same bars says, each thing once."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.ledger.processes import name_process
from setupdesk.adapters.ledger.tables import sighting
from setupdesk.app.live_view import NO_SIGNAL
from setupdesk.app.ports import FeedDownError, NotStartableError
from setupdesk.core.request import Mode, Request
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Watch
from setupdesk.engine import tickets
from setupdesk.engine.explain import VERDICTS
from setupdesk.market.bars import Bars
from setupdesk.market.days import day_of, from_ms, to_ms
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.registry import load_registry
from tests.app.watched import WatchedDesk
from tests.engine.real_bars import REAL, read_bars

REGISTRY, CATALOGUE = load_registry(), load_catalogue()
GER40 = CATALOGUE["GER40"]
FIRST, LAST = date(2024, 9, 2), date(2025, 5, 16)
SETUPS = tuple(sorted(rule.id for rule in REGISTRY))
BAR = timedelta(minutes=5)
Told = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def market() -> Bars:
    fine = simulate_bars(GER40, FIRST, LAST, seed=1)
    return resample(fine, Timeframe.M5, GER40.week, GER40.roll).closed()


def open_desk(folder: Path, bars: Bars, symbol: str = "GER40") -> WatchedDesk:
    desk = WatchedDesk(folder, REGISTRY, CATALOGUE)
    desk.store(symbol, bars)
    return desk


def play(desk: WatchedDesk, watch: Watch, times: Iterable[int]) -> None:
    """Poll as each of these bars closes."""
    size = watch.terms.timeframe.milliseconds
    for at in times:
        desk.show(watch, from_ms(at + size + 1_000))
        desk.poll(watch)


def tell_live(desk: WatchedDesk, watch: Watch) -> dict[str, list[Told]]:
    told: dict[str, list[Told]] = {setup: [] for setup in watch.terms.setups}
    for one in desk.alerts(watch):
        if one["setup_id"]:
            at = one["bar_at"].isoformat()
            price = f"{one['said']['level_price']:.10g}"
            told[one["setup_id"]].append((at, one["side"], one["level"], price))
    return {setup: sorted(found) for setup, found in told.items()}


def tell_backtest(
    desk: WatchedDesk, watch: Watch, since_ms: int, until_ms: int
) -> dict[str, list[Told]]:
    """Give the signals of a backtest of these days that were known after *since_ms*."""
    return {
        setup: sorted(_backtest(desk, watch, setup, since_ms, until_ms))
        for setup in watch.terms.setups
    }


def _backtest(
    desk: WatchedDesk, watch: Watch, setup: str, since_ms: int, until_ms: int
) -> Iterable[Told]:
    [name], size = watch.terms.symbols, watch.terms.timeframe
    zone = CATALOGUE[name].zone
    request = Request(
        setup_id=setup,
        symbol=name,
        timeframe=size,
        mode=Mode.BACKTEST,
        start=day_of(since_ms, zone) - timedelta(days=1),
        end=day_of(until_ms, zone),
    )
    plan = desk.build_manager().plan(request)
    # A session that will turn out to lack bars is left out of backtests; live cannot know it.
    sessions = [replace(session, whole=True) for session in plan.sessions]
    for one in plan.run(sessions=sessions).candidates:
        known_ms = to_ms(one.known_at)
        if since_ms < known_ms <= until_ms and one.verdict not in NO_SIGNAL:
            at = from_ms(known_ms - size.milliseconds).isoformat()
            yield (at, one.side, one.level, f"{one.level_price:.10g}")


def test_bar_by_bar_it_says_what_a_backtest_says_with_every_setup(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    days = market.between(to_ms(datetime.fromisoformat("2025-05-14T05:30Z")), market.end_ms)
    times = days.time[:130].tolist()
    watch = desk.watch(SETUPS, ("GER40",), "M5", starts_at=from_ms(times[0]))
    play(desk, watch, times)

    live = tell_live(desk, watch)
    assert live == tell_backtest(desk, watch, times[0], times[-1] + 300_000)
    assert sum(map(len, live.values())) > 15
    assert len({setup for setup, found in live.items() if found}) >= 6


@pytest.mark.parametrize("step", [1, 7, 40])
def test_it_says_the_same_however_many_bars_one_poll_sees(
    tmp_path: Path, market: Bars, step: int
) -> None:
    desk = open_desk(tmp_path, market)
    days = market.between(to_ms(datetime.fromisoformat("2025-05-14T06:00Z")), market.end_ms)
    times = days.time[:160].tolist()
    watch = desk.watch(
        ("IB_raid_v1", "PDHL_sweep_v1"), ("GER40",), "M5", starts_at=from_ms(times[0])
    )
    play(desk, watch, [times[0], *times[step::step], times[-1]])

    live = tell_live(desk, watch)
    assert live == tell_backtest(desk, watch, times[0], times[-1] + 300_000)
    assert sum(map(len, live.values())) >= 2


def test_each_alert_comes_once_also_from_a_poll_that_is_done_again(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    days = market.between(to_ms(datetime.fromisoformat("2025-05-14T06:00Z")), market.end_ms)
    times = days.time[:160].tolist()
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=from_ms(times[0]))
    play(desk, watch, times)
    once = desk.alerts(watch)
    again = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=from_ms(times[0]))
    play(desk, watch, times[-2:])
    play(desk, again, times)

    assert desk.alerts(watch) == once
    # Another replay is another market; of real feeds two watches of one user raise one alert.
    assert tell_live(desk, again) == tell_live(desk, watch)
    assert not {one["alert_id"] for one in once} & {one["alert_id"] for one in desk.alerts(again)}


def test_a_poll_whose_run_was_taken_from_it_writes_nothing(tmp_path: Path, market: Bars) -> None:
    desk = open_desk(tmp_path, market)
    begin = datetime.fromisoformat("2025-05-14T06:00+00:00")
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=begin)
    desk.show(watch, begin + timedelta(hours=3))
    desk.take_run(watch, process="1 0")

    with pytest.raises(NotStartableError):
        desk.poll(watch)
    desk.take_run(watch, state="crashed", process=name_process(os.getpid()))
    with pytest.raises(NotStartableError):
        desk.poll(watch)
    assert not desk.watches.load_looks(watch.watch_id)
    assert desk.count("sighting") == 0


def test_two_watches_that_look_at_the_same_tell_it_once_and_others_tell_their_own(
    tmp_path: Path, market: Bars
) -> None:
    noon = datetime.fromisoformat("2025-05-14T10:00:00+00:00")
    desk = open_desk(tmp_path, market.between(0, to_ms(noon)))
    feed = _Played(market, desk)
    desk.feeds["push"] = feed  # type: ignore[assignment]
    desk.now = datetime.fromisoformat("2025-05-14T06:00:00+00:00")
    one, two, other = (
        desk.watch(SETUPS, ("GER40",), "M5", feed="push", options=options)
        for options in ({}, {}, {"rr_target": 3.0})
    )
    for _ in range(60):
        desk.now += timedelta(minutes=5)
        for watch in (one, two, other):
            desk.poll(watch)
        # What has triggered at the last close has no outcome yet, whoever looks at it next.
        newest = [each for each in desk.alerts(one) if each["bar_at"] == desk.now - BAR]
        assert not [each for each in newest if each["outcome"]]

    told = tell_live(desk, one)
    assert sum(map(len, told.values())) > 5
    assert not desk.alerts(two)
    assert desk.watches.load_alerts("ann", None, 100)
    assert not desk.watches.load_alerts("bob", None, 100)
    assert tell_live(desk, other) == told
    assert desk.watches.load_open_alerts(two, noon - timedelta(days=1))


class _Played:
    """A feed that gives what had closed by the desk's clock."""

    name = "push"

    def __init__(self, bars: Bars, desk: WatchedDesk) -> None:
        self.bars, self.desk, self.timeframes = bars, desk, (bars.timeframe,)

    def newest(self, _symbol: Any, _timeframe: Timeframe, count: int) -> Bars:
        closed = self.bars.between(0, to_ms(self.desk.now) - self.bars.timeframe.milliseconds + 1)
        return closed[max(0, len(closed) - count) :]


def test_minutes_that_are_sent_make_coarse_bars_and_none_before_its_last_minute(
    tmp_path: Path,
) -> None:
    fine = simulate_bars(GER40, date(2025, 5, 12), date(2025, 5, 14), seed=1)
    begin = datetime.fromisoformat("2025-05-14T08:00:00+00:00")
    desk = open_desk(tmp_path, resample(fine, Timeframe.M15, GER40.week).between(0, to_ms(begin)))
    late = fine.between(0, to_ms(begin + timedelta(minutes=14)))
    desk.feeds["push"] = _Played(late, desk)  # type: ignore[assignment]
    desk.now = begin + timedelta(minutes=15, seconds=3)
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M15", feed="push")

    assert desk.see(watch, GER40, timedelta()).bars.end_ms == to_ms(begin)
    desk.feeds["push"] = _Played(fine, desk)  # type: ignore[assignment]
    seen = desk.see(watch, GER40, timedelta()).bars
    whole = resample(fine, Timeframe.M15, GER40.week).between(to_ms(begin), seen.end_ms)
    assert seen.end_ms == to_ms(begin + timedelta(minutes=15))
    assert seen[-1:].fingerprint() == whole.closed().fingerprint()
    before = resample(fine, Timeframe.M15, GER40.week).between(to_ms(begin) - 10**8, seen.end_ms)
    assert seen[-len(before.closed()) :].fingerprint() == before.closed().fingerprint()
    # Where nobody traded in the last minute, the bar is whole without it.
    desk.feeds["push"] = _Played(late, desk)  # type: ignore[assignment]
    desk.now += timedelta(minutes=1)
    assert desk.see(watch, GER40, timedelta()).bars.end_ms == to_ms(begin + timedelta(minutes=15))


@pytest.mark.parametrize("polls", ["many", "one at the end"])
def test_each_alert_gets_the_outcome_that_the_backtest_has(
    tmp_path: Path, market: Bars, polls: str
) -> None:
    desk = open_desk(tmp_path, market)
    begin = to_ms(datetime.fromisoformat("2025-05-12T00:00Z"))
    times = market.between(begin, market.end_ms).time.tolist()
    watch = desk.watch(("IB_raid_v1", "ORB30_break_v1"), ("GER40",), "M5", starts_at=from_ms(begin))
    play(desk, watch, times[::6] if polls == "many" else times[-1:])

    trades = {
        (setup, trade.signal_at - timedelta(minutes=5), trade.side): trade
        for setup in watch.terms.setups
        for trade in _plan_days(desk, setup).run().trades
    }
    signals = [one for one in desk.alerts(watch) if one["setup_id"]]
    traded = [one for one in signals if one["outcome"]["verdict"] == "traded"]
    assert {(one["setup_id"], one["bar_at"], one["side"]) for one in traded} == set(trades)
    for one in traded:
        trade = trades[one["setup_id"], one["bar_at"], one["side"]]
        said = one["outcome"]
        assert (said["r"], said["exit_reason"]) == (pytest.approx(trade.r), trade.exit_reason)
    assert len(traded) >= 3


def _plan_days(desk: WatchedDesk, setup: str) -> Any:
    asked = Request(
        setup_id=setup,
        symbol="GER40",
        timeframe=Timeframe.M5,
        mode=Mode.BACKTEST,
        start=date(2025, 5, 12),
        end=LAST,
    )
    return desk.build_manager().plan(asked)


def test_a_silent_feed_in_an_open_market_is_an_alert_of_its_own_and_comes_once(
    tmp_path: Path, market: Bars
) -> None:
    noon = datetime.fromisoformat("2025-05-14T10:00:00+00:00")
    desk = open_desk(tmp_path, market.between(0, to_ms(noon)))
    desk.feeds["push"] = _Silent()  # type: ignore[assignment]
    desk.now = noon
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", feed="push")
    told = []
    for minutes in (1, 9, 11, 12, 30):
        desk.now = noon + timedelta(minutes=minutes)
        told.append(desk.poll(watch)["summary"])

    assert [one["alerts"] for one in told] == [0, 0, 1, 0, 0]
    assert [one["troubled"] for one in told] == [0, 0, 1, 0, 0]
    [stale] = [one for one in desk.alerts(watch) if one["kind"] == "stale"]
    assert "no new bar since 2025-05-14 12:00 Europe/Berlin" in stale["said"]["sentence"]
    [look] = desk.watches.load_looks(watch.watch_id)
    assert look.trouble
    assert "no new bar" in look.trouble


def test_a_vendor_that_is_down_in_an_open_market_is_as_silent_as_one_that_gives_nothing(
    tmp_path: Path, market: Bars
) -> None:
    noon = datetime.fromisoformat("2025-05-14T10:00:00+00:00")
    desk = open_desk(tmp_path, market.between(0, to_ms(noon)))
    desk.feeds["push"] = _Down()  # type: ignore[assignment]
    desk.now = noon - timedelta(minutes=5)
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", feed="push")
    told = []
    for minutes in (0, 30, 60):
        desk.now = noon + timedelta(minutes=minutes)
        told.append(desk.poll(watch)["summary"])

    # At noon nothing is known of it yet, but that its market has been open since nine.
    assert [one["alerts"] for one in told] == [1, 0, 0]
    assert [one["troubled"] for one in told] == [1, 1, 1]
    [stale] = desk.alerts(watch)
    assert "the vendor is asleep" in stale["said"]["sentence"]


class _Down:
    """A feed that cannot be asked."""

    name = "push"
    timeframes = (Timeframe.M5,)
    asked = 0

    def newest(self, _symbol: Any, _timeframe: Timeframe, _count: int) -> Bars:
        self.asked += 1
        raise FeedDownError("the vendor is asleep")


def test_what_the_feed_says_of_a_bar_counts_before_what_is_stored(
    tmp_path: Path, market: Bars
) -> None:
    noon = datetime.fromisoformat("2025-05-14T10:00:00+00:00")
    wrong = replace(market, high=market.high + 7).between(0, to_ms(noon))
    desk = open_desk(tmp_path, wrong)
    desk.feeds["push"] = _Played(market, desk)  # type: ignore[assignment]
    desk.now = noon + timedelta(minutes=5)
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", feed="push")
    seen = desk.see(watch, GER40, timedelta()).bars

    newest = market.between(to_ms(noon) - 300_000, to_ms(noon) + 300_000)
    assert seen[-2:].fingerprint() == newest.fingerprint()


def test_what_triggered_while_nobody_looked_is_raised_and_too_old_to_be_told(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    begin = to_ms(datetime.fromisoformat("2025-05-14T06:00Z"))
    times = market.between(begin, market.end_ms).time[:160].tolist()
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=from_ms(begin))
    play(desk, watch, [times[0], times[-1]])
    late = desk.alerts(watch)
    in_time = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=from_ms(begin))
    play(desk, in_time, times)

    assert len(late) == len(desk.alerts(in_time)) > 0
    assert all(one["expires_at"] < one["created_at"] for one in late[:-1])
    for one in desk.alerts(in_time):
        left = one["expires_at"] - one["created_at"]
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)


def test_what_triggers_before_a_first_look_that_comes_late_is_raised_all_the_same(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    begin = to_ms(datetime.fromisoformat("2025-05-13T06:00Z"))
    times = market.between(begin, market.end_ms).time[:500].tolist()
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=from_ms(begin))
    play(desk, watch, [times[-1]])

    live = tell_live(desk, watch)
    assert live == tell_backtest(desk, watch, begin, times[-1] + 300_000)
    assert len(live["IB_raid_v1"]) > 3


def test_a_desk_that_was_down_for_months_sees_every_bar_of_them(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    begin = datetime.fromisoformat("2024-12-02T06:00+00:00")
    watch = desk.watch(("London_breakout_v1",), ("GER40",), "M5", starts_at=begin)
    end = from_ms(market.end_ms)
    for moment in (begin + timedelta(hours=3), end + timedelta(days=90)):
        desk.show(watch, moment)
        desk.poll(watch)

    seen = desk.watches.load_bars(watch.watch_id, begin)["GER40"]
    days = market.between(to_ms(begin), market.end_ms)
    assert set(days.time.tolist()) == set(seen)
    signals = tell_live(desk, watch)
    assert signals == tell_backtest(desk, watch, to_ms(begin), market.end_ms)
    assert len(signals["London_breakout_v1"]) > 50


def test_no_signal_is_what_the_engine_refuses_for_what_was_known_at_the_close() -> None:
    codes = (tickets.FILTERED, tickets.OUTSIDE_WINDOW, tickets.DATA_GAP, tickets.BOTH_SIDES)

    assert {VERDICTS[code] for code in codes} == NO_SIGNAL


def test_of_many_symbols_a_vendor_that_is_down_is_asked_for_two(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    names = ("GER40", "US500", "US30", "EURUSD")
    for name in names[1:]:
        desk.store(name, replace(market, tick=CATALOGUE[name].tick))
    down = _Down()
    desk.feeds["push"] = down  # type: ignore[assignment]
    desk.now = datetime.fromisoformat("2025-05-14T03:00:00+00:00")
    watch = desk.watch(("PDHL_sweep_v1",), names, "M5", feed="push")
    desk.poll(watch)

    assert down.asked == 2
    troubles = {one.look.symbol: one.trouble for one in desk.watches.load_looks(watch.watch_id)}
    assert troubles.keys() == set(names)
    assert "was not asked" in str(troubles["EURUSD"])


def test_a_look_at_now_sees_what_was_sent_beyond_the_stored_bars(
    tmp_path: Path, market: Bars
) -> None:
    noon = datetime.fromisoformat("2025-05-14T10:00:00+00:00")
    desk = open_desk(tmp_path, market.between(0, to_ms(noon)))
    desk.feeds["push"] = _Played(market, desk)  # type: ignore[assignment]
    desk.now = noon + timedelta(hours=1, seconds=10)
    asked = Request(setup_id="IB_raid_v1", symbol="GER40", timeframe=Timeframe.M15, mode=Mode.LIVE)
    plan = desk.build_manager().plan(asked)

    assert plan.bars.end_ms == to_ms(noon + timedelta(hours=1))
    then = desk.build_manager().plan(replace(asked, at=noon))
    assert then.bars.end_ms == to_ms(noon)
    desk.feeds["push"] = _Down()  # type: ignore[assignment]
    assert desk.build_manager().plan(asked).bars.end_ms == to_ms(noon)


def test_at_night_no_bar_is_no_alert(tmp_path: Path, market: Bars) -> None:
    evening = datetime.fromisoformat("2025-05-14T20:00:00+00:00")
    desk = open_desk(tmp_path, market.between(0, to_ms(evening)))
    desk.feeds["push"] = _Silent()  # type: ignore[assignment]
    desk.now = evening
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", feed="push")
    desk.poll(watch)
    desk.now = evening + timedelta(hours=6)

    assert desk.poll(watch)["summary"]["troubled"] == 0
    assert not [one for one in desk.alerts(watch) if one["kind"] == "stale"]


class _Silent:
    """A feed from which nothing comes."""

    name = "push"
    timeframes = (Timeframe.M5,)

    def newest(self, symbol: Any, timeframe: Timeframe, _count: int) -> Bars:
        empty = np.empty(0, np.int64)
        return Bars(timeframe, symbol.tick, empty, empty, empty, empty, empty, np.empty(0))


def test_a_corrected_bar_is_kept_beside_what_was_seen_and_takes_no_alert_back(
    tmp_path: Path, market: Bars
) -> None:
    desk = open_desk(tmp_path, market)
    begin = to_ms(datetime.fromisoformat("2025-05-14T06:00Z"))
    times = market.between(begin, market.end_ms).time[:120].tolist()
    watch = desk.watch(("IB_raid_v1",), ("GER40",), "M5", starts_at=from_ms(begin))
    play(desk, watch, times[:100])
    before = desk.alerts(watch)
    at = times[97]
    high = market.high.copy()
    high[int(np.searchsorted(market.time, at))] += 500
    desk.store("GER40", replace(market, high=high), replaces=True)
    play(desk, watch, times[100:])

    assert [one["alert_id"] for one in desk.alerts(watch)][: len(before)] == [
        one["alert_id"] for one in before
    ]
    with desk.ledger.connect() as connection:
        rows = connection.execute(select(sighting).where(sighting.c.kind == "revised")).all()
    assert [[bar[0] for bar in row.bars] for row in rows] == [[at]]


REAL_MARKETS = [
    ("GER40_M15_forexcom", "GER40", Timeframe.M15, Timeframe.M15),
    ("US500_M1_dukascopy202605", "US500", Timeframe.M1, Timeframe.M5),
]


@pytest.mark.faults
@pytest.mark.parametrize(("file", "name", "size", "watched"), REAL_MARKETS)
def test_real_bars_one_by_one_say_what_a_backtest_of_the_whole_file_says(
    tmp_path: Path, file: str, name: str, size: Timeframe, watched: Timeframe
) -> None:
    """The setups that trade M15 on the real GER40 M15 bars, all thirteen on real M5 bars."""
    symbol = CATALOGUE[name]
    path = REAL / f"clean/{file}.parquet"
    if not path.is_file():
        pytest.skip(f"no real file {path.name} in ../shared/data")
    bars = read_bars(path, size, symbol.tick, 10**7)
    desk = open_desk(tmp_path, bars, name)
    setups = tuple(one.id for one in REGISTRY if watched in one.terms.timeframes)
    setups = tuple(one for one in setups if not _lacks(one, name))
    times = resample(bars, watched, symbol.week, symbol.roll).closed().time
    first = int(times[0]) + 30 * 86_400_000 if watched is Timeframe.M15 else int(times[0])
    times = times[times >= first].tolist()
    watch = desk.watch(setups, (name,), watched, starts_at=from_ms(times[0]))
    play(desk, watch, times)

    live = tell_live(desk, watch)
    found = {setup: len(signals) for setup, signals in live.items()}
    print(f"\n{name} {watched}: {len(times)} polls, signals {found}")  # noqa: T201 (a figure)
    assert live == tell_backtest(desk, watch, times[0], times[-1] + watched.milliseconds)


def _lacks(setup: str, name: str) -> bool:
    rule = REGISTRY.find(setup)
    return bool(rule and set(rule.terms.windows) - set(CATALOGUE[name].windows))
