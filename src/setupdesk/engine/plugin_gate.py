"""The gate of a plug-in: its signals must not depend on any bar after they were known.

What its signals earn is judged with each rule that uses it, as for any rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.kernel import feed
from setupdesk.detectors.session_range import find_ranges
from setupdesk.engine.causality import Change
from setupdesk.engine.gate import SETTLING, GateSize, draw_market
from setupdesk.engine.prices import to_points
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.days import from_ms
from setupdesk.market.sessions import Session, find_instants, find_rows
from setupdesk.setups.plugins import PluginSignals, TriggerPlugin, check_signals

WINDOW = "initial_balance"
NAMES = ("ib.high", "ib.low", "ib.mid", "ib.range")
"""The levels that a plug-in meets in the gate."""


@dataclass(frozen=True, slots=True, eq=False)
class _Market:
    bars: Bars
    first: Ints
    stop: Ints
    levels: Mapping[str, Floats]

    def until(self, rows: int) -> "_Market":
        """Give what is known of it after so many bars."""
        is_known = self.first <= rows
        levels = {name: np.where(is_known, one, np.nan) for name, one in self.levels.items()}
        return _Market(
            self.bars[:rows], np.minimum(self.first, rows), np.minimum(self.stop, rows), levels
        )

    def find(self, plugin: TriggerPlugin) -> PluginSignals:
        """Have the plug-in look at it; nothing of it can be changed."""
        return plugin.find_signals(
            _freeze(self.bars),
            feed(self.first),
            feed(self.stop),
            {name: feed(one) for name, one in self.levels.items()},
            plugin.Params(),
        )


def examine_plugin(
    plugin: TriggerPlugin,
    symbol: Symbol,
    timeframe: Timeframe = Timeframe.M5,
    size: GateSize | None = None,
) -> Iterator[str]:
    """Give what is wrong with a plug-in, nothing if nothing is: the first offending bar."""
    size = size or GateSize()
    market = _draw(symbol, timeframe, size)
    try:
        yield from _examine(plugin, market, size)
    except Exception as error:  # noqa: BLE001 (whatever foreign code does)
        yield f"it failed: {error!r} (it meets the levels {', '.join(NAMES)})"


def _examine(plugin: TriggerPlugin, market: _Market, size: GateSize) -> Iterator[str]:
    whole = market.find(plugin)
    if wrong := check_signals(whole, market.bars, market.first, market.stop):
        yield wrong
        return
    if not len(whole.known):
        yield "it found no signal with its defaults, so it cannot be judged"
        return
    for rows in _choose_ends(whole, len(market.bars), size):
        known = market.until(rows)
        part = known.find(plugin)
        wrong = check_signals(part, known.bars, known.first, known.stop)
        change = None if wrong else _find_change(part, whole, market.bars, rows)
        if wrong or change:
            yield wrong or f"it looks ahead. {change.sentence if change else ''}"
            return


def _find_change(part: PluginSignals, whole: PluginSignals, bars: Bars, rows: int) -> Change | None:
    before, later = (_tell(signals, rows) for signals in (part, whole))
    if before == later:
        return None
    was = next((one for one in before if one not in later), None)
    became = next((one for one in later if one not in before), None)
    return Change(
        row=rows - 1,
        at=from_ms(int(bars.time[rows - 1]) + bars.timeframe.milliseconds),
        what="a signal (session, row, side, level price)",
        was=str(was) if was else "absent",
        became=str(became) if became else "absent",
    )


def _tell(signals: PluginSignals, rows: int) -> Sequence[tuple[float, ...]]:
    columns = [getattr(signals, one.name)[signals.known < rows].tolist() for one in fields(signals)]
    return list(zip(*columns, strict=True))


def _choose_ends(whole: PluginSignals, rows: int, size: GateSize) -> list[int]:
    random = np.random.default_rng(size.seed)
    ends = np.unique(np.concatenate((whole.known + 1, whole.known + 2)).clip(1, rows))
    drawn = random.permutation(ends)[: size.prefixes * 3 // 4]
    others = random.integers(1, rows + 1, size=size.prefixes - len(drawn))
    return sorted({*drawn.tolist(), *others.tolist()})


def _draw(symbol: Symbol, timeframe: Timeframe, size: GateSize) -> _Market:
    bars, sessions = draw_market(symbol, timeframe, SETTLING, size)
    first, stop = find_rows(bars.time, sessions)
    levels, known = _measure(symbol, bars, sessions)
    return _Market(bars, np.maximum(first, known + 1), stop, levels)


def _measure(
    symbol: Symbol, bars: Bars, sessions: Sequence[Session]
) -> tuple[Mapping[str, Floats], Ints]:
    found = find_ranges(bars, *find_instants(symbol.windows[WINDOW], sessions))
    high, low = (to_points(edge, bars.tick) for edge in (found.high, found.low))
    columns = (high, low, (high + low) / 2, high - low)
    return dict(zip(NAMES, columns, strict=True)), found.known


def _freeze(bars: Bars) -> Bars:
    return Bars(
        bars.timeframe,
        bars.tick,
        feed(bars.time),
        feed(bars.open),
        feed(bars.high),
        feed(bars.low),
        feed(bars.close),
        feed(bars.volume),
    )
