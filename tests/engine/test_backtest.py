from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup, warm_up
from setupdesk.engine.result import Candidate, Result
from setupdesk.market.bars import Bars
from setupdesk.market.coverage import mark_holed
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule, read_rule

Candle = tuple[float, float, float, float]
Draw = Callable[..., Bars]
MakeSymbol = Callable[..., Symbol]
MakeSetup = Callable[..., Setup]
RunDay = Callable[..., Result]

RAID_OF_HIGH: list[Candle] = [
    (24000, 24045, 23995, 24040),
    (24040, 24072, 24035, 24066),
    (24066, 24080, 24050, 24052),
]
GOLDEN_2: list[Candle] = [
    *RAID_OF_HIGH,
    (24052, 24054, 24020, 24025),
    (24025, 24030, 24000, 24005),
    (24005, 24010, 23975, 23985),
    (23985, 23990, 23960, 23970),
]
CALM: Candle = (24050, 24052, 24045, 24050)
ANOTHER_RAID: Candle = (24050, 24070, 24045, 24050)


def at(hour: int, minute: int) -> datetime:
    return datetime(2025, 5, 14, hour, minute, tzinfo=UTC)


def verdicts(result: Result) -> list[str]:
    return [candidate.verdict for candidate in result.candidates]


def refusal(result: Result, verdict: str) -> Candidate:
    return next(one for one in result.candidates if one.verdict == verdict)


class Golden(NamedTuple):
    params: dict[str, Any]
    rr: float | None
    target: float
    r: float
    exit_at: datetime


@pytest.mark.parametrize(
    "golden",
    [
        Golden({}, None, 23980.0, 2.2, at(9, 15)),
        Golden({"target": "mid", "min_rr": 0.5}, None, 24020.0, 0.969231, at(9, 0)),
        Golden({}, 2.0, 23986.5, 2.0, at(9, 15)),
    ],
    ids=["opposite", "mid", "rr 2"],
)
def test_the_golden_trade(
    raid: Rule, draw_day: Draw, make_symbol: MakeSymbol, session: Session, golden: Golden
) -> None:
    setup = raid.resolve(golden.params, golden.rr, None)

    (trade,) = run_setup(setup, make_symbol(), draw_day(GOLDEN_2), [session]).trades

    assert (trade.side, trade.level, trade.day) == ("short", "ib.high", date(2025, 5, 14))
    assert (trade.signal_at, trade.entry_at) == (at(8, 45), at(8, 45))
    assert (trade.entry, trade.stop, trade.risk) == (24051.5, 24084.0, 32.5)
    assert (trade.target, trade.exit) == (golden.target, golden.target)
    assert (trade.exit_at, trade.exit_reason) == (golden.exit_at, "target")
    assert (trade.r, trade.mfe_r) == pytest.approx((golden.r, golden.r), abs=1e-6)
    assert trade.mae_r == pytest.approx(0.113846, abs=1e-6)
    assert trade.costs_r == pytest.approx(1.7 / 32.5)
    assert not trade.ambiguous


def test_every_raid_is_recorded_with_what_became_of_it(
    raid: Rule, draw_day: Draw, make_symbol: MakeSymbol, session: Session
) -> None:
    result = run_setup(raid.default, make_symbol(), draw_day(GOLDEN_2), [session])

    high, low = result.candidates
    assert (high.level, high.level_price, high.extreme) == ("ib.high", 24060.0, 24080.0)
    assert (high.started_at, high.known_at) == (at(8, 15), at(8, 45))
    assert (high.verdict, high.detail) == ("traded", "")
    assert (low.side, low.level, low.extreme) == ("long", "ib.low", 23975.0)
    assert (low.started_at, low.known_at) == (at(9, 15), at(9, 30))
    assert (low.verdict, low.detail) == ("session_limit", "the session had its trades: 1")


def test_the_levels_of_a_session_are_told(
    raid: Rule, draw_day: Draw, make_symbol: MakeSymbol, session: Session
) -> None:
    result = run_setup(raid.default, make_symbol(), draw_day(GOLDEN_2), [session])

    (levels,) = result.sessions
    assert levels.skipped is None
    assert levels.known_at == at(8, 0)
    assert levels.levels["ib.high"] == 24060.0
    assert levels.levels["ib.low"] == 23980.0
    assert levels.levels["ib.mid"] == 24020.0
    assert levels.levels["ib.range"] == 80.0
    assert levels.levels["atr"] == pytest.approx(200)


def test_a_session_that_fails_a_filter_still_shows_its_raids(
    raid: Rule, draw_day: Draw, make_symbol: MakeSymbol, session: Session
) -> None:
    raw = {**raid.raw, "filters": ["weekday in (1, 2, 3)", "ib.range <= 0.25*atr"]}
    setup = _read(raw)

    result = run_setup(setup, make_symbol(), draw_day(GOLDEN_2), [session])

    assert verdicts(result) == ["filtered", "filtered"]
    assert result.candidates[0].detail == "ib.range <= 0.25*atr is not so: atr 200, ib.range 80"


def test_a_raid_outside_the_window_is_refused(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    setup = make_setup(window={"from": "ib.end", "to": "ib.end + 45m"})

    result = run_day(setup, draw_day(GOLDEN_2))

    assert verdicts(result) == ["outside_window", "outside_window"]
    assert result.candidates[0].detail == "known at 10:45, the window is 10:00 to 10:45"


def test_the_window_moves_with_a_half_day(
    draw_day: Draw, make_symbol: MakeSymbol, make_setup: MakeSetup, session: Session
) -> None:
    half = Session(session.day, session.opens_ms, session.closes_ms - 5 * 3_600_000)

    result = run_setup(make_setup(), make_symbol(), draw_day(GOLDEN_2), [half])

    assert set(verdicts(result)) == {"outside_window"}
    assert result.candidates[0].detail == "known at 10:45, the window is 10:00 to 10:30"


@pytest.mark.parametrize(
    "candles",
    [
        [(24000, 24070, 23970, 24000)],
        [(24000, 24070, 24000, 24065), (24065, 24068, 23970, 24000)],
    ],
    ids=["two raids in one bar", "a low raid while the high is swept"],
)
def test_a_bar_that_sweeps_both_sides_is_not_traded(
    draw_day: Draw,
    make_symbol: MakeSymbol,
    make_setup: MakeSetup,
    session: Session,
    candles: Sequence[Candle],
) -> None:
    bars = draw_day([*candles, CALM, CALM])

    result = run_setup(make_setup(), make_symbol(), bars, [session])

    assert verdicts(result) == ["both_sides", "both_sides"]
    assert result.trades == ()


def test_a_bar_beyond_both_levels_is_not_traded_when_only_one_side_is_reclaimed(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    bars = draw_day([(24000, 24070, 23970, 23975), CALM, CALM])

    result = run_day(make_setup(), bars)

    assert verdicts(result)[0] == "both_sides"


def test_a_raid_that_began_in_a_bar_beyond_both_levels_is_not_traded_when_it_is_reclaimed_later(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    bars = draw_day([(24000, 24070, 23970, 24065), (24065, 24066, 24040, 24050), CALM, CALM])

    result = run_day(make_setup(), bars)

    assert [(one.side, one.verdict) for one in result.candidates] == [
        ("long", "both_sides"),
        ("short", "both_sides"),
    ]


def test_a_raid_while_a_trade_is_open_is_recorded(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    bars = draw_day([*RAID_OF_HIGH, CALM, ANOTHER_RAID, CALM])
    setup = make_setup(max_trades=3)

    result = run_day(setup, bars)

    assert verdicts(result) == ["traded", "in_position"]


def test_the_limit_of_a_side_stands_when_the_session_may_trade_more(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    stopped: Candle = (24052, 24090, 24050, 24055)
    bars = draw_day([*RAID_OF_HIGH, stopped, ANOTHER_RAID, CALM])
    setup = make_setup({"min_rr": 0}, max_trades=3)

    result = run_day(setup, bars)

    assert verdicts(result) == ["traded", "side_limit", "side_limit"]
    assert refusal(result, "side_limit").detail == "the session had its short trades: 1"


def test_a_run_may_have_a_limit_of_its_own(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    bars = draw_day(GOLDEN_2)

    result = run_day(make_setup(), bars, max_trades_total=0)

    assert verdicts(result) == ["run_limit", "run_limit"]


def test_a_refused_candidate_leaves_the_session_open(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    low_raid: Candle = (23990, 23995, 23975, 23985)
    entry: Candle = (23986, 24000, 23984, 23990)
    bars = draw_day([(24000, 24200, 24000, 24050), CALM, low_raid, entry])

    result = run_day(make_setup(), bars)

    assert verdicts(result) == ["rr_below_min", "traded"]
    assert result.candidates[0].detail == "RR 0.4498 is below 1"


@pytest.mark.parametrize(
    ("opened", "told"),
    [
        (24082.8, ("stop_crossed", "at the entry 24082.3 the stop 24084 was crossed")),
        (23980.5, ("target_crossed", "the entry 23980 was beyond the target 23980")),
    ],
)
def test_an_open_beyond_the_stop_or_the_target_is_not_traded(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay, opened: float, told: tuple[str, str]
) -> None:
    bars = draw_day([*RAID_OF_HIGH, (opened, opened + 1, opened - 1, opened)])

    result = run_day(make_setup({"min_rr": 0}), bars)

    assert (result.candidates[0].verdict, result.candidates[0].detail) == told


def test_a_raid_of_the_last_bar_cannot_be_entered_yet(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    result = run_day(make_setup(), draw_day(RAID_OF_HIGH))

    assert verdicts(result) == ["no_next_bar"]


def test_what_is_open_at_the_flat_time_is_closed_at_the_last_close_before_it(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    bars = draw_day([*RAID_OF_HIGH, *[CALM] * 40])

    (trade,) = run_day(make_setup(), bars).trades

    assert (trade.exit_reason, trade.exit_at) == ("flat", at(15, 30))
    assert trade.entry == 24049.5
    assert trade.exit == 24050 + 1.2 + 0.5
    assert trade.r == pytest.approx(-2.2 / 34.5)
    assert trade.costs_r == pytest.approx(2.2 / 34.5)


def test_a_long_pays_the_spread_at_the_entry_and_a_short_at_the_exit(
    draw_day: Draw, make_symbol: MakeSymbol, make_setup: MakeSetup, session: Session
) -> None:
    low_raid: list[Candle] = [(24000, 24005, 23970, 23990), (23990, 24062, 23985, 24060)]
    symbol = make_symbol(spread=((time(0), 9.0), (time(10, 15), 2.0), (time(10, 30), 9.0)))

    (trade,) = run_setup(make_setup(), symbol, draw_day(low_raid), [session]).trades

    assert (trade.side, trade.entry, trade.stop) == ("long", 23992.5, 23966.0)
    assert (trade.exit, trade.exit_reason) == (24060.0, "target")
    assert trade.costs_r == pytest.approx(2.5 / 26.5)


def test_stop_and_target_are_rounded_away_from_the_entry(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    setup = make_setup({"stop_buffer": 0.0513, "min_rr": 0}, rr=0.777)

    (trade,) = run_day(setup, draw_day(GOLDEN_2)).trades

    # 24080 + 0.0513*80 = 24084.104; 24051.5 - 0.777*32.7 = 24026.0921.
    assert (trade.stop, trade.target) == (24084.2, 24026.0)


@pytest.mark.parametrize(("count", "reason"), [(0, "no_bars"), (3, "too_early"), (4, None)])
def test_a_session_that_cannot_be_traded_says_why(
    draw_day: Draw, raid: Rule, run_day: RunDay, count: int, reason: str | None
) -> None:
    bars = draw_day([], [(24000, 24010, 23990, 24000)] * count)

    (levels,) = run_day(raid.default, bars).sessions

    assert levels.skipped == reason


def test_a_range_with_a_hole_is_no_range(
    draw_day: Draw, make_symbol: MakeSymbol, raid: Rule, session: Session
) -> None:
    bars = _without(draw_day(GOLDEN_2), time_ms=session.opens_ms + 900_000)

    result = run_setup(raid.default, make_symbol(), bars, [session])

    assert result.sessions[0].skipped == "data_gap"
    assert (result.sessions[0].levels, result.sessions[0].known_at) == ({}, None)
    assert result.candidates == ()


def test_a_raid_after_too_many_missing_bars_is_refused(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay, session: Session
) -> None:
    bars = draw_day([CALM, CALM, CALM, *RAID_OF_HIGH, CALM])
    for row in range(4, 7):
        bars = _without(bars, time_ms=session.opens_ms + row * 900_000)

    result = run_day(make_setup(), bars)

    assert verdicts(result) == ["data_gap"]
    assert "only 7 bars" in result.candidates[0].detail


def test_a_cold_atr_skips_the_session(
    draw_day: Draw, make_symbol: MakeSymbol, raid: Rule, session: Session
) -> None:
    bars = draw_day(GOLDEN_2)[-20:]

    result = run_setup(raid.default, make_symbol(), bars, [session])

    assert result.sessions[0].skipped == "no_atr"
    assert "atr" not in result.sessions[0].levels
    assert result.sessions[0].levels["ib.high"] == 24060.0


def test_no_bars_and_no_sessions_are_no_result(
    draw_day: Draw, make_symbol: MakeSymbol, raid: Rule, session: Session
) -> None:
    nothing = draw_day(GOLDEN_2)[:0]

    result = run_setup(raid.default, make_symbol(), nothing, [session])
    empty = run_setup(raid.default, make_symbol(), nothing, [])

    assert [one.skipped for one in result.sessions] == ["no_bars"]
    assert (len(empty.sessions), len(empty.candidates), len(empty.trades)) == (0, 0, 0)


def test_a_timeframe_that_cuts_the_window_is_refused(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    bars = resample(draw_day(GOLDEN_2), Timeframe.H4, "24x5")

    with pytest.raises(InvalidRuleError, match="09:00-10:00 cannot be measured with H4 bars"):
        run_day(make_setup(), bars)


def test_a_window_that_the_symbol_lacks_is_refused(
    draw_day: Draw, make_setup: MakeSetup, run_day: RunDay
) -> None:
    setup = make_setup(levels={"ib": {"kind": "session_range", "window": "asia"}})

    with pytest.raises(InvalidRuleError, match="GER40 has no window 'asia'"):
        run_day(setup, draw_day(GOLDEN_2))


def test_memory_mapped_bars_give_the_same_result(
    raid: Rule, draw_day: Draw, make_symbol: MakeSymbol, session: Session
) -> None:
    bars = draw_day(GOLDEN_2)
    expected = run_setup(raid.default, make_symbol(), bars, [session])
    for column in (bars.time, bars.open, bars.high, bars.low, bars.close):
        column.setflags(write=False)

    result = run_setup(raid.default, make_symbol(), bars, [session])

    assert result == expected


def test_the_kernels_can_be_warmed_up() -> None:
    symbol = load_catalogue()["GER40"]

    warm_up([rule.default for rule in load_registry()], symbol)


def _without(bars: Bars, time_ms: int) -> Bars:
    kept = bars.time != time_ms
    columns = (bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume)
    stamps, opened, high, low, close, volume = (column[kept] for column in columns)
    return Bars(bars.timeframe, bars.tick, stamps, opened, high, low, close, volume.astype(float))


def _read(raw: dict[str, Any]) -> Setup:
    return read_rule("changed", raw).default


def test_a_session_that_is_not_whole_is_left_out(
    draw_day: Draw, make_setup: MakeSetup, make_symbol: MakeSymbol, session: Session
) -> None:
    bars = draw_day(GOLDEN_2)

    (holed,) = mark_holed(bars, [session])
    result = run_setup(make_setup(), make_symbol(), bars, [holed])

    assert not holed.whole  # 11 bars of 34
    assert [one.skipped for one in result.sessions] == ["data_gap"]
    assert (len(result.candidates), len(result.trades)) == (0, 0)
    assert mark_holed(bars[:0], [session]) == (session,)
