"""ccxt: bars of crypto exchanges, from the prices of their trades. Needs the extra ``crypto``."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np

from setupdesk.adapters.feeds.patience import NotNowError, Patience
from setupdesk.app.ports import Clock, FeedDownError
from setupdesk.core.errors import FeedNotReadyError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
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

_NAMES = {Timeframe.M1: "1m", Timeframe.M5: "5m", Timeframe.M15: "15m", Timeframe.H1: "1h"}
_PAGE = 300
"""Bars a question where the exchange does not say how many it gives; none gives fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CcxtFeed:
    """Bars of the exchange and market that the catalogue names, such as ``bitstamp:BTC/USD``."""

    now: Clock
    url: str | None = None
    """Asked instead of the exchange's own host."""

    timeout: float = 30.0
    patience: Patience = field(default_factory=Patience)
    name: str = "ccxt"
    clock: str = "UTC"
    side: Literal["traded"] = "traded"
    timeframes: Sequence[Timeframe] = GRID

    def find_listing(self, symbol: Symbol) -> str | None:
        """Find exchange and market, such as ``bitstamp:BTC/USD``."""
        listing = symbol.feeds.get(self.name)
        return listing.name if listing else None

    def fetch(
        self, symbol: Symbol, timeframe: Timeframe, start_ms: int, stop_ms: int
    ) -> Iterator[Chunk]:
        """Give the bars of each UTC day, in as many pages as the exchange needs."""
        with closing(self._open(symbol)) as market:
            for day_ms in range(start_ms, stop_ms, DAY_MS):
                yield self._fetch_day(market, symbol, timeframe, day_ms)

    def newest(self, symbol: Symbol, timeframe: Timeframe, count: int) -> Bars:
        """Give the last *count* closed bars; exchanges have no weekend."""
        now_ms = to_ms(self.now())
        size = timeframe.milliseconds
        since_ms = now_ms // size * size - (count + 1) * size
        with closing(self._open(symbol)) as market:
            rows = market.fetch(timeframe, since_ms, now_ms)
        bars = self._build(symbol, timeframe, rows)
        return bars[max(0, len(bars) - count) :]

    def _fetch_day(
        self, market: "_Market", symbol: Symbol, timeframe: Timeframe, day_ms: int
    ) -> Chunk:
        now_ms, stop_ms = to_ms(self.now()), day_ms + DAY_MS
        rows = market.fetch(timeframe, day_ms, min(stop_ms, now_ms))
        return Chunk(
            start_ms=day_ms,
            bars=self._build(symbol, timeframe, rows),
            sha256=hashlib.sha256(repr(rows).encode()).hexdigest() if rows else "",
            is_final=is_settled(stop_ms, now_ms, has_bars=bool(rows)),
        )

    def _build(self, symbol: Symbol, timeframe: Timeframe, rows: list[list[float]]) -> Bars:
        table = np.array(rows, np.float64).reshape(-1, 6).T
        bars = build_bars(symbol, timeframe, table[0].astype(np.int64), table[1:5], table[5])
        bars = keep_closed(bars, to_ms(self.now()) - SETTLE_MS)
        mistake = find_mistake(bars, symbol)
        if mistake:
            raise FeedDownError(f"sent what cannot be: {mistake}")
        return bars

    def _open(self, symbol: Symbol) -> "_Market":
        library = _import_ccxt()
        exchange_id, _, market = symbol.feeds[self.name].name.partition(":")
        build = getattr(library, exchange_id, None)
        if exchange_id not in library.exchanges or build is None:
            lacks = f"the catalogue names the exchange {exchange_id!r}, which ccxt does not know"
            raise FeedNotReadyError(self.name, lacks, "Name another one in the symbol's file.")
        exchange = build({"enableRateLimit": True, "timeout": round(self.timeout * 1000)})
        if self.url:
            exchange.urls["api"] = _rebase(exchange.urls["api"], self.url)
        return _Market(library, exchange, market, self.patience)


@dataclass(frozen=True, slots=True)
class _Market:
    library: Any
    exchange: Any
    name: str
    patience: Patience

    def close(self) -> None:
        self.exchange.close()

    def fetch(self, timeframe: Timeframe, start_ms: int, stop_ms: int) -> list[list[float]]:
        # A page may be empty where nothing was traded, or shorter than what was asked for.
        size, page = timeframe.milliseconds, self._page()
        rows: list[list[float]] = []
        cursor = start_ms
        while cursor < stop_ms:
            limit = min(page, -(-(stop_ms - cursor) // size))
            found = [row for row in self._ask(timeframe, cursor, limit) if row[0] >= cursor]
            rows += [row for row in found if row[0] < stop_ms]
            cursor = int(found[-1][0]) + size if found else cursor + limit * size
        return rows

    def _ask(self, timeframe: Timeframe, since_ms: int, limit: int) -> list[list[float]]:
        def once() -> list[list[float]]:
            try:
                found: list[list[float]] = self.exchange.fetch_ohlcv(
                    self.name, _NAMES[timeframe], since=since_ms, limit=limit
                )
            except self.library.NetworkError as failed:
                raise NotNowError(_say(failed), self._read_wait()) from failed
            except self.library.BaseError as refused:
                raise FeedDownError(f"refused: {_say(refused)}") from refused
            # ccxt gives an empty page for an answer that it cannot read, as for a quiet hour.
            if not found and not _is_json(self.exchange.last_http_response):
                raise NotNowError("what it sent is not whole")
            return found

        return self.patience.insist(once)

    def _page(self) -> int:
        spot = (self.exchange.features or {}).get("spot") or {}
        said: Mapping[str, Any] = spot.get("fetchOHLCV") or {}
        return int(said.get("limit") or _PAGE)

    def _read_wait(self) -> float | None:
        headers: Mapping[str, str] = self.exchange.last_response_headers or {}
        lowered = {name.lower(): value for name, value in headers.items()}
        said = lowered.get("retry-after", "")
        return float(said) if said.isdecimal() else None


def _is_json(answer: str | None) -> bool:
    try:
        json.loads(answer or "")
    except ValueError:
        return False
    return True


def _say(error: Exception) -> str:
    # ccxt puts the whole answer into its messages.
    return f"{type(error).__name__} {str(error)[:200]}".rstrip()


def _rebase(urls: Any, base: str) -> Any:
    if isinstance(urls, dict):
        return {name: _rebase(url, base) for name, url in urls.items()}
    return base + urlsplit(urls).path if isinstance(urls, str) else urls


def _import_ccxt() -> Any:
    try:
        import ccxt
    except ImportError as missing:
        lacks = "the library ccxt is not installed"
        remedy = "Install it with: pip install 'setupdesk[crypto]'"
        raise FeedNotReadyError("ccxt", lacks, remedy) from missing
    return ccxt
