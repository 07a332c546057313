"""Stored bars of a watched market: fetched where the newest are not there yet, and loaded."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from setupdesk.app.ports import BarStore, Feed
from setupdesk.core.errors import MissingBarsError, SetupdeskError
from setupdesk.core.offer import REPLAY
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Watch
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Manifest
from setupdesk.market.days import day_of, from_ms, midnight_ms
from setupdesk.market.resample import resample


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What of a market is compared, in UTC milliseconds; ``stop_ms`` is exclusive."""

    bars_ms: int
    """Open of the first bar that was seen."""

    first_ms: int
    """Open of the first bar at whose close there was a decision."""

    stop_ms: int

    @property
    def is_empty(self) -> bool:
        """Say whether no decision lies in it."""
        return self.first_ms >= self.stop_ms


@dataclass(frozen=True, slots=True)
class StoredBars:
    """The bars that a backtest of a watched span stands on."""

    bar_store: BarStore
    feeds: Mapping[str, Feed]
    fetch: Callable[[Mapping[str, Any]], Iterator[Mapping[str, Any]]]

    def bring(self, watch: Watch, symbol: Symbol, span: Span) -> str | None:
        """Fetch the days that are not stored yet; say why that is not possible.

        They come in the timeframe that is stored already: a data set of some days only would
        else take the place of the whole one.
        """
        feed = watch.terms.feeds[symbol.name]
        source = self.bar_store.find_source(symbol.name, watch.terms.timeframe)
        if feed == REPLAY or source is None:
            return None
        end_ms = self._find_end(source)
        if end_ms >= span.stop_ms:
            return None
        if source.simulated:
            return f"its stored bars are simulated; those of {feed} would take their place"
        if source.timeframe not in self.feeds[feed].timeframes:
            return f"{feed} does not give {source.timeframe}, in which its bars are stored"
        start = day_of(max(end_ms, span.bars_ms), symbol.zone)
        return self._fetch(
            {
                "from": feed,
                "symbol": symbol.name,
                "timeframe": source.timeframe,
                "start": start.isoformat(),
                "end": day_of(span.stop_ms - 1, symbol.zone).isoformat(),
            }
        )

    def _find_end(self, source: Manifest) -> int:
        times = self.bar_store.load_times(source.symbol, source.timeframe, source.fingerprint)
        return int(times[-1]) + source.timeframe.milliseconds

    def _fetch(self, order: Mapping[str, Any]) -> str | None:
        try:
            for _ in self.fetch(order):
                pass
        except SetupdeskError as trouble:
            return f"its newest bars could not be fetched: {trouble}"
        return None

    def load(self, symbol: Symbol, timeframe: Timeframe, span: Span, before: timedelta) -> Bars:
        """Load the bars of a span, with those *before* it, and the rest of its last session.

        Raises ``MissingBarsError``.
        """
        source = self.bar_store.find_source(symbol.name, timeframe)
        day = from_ms(span.stop_ms).date().isoformat()
        if source is None:
            raise MissingBarsError(symbol.name, timeframe, day)
        stored = self.bar_store.load(symbol.name, source.timeframe, source.fingerprint)
        first = day_of(span.bars_ms, symbol.zone) - before
        last = day_of(span.stop_ms, symbol.zone) + _SOME_DAYS
        near = stored.between(midnight_ms(first, symbol.zone), midnight_ms(last, symbol.zone))
        bars = resample(near, timeframe, symbol.week, symbol.roll).closed()
        if bars.end_ms <= span.first_ms:
            raise MissingBarsError(symbol.name, timeframe, day)
        return bars


_SOME_DAYS = timedelta(days=4)
"""Over a weekend: in the last session, and in the last coarse bar, no bar is wanting."""
