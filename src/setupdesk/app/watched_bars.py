"""Watched bars: the newest bars of a market as a watch saw them, for its chart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from setupdesk.app.bar_pages import find_last, write_columns
from setupdesk.app.ports import BarStore, Calendar
from setupdesk.app.watch_book import WatchBook
from setupdesk.core.caller import Caller
from setupdesk.core.errors import NotFoundError
from setupdesk.core.period import to_iso
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.watch import Watch
from setupdesk.market.bars import Bars
from setupdesk.market.days import day_of, from_ms
from setupdesk.market.overlap import lay_over


@dataclass(frozen=True, slots=True)
class ShowWatchedBars:
    """Show stored bars up to the last poll, and over them those that the watch has seen."""

    find_watch: Callable[[str, Caller], Watch]
    book: WatchBook
    catalogue: Catalogue
    bar_store: BarStore
    calendar: Calendar

    def __call__(
        self, watch_id: str, symbol: str | None, caller: Caller, limit: int
    ) -> dict[str, Any]:
        """Give the last *limit* bars of a symbol, of the watch's first one unless said.

        The oldest comes first; times are the opens in UTC milliseconds, prices are points. The
        sessions have their real hours, UTC. Before the first poll there are no bars. Raises
        ``NotFoundError``.
        """
        watch = self.find_watch(watch_id, caller)
        name = symbol or watch.terms.symbols[0]
        if name not in watch.terms.symbols:
            raise NotFoundError("symbol", name, watch.terms.symbols)
        known = self.catalogue.need(name)
        looks = self.book.load_looks(watch.watch_id)
        until_ms = max((one.until_ms for one in looks if one.look.symbol == name), default=0)
        bars = self._find_bars(watch, known, until_ms, limit)
        return {
            "watch_id": watch.watch_id,
            "symbol": name,
            "timeframe": watch.terms.timeframe,
            "zone": known.zone,
            "tick": bars.tick,
            "seen_until": to_iso(from_ms(until_ms)) if until_ms else None,
            **write_columns(bars),
            "sessions": self._list_sessions(known, bars),
        }

    def _find_bars(self, watch: Watch, symbol: Symbol, until_ms: int, limit: int) -> Bars:
        size = watch.terms.timeframe
        source = self.bar_store.find_source(symbol.name, size)
        if source is None:
            raise NotFoundError("data set", f"{symbol.name} {size}")
        stored = self.bar_store.load(symbol.name, source.timeframe, source.fingerprint)
        if not until_ms:
            return Bars(size, stored.tick, *_list_columns({}))
        known = find_last(stored, size, symbol, (0, until_ms), limit)
        first_ms = int(known.time[0]) if len(known) else 0
        seen = self.book.load_bars(watch.watch_id, from_ms(first_ms)).get(symbol.name, {})
        new = Bars(size, stored.tick, *_list_columns(seen)).between(first_ms, until_ms)
        laid = lay_over(known, new) if len(known) and len(new) else (new if len(new) else known)
        return laid[max(0, len(laid) - limit) :]

    def _list_sessions(self, symbol: Symbol, bars: Bars) -> list[dict[str, Any]]:
        if not len(bars):
            return []
        first, last = (day_of(int(bars.time[row]), symbol.zone) for row in (0, -1))
        # A session that goes over midnight belongs to the day on which it ends.
        held = self.calendar.sessions(symbol, first, last + timedelta(days=1))
        return [
            {
                "day": one.day.isoformat(),
                "opens_at": to_iso(from_ms(one.opens_ms)),
                "closes_at": to_iso(from_ms(one.closes_ms)),
            }
            for one in held
            if one.opens_ms < bars.end_ms
        ]


def _list_columns(seen: Mapping[int, list[Any]]) -> list[Any]:
    times = sorted(seen)
    prices = np.array([seen[one] for one in times], np.int64).reshape(-1, 4)
    return [np.array(times, np.int64), *prices.T, np.full(len(times), np.nan)]
