"""MetaTrader 5: bars of the broker's own terminal, on Windows. Needs the extra ``mt5``.

The terminal calls its times UTC, but they are the wall clock of the broker's server, which
the user has to declare.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from setupdesk.adapters.feeds.patience import NotNowError, Patience
from setupdesk.app.ports import Clock, FeedDownError
from setupdesk.core.errors import FeedNotReadyError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock import parse_clock
from setupdesk.market.days import to_ms
from setupdesk.market.feed import (
    DAY_MS,
    GRID,
    SETTLE_MS,
    Chunk,
    build_bars,
    find_mistake,
    is_settled,
    keep_closed,
)

_SLACK_MS = 2 * 3_600_000
"""Asked for on both sides: where the clocks change, one wall time is two instants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mt5Feed:
    """Bid bars of the terminal that runs on this machine."""

    now: Clock
    server_clock: str | None
    """The wall clock of the broker's server, such as ``NY+7``."""

    patience: Patience = field(default_factory=Patience)
    name: str = "mt5"
    side: Literal["bid"] = "bid"
    timeframes: Sequence[Timeframe] = GRID

    @property
    def clock(self) -> str:
        """Clock of the broker's server."""
        return self.server_clock or "not declared"

    def find_listing(self, symbol: Symbol) -> str | None:
        """Find the name in the catalogue; else the terminal is asked for the symbol's names."""
        listing = symbol.feeds.get(self.name)
        return listing.name if listing else symbol.name

    def fetch(
        self, symbol: Symbol, timeframe: Timeframe, start_ms: int, stop_ms: int
    ) -> Iterator[Chunk]:
        """Give the bars of each UTC day."""
        with self._open() as terminal:
            name = self._choose(terminal, symbol)
            for day_ms in range(start_ms, stop_ms, DAY_MS):
                now_ms, end_ms = to_ms(self.now()), day_ms + DAY_MS
                bars = self._ask(terminal, name, symbol, timeframe, day_ms, end_ms)
                yield Chunk(
                    start_ms=day_ms,
                    bars=bars,
                    sha256=bars.fingerprint() if len(bars) else "",
                    is_final=is_settled(end_ms, now_ms, has_bars=len(bars) > 0),
                )

    def newest(self, symbol: Symbol, timeframe: Timeframe, count: int) -> Bars:
        """Give the last *count* closed bars of the last week."""
        now_ms = to_ms(self.now())
        with self._open() as terminal:
            name = self._choose(terminal, symbol)
            bars = self._ask(terminal, name, symbol, timeframe, now_ms - 7 * DAY_MS, now_ms)
        return bars[max(0, len(bars) - count) :]

    def _ask(  # noqa: PLR0913, PLR0917 - a question and its parts
        self,
        terminal: Any,
        name: str,
        symbol: Symbol,
        timeframe: Timeframe,
        start_ms: int,
        stop_ms: int,
    ) -> Bars:
        clock = parse_clock(self.clock)
        begin, end = clock.to_wall_ms(np.array([start_ms - _SLACK_MS, stop_ms + _SLACK_MS]))
        size = getattr(terminal, f"TIMEFRAME_{timeframe}")

        def once() -> np.ndarray:
            found = terminal.copy_rates_range(name, size, int(begin) // 1000, int(end) // 1000)
            if found is None:
                # The terminal loads history in the background, and has none until it has.
                raise NotNowError(f"the terminal said {terminal.last_error()}")
            return np.asarray(found)

        rates = self.patience.insist(once)
        time = clock.to_utc_ms(rates["time"].astype(np.int64) * 1000)
        inside = (time >= start_ms) & (time < stop_ms)
        prices = np.stack([rates[word] for word in ("open", "high", "low", "close")])
        volume = rates["real_volume" if rates["real_volume"].any() else "tick_volume"]
        bars = build_bars(
            symbol, timeframe, time[inside], prices[:, inside], volume[inside].astype(np.float64)
        )
        bars = keep_closed(bars, to_ms(self.now()) - SETTLE_MS)
        mistake = find_mistake(bars, symbol)
        if mistake:
            raise FeedDownError(f"gave what cannot be: {mistake}; is its clock {self.clock}?")
        return bars

    def _choose(self, terminal: Any, symbol: Symbol) -> str:
        listing = symbol.feeds.get(self.name)
        names = (listing.name,) if listing else (symbol.name, *symbol.aliases)
        found = next((name for name in names if terminal.symbol_info(name) is not None), None)
        if found is None:
            raise FeedDownError(f"has no symbol named {' or '.join(names)} in its terminal")
        terminal.symbol_select(found, True)
        return found

    @contextmanager
    def _open(self) -> Iterator[Any]:
        if self.server_clock is None:
            lacks = "the clock of the broker's server is not declared"
            remedy = (
                'Write [feeds.mt5] clock = "NY+7", or what your broker says, in setupdesk.toml.'
            )
            raise FeedNotReadyError(self.name, lacks, remedy)
        terminal = _import_mt5()
        if not terminal.initialize():
            raise FeedDownError(f"cannot be reached: the terminal said {terminal.last_error()}")
        try:
            yield terminal
        finally:
            terminal.shutdown()


def _import_mt5() -> Any:
    try:
        import MetaTrader5
    except ImportError as missing:
        lacks = "the library MetaTrader5 is not installed, which there is for Windows only"
        remedy = "Install it there with: pip install 'setupdesk[mt5]'"
        raise FeedNotReadyError("mt5", lacks, remedy) from missing
    return MetaTrader5
