"""The real ccxt against a local exchange; without the extra ``crypto``, its absence."""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.ccxt import CcxtFeed
from setupdesk.adapters.feeds.patience import Patience
from setupdesk.app.fetch import Fetch
from setupdesk.app.ports import FeedDownError
from setupdesk.core.errors import FeedNotReadyError
from setupdesk.core.symbol import Listing, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.days import to_ms
from setupdesk.market.feed import DAY_MS, Chunk
from tests.adapters.exchange_server import MINUTE_MS, Exchange, draw_bar, serve

M1 = Timeframe.M1
NOW = datetime(2025, 1, 22, 10, 30, 30, tzinfo=UTC)
DAY = datetime(2025, 1, 15, tzinfo=UTC)
BITSTAMP = load_catalogue()["BTCUSD"]
BINANCE = replace(BITSTAMP, feeds={"ccxt": Listing(name="binance:BTC/USDT")})

needs_ccxt = pytest.mark.skipif(
    importlib.util.find_spec("ccxt") is None, reason="the extra crypto (ccxt) is not installed"
)
each_exchange = pytest.mark.parametrize("symbol", [BITSTAMP, BINANCE], ids=["bitstamp", "binance"])


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with serve(NOW) as exchange:
        yield exchange


def build_feed(exchange: Exchange, waits: list[float] | None = None) -> CcxtFeed:
    return CcxtFeed(
        now=lambda: exchange.now,
        url=exchange.address,
        timeout=1,
        patience=Patience(sleep=(waits if waits is not None else []).append),
    )


def fetch(feed: CcxtFeed, symbol: Symbol, first: datetime, days: int = 1) -> list[Chunk]:
    return list(feed.fetch(symbol, M1, to_ms(first), to_ms(first) + days * DAY_MS))


@needs_ccxt
@each_exchange
def test_a_day_is_put_together_from_pages(exchange: Exchange, symbol: Symbol) -> None:
    first, second = fetch(build_feed(exchange), symbol, DAY, 2)

    begin = to_ms(DAY)
    assert first.bars.time.tolist() == list(range(begin, begin + DAY_MS, MINUTE_MS))
    for row in (0, 999, 1000, 1439):
        opened, high, low, close, volume = draw_bar(begin + row * MINUTE_MS)
        bar = first.bars[row : row + 1]
        prices = [int(column[0]) for column in (bar.open, bar.high, bar.low, bar.close)]
        assert prices == [round(float(price) * 100) for price in (opened, high, low, close)]
        assert bar.volume[0] == float(volume)
    assert (first.is_final, second.start_ms, len(second.bars)) == (True, begin + DAY_MS, 1440)
    assert len(exchange.asked) == 4


@needs_ccxt
@each_exchange
def test_hours_without_a_trade_end_no_day(exchange: Exchange, symbol: Symbol) -> None:
    begin = to_ms(DAY)
    hush = range(begin + 100 * MINUTE_MS, begin + 1300 * MINUTE_MS)
    exchange.quiet = [hush]

    (chunk,) = fetch(build_feed(exchange), symbol, DAY)

    assert len(chunk.bars) == 240
    assert max(b - a for a, b in pairwise(chunk.bars.time.tolist())) == 1201 * MINUTE_MS


@needs_ccxt
@each_exchange
@pytest.mark.parametrize(
    "faults",
    [["429 7"], ["503"], ["cut"], ["html"], ["dropped"], ["500", "html", "cut"]],
    ids="+".join,
)
def test_what_fails_once_is_asked_for_again_and_nothing_is_lost(
    exchange: Exchange, symbol: Symbol, faults: list[str]
) -> None:
    (whole,) = fetch(build_feed(exchange), symbol, DAY)
    exchange.faults = list(faults)
    waits: list[float] = []

    (mended,) = fetch(build_feed(exchange, waits), symbol, DAY)

    assert mended.bars.fingerprint() == whole.bars.fingerprint()
    assert len(waits) == len(faults)
    assert (7 in waits) == (faults == ["429 7"])


@needs_ccxt
@each_exchange
def test_what_fails_for_good_is_given_up_with_the_reason(
    exchange: Exchange, symbol: Symbol
) -> None:
    exchange.faults = ["always 503"]

    with pytest.raises(FeedDownError, match="did not deliver in 6 attempts: ExchangeNotAvailable"):
        fetch(build_feed(exchange), symbol, DAY)


@needs_ccxt
@each_exchange
def test_the_bar_that_is_being_made_is_never_handed_out(exchange: Exchange, symbol: Symbol) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0)
    last = to_ms(NOW.replace(minute=29, second=0))

    (today,) = fetch(build_feed(exchange), symbol, midnight)
    newest = build_feed(exchange).newest(symbol, M1, 1200)

    assert (today.bars.time[-1], today.is_final) == (last, False)
    assert (newest.time[-1], len(newest)) == (last, 1200)


@needs_ccxt
def test_the_last_bar_of_a_day_is_not_lost_just_after_midnight(exchange: Exchange) -> None:
    exchange.now = DAY + timedelta(days=1, seconds=2)

    (chunk,) = fetch(build_feed(exchange), BITSTAMP, DAY)

    assert (len(chunk.bars), chunk.is_final) == (1439, False)


@needs_ccxt
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bitstamp:BTC/EUR", "refused: BadSymbol"),
        ("bittstamp:BTC/USD", "'bittstamp', which ccxt does not know"),
    ],
)
def test_a_listing_that_is_wrong_is_said_to_be_so(
    exchange: Exchange, name: str, reason: str
) -> None:
    symbol = replace(BITSTAMP, feeds={"ccxt": Listing(name=name)})

    with pytest.raises((FeedDownError, FeedNotReadyError), match=reason):
        fetch(build_feed(exchange), symbol, DAY)


@needs_ccxt
def test_a_fetch_through_the_desk_stores_what_the_exchange_has(
    exchange: Exchange, tmp_path: Path
) -> None:
    fetch_bars = Fetch(
        load_catalogue(),
        {"ccxt": build_feed(exchange)},
        FeedSpool(tmp_path / "spool"),
        BarStore(tmp_path / "bars"),
        lambda: exchange.now,
    )
    payload = {"from": "ccxt", "symbol": "BTCUSD", "timeframe": "M1", "start": "2025-01-14"}

    *_, done = fetch_bars(payload)
    exchange.now += timedelta(minutes=5)
    *_, again = fetch_bars(payload)

    assert done["listing"] == "bitstamp:BTC/USD"
    assert done["rows"] == 8 * 1440 + 10 * 60 + 30
    assert (again["outcome"], again["added"]) == ("merged", 5)


def test_without_the_library_the_command_that_installs_it_is_named(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None is how Python itself marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "ccxt", None)

    with pytest.raises(FeedNotReadyError) as refused:
        fetch(build_feed(exchange), BITSTAMP, DAY)

    assert "pip install 'setupdesk[crypto]'" in str(refused.value)
