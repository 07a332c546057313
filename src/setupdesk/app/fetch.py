"""Fetch: days of a feed become a data set. Days that came once are not asked for again."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from setupdesk.app.fetch_order import FetchOrder, read_order
from setupdesk.app.ports import BarStore, Clock, Feed, FeedDownError, Spool
from setupdesk.core.errors import FeedFailedError
from setupdesk.core.symbol import Catalogue
from setupdesk.market.data_set import Facts
from setupdesk.market.days import from_ms
from setupdesk.market.feed import DAY_MS, Chunk, join_bars


@dataclass(frozen=True, slots=True)
class Fetch:
    """Check what is asked for, get the days that are not there yet, store them."""

    catalogue: Catalogue
    feeds: Mapping[str, Feed]
    spool: Spool
    bar_store: BarStore
    clock: Clock

    def __call__(self, payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Fetch ``{from, symbol, timeframe, start, end}``, dates of the market, inclusive.

        Raises ``InvalidRequestError`` at once; gives an event a day, and as the last one what
        was stored. ``FeedFailedError`` comes when everything up to the failure is stored.
        """
        return self._carry_out(read_order(payload, self.catalogue, self.feeds, self.clock()))

    def _carry_out(self, order: FetchOrder) -> Iterator[dict[str, Any]]:
        chunks: list[Chunk] = []
        bars = 0
        try:
            for chunk in self._days(order):
                chunks.append(chunk)
                bars += len(chunk.bars)
                yield _tell(order, chunk, len(chunks), bars)
        except FeedDownError as down:
            done = self._store(order, chunks)
            raise FeedFailedError(order.feed.name, str(down), _say(done), order.command) from down
        yield {"event": "done", **self._store(order, chunks)}

    def _days(self, order: FetchOrder) -> Iterator[Chunk]:
        # Days that stand together are asked for in one go, on one connection.
        missing: list[int] = []
        for day_ms in order.days_ms:
            kept = self.spool.find(order.feed.name, order.symbol, order.timeframe, day_ms)
            if kept is None or not kept.is_final:
                missing.append(day_ms)
                continue
            yield from self._ask(order, missing)
            yield kept
            missing = []
        yield from self._ask(order, missing)

    def _ask(self, order: FetchOrder, days_ms: Sequence[int]) -> Iterator[Chunk]:
        if not days_ms:
            return
        span = (days_ms[0], days_ms[-1] + DAY_MS)
        for chunk in order.feed.fetch(order.symbol, order.timeframe, *span):
            if chunk.is_final:
                self.spool.keep(order.feed.name, order.symbol, order.timeframe, chunk)
            yield chunk

    def _store(self, order: FetchOrder, chunks: Sequence[Chunk]) -> dict[str, Any]:
        listing = order.feed.find_listing(order.symbol)
        found: dict[str, Any] = {
            "feed": order.feed.name,
            "listing": listing,
            "side": order.feed.side,
            "days": len(chunks),
            "days_without_bars": [str(day) for day in _find_bare_days(order, chunks)],
        }
        parts = [chunk.bars for chunk in chunks if len(chunk.bars)]
        if not parts:
            return found | {"outcome": "empty", "added": 0, "rows": 0, "disagreeing": 0}
        facts = Facts(
            source_file=f"{order.feed.name} {listing}, {_date(chunks[0])} to {_date(chunks[-1])}",
            source_format=order.feed.name,
            source_sha256=_fingerprint(chunks),
            imported_at=self.clock(),
            clock=order.feed.clock,
            quality={
                "rows": sum(len(part) for part in parts),
                "silent": sum(chunk.silent for chunk in chunks),
            },
        )
        symbol = order.symbol
        saved = self.bar_store.save(symbol.name, join_bars(parts), facts, zone=symbol.zone)
        return found | saved.to_json()


def _find_bare_days(order: FetchOrder, chunks: Sequence[Chunk]) -> Iterator[date]:
    # A five-day market has no Saturdays, and on Sundays little; other days should have bars.
    for chunk in chunks:
        day = _date(chunk)
        if not len(chunk.bars) and (order.symbol.week == "24x7" or day.weekday() < 5):
            yield day


def _tell(order: FetchOrder, chunk: Chunk, count: int, bars: int) -> dict[str, Any]:
    days = len(order.days_ms)
    return {"event": "day", "day": str(_date(chunk)), "days": count, "of": days, "bars": bars}


def _say(done: Mapping[str, Any]) -> str:
    if done["outcome"] == "empty":
        return "No bars had come before."
    last = datetime.fromisoformat(done["last"]).astimezone(UTC)
    return f"What came before is stored, up to {last:%Y-%m-%d %H:%M} UTC."


def _date(chunk: Chunk) -> date:
    return from_ms(chunk.start_ms).date()


def _fingerprint(chunks: Sequence[Chunk]) -> str:
    listing = "".join(f"{chunk.sha256}  {_date(chunk)}\n" for chunk in chunks if chunk.sha256)
    return hashlib.sha256(listing.encode()).hexdigest()
