"""The MetaTrader feed against a stand-in for its library, which exists for Windows only.

The stand-in keeps to what the library does: epochs of the server's wall clock, None and
``last_error`` while history is loading, an array of records.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feeds.mt5 import Mt5Feed
from setupdesk.adapters.feeds.patience import Patience
from setupdesk.app.ports import FeedDownError
from setupdesk.core.errors import FeedNotReadyError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.days import to_ms
from setupdesk.market.feed import DAY_MS, Chunk
from setupdesk.settings import InvalidSettingsError, load_settings

GER40 = load_catalogue()["GER40"]
M1 = Timeframe.M1
RATE = np.dtype(
    [
        *(("time", "i8"), ("open", "f8"), ("high", "f8"), ("low", "f8"), ("close", "f8")),
        *(("tick_volume", "u8"), ("spread", "i4"), ("real_volume", "u8")),
    ]
)


@dataclass
class Terminal(ModuleType):
    now: datetime
    knows: tuple[str, ...] = ("GER40.cash",)
    refusals: int = 0
    is_running: bool = True
    TIMEFRAME_M1: int = 1
    selected: list[str] = field(default_factory=list)
    open_sessions: int = 0

    def initialize(self) -> bool:
        self.open_sessions += self.is_running
        return self.is_running

    def shutdown(self) -> None:
        self.open_sessions -= 1

    def last_error(self) -> tuple[int, str]:
        return (-10004, "No IPC connection")

    def symbol_info(self, name: str) -> object | None:
        return object() if name in self.knows else None

    def symbol_select(self, name: str, enable: bool) -> bool:  # noqa: FBT001 (the library's way)
        self.selected.append(name)
        return enable

    def copy_rates_range(self, name: str, size: int, begin: int, end: int) -> Any:
        assert (name in self.selected, size) == (True, 1)
        if self.refusals:
            self.refusals -= 1
            return None
        moments = [self.now - timedelta(minutes=n) for n in range(20 * 1440)]
        moments = [moment.replace(second=0) for moment in reversed(moments)]
        rows = [(server_epoch(moment), *draw_bar(moment)) for moment in moments]
        return np.array([row for row in rows if begin <= row[0] <= end], RATE)


def server_epoch(moment: datetime) -> int:
    # New York's wall clock and seven hours, written as if it were UTC.
    wall = moment.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=UTC)
    return round((wall + timedelta(hours=7)).timestamp())


def draw_bar(moment: datetime) -> tuple[float, float, float, float, int, int, int]:
    price = 20_000 + (to_ms(moment) // 60_000) % 997
    return (price, price + 2.5, price - 1.5, price + 1, 40, 12, 0)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], Terminal]:
    def build(now: datetime) -> Terminal:
        terminal = Terminal(now)
        monkeypatch.setitem(sys.modules, "MetaTrader5", terminal)
        return terminal

    return build


def build_feed(
    now: datetime, clock: str | None = "NY+7", waits: list[float] | None = None
) -> Mt5Feed:
    patience = Patience(sleep=(waits if waits is not None else []).append)
    return Mt5Feed(now=lambda: now, server_clock=clock, patience=patience)


def fetch(feed: Mt5Feed, first: datetime, days: int) -> list[Chunk]:
    return list(feed.fetch(GER40, M1, to_ms(first), to_ms(first) + days * DAY_MS))


def test_server_times_become_utc_across_both_changes_of_the_clock(
    start: Callable[[datetime], Terminal],
) -> None:
    for sunday in (datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 11, 2, tzinfo=UTC)):
        start(sunday + timedelta(days=4))

        chunks = fetch(build_feed(sunday + timedelta(days=4)), sunday - timedelta(days=1), 3)

        time = np.concatenate([chunk.bars.time for chunk in chunks])
        begin = to_ms(sunday - timedelta(days=1))
        assert np.array_equal(time, np.arange(begin, begin + 3 * DAY_MS, 60_000))
        opened = np.concatenate([chunk.bars.open for chunk in chunks])
        assert np.array_equal(opened, (20_000 + time // 60_000 % 997) * 10)


def test_the_bar_that_is_being_made_is_never_handed_out(
    start: Callable[[datetime], Terminal],
) -> None:
    now = datetime(2025, 6, 4, 10, 30, 30, tzinfo=UTC)
    terminal = start(now)

    newest = build_feed(now).newest(GER40, M1, 5)
    (today,) = fetch(build_feed(now), now.replace(hour=0, minute=0, second=0), 1)

    assert newest.time[-1] == today.bars.time[-1] == to_ms(now.replace(minute=29, second=0))
    assert (len(newest), today.is_final) == (5, False)
    assert terminal.selected == ["GER40.cash", "GER40.cash"]
    assert terminal.open_sessions == 0


def test_history_that_is_still_loading_is_waited_for(
    start: Callable[[datetime], Terminal],
) -> None:
    now = datetime(2025, 6, 4, 10, 30, 30, tzinfo=UTC)
    start(now).refusals = 3
    waits: list[float] = []

    (chunk,) = fetch(build_feed(now, waits=waits), datetime(2025, 6, 3, tzinfo=UTC), 1)

    assert (len(chunk.bars), len(waits), chunk.is_final) == (1440, 3, True)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"refusals": 99}, r"did not deliver in 6 attempts: the terminal said \(-10004"),
        ({"is_running": False}, r"cannot be reached: the terminal said \(-10004"),
        ({"knows": ()}, r"has no symbol named GER40 or DE40 or .* in its terminal"),
    ],
    ids=["loading", "closed", "unknown"],
)
def test_a_terminal_that_fails_is_said_to_do_so(
    start: Callable[[datetime], Terminal], fault: dict[str, Any], reason: str
) -> None:
    now = datetime(2025, 6, 4, 10, 30, 30, tzinfo=UTC)
    terminal = start(now)
    for name, value in fault.items():
        setattr(terminal, name, value)

    with pytest.raises(FeedDownError, match=reason):
        fetch(build_feed(now), datetime(2025, 6, 3, tzinfo=UTC), 1)

    assert terminal.open_sessions == 0


def test_the_clock_of_the_server_has_to_be_declared() -> None:
    now = datetime(2025, 6, 4, tzinfo=UTC)

    with pytest.raises(FeedNotReadyError, match=r'Write \[feeds\.mt5\] clock = "NY\+7"'):
        fetch(build_feed(now, clock=None), now - timedelta(days=1), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there the library can be installed")
def test_without_the_library_the_command_that_installs_it_is_named() -> None:
    now = datetime(2025, 6, 4, tzinfo=UTC)

    with pytest.raises(FeedNotReadyError, match=r"pip install 'setupdesk\[mt5\]'"):
        fetch(build_feed(now), now - timedelta(days=1), 1)


def test_the_declared_clock_is_read_from_the_settings(tmp_path: Any) -> None:
    file = tmp_path / "setupdesk.toml"
    file.write_text('[feeds.mt5]\nclock = "ny+7"')

    settings = load_settings({"SETUPDESK_HOME": str(tmp_path)})
    file.write_text('[feeds.mt5]\nclock = "NY+8"')

    assert settings.feeds.mt5_clock == "NY+7"
    with pytest.raises(InvalidSettingsError, match=r"feeds\.mt5\.clock was 'NY\+8'"):
        load_settings({"SETUPDESK_HOME": str(tmp_path)})
