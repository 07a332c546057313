"""A trade of every setup that ships, computed by hand from the page on the domain."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.result import Result, Truths
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import read_rule
from tests.engine.tape import (
    DAY,
    PRICE,
    Story,
    Tape,
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
