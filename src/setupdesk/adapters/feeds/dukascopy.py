"""Dukascopy: free M1 history of indices, FX and metals, and the newest minutes.

Two servers, both without documents of the vendor's own; read in the clients that use them.
The **files** have a day of candles each, ``DEUIDXEUR/2025/00/15/BID_candles_min_1.bi5`` (months
count from zero), once the day is over. The **API** has the same days as JSON,
``candles/minute/DEU.IDX-EUR/BID/2025/1/15``, and with ``?from=`` the minutes of today.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from setupdesk.adapters.bi5_format import CANDLE, BrokenBi5Error, read_records
from setupdesk.adapters.feeds.vendor_http import (
    MAX_BYTES,
    BrokenBodyError,
    Conversation,
    VendorHttp,
)
from setupdesk.core.symbol import Listing, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.days import from_ms, to_ms
from setupdesk.market.feed import (
    DAY_MS,
    SETTLE_MS,
    Chunk,
    build_bars,
    find_mistake,
    is_settled,
    keep_closed,
    no_bars,
)

_MINUTE_MS = Timeframe.M1.milliseconds
_NO_FILE = (204, 404)
_NO_DAY = (204, 400, 404)
"""The API calls a day that it does not have, or not yet, a wrong question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DukascopyFeed:
    """Bid bars of one minute; coarser ones are made from them."""

    http: VendorHttp
    files_url: str
    api_url: str
    history: Literal["files", "api"] = "files"
    name: str = "dukascopy"
    clock: str = "UTC"
    side: Literal["bid"] = "bid"
    timeframes: Sequence[Timeframe] = (Timeframe.M1,)

    def find_listing(self, symbol: Symbol) -> str | None:
        """Find Dukascopy's name, such as ``DEUIDXEUR``."""
        listing = symbol.feeds.get(self.name)
        return listing.name if listing else None

    def fetch(
        self, symbol: Symbol, timeframe: Timeframe, start_ms: int, stop_ms: int
    ) -> Iterator[Chunk]:
        """Give the bars of each UTC day; one question a day."""
        assert timeframe is Timeframe.M1, "the only one of `timeframes`"  # noqa: S101
        with self.http.open() as vendor:
            talk = _Talk(self, vendor, symbol, symbol.feeds[self.name])
            for day_ms in range(start_ms, stop_ms, DAY_MS):
                yield talk.fetch_day(day_ms)

    def newest(self, symbol: Symbol, timeframe: Timeframe, count: int) -> Bars:
        """Give the last *count* closed bars; after a weekend it is asked twice."""
        assert timeframe is Timeframe.M1, "the only one of `timeframes`"  # noqa: S101
        now_ms = to_ms(self.http.clock())
        with self.http.open() as vendor:
            talk = _Talk(self, vendor, symbol, symbol.feeds[self.name])
            found = no_bars(symbol, timeframe)
            for back_ms in ((count + 5) * _MINUTE_MS, 7 * DAY_MS):
                since_ms = (now_ms - back_ms) // _MINUTE_MS * _MINUTE_MS
                found = talk.fetch_since(since_ms, now_ms).bars
                if len(found) >= count:
                    break
        return found[max(0, len(found) - count) :]


@dataclass(frozen=True, slots=True)
class _Talk:
    feed: DukascopyFeed
    vendor: Conversation
    symbol: Symbol
    listing: Listing

    def fetch_day(self, day_ms: int) -> Chunk:
        now_ms = to_ms(self.feed.http.clock())
        stop_ms = day_ms + DAY_MS
        if stop_ms > now_ms:
            return self.fetch_since(day_ms, stop_ms)
        may_come = not is_settled(stop_ms, now_ms, has_bars=False)
        chunk = self._ask_file(day_ms) if self.feed.history == "files" else None
        # A file is written some hours after its day; the API has the day before.
        if chunk is None or (may_come and not len(chunk.bars)):
            chunk = self._ask_day(day_ms)
        is_final = is_settled(stop_ms, now_ms, has_bars=len(chunk.bars) > 0)
        return replace(chunk, is_final=is_final)

    def fetch_since(self, since_ms: int, stop_ms: int) -> Chunk:
        url = f"{self._candles_url()}?from={since_ms}"
        read = partial(_read_answer, self.symbol, since_ms, stop_ms)
        chunk = self._ask(since_ms, url, read, _NO_DAY)
        over_ms = to_ms(self.feed.http.clock()) - SETTLE_MS
        return replace(chunk, bars=keep_closed(chunk.bars, over_ms), is_final=False)

    def _ask_file(self, day_ms: int) -> Chunk:
        day = from_ms(day_ms).date()
        place = f"{self.listing.name}/{day.year}/{day.month - 1:02}/{day.day:02}"
        url = f"{self.feed.files_url}/{place}/BID_candles_min_1.bi5"
        read = partial(_read_file, self.symbol, day_ms, self.listing.scale)
        return self._ask(day_ms, url, read, _NO_FILE)

    def _ask_day(self, day_ms: int) -> Chunk:
        day = from_ms(day_ms).date()
        url = f"{self._candles_url()}/{day.year}/{day.month}/{day.day}"
        read = partial(_read_answer, self.symbol, day_ms, day_ms + DAY_MS)
        return self._ask(day_ms, url, read, _NO_DAY)

    def _ask(
        self,
        start_ms: int,
        url: str,
        read: Callable[[bytes], Chunk],
        nothing: Collection[int],
    ) -> Chunk:
        empty = no_bars(self.symbol, Timeframe.M1)
        return self.vendor.ask(url, read, nothing) or Chunk(
            start_ms=start_ms, bars=empty, sha256="", is_final=False
        )

    def _candles_url(self) -> str:
        return f"{self.feed.api_url}/candles/minute/{find_code(self.listing.name)}/BID"


def find_code(name: str) -> str:
    """Give the API's name of what the files call ``DEUIDXEUR`` or ``EURUSD``: ``DEU.IDX-EUR``."""
    parts = re.fullmatch(r"([A-Z0-9]+?)(IDX|CMD)?([A-Z]{3})", name)
    if parts is None:
        return name
    return f"{parts[1]}{'.' + parts[2] if parts[2] else ''}-{parts[3]}"


def _read_file(symbol: Symbol, day_ms: int, scale: int, body: bytes) -> Chunk:
    try:
        candles = read_records(body, CANDLE, MAX_BYTES)
    except BrokenBi5Error as broken:
        raise BrokenBodyError(f"it sent no whole bi5 file: {broken}") from broken
    since_ms = candles["s"].astype(np.int64) * 1000
    if np.any(since_ms >= DAY_MS):
        raise BrokenBodyError("it sent bars of another day")
    prices = np.stack([candles[name] / scale for name in "ohlc"])
    volume = candles["volume"].astype(np.float64)
    return _build_chunk(symbol, day_ms, body, day_ms + since_ms, prices, volume)


class _Candles(BaseModel):
    """Candles of the API: each column is the steps from the first value, in *multiplier*s."""

    timestamp: int
    shift: int = _MINUTE_MS
    multiplier: float = Field(gt=0, le=1)
    open: float = 0
    high: float = 0
    low: float = 0
    close: float = 0
    times: list[int]
    opens: list[int]
    highs: list[int]
    lows: list[int]
    closes: list[int]
    volumes: list[float]


def _read_answer(symbol: Symbol, start_ms: int, stop_ms: int, body: bytes) -> Chunk:
    try:
        answer = _Candles.model_validate_json(body)
    except ValidationError as wrong:
        raise BrokenBodyError(f"it sent no candles: {wrong.errors()[0]['msg']}") from wrong
    steps = (answer.opens, answer.highs, answer.lows, answer.closes)
    if {len(answer.times), len(answer.volumes)} != {len(column) for column in steps}:
        raise BrokenBodyError("it sent columns of different lengths")
    if answer.shift != _MINUTE_MS:
        raise BrokenBodyError(f"it sent candles of {answer.shift / 1000:g} s")
    firsts = (answer.open, answer.high, answer.low, answer.close)
    units = [
        round(first / answer.multiplier) + np.cumsum(np.array(column, np.int64))
        for first, column in zip(firsts, steps, strict=True)
    ]
    time = answer.timestamp + answer.shift * np.cumsum(np.array(answer.times, np.int64))
    # It may answer with more than was asked for.
    inside = (time >= start_ms) & (time < stop_ms)
    # Divided and in four bytes, as in the files: the same day is the same bars by either way.
    prices = np.stack(units)[:, inside] / round(1 / answer.multiplier)
    volume = np.array(answer.volumes, np.float32)[inside].astype(np.float64)
    return _build_chunk(symbol, start_ms, body, time[inside], prices, volume)


def _build_chunk(  # noqa: PLR0913, PLR0917 - a day and its columns
    symbol: Symbol, start_ms: int, body: bytes, time: Ints, prices: Floats, volume: Floats
) -> Chunk:
    silent = (volume == 0) & np.all(prices == prices[0], axis=0)
    quoted = ~silent
    bars = build_bars(symbol, Timeframe.M1, time[quoted], prices[:, quoted], volume[quoted])
    mistake = find_mistake(bars, symbol)
    if mistake:
        raise BrokenBodyError(f"it sent what cannot be: {mistake}")
    return Chunk(
        start_ms=start_ms,
        bars=bars,
        sha256=hashlib.sha256(body).hexdigest() if body else "",
        is_final=True,
        silent=int(np.count_nonzero(silent)),
    )
