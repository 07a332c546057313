"""One trade of every setup that ships, computed by hand from the page on the domain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.compile import compile_setup
from setupdesk.engine.costs import Means
from setupdesk.engine.result import Result, Trade, Truths
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import read_rule
from tests.engine.tape import (
    DAY,
    PRICE,
    TICK,
    Candle,
    Story,
    Tape,
    average_slowly,
    instant_ms,
    later,
    local,
    verdicts,
)

REGISTRY = load_registry()
YESTERDAY = DAY - timedelta(days=1)
NARROW: Story = {"12:00": (PRICE, PRICE + 50, PRICE - 50, PRICE)}


@dataclass(frozen=True)
class Example:
    rule: str
    story: Story
    signal: str
    entry_at: str
    entry: float
    stop: float
    target: float | None
    exit_at: str
    exit: float
    side: str = "long"
    reason: str = "target"
    level: str = ""
    timeframe: Timeframe = Timeframe.M5
    days: dict[date, Story] = field(default_factory=dict)

    @property
    def setup(self) -> Setup:
        return find_setup(self.rule)

    @property
    def tape(self) -> Tape:
        return Tape(self.story, self.timeframe, days=self.days)

    @property
    def r(self) -> float:
        return abs(self.exit - self.entry) / abs(self.entry - self.stop)


def find_setup(rule: str) -> Setup:
    found = REGISTRY.find(rule)
    assert found is not None
    return found.default


def change(rule: str, **changes: Any) -> Setup:
    """A rule that ships with some of its keys replaced."""
    found = REGISTRY.find(rule)
    assert found is not None
    return read_rule("changed", {**found.raw, **changes}).default


SWEEP_AND_GAP: Story = {
    # A swing high, confirmed five bars later and swept at 16:00.
    "15:00": (24_000, 24_010, 24_000, 24_000),
    "16:00": (24_000, 24_014, 24_000, 24_005),
    # A gap down between 24000 and 23990, born at 16:15.
    "16:05": (24_005, 24_005, 23_980, 23_982),
    "16:10": (23_982, 23_990, 23_975, 23_985),
    "16:20": (23_985, 23_995, 23_985, 23_988),
    "17:10": (23_988, 23_988, 23_940, 23_945),
}
BREAK_OF_STRUCTURE: Story = {
    "09:15": (24_000, 24_010, 24_000, 24_000),
    # There is no trend before this break; its own high is the next swing.
    "09:35": (24_000, 24_015, 24_000, 24_012),
    "10:00": (24_012, 24_014, 24_011, 24_013),
    "10:05": (24_013, 24_028, 24_012, 24_026),
    # The gap of the breaking bar: 24014 to 24020.
    "10:10": (24_026, 24_030, 24_020, 24_021),
    "10:20": (24_021, 24_021, 24_016, 24_019),
    "10:40": (24_019, 24_026, 24_019, 24_024),
}
STRETCH: Story = {
    # After eighteen still bars: vwap 24001.40 and sd 5.95, then 24002.25 and 6.88.
    "10:30": (24_000, 24_040, 24_000, 24_040),
    "10:35": (24_040, 24_040, 24_005, 24_010),
    "10:50": (24_010, 24_010, 24_000, 24_001),
}
GAP_UP: Story = {
    "08:55": (24_000, 24_030, 24_000, 24_030),
    "09:00": (24_030, 24_035, 24_028, 24_032),
    "10:00": (24_032, 24_032, 23_995, 24_000),
}
IB: Story = {"09:00": (24_000, 24_060, 23_980, 24_000)}
NIGHT: Story = {"03:00": (24_000, 24_030, 23_970, 24_000)}

EXAMPLES = [
    Example(
        "IB_raid_v1",
        IB
        | {
            "10:00": (24_000, 24_070, 24_000, 24_066),
            "10:15": (24_066, 24_080, 24_050, 24_050),
            "11:00": (24_050, 24_050, 23_975, 23_980),
        },
        side="short",
        level="ib.high",
        signal="10:30",
        entry_at="10:30",
        entry=24_050,
        stop=24_084,
        target=23_980,
        exit_at="11:00",
        exit=23_980,
        timeframe=Timeframe.M15,
    ),
    Example(
        "IB_breakout_v1",
        IB
        | {
            "10:00": (24_000, 24_065, 24_000, 24_062),
            "10:30": (24_062, 24_101, 24_062, 24_090),
        },
        level="ib.high",
        signal="10:15",
        entry_at="10:15",
        entry=24_062,
        stop=24_020,
        target=24_100,
        exit_at="10:30",
        exit=24_100,
        timeframe=Timeframe.M15,
    ),
    Example(
        "ORB5_dir_v1",
        {
            "09:00": (24_000, 24_010, 23_995, 24_008),
            "12:00": (24_008, 24_030, 24_008, 24_025),
        },
        level="orb",
        signal="09:05",
        entry_at="09:05",
        entry=24_008,
        stop=23_995,
        target=24_138,
        exit_at="17:30",
        exit=24_025,
        reason="flat",
    ),
    Example(
        "ORB15_break_v1",
        {
            "09:00": (24_000, 24_010, 23_990, 24_000),
            "09:20": (24_000, 24_015, 24_000, 24_012),
            "10:00": (24_012, 24_060, 24_012, 24_055),
        },
        level="orb.high",
        signal="09:15",
        entry_at="09:20",
        entry=24_010.1,
        stop=23_990,
        target=24_050.3,
        exit_at="10:00",
        exit=24_050.3,
    ),
    Example(
        "ORB30_break_v1",
        {
            "09:00": (24_000, 24_010, 23_990, 24_000),
            "09:30": (24_000, 24_020, 24_000, 24_015),
            "15:00": (24_015, 24_050, 24_015, 24_040),
        },
        level="orb.high",
        signal="09:45",
        entry_at="09:45",
        entry=24_015,
        stop=23_990,
        target=None,
        exit_at="17:30",
        exit=24_040,
        reason="flat",
        timeframe=Timeframe.M15,
    ),
    Example(
        "Asia_sweep_v1",
        # 20:00 to 00:00 New York is 02:00 to 06:00 Berlin, and London begins at 08:00.
        NIGHT
        | {
            "08:30": (24_000, 24_040, 24_000, 24_035),
            "08:35": (24_035, 24_036, 24_020, 24_020),
            "09:30": (24_020, 24_020, 23_965, 23_970),
        },
        side="short",
        level="asia.high",
        signal="08:40",
        entry_at="08:40",
        entry=24_020,
        stop=24_046,
        target=23_970,
        exit_at="09:30",
        exit=23_970,
    ),
    Example(
        "PDHL_sweep_v1",
        {
            "10:00": (24_000, 24_110, 24_000, 24_105),
            "10:05": (24_105, 24_105, 24_090, 24_090),
            "11:00": (24_090, 24_090, 24_030, 24_035),
        },
        side="short",
        level="pd.high",
        signal="10:10",
        entry_at="10:10",
        entry=24_090,
        stop=24_116,
        target=24_038,
        exit_at="11:00",
        exit=24_038,
    ),
    Example(
        "Silver_bullet_v1",
        SWEEP_AND_GAP,
        side="short",
        level="gap",
        signal="16:15",
        entry_at="16:20",
        entry=23_990,
        stop=24_014.1,
        target=23_941.8,
        exit_at="17:10",
        exit=23_941.8,
    ),
    Example(
        # The ATR of M15 is 2.89 at 10:15, a tenth of it is rounded away to 0.3.
        "FVG_BOS_v1",
        BREAK_OF_STRUCTURE,
        level="gap",
        signal="10:15",
        entry_at="10:20",
        entry=24_017,
        stop=24_013.7,
        target=24_023.6,
        exit_at="10:40",
        exit=24_023.6,
    ),
    Example(
        "London_breakout_v1",
        # 00:00 to 07:00 London is 01:00 to 08:00 Berlin.
        NIGHT
        | {
            "08:30": (24_000, 24_040, 24_000, 24_038),
            "10:00": (24_038, 24_100, 24_038, 24_090),
        },
        level="box.high",
        signal="08:00",
        entry_at="08:30",
        entry=24_034,
        stop=23_970,
        target=24_098,
        exit_at="10:00",
        exit=24_098,
    ),
    Example(
        # The ATR of M5 is 40/14*13/14 + 35/14 = 5.153, and half as much again 7.73.
        "VWAP_fade_v1",
        STRETCH,
        side="short",
        level="vw.mid",
        signal="10:40",
        entry_at="10:40",
        entry=24_010,
        stop=24_017.8,
        target=24_002.2,
        exit_at="10:50",
        exit=24_002.2,
    ),
    Example(
        "NR7_inside_v1",
        {
            "09:25": (24_000, 24_010, 24_000, 24_010),
            "09:30": (24_010, 24_060, 24_010, 24_055),
            "11:00": (24_055, 24_160, 24_055, 24_150),
        },
        days={YESTERDAY: NARROW},
        level="pd.high",
        signal="09:00",
        entry_at="09:30",
        entry=24_050.1,
        stop=24_000,
        target=24_150.3,
        exit_at="11:00",
        exit=24_150.3,
    ),
    Example(
        "Gap_fill_v1",
        GAP_UP,
        side="short",
        level="gp",
        signal="09:05",
        entry_at="09:05",
        entry=24_032,
        stop=24_062,
        target=24_000,
        exit_at="10:00",
        exit=24_000,
    ),
]
FLIPPED = {"long": "short", "short": "long"}

in_every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.rule)


def test_there_is_an_example_of_every_setup() -> None:
    assert {one.rule for one in EXAMPLES} == {rule.id for rule in REGISTRY}


@pytest.mark.parametrize(
    "move",
    [
        lambda tape: tape,
        lambda tape: replace(tape, shift=123.4),
        lambda tape: replace(tape, shift=-9_000.7),
        lambda tape: later(tape, 3),
        lambda tape: replace(tape, mirrored=True),
    ],
    ids=["as drawn", "dearer", "cheaper", "weeks later", "mirrored"],
)
@in_every_example
def test_a_trade_is_as_computed_by_hand(example: Example, move: Callable[[Tape], Tape]) -> None:
    tape = move(example.tape)

    (trade,) = tape.run(example.setup).trades

    times = [local(one, tape.symbol) for one in (trade.signal_at, trade.entry_at, trade.exit_at)]
    target = None if example.target is None else tape.price(example.target)
    assert trade.side == (FLIPPED[example.side] if tape.mirrored else example.side)
    assert times == [example.signal, example.entry_at, example.exit_at]
    assert (trade.entry, trade.stop) == (tape.price(example.entry), tape.price(example.stop))
    assert (trade.target, trade.exit) == (target, tape.price(example.exit))
    assert (trade.exit_reason, trade.ambiguous) == (example.reason, False)
    assert trade.r == pytest.approx(example.r)
    assert trade.costs_r == 0
    assert tape.mirrored or trade.level == example.level


# Sweeps.


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


# The previous day.


def test_the_previous_day_of_a_monday_is_friday() -> None:
    monday = date(2025, 5, 12)
    tape = Tape({}, day=monday, days={date(2025, 5, 9): NARROW})

    levels = tape.run(find_setup("PDHL_sweep_v1")).sessions[0].levels

    assert (levels["pd.high"], levels["pd.low"]) == (24_050, 23_950)


@pytest.mark.parametrize("is_session", [True, False], ids=["no bars", "no session"])
def test_the_previous_day_of_a_holiday_is_the_day_before_it(*, is_session: bool) -> None:
    tape = Tape({}, days={YESTERDAY - timedelta(days=1): NARROW}, absent=frozenset([YESTERDAY]))
    earlier = [one for one in tape.sessions[:-1] if is_session or one.day != YESTERDAY]

    levels = run_with(tape, find_setup("PDHL_sweep_v1"), earlier).sessions[0].levels

    assert (levels["pd.high"], levels["pd.low"]) == (24_050, 23_950)


def test_the_previous_day_counts_regular_hours_or_all_from_roll_to_roll() -> None:
    # The trading day ends at 17:00 New York, 23:00 Berlin.
    evening: Story = {
        "07:00": (24_000, 24_000, 23_800, 24_000),
        "12:00": (24_000, 24_100, 23_900, 24_000),
        "20:00": (24_000, 24_200, 24_000, 24_000),
    }
    whole = change(
        "PDHL_sweep_v1",
        levels={
            "pd": {"kind": "previous_day", "hours": "full"},
            "atr": {"kind": "atr", "timeframe": "D1", "length": 14},
        },
    )
    tape = Tape({"07:00": (24_000, 24_300, 24_000, 24_000)}, days={YESTERDAY: evening})

    regular, full = (
        tape.run(setup).sessions[0].levels for setup in (find_setup("PDHL_sweep_v1"), whole)
    )

    assert (regular["pd.high"], regular["pd.low"]) == (24_100, 23_900)
    assert (full["pd.high"], full["pd.low"]) == (24_200, 23_800)


def test_without_a_previous_day_there_is_no_trade() -> None:
    tape = EXAMPLES[6].tape

    result = run_with(tape, find_setup("PDHL_sweep_v1"), [])

    assert result.sessions[0].skipped == "no_history"
    assert len(result.candidates) == 0


def test_a_previous_day_with_holes_is_none() -> None:
    tape = EXAMPLES[6].tape
    hole = tape.sessions[-2]
    bars = tape.bars
    gone = (bars.time > hole.opens_ms) & (bars.time < hole.opens_ms + 2 * 3_600_000)
    thinned = pick(bars, ~gone)

    result = run_with(tape, find_setup("PDHL_sweep_v1"), tape.sessions[:-1], thinned)

    assert result.sessions[0].skipped == "data_gap"


# Patterns of days, and orders that wait.


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


# Closes beyond a level, and directions.


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


# Fair value gaps.


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


# Stretches.


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


# Opening gaps.


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


# Costs in R.


def run_dearly(**costs: Any) -> Trade:
    example = EXAMPLES[6]
    symbol = example.tape.symbol
    dear = replace(symbol, costs=replace(symbol.costs, **costs))
    (trade,) = replace(example.tape, symbol=dear).run(example.setup).trades
    return trade


def test_commission_is_paid_in_r_on_both_sides() -> None:
    # The short of 24090 risks 26 points; 1.3 money for each point, lot and side.
    trade = run_dearly(commission=1.3)

    assert trade.r == pytest.approx(2 - 2.6 / 26)
    assert trade.costs_r == pytest.approx(2.6 / 26)


def test_swap_is_not_paid_within_the_day() -> None:
    assert run_dearly(swap_short=-5.0).r == pytest.approx(2)


def test_slippage_and_spread_are_in_the_prices_and_counted_as_costs() -> None:
    trade = run_dearly(slippage=0.4)

    assert (trade.entry, trade.stop) == (24_089.6, 24_116)
    assert trade.target == 24_036.8
    assert trade.costs_r == pytest.approx(0.4 / 26.4)


def test_swap_is_paid_for_a_night() -> None:
    # Bought at 16:30 and held over 17:00 New York, until the last bar before 22:00 of the roll.
    setup = change("ORB30_break_v1", exit={"flat": "20:00 America/New_York"})
    story: Story = {
        "09:00": (24_000, 24_010, 23_990, 24_000),
        "09:30": (24_000, 24_020, 24_000, 24_015),
    }
    tape = Tape(story, Timeframe.M15, days={})
    costs = replace(tape.symbol.costs, swap_long=-2.5)
    tape = replace(tape, symbol=replace(tape.symbol, costs=costs))
    *earlier, night, _ = tape.sessions
    held = replace(tape, days={night.day: story}, story={})

    (trade,) = run_with(held, setup, earlier, session=night).trades

    assert trade.exit_reason == "flat"
    assert trade.r == pytest.approx(-2.5 / 25)
    assert trade.costs_r == pytest.approx(2.5 / 25)


@pytest.mark.parametrize(
    ("means", "lots"),
    [
        (Means(), 3.84),
        (Means(account=20_000), 7.69),
        (Means(risk_percent=0.5), 1.92),
        (Means(account=1), None),
    ],
)
def test_a_request_says_what_is_traded_with(means: Means, lots: float | None) -> None:
    # 1 % of 10,000 over 26 points.
    example = EXAMPLES[6]

    result = example.tape.run(example.setup, means=means)

    assert [one.lots for one in result.trades] == pytest.approx([] if lots is None else [lots])
    assert verdicts(result) == ["size_below_min" if lots is None else "traded"]


def run_with(
    tape: Tape,
    setup: Setup,
    earlier: Sequence[Session],
    bars: Bars | None = None,
    session: Session | None = None,
) -> Result:
    """Run with earlier sessions, bars or a session that differ from those of the tape."""
    chosen = tape.bars if bars is None else bars
    return run_setup(setup, tape.symbol, chosen, [session or tape.sessions[-1]], earlier=earlier)


def pick(bars: Bars, kept: Truths) -> Bars:
    columns = ("time", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[kept] for name in columns})


def find_row(bars: Bars, clock: str) -> int:
    return int(np.searchsorted(bars.time, instant_ms(DAY, clock, "Europe/Berlin")))


def average_until(bars: Bars, row: int) -> float:
    columns = (getattr(bars, name)[: row + 1] * TICK for name in ("open", "high", "low", "close"))
    return average_slowly(list(zip(*(column.tolist() for column in columns), strict=True)), 14)
