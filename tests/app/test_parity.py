"""Parity finds that live and backtest agree, or which bar, rule or version made them differ."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, update

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.push import PushFeed
from setupdesk.adapters.ledger.database import writing
from setupdesk.adapters.ledger.parity import WatchPast
from setupdesk.adapters.ledger.tables import alert, sighting
from setupdesk.app.fetch import Fetch
from setupdesk.app.parity import Parity
from setupdesk.app.ports import FeedDownError
from setupdesk.app.stored_bars import StoredBars
from setupdesk.core.request import Mode
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Watch
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.market.days import from_ms, to_ms
from setupdesk.market.feed import Chunk
from setupdesk.market.overlap import lay_over
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.registry import BUILT_IN, RuleRegistry, load_registry, parse_rule, text_of
from tests.app.watched import WatchedDesk

REGISTRY, CATALOGUE = load_registry(), load_catalogue()
GER40 = CATALOGUE["GER40"]
SETUPS = ("IB_raid_v1", "ORB30_break_v1", "PDHL_sweep_v1")
BEGIN = datetime(2025, 5, 13, 6, tzinfo=UTC)
COUNT = 400
"""Bars of M5 that are watched: two sessions of the simulated market."""

Report = dict[str, Any]


@pytest.fixture(scope="module")
def market() -> Bars:
    fine = simulate_bars(GER40, date(2024, 10, 1), date(2025, 5, 16), seed=1)
    return resample(fine, Timeframe.M5, GER40.week, GER40.roll).closed()


@pytest.fixture
def desk(tmp_path: Path, market: Bars) -> WatchedDesk:
    desk = WatchedDesk(tmp_path, REGISTRY, CATALOGUE)
    store(desk, market)
    desk.feeds["push"] = PushFeed(spool=FeedSpool(tmp_path / "spool"), now=desk.clock)
    return desk


def store(desk: WatchedDesk, bars: Bars, seed: int | None = None) -> None:
    """Put bars in the place of those that are stored; they count as real without a *seed*."""
    facts = Facts(
        source_file="f",
        source_format="own",
        source_sha256="0",
        imported_at=desk.now,
        quality={},
        seed=seed,
    )
    desk.bar_store.save("GER40", bars, facts, replaces=True)


def watched_bars(market: Bars) -> Bars:
    return market.between(to_ms(BEGIN), market.end_ms)[:COUNT]


def replay(desk: WatchedDesk, market: Bars, setups: tuple[str, ...] = SETUPS) -> Watch:
    """Watch the bars of a replay, a few with each poll."""
    watch = desk.watch(setups, ("GER40",), "M5", starts_at=BEGIN)
    times = watched_bars(market).time.tolist()
    for at in [*times[::8], times[-1]]:
        desk.show(watch, from_ms(at + 301_000))
        desk.poll(watch)
    return watch


def compare(
    desk: WatchedDesk,
    watch: Watch,
    *,
    registry: RuleRegistry = REGISTRY,
    start: date | None = None,
    end: date | None = None,
) -> Report:
    spool = FeedSpool(desk.bar_store.folder.parent / "spool")
    fetch = Fetch(CATALOGUE, desk.feeds, spool, desk.bar_store, desk.clock)
    parity = Parity(
        book=desk.watches,
        past=WatchPast(desk.ledger),
        registry=registry,
        catalogue=CATALOGUE,
        calendar=desk.calendar,
        stored_bars=StoredBars(desk.bar_store, desk.feeds, fetch),
    )
    run = desk.started[watch.watch_id]
    request = replace(run.request, mode=Mode.BACKTEST, start=start, end=end)
    return parity(replace(run, request=request))


def alter(bars: Bars, at: int, **prices: int) -> Bars:
    """Give the bars with one that has other prices."""
    row = int(np.searchsorted(bars.time, at))
    columns = {}
    for name, ticks in prices.items():
        columns[name] = getattr(bars, name).copy()
        columns[name][row] = ticks
    return replace(bars, **columns)


def drop(bars: Bars, at: int) -> Bars:
    keep = bars.time != at
    names = ("time", "open", "high", "low", "close", "volume")
    return Bars(bars.timeframe, bars.tick, *(getattr(bars, name)[keep] for name in names))


def quiet_bar(market: Bars) -> tuple[int, int]:
    """Find a bar of the night, which no setup looks at; give its open and its high."""
    row = int(np.searchsorted(market.time, to_ms(datetime(2025, 5, 13, 20, tzinfo=UTC))))
    return int(market.time[row]), int(market.high[row])


def find_signal(desk: WatchedDesk, watch: Watch, setup: str = "IB_raid_v1") -> Mapping[str, Any]:
    return next(one for one in desk.alerts(watch) if one["setup_id"] == setup)


def flatten(bars: Bars, at: datetime) -> Bars:
    """Let one bar stand where the one before it closed."""
    row = int(np.searchsorted(bars.time, to_ms(at)))
    names = ("open", "high", "low", "close")
    return alter(bars, to_ms(at), **dict.fromkeys(names, int(bars.close[row - 1])))


def test_of_the_same_bars_live_and_backtest_are_identical(desk: WatchedDesk, market: Bars) -> None:
    report = compare(desk, replay(desk, market))

    summary = report["summary"]
    assert summary["verdict"] == "identical"
    assert summary["signals"] == summary["same"] > 5
    assert summary["looks"] == 3
    assert summary["bars"] >= COUNT
    assert report["differences"] == report["bars"] == report["notes"] == []


def test_days_that_a_backtest_leaves_out_are_named(desk: WatchedDesk, market: Bars) -> None:
    noon = to_ms(datetime(2025, 5, 13, 9, tzinfo=UTC))
    keep = (market.time < noon) | (market.time >= noon + 4 * 3_600_000)
    names = ("time", "open", "high", "low", "close", "volume")
    holed = Bars(market.timeframe, market.tick, *(getattr(market, name)[keep] for name in names))
    store(desk, holed)
    report = compare(desk, replay(desk, holed))

    assert report["summary"]["verdict"] == "identical"
    [note] = report["notes"]
    assert "too many bars of 2025-05-13 are missing" in note


def test_a_bar_that_is_stored_with_another_price_is_named_with_both(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market)
    at, high = quiet_bar(market)
    store(desk, alter(market, at, high=high + 3))
    report = compare(desk, watch)

    [bar] = report["bars"]
    assert report["summary"]["verdict"] == "same_signals"
    assert report["summary"]["bars_revised"] == 1
    assert (bar["kind"], bar["bar_at"]) == ("bar_revised", "2025-05-13T20:00:00Z")
    assert bar["stored"]["high"] == pytest.approx(bar["seen"]["high"] + 3 * GER40.tick)
    assert bar["stored"]["close"] == bar["seen"]["close"]
    assert "GER40 bar of 2025-05-13 22:00 was seen with high" in bar["sentence"]


def test_a_signal_that_a_revised_bar_took_away_names_that_bar(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market)
    signal = find_signal(desk, watch)
    store(desk, flatten(market, signal["bar_at"]))
    report = compare(desk, watch)

    gone = next(one for one in report["differences"] if one["setup_id"] == "IB_raid_v1")
    at = signal["bar_at"].strftime("%Y-%m-%dT%H:%M")
    assert report["summary"]["verdict"] == "different"
    assert report["summary"]["live_only"] >= 1
    assert (gone["of"], gone["bar_at"][:16]) == ("live_only", at)
    assert (gone["side"], gone["level"]) == (signal["side"], signal["level"])
    assert gone["cause"] == "bar_revised"
    assert [bar["bar_at"][:16] for bar in gone["bars"]] == [at]
    assert {one["cause"] for one in report["differences"]} == {"bar_revised"}


def test_a_bar_that_live_never_saw_is_the_cause_of_a_signal_that_it_missed(
    desk: WatchedDesk, market: Bars
) -> None:
    found = find_signal(desk, replay(desk, market))
    store(desk, drop(market, to_ms(found["bar_at"])))
    blind = replay(desk, market)
    store(desk, market)
    report = compare(desk, blind)

    missed = next(one for one in report["differences"] if one["of"] == "backtest_only")
    assert report["summary"]["bars_missing"] == 1
    assert missed["cause"] == "bar_missing"
    assert [bar["seen"] for bar in missed["bars"]] == [None]
    assert missed["bars"][0]["bar_at"] == missed["bar_at"]


def test_a_bar_that_is_not_stored_any_more_is_the_cause_of_a_signal_that_it_made(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market)
    signal = find_signal(desk, watch)
    store(desk, drop(market, to_ms(signal["bar_at"])))
    report = compare(desk, watch)

    gone = next(one for one in report["differences"] if one["of"] == "live_only")
    assert report["summary"]["bars_extra"] == 1
    assert gone["cause"] == "bar_extra"
    assert [bar["stored"] for bar in gone["bars"]] == [None]


def test_signals_of_a_rule_that_has_changed_since_are_told_apart(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market)
    text = text_of(BUILT_IN / "IB_raid_v1.yaml")
    other = parse_rule("IB_raid_v1.yaml", text.replace("1*tick", "400*tick"))
    registry = RuleRegistry({**REGISTRY.rules, "IB_raid_v1": other})
    report = compare(desk, watch, registry=registry)

    causes = {(one["setup_id"], one["cause"]) for one in report["differences"]}
    assert causes == {("IB_raid_v1", "rule_version")}


def test_a_signal_without_a_cause_is_not_given_one(desk: WatchedDesk, market: Bars) -> None:
    watch = replay(desk, market)
    invent_signal(desk, watch)
    report = compare(desk, watch)

    [one] = report["differences"]
    assert (one["of"], one["side"], one["cause"]) == ("live_only", "long", "unexplained")


def test_signals_that_stand_on_bars_from_before_the_watch_are_put_down_to_them(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market, ("IB_raid_v1",))
    before = market.between(0, to_ms(BEGIN) - 2 * 86_400_000)
    wider = replace(before, high=before.high + 20_000, low=before.low - 20_000)
    store(desk, lay_over(market, wider))
    report = compare(desk, watch)

    assert report["summary"]["verdict"] == "different"
    assert {one["cause"] for one in report["differences"]} == {"earlier_bars"}


def test_what_another_version_saw_is_put_down_to_it(desk: WatchedDesk, market: Bars) -> None:
    watch = replay(desk, market)
    invent_signal(desk, watch)
    with writing(desk.ledger) as connection:
        connection.execute(update(sighting).values(engine_version="0.0.1"))
    report = compare(desk, watch)

    [one] = report["differences"]
    assert one["cause"] == "engine_version"


def invent_signal(desk: WatchedDesk, watch: Watch) -> None:
    """Write down a signal that neither rule nor bars give."""
    row = dict(find_signal(desk, watch))
    del row["told"], row["number"]
    bar_at = datetime(2025, 5, 13, 20, tzinfo=UTC)
    row |= {"alert_id": "alert_invented", "bar_at": bar_at, "side": "long", "outcome": None}
    with writing(desk.ledger) as connection:
        connection.execute(insert(alert).values({**row, "outcome_at": None}))


def test_a_signal_that_only_the_longer_warm_up_of_live_forbids_is_put_down_to_it(
    desk: WatchedDesk, market: Bars
) -> None:
    # So wild a day, and so long ago, that only live still has it in its average range.
    wild = to_ms(datetime(2024, 10, 15, 9, tzinfo=UTC))
    store(desk, alter(market, wild, high=2 * 10**10))
    watch = replay(desk, market, ("IB_raid_v1",))
    report = compare(desk, watch)

    assert desk.alerts(watch) == []
    assert report["summary"]["backtest_only"] >= 1
    assert {one["cause"] for one in report["differences"]} == {"warm_up"}
    assert report["bars"] == []


def test_only_the_days_that_are_asked_for_are_compared(desk: WatchedDesk, market: Bars) -> None:
    watch = replay(desk, market)
    at, high = quiet_bar(market)
    store(desk, alter(market, at, high=high + 3))
    both = compare(desk, watch)
    first = compare(desk, watch, start=date(2025, 5, 13), end=date(2025, 5, 13))
    second = compare(desk, watch, start=date(2025, 5, 14), end=date(2025, 5, 14))

    assert first["summary"]["verdict"] == "same_signals"
    assert second["summary"]["verdict"] == "identical"
    signals = [one["summary"]["signals"] for one in (first, second, both)]
    assert signals[0] + signals[1] == signals[2]
    assert 0 < signals[0] < signals[2]


def test_days_that_were_not_watched_are_not_called_identical(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market)
    idle = desk.watch(SETUPS, ("GER40",), "M5", starts_at=BEGIN)
    later = compare(desk, watch, start=date(2025, 5, 21), end=date(2025, 5, 22))
    never = compare(desk, idle)

    assert later["summary"]["verdict"] == never["summary"]["verdict"] == "not_compared"
    assert later["notes"] == ["GER40: it was not watched in these days"]
    assert never["notes"] == ["GER40: it was not watched yet"]


def test_a_setup_that_is_gone_is_said_and_the_others_are_compared(
    desk: WatchedDesk, market: Bars
) -> None:
    watch = replay(desk, market)
    rules = {name: rule for name, rule in REGISTRY.rules.items() if name != "IB_raid_v1"}
    report = compare(desk, watch, registry=RuleRegistry(rules))

    assert report["summary"]["verdict"] == "identical"
    assert report["summary"]["looks"] == 2
    assert report["looks"][0]["trouble"] == "there is no setup IB_raid_v1 any more"


def watch_pushed(
    desk: WatchedDesk, market: Bars, count: int = 2, lateness: timedelta = timedelta(seconds=2)
) -> list[Watch]:
    """Store what was before, and push the watched bars, four at a time, while watches look."""
    bars = watched_bars(market)
    feed = desk.feeds["push"]
    assert isinstance(feed, PushFeed)
    store(desk, market.between(0, int(bars.time[0])))
    desk.now = from_ms(int(bars.time[0]))
    watches = [desk.watch(SETUPS, ("GER40",), "M5", feed="push") for _ in range(count)]
    for row in range(0, 140, 4):
        desk.now = from_ms(int(bars.time[row + 3]) + 300_000) + lateness
        feed.accept(GER40, Timeframe.M5, [_write(bars, row + place) for place in range(4)])
        for watch in watches:
            desk.poll(watch)
    return watches


def _write(bars: Bars, row: int) -> dict[str, Any]:
    names = ("open", "high", "low", "close")
    prices = {name: round(int(getattr(bars, name)[row]) * bars.tick, 6) for name in names}
    return {"time": from_ms(int(bars.time[row])).isoformat(), **prices}


def test_bars_of_a_feed_are_fetched_before_they_are_compared(
    desk: WatchedDesk, market: Bars
) -> None:
    [first, second] = watch_pushed(desk, market)
    manifest = desk.bar_store.find_manifest("GER40", Timeframe.M5)
    reports = [compare(desk, first), compare(desk, second)]

    assert manifest
    fetched = desk.bar_store.find_manifest("GER40", Timeframe.M5)
    assert fetched
    assert fetched.fingerprint != manifest.fingerprint
    # The second watch saw the same signals, which its user had been told by the first one.
    assert not [one for one in desk.alerts(second) if one["setup_id"]]
    for report in reports:
        assert report["summary"]["verdict"] == "identical"
        assert report["summary"]["signals"] == len(desk.alerts(first)) > 0


def test_a_feed_that_corrects_a_bar_after_it_was_seen_has_revised_it(
    desk: WatchedDesk, market: Bars
) -> None:
    [watch] = watch_pushed(desk, market, count=1)
    signal = find_signal(desk, watch, desk.alerts(watch)[0]["setup_id"])
    store(desk, flatten(market, signal["bar_at"]))
    report = compare(desk, watch)

    gone = report["differences"][0]
    assert gone["cause"] == "bar_revised"
    assert report["summary"]["bars_revised"] == 1
    assert gone["bars"][0]["bar_at"] == gone["bar_at"]


def test_a_bar_that_came_back_with_another_price_while_live_looked_is_named(
    desk: WatchedDesk, market: Bars, tmp_path: Path
) -> None:
    bars, spool = watched_bars(market)[:3], FeedSpool(tmp_path / "spool")
    store(desk, market.between(0, int(bars.time[0])))
    watch = desk.watch(SETUPS, ("GER40",), "M5", feed="push")
    corrected = alter(bars, int(bars.time[1]), high=int(bars.high[1]) + 5)
    for count, of in ((2, bars), (3, corrected)):
        day_ms = to_ms(BEGIN.replace(hour=0))
        chunk = Chunk(start_ms=day_ms, bars=of[:count], sha256=str(count), is_final=False)
        spool.keep("push", GER40, Timeframe.M5, chunk)
        desk.now = from_ms(bars[:count].end_ms) + timedelta(seconds=2)
        desk.poll(watch)
    report = compare(desk, watch)

    [bar] = report["bars"]
    assert (bar["kind"], bar["bar_at"]) == ("bar_revised", "2025-05-13T06:05:00Z")
    assert bar["stored"]["high"] == pytest.approx(bar["seen"]["high"] + 5 * GER40.tick)
    assert bar["seen_at"] == "2025-05-13T06:10:02Z"
    assert report["summary"]["verdict"] == "same_signals"


def test_bars_that_came_late_are_counted_and_are_no_difference(
    desk: WatchedDesk, market: Bars
) -> None:
    [watch] = watch_pushed(desk, market, count=1, lateness=timedelta(minutes=7))
    report = compare(desk, watch)

    assert report["summary"]["verdict"] == "identical"
    assert report["summary"]["bars_late"] == 136
    assert "was seen late, at" in report["bars"][0]["sentence"]


class DownFeed(PushFeed):
    """A feed whose vendor does not answer any more."""

    def fetch(self, *_: Any) -> Iterator[Chunk]:
        raise FeedDownError("it does not answer")


def test_a_feed_that_is_down_is_said_and_what_is_stored_is_compared(
    desk: WatchedDesk, market: Bars, tmp_path: Path
) -> None:
    [watch] = watch_pushed(desk, market, count=1)
    half = watched_bars(market)[70:71]
    store(desk, market.between(0, int(half.time[0])))
    desk.feeds["push"] = DownFeed(spool=FeedSpool(tmp_path / "spool"), now=desk.clock)
    report = compare(desk, watch)

    assert report["summary"]["verdict"] == "identical"
    assert "it does not answer" in report["notes"][0]
    assert "its stored bars end at 2025-05-13 11:50 UTC" in report["notes"][1]


def test_a_simulated_market_is_not_replaced_by_the_days_that_a_feed_has(
    desk: WatchedDesk, market: Bars
) -> None:
    desk.bar_store.delete("GER40", Timeframe.M5)
    bars = watched_bars(market)
    store(desk, market.between(0, int(bars.time[0])), seed=1)
    desk.now = from_ms(int(bars.time[0])) + timedelta(minutes=5, seconds=2)
    watch = desk.watch(SETUPS, ("GER40",), "M5", feed="push")
    feed = desk.feeds["push"]
    assert isinstance(feed, PushFeed)
    feed.accept(GER40, Timeframe.M5, [_write(bars, 0)])
    desk.poll(watch)
    report = compare(desk, watch)
    manifest = desk.bar_store.find_manifest("GER40", Timeframe.M5)

    assert report["summary"]["verdict"] == "not_compared"
    assert "simulated" in report["notes"][0]
    assert manifest
    assert manifest.simulated
