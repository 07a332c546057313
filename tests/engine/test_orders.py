"""Orders that wait: when they are placed, told, cancelled and over."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.compile import compile_setup
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from tests.engine.examples import (
    BREAK_OF_STRUCTURE,
    NARROW,
    NIGHT,
    SWEEP_AND_GAP,
    YESTERDAY,
    change,
    find_setup,
    pick,
    run_with,
)
from tests.engine.tape import (
    DAY,
    PRICE,
    TICK,
    Story,
    Tape,
    average_slowly,
    instant_ms,
    local,
    verdicts,
)


@pytest.mark.parametrize(("count", "skipped"), [(6, "no_history"), (7, None)])
def test_a_day_is_judged_when_it_has_six_before_it(count: int, skipped: str | None) -> None:
    tape = Tape({}, days={YESTERDAY: NARROW})

    result = run_with(tape, find_setup("NR7_inside_v1"), tape.sessions[-count - 1 : -1])

    assert result.sessions[0].skipped == skipped


@pytest.mark.parametrize(
    ("yesterday", "nr7", "inside"),
    [
        ({"12:00": (24_000, 24_050, 23_950, 24_000)}, 1, 1),
        ({"12:00": (24_000, 24_120, 23_990, 24_000)}, 1, 0),
        ({"12:00": (24_000, 24_100, 23_950, 24_000)}, 1, 0),
        ({"12:00": (24_000, 24_100, 23_900, 24_000)}, 0, 0),
    ],
    ids=["both", "narrow", "inside is strict", "narrow is strict"],
)
def test_the_previous_day_is_narrow_or_inside(yesterday: Story, nr7: int, inside: int) -> None:
    tape = Tape({}, days={YESTERDAY: yesterday})

    result = tape.run(find_setup("NR7_inside_v1"))

    levels = result.sessions[0].levels
    assert (levels["pat.nr7"], levels["pat.inside"]) == (nr7, inside)
    assert levels["pat.any"] == max(nr7, inside)
    assert set(verdicts(result)) == {"not_reached" if levels["pat.any"] else "filtered"}


def test_orders_are_told_when_their_window_begins_and_wait() -> None:
    london, day = find_setup("London_breakout_v1"), find_setup("NR7_inside_v1")
    night, inside = Tape(NIGHT), Tape({}, days={YESTERDAY: NARROW})

    results = [
        night.run(london, until="07:55"),
        night.run(london, until="08:00"),
        night.run(london, until="10:55"),
        night.run(london, until="11:00"),
        inside.run(day, until="08:55"),
        inside.run(day, until="09:00"),
        inside.run(day, until="15:30"),
    ]

    assert [verdicts(one) for one in results] == [
        [],
        ["pending", "pending"],
        ["pending", "pending"],
        ["not_reached", "not_reached"],
        [],
        ["pending", "pending"],
        ["not_reached", "not_reached"],
    ]


def test_a_sibling_does_not_wait_once_an_order_was_filled() -> None:
    story = NIGHT | {"08:30": (24_000, 24_040, 24_000, 24_038)}

    result = Tape(story).run(find_setup("London_breakout_v1"), until="08:40")

    assert verdicts(result) == ["traded", "oco_cancelled"]


def test_an_order_of_a_day_that_opens_beyond_it_is_filled_at_the_open() -> None:
    story: Story = {"08:55": (24_000, 24_070, 24_000, 24_070)}
    tape = Tape(story, days={YESTERDAY: NARROW})

    (trade,) = tape.run(find_setup("NR7_inside_v1")).trades

    assert (trade.entry, trade.stop, trade.target) == (24_070, 24_000, 24_210)
    assert local(trade.entry_at, tape.symbol) == "09:00"


def test_orders_before_the_session_are_told_at_its_open_where_bars_have_regular_hours_only() -> (
    None
):
    # The last bar before is that of yesterday; the order is not known, nor placed, before today.
    tape = Tape({"09:00": (24_000, 24_060, 24_000, 24_055)}, days={YESTERDAY: NARROW})
    bars = tape.bars
    minute = (bars.time // 60_000 + 120) % 1440
    regular = (minute >= 540) & (minute < 1050)
    thinned = pick(bars, regular)

    result = run_with(tape, find_setup("NR7_inside_v1"), tape.sessions[:-1], thinned)

    assert verdicts(result) == ["traded", "oco_cancelled"]
    assert {local(one.known_at, tape.symbol) for one in result.candidates} == {"09:00"}
    assert result.candidates[0].known_at.date() == DAY
    assert local(result.trades[0].entry_at, tape.symbol) == "09:00"


@pytest.mark.parametrize(
    "knowing",
    [
        {"filters": ["session.open > pd.low"]},
        {
            "levels": {
                "pd": {"kind": "previous_day", "hours": "rth"},
                "gp": {"kind": "gap", "hours": "rth"},
            },
            "filters": ["gp.size < 1000"],
        },
    ],
    ids=["session.open", "gap"],
)
def test_an_order_that_knows_the_open_is_placed_after_the_first_bar(
    knowing: dict[str, Any],
) -> None:
    raw = {"levels": {"pd": {"kind": "previous_day", "hours": "rth"}}} | knowing
    story: Story = {
        "09:00": (24_000, 24_110, 24_000, 24_000),
        "09:30": (24_000, 24_120, 24_000, 24_110),
    }
    tape = Tape(story)

    (trade,) = tape.run(change("NR7_inside_v1", **raw)).trades

    assert local(trade.signal_at, tape.symbol) == "09:05"
    assert local(trade.entry_at, tape.symbol) == "09:30"


@pytest.mark.parametrize(
    ("high", "verdict"),
    [
        (24_014.9, "filtered"),
        (24_015, "not_reached"),
        (24_105, "not_reached"),
        (24_105.1, "filtered"),
    ],
)
def test_a_box_must_have_a_fitting_size(high: float, verdict: str) -> None:
    # Its low is 23985, and 0.15 to 0.6 of the ATR are 30 to 120 points.
    story: Story = {"03:00": (24_000, high, 23_985, 24_000)}
    setup = find_setup("London_breakout_v1")

    assert set(verdicts(Tape(story).run(setup))) == {verdict}
    assert set(verdicts(Tape(story, timeframe=Timeframe.M15).run(setup))) == {verdict}


def test_a_trade_is_flat_at_the_clock_of_another_zone() -> None:
    # 16:00 London is 17:00 Berlin.
    story = NIGHT | {
        "08:30": (24_000, 24_040, 24_000, 24_038),
        "16:55": (24_038, 24_039, 24_036, 24_036),
        "17:00": (24_036, 24_200, 24_036, 24_200),
    }
    tape = Tape(story)

    (trade,) = tape.run(find_setup("London_breakout_v1")).trades

    assert (trade.exit_reason, trade.exit) == ("flat", 24_036)
    assert local(trade.exit_at, tape.symbol) == "17:00"


def test_the_silver_bullet_is_fired_by_the_clock_of_new_york() -> None:
    # In the week in which only New York has summer time, its ten o'clock is 15:00 in Berlin.
    setup = find_setup("Silver_bullet_v1")
    week = date(2025, 3, 12)
    early = {f"{int(at[:2]) - 1:02}{at[2:]}": one for at, one in SWEEP_AND_GAP.items()}
    tape = Tape(early, day=week)

    (trade,) = tape.run(setup).trades

    assert local(trade.entry_at, tape.symbol) == "15:20"
    assert set(verdicts(Tape(SWEEP_AND_GAP, day=week).run(setup))) == {"outside_window"}
    assert set(verdicts(Tape(early).run(setup))) == {"outside_window"}


def test_a_limit_order_that_price_does_not_come_back_to_expires_with_its_window() -> None:
    story = dict(SWEEP_AND_GAP) | {"16:20": (23_985, 23_985, 23_985, 23_985)}
    story["17:00"] = (23_985, 23_999, 23_985, 23_988)
    setup = find_setup("Silver_bullet_v1")

    assert verdicts(Tape(story).run(setup, until="16:15")) == ["pending"]
    assert verdicts(Tape(story).run(setup, until="16:55")) == ["pending"]
    assert verdicts(Tape(story).run(setup, until="17:00")) == ["not_reached"]
    assert verdicts(Tape(story).run(setup))[0] == "not_reached"


@pytest.mark.parametrize(
    "changes",
    [
        {"16:00": (24_000, 24_010, 24_000, 24_005)},
        {"15:40": (24_000, 24_014, 24_000, 24_005), "15:00": (24_000, 24_000, 24_000, 24_000)},
    ],
    ids=["a touch sweeps nothing", "no swing, no sweep"],
)
def test_a_gap_without_a_sweep_before_it_is_no_silver_bullet(changes: Story) -> None:
    story = dict(SWEEP_AND_GAP) | dict(changes)
    still: Story = {"12:00": (PRICE, PRICE, PRICE, PRICE)}
    quiet = dict.fromkeys(Tape(story).weekdays[:-1], still)

    assert len(Tape(story, days=quiet).run(find_setup("Silver_bullet_v1")).trades) == 0


@pytest.mark.parametrize(("at", "verdict"), [("11:50", "traded"), ("11:55", "not_reached")])
def test_an_order_for_twenty_bars_is_live_in_the_twentieth(at: str, verdict: str) -> None:
    # Placed at 10:15, so the twentieth bar opens at 11:50.
    story = {name: one for name, one in BREAK_OF_STRUCTURE.items() if name <= "10:10"}
    story[at] = (24_021, 24_021, 24_016, 24_019)

    assert verdicts(Tape(story).run(find_setup("FVG_BOS_v1")))[0] == verdict


def test_a_leg_with_a_gap_before_its_breaking_bar_is_traded_at_once() -> None:
    # 24000 to 24003 is known with the break at 24015; the gap of the breaking bar is not yet.
    story: Story = {
        "09:15": (24_000, 24_010, 24_000, 24_000),
        "09:35": (24_000, 24_015, 24_000, 24_012),
        "09:55": (24_012, 24_012, 23_999, 24_000),
        "10:00": (24_000, 24_006, 24_000, 24_006),
        "10:05": (24_006, 24_028, 24_003, 24_026),
        "10:10": (24_026, 24_030, 24_020, 24_021),
    }
    tape = Tape(story)

    known, after = (
        tape.run(find_setup("FVG_BOS_v1"), until=until).candidates for until in ("10:10", "10:15")
    )

    assert [local(one.known_at, tape.symbol) for one in known] == []
    assert [local(one.known_at, tape.symbol) for one in after] == ["10:15"]


def test_m5_bars_know_the_atr_of_the_last_quarter_hour_that_is_over() -> None:
    tape = Tape(BREAK_OF_STRUCTURE)
    quarters = resample(tape.bars, Timeframe.M15, "24x5")
    setup = find_setup("FVG_BOS_v1")

    known = compile_setup(setup, tape.symbol, tape.bars, tape.sessions).bar_levels["atr"]

    for bar, quarter in (("10:05", "09:45"), ("10:10", "10:00"), ("10:20", "10:00")):
        expected = average_until(quarters, find_row(quarters, quarter))
        assert known[find_row(tape.bars, bar)] == pytest.approx(expected)


def test_h1_bars_know_the_atr_of_their_own() -> None:
    tape = Tape({"09:00": (24_000, 24_015, 24_000, 24_012)}, Timeframe.H1)
    setup = find_setup("FVG_BOS_v1")

    known = compile_setup(setup, tape.symbol, tape.bars, tape.sessions).bar_levels["atr"]

    row = find_row(tape.bars, "10:00")
    assert known[row] == pytest.approx(average_until(tape.bars, row))


def find_row(bars: Bars, clock: str) -> int:
    return int(np.searchsorted(bars.time, instant_ms(DAY, clock, "Europe/Berlin")))


def average_until(bars: Bars, row: int) -> float:
    columns = (getattr(bars, name)[: row + 1] * TICK for name in ("open", "high", "low", "close"))
    return average_slowly(list(zip(*(column.tolist() for column in columns), strict=True)), 14)
