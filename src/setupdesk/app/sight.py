"""Sight: the closed bars that a watch sees of a symbol at this moment."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from setupdesk.app.ports import BarStore, Clock, Feed, FeedDownError
from setupdesk.app.scope import LIVE_DAYS
from setupdesk.core.errors import MissingBarsError, SetupdeskError
from setupdesk.core.offer import PUSH, REPLAY
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Watch
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Manifest
from setupdesk.market.days import day_of, midnight_ms, to_ms
from setupdesk.market.feed import keep_closed
from setupdesk.market.overlap import lay_over
from setupdesk.market.resample import resample

log = logging.getLogger(__name__)

_WEEK = timedelta(days=7)
"""How far back a feed is asked."""

_ON_ITS_WAY_MS = 60_000
"""How long after the close of a coarse bar its last minute may still come."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What is known of a market at one moment."""

    symbol: Symbol
    bars: Bars
    """Closed by then, in the watch's timeframe."""

    source: Manifest
    """Of the stored bars among them."""

    now_ms: int
    is_over: bool
    """A replay that has played the last stored bar."""

    @cached_property
    def fingerprint(self) -> str:
        """Name these very bars."""
        return self.bars.fingerprint()


@dataclass(frozen=True, slots=True)
class See:
    """Look at stored bars and at the newest ones of the feed, which count where both have one."""

    bar_store: BarStore
    feeds: Mapping[str, Feed]
    clock: Clock

    def find_now(self, watch: Watch) -> datetime:
        """Give what the clock of the watch's feed shows."""
        now, replay = self.clock(), watch.terms.replay
        if replay is None:
            return now
        return replay.starts_at + (now - watch.created_at) * replay.speed

    def __call__(
        self, watch: Watch, symbol: Symbol, warm_up: timedelta, since: datetime | None = None
    ) -> Sight:
        """See all bars *since* then, however long ago, and those that levels look back on.

        Raises ``MissingBarsError``, ``FeedDownError`` and ``FeedNotReadyError``.
        """
        timeframe, now_ms = watch.terms.timeframe, to_ms(self.find_now(watch))
        source = self.bar_store.find_source(symbol.name, timeframe)
        if source is None:
            raise MissingBarsError(symbol.name, timeframe, "any day")
        stored = self.bar_store.load(symbol.name, source.timeframe, source.fingerprint)
        newest = min(now_ms, to_ms(since)) if since else now_ms
        first = day_of(newest, symbol.zone) - timedelta(days=LIVE_DAYS) - warm_up
        known = keep_closed(stored.between(midnight_ms(first, symbol.zone), now_ms), now_ms)
        made = resample(known, timeframe, symbol.week, symbol.roll)
        feed = watch.terms.feeds[symbol.name]
        if feed == REPLAY:
            bars = keep_whole(made, now_ms)
        else:
            bars = made.closed()
            bars = _join(bars, self._ask(self.feeds[feed], symbol, timeframe, bars, now_ms))
        return Sight(
            symbol=symbol,
            bars=bars,
            source=source,
            now_ms=now_ms,
            is_over=feed == REPLAY and now_ms > stored.end_ms,
        )

    def add_newest(self, symbol: Symbol, stored: Bars) -> Bars:
        """Give stored bars with what the symbol's feed has beyond them, if it can be asked."""
        feed = self.feeds[find_feed(self.bar_store, self.feeds, symbol, stored.timeframe)]
        now_ms = to_ms(self.clock())
        try:
            return _join(stored, self._ask(feed, symbol, stored.timeframe, stored, now_ms))
        except SetupdeskError as trouble:
            # The report says as of when it is.
            log.warning("the newest bars of %s are not there: %s", symbol.name, trouble)
            return stored

    def _ask(
        self, feed: Feed, symbol: Symbol, timeframe: Timeframe, bars: Bars, now_ms: int
    ) -> Bars:
        """Ask for the newest bars, in the coarsest timeframe in which there are some."""
        sizes = [one for one in feed.timeframes if one.minutes <= timeframe.minutes]
        since = max(bars.end_ms, now_ms - round(_WEEK.total_seconds() * 1000))
        found = bars[:0]
        for size in sorted(sizes, key=lambda one: -one.minutes):
            # Some more than are new: of those that are there, the last may have been corrected.
            more = 2 * timeframe.minutes // size.minutes + 8
            newest = feed.newest(symbol, size, (now_ms - since) // size.milliseconds + more)
            found = _merge(newest, timeframe, symbol, now_ms)
            # What is sent may come in finer bars; a vendor has all sizes, and is asked once.
            if found.end_ms > bars.end_ms or feed.name != PUSH:
                break
        return found


def find_feed(
    bar_store: BarStore, feeds: Collection[str], symbol: Symbol, timeframe: Timeframe
) -> str:
    """Find the feed of the newest stored bars; after those of a file, bars are sent."""
    source = bar_store.find_source(symbol.name, timeframe)
    newest = source.sources[-1].source_format if source and source.sources else PUSH
    return newest if newest in feeds else PUSH


def keep_whole(bars: Bars, now_ms: int) -> Bars:
    """Drop the bars that are not over, and a last one of which minutes may be on their way.

    A bar whose last minute does not come is taken for whole a while later: nobody traded in it.
    """
    closed = keep_closed(bars, now_ms)
    if closed.partial and now_ms - closed.end_ms < _ON_ITS_WAY_MS:
        return closed.closed()
    return replace(closed, partial=False)


def _merge(newest: Bars, timeframe: Timeframe, symbol: Symbol, now_ms: int) -> Bars:
    made = keep_whole(resample(newest, timeframe, symbol.week, symbol.roll), now_ms)
    # The first coarse bar may have begun before what was asked for.
    return made if newest.timeframe is timeframe else made[1:]


def _join(stored: Bars, newest: Bars) -> Bars:
    if not len(newest) or not len(stored):
        return newest if len(newest) else stored
    if stored.tick != newest.tick:
        raise FeedDownError(
            f"its prices count in ticks of {newest.tick:g}, the stored ones in {stored.tick:g}; "
            f"store them anew, by `setupdesk data import --replace`"
        )
    return lay_over(stored, newest)
