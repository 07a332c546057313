"""Replay: stored bars as if they came now, at any speed; nothing is known before it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from setupdesk.app.ports import BarStore, Clock
from setupdesk.core.errors import MissingBarsError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.days import from_ms, to_ms
from setupdesk.market.feed import DAY_MS, Chunk, keep_closed
from setupdesk.market.resample import resample


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFeed:
    """The desk's own bars, played from *starts_at* on, *speed* times as fast as they came."""

    bar_store: BarStore
    now: Clock
    began_at: datetime
    """When the replay was started, by the real clock."""

    starts_at: datetime
    """What the clock of the replay showed then."""

    speed: float
    name: str = "replay"
    clock: str = "UTC"
    side: Literal["bid"] = "bid"
    timeframes: Sequence[Timeframe] = tuple(Timeframe)

    @property
    def shown_ms(self) -> int:
        """What the clock of the replay shows now, in UTC milliseconds."""
        passed = (self.now() - self.began_at).total_seconds()
        return to_ms(self.starts_at) + round(passed * self.speed * 1000)

    def find_listing(self, symbol: Symbol) -> str | None:
        """Find the symbol's name, if there are bars of it."""
        stored = any(manifest.symbol == symbol.name for manifest in self.bar_store.manifests())
        return symbol.name if stored else None

    def fetch(
        self, symbol: Symbol, timeframe: Timeframe, start_ms: int, stop_ms: int
    ) -> Iterator[Chunk]:
        """Give the bars of each UTC day that were closed by then."""
        for day_ms in range(start_ms, stop_ms, DAY_MS):
            bars = self._play(symbol, timeframe, day_ms).between(day_ms, day_ms + DAY_MS)
            is_over = day_ms + DAY_MS <= self.shown_ms
            yield Chunk(start_ms=day_ms, bars=bars, sha256=bars.fingerprint(), is_final=is_over)

    def newest(self, symbol: Symbol, timeframe: Timeframe, count: int) -> Bars:
        """Give the last *count* bars that were closed by then."""
        bars = self._play(symbol, timeframe, self.shown_ms - 7 * DAY_MS)
        return bars[max(0, len(bars) - count) :]

    def _play(self, symbol: Symbol, timeframe: Timeframe, since_ms: int) -> Bars:
        source = self.bar_store.find_source(symbol.name, timeframe)
        if source is None:
            raise MissingBarsError(
                symbol.name, timeframe, f"a replay of {from_ms(since_ms):%Y-%m-%d}"
            )
        stored = self.bar_store.load(symbol.name, source.timeframe, source.fingerprint)
        shown_ms = self.shown_ms
        # Only bars that were closed are merged, and only merged ones that are over handed out:
        # a coarse bar that is being made would look like a finished one. Two days before, for
        # the first coarse bar must be whole.
        known = keep_closed(stored.between(since_ms - 2 * DAY_MS, shown_ms), shown_ms)
        closed = keep_closed(resample(known, timeframe, symbol.week), shown_ms)
        return closed.between(since_ms, shown_ms)
