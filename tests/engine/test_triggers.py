"""When sweeps, closes, directions, stretches and gaps trigger, and when they do not."""

from datetime import time

import pytest

from setupdesk.core.timeframe import Timeframe
from tests.engine.examples import (
    GAP_UP,
    NARROW,
    NIGHT,
    STRETCH,
    YESTERDAY,
    change,
    find_setup,
    pick,
    run_with,
)
from tests.engine.tape import (
    Candle,
    Story,
    Tape,
    local,
    verdicts,
)


@pytest.mark.parametrize(("high", "count"), [(24_034.0, 0), (24_034.1, 1)])
def test_a_sweep_goes_beyond_its_penetration_strictly(high: float, count: int) -> None:
    # A fiftieth of the ATR is 4 points.
    story = NIGHT | {"08:30": (24_000, high, 24_000, 24_020)}

    assert len(Tape(story).run(find_setup("Asia_sweep_v1")).candidates) == count


def test_a_sweep_before_london_is_known_and_not_traded() -> None:
    story = NIGHT | {"07:00": (24_000, 24_040, 24_000, 24_020)}

    result = Tape(story).run(find_setup("Asia_sweep_v1"))

    assert verdicts(result) == ["outside_window"]


def test_a_sweep_that_began_before_london_is_traded_if_it_is_reclaimed_in_london() -> None:
    story = NIGHT | {
        "07:45": (24_000, 24_040, 24_000, 24_038),
        "08:00": (24_038, 24_038, 24_018, 24_018),
    }

    result = Tape(story).run(find_setup("Asia_sweep_v1"))

    assert verdicts(result) == ["traded"]


def test_asia_is_that_of_the_evening_before() -> None:
    # What New York calls 20:00 to 00:00 of the day itself begins after the session.
    story = NIGHT | {"20:00": (24_000, 24_090, 23_910, 24_000)}

    result = Tape(story).run(find_setup("Asia_sweep_v1"))

    assert result.sessions[0].levels["asia.high"] == 24_030
    assert result.sessions[0].levels["asia.low"] == 23_970


def test_a_sweep_is_told_as_it_happens_before_the_session_has_any_bar() -> None:
    story = NIGHT | {"08:30": (24_000, 24_040, 24_000, 24_020)}

    result = Tape(story).run(find_setup("Asia_sweep_v1"), until="08:35")

    assert result.sessions[0].skipped is None
    assert verdicts(result) == ["no_next_bar"]


def test_a_previous_day_is_swept_on_each_side_once() -> None:
    story: Story = {
        "10:00": (24_000, 24_110, 24_000, 24_090),
        "10:10": (24_090, 24_130, 24_090, 24_095),
        "10:20": (24_095, 24_120, 24_095, 24_095),
        "11:00": (24_095, 24_095, 23_890, 23_905),
        "11:10": (23_905, 23_905, 23_870, 23_905),
        "11:20": (23_905, 23_905, 23_890, 23_905),
        "11:30": (23_905, 23_905, 23_890, 23_905),
    }

    result = Tape(story).run(find_setup("PDHL_sweep_v1"))

    assert [(one.side, one.verdict) for one in result.candidates] == [
        ("short", "traded"),
        ("short", "side_limit"),
        ("short", "side_limit"),
        ("long", "traded"),
        ("long", "session_limit"),
        ("long", "session_limit"),
        ("long", "session_limit"),
    ]


@pytest.mark.parametrize(
    ("opened", "verdict"), [(24_099.9, "traded"), (24_100, "filtered"), (24_120, "filtered")]
)
def test_a_day_that_opens_outside_the_previous_one_is_filtered(opened: float, verdict: str) -> None:
    story: Story = {
        "08:55": (24_000, opened, 24_000, opened),
        "09:00": (opened, opened, 24_090, 24_090),
        "10:00": (24_090, 24_110, 24_090, 24_090),
    }

    result = Tape(story).run(find_setup("PDHL_sweep_v1"))

    assert result.candidates[-1].verdict == verdict


def test_a_break_needs_a_close_beyond_not_at_the_level() -> None:
    story: Story = {
        "09:00": (24_000, 24_010, 23_990, 24_000),
        "09:30": (24_000, 24_020, 24_000, 24_010),
    }

    assert len(Tape(story, Timeframe.M15).run(find_setup("ORB30_break_v1")).candidates) == 0


def test_a_break_may_have_to_be_confirmed() -> None:
    story: Story = {
        "09:00": (24_000, 24_010, 23_990, 24_000),
        "09:30": (24_000, 24_020, 24_000, 24_015),
        "09:45": (24_015, 24_020, 24_000, 24_005),
        "10:00": (24_005, 24_020, 24_005, 24_015),
        "10:15": (24_015, 24_020, 24_012, 24_012),
    }
    trigger = {"kind": "break_close", "levels": ["orb.high", "orb.low"], "confirm_bars": 2}
    tape = Tape(story, Timeframe.M15)

    result = tape.run(change("ORB30_break_v1", trigger=trigger))

    (candidate,) = result.candidates
    assert local(candidate.started_at, tape.symbol) == "10:00"
    assert local(candidate.known_at, tape.symbol) == "10:30"


def test_a_half_day_ends_early() -> None:
    story: Story = {
        "09:00": (24_000, 24_010, 23_990, 24_000),
        "12:30": (24_000, 24_020, 24_000, 24_015),
        "13:45": (24_015, 24_016, 24_014, 24_016),
        "14:00": (24_016, 24_500, 24_016, 24_500),
    }
    tape = Tape(story, Timeframe.M15, closes=time(14))

    (trade,) = tape.run(find_setup("ORB30_break_v1")).trades

    assert (trade.exit_reason, trade.exit) == ("flat", 24_016)
    assert local(trade.exit_at, tape.symbol) == "14:00"


def test_the_window_of_a_half_day_ends_early_too() -> None:
    story: Story = {
        "09:00": (24_000, 24_010, 23_990, 24_000),
        "12:45": (24_000, 24_020, 24_000, 24_015),
    }
    tape = Tape(story, Timeframe.M15, closes=time(14))

    assert verdicts(tape.run(find_setup("ORB30_break_v1"))) == ["outside_window"]


def test_a_bar_without_direction_is_not_traded() -> None:
    doji: Story = {"09:00": (24_000, 24_010, 23_990, 24_000)}

    result = Tape(doji).run(find_setup("ORB5_dir_v1"))

    assert result.sessions[0].skipped is None
    assert len(result.candidates) == 0


def test_the_direction_of_five_minutes_is_from_their_first_open_to_their_last_close() -> None:
    story: Story = {
        "09:00": (24_000, 24_004, 24_000, 24_003),
        "09:02": (24_003, 24_003, 23_990, 23_995),
        "09:04": (23_995, 23_998, 23_995, 23_998),
        "09:05": (23_998, 23_998, 23_997, 23_997),
    }
    tape = Tape(story, Timeframe.M1, history=2)

    (trade,) = tape.run(find_setup("ORB5_dir_v1")).trades

    assert (trade.side, trade.entry, trade.stop) == ("short", 23_998, 24_004)
    assert local(trade.entry_at, tape.symbol) == "09:05"


def test_a_market_without_volume_has_no_vwap() -> None:
    result = Tape(STRETCH, volume=float("nan")).run(find_setup("VWAP_fade_v1"))

    assert result.sessions[0].skipped == "no_volume"
    assert len(result.candidates) == 0


@pytest.mark.parametrize(("bars", "count"), [(5, 1), (6, 0)])
def test_a_stretch_must_come_back_within_five_bars(bars: int, count: int) -> None:
    # Each bar goes farther than the deviation grows; then price falls back at once.
    story: dict[str, Candle] = {}
    price = 24_000.0
    for step in range(bars):
        story[f"10:{30 + 5 * step}" if step < 6 else f"11:{5 * step - 30:02}"] = (
            price,
            price + 100,
            price,
            price + 100,
        )
        price += 100
    minute = 30 + 5 * bars
    story[f"{10 + minute // 60}:{minute % 60:02}"] = (price, price, 24_000, 24_000)

    assert len(Tape(story).run(find_setup("VWAP_fade_v1")).candidates) == count


@pytest.mark.parametrize(
    ("opened", "verdict"),
    [
        (24_009.9, "filtered"),
        (24_010.0, "traded"),
        (24_060.0, "traded"),
        (24_060.1, "filtered"),
        (23_990.0, "traded"),
        (23_939.9, "filtered"),
    ],
)
def test_a_gap_must_have_a_fitting_size(opened: float, verdict: str) -> None:
    # 0.05 to 0.3 of the ATR are 10 to 60 points.
    story: Story = {"08:55": (24_000, max(opened, 24_000), min(opened, 24_000), opened)}

    assert verdicts(Tape(story).run(find_setup("Gap_fill_v1"))) == [verdict]


def test_a_gap_out_of_the_previous_day_is_filtered() -> None:
    story: Story = {"08:55": (24_000, 24_050, 24_000, 24_050)}
    tape = Tape(story, days={YESTERDAY: NARROW})

    assert verdicts(tape.run(find_setup("Gap_fill_v1"))) == ["filtered"]


def test_a_gap_that_its_first_bar_has_filled_is_not_traded() -> None:
    story: Story = dict(GAP_UP) | {"09:00": (24_030, 24_030, 23_990, 23_995)}

    assert verdicts(Tape(story).run(find_setup("Gap_fill_v1"))) == ["target_crossed"]


def test_a_gap_whose_first_bar_is_missing_is_not_traded() -> None:
    tape = Tape(GAP_UP)
    bars = tape.bars
    kept = bars.time != tape.sessions[-1].opens_ms
    thinned = pick(bars, kept)

    result = run_with(tape, find_setup("Gap_fill_v1"), tape.sessions[:-1], thinned)

    assert verdicts(result) == ["outside_window"]
