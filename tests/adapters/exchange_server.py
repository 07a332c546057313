"""A local server that speaks the public REST of two crypto exchanges, Binance and Bitstamp."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MINUTE_MS = 60_000
FILTERS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.01", "minPrice": "0.01", "maxPrice": "1000000"},
    {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001", "maxQty": "9000"},
]


@cache
def draw_bar(at_ms: int) -> tuple[str, str, str, str, str]:
    """Draw the bar of a minute: open, high, low, close, volume, as exchanges write numbers."""
    draw = random.Random(at_ms)  # noqa: S311 (a market, not a secret)
    opened, close = (94_000 + draw.randrange(100_000) / 100 for _ in range(2))
    high, low = max(opened, close) + draw.randrange(99) / 100, min(opened, close) - 0.5
    prices = tuple(f"{price:.2f}" for price in (opened, high, low, close))
    return (*prices, f"{draw.random():.8f}")  # type: ignore[return-value]


@dataclass
class Exchange:
    """What the server does, and what it was asked."""

    now: datetime
    address: str = ""
    faults: list[str] = field(default_factory=list)
    """What goes wrong with the next questions for bars, each once; ``always`` stays."""

    quiet: list[range] = field(default_factory=list)
    """Minutes, in milliseconds, in which nobody traded: Binance and Bitstamp leave them out."""

    asked: list[str] = field(default_factory=list)

    def find_fault(self) -> str | None:
        if not self.faults:
            return None
        return (
            self.faults[0].removeprefix("always ")
            if "always" in self.faults[0]
            else self.faults.pop(0)
        )

    def minutes(self, start_ms: int, limit: int) -> list[int]:
        # The last one is the minute that is being made.
        now_ms = int(self.now.timestamp() * 1000)
        begin = -(-start_ms // MINUTE_MS) * MINUTE_MS
        every = range(begin, min(begin + limit * MINUTE_MS, now_ms + 1), MINUTE_MS)
        return [at for at in every if not any(at in hush for hush in self.quiet)]

    def find_answer(self, path: str, query: dict[str, str]) -> Any:
        match path:
            case "/api/v3/exchangeInfo":
                return {"symbols": [_BINANCE_MARKET]}
            case "/fapi/v1/exchangeInfo" | "/dapi/v1/exchangeInfo":
                return {"symbols": []}
            case "/api/v3/klines":
                asked = int(query["startTime"]), int(query["limit"])
                return [_write_kline(at) for at in self.minutes(*asked)]
            case "/api/v2/markets/":
                return [_BITSTAMP_MARKET]
            case "/api/v2/ohlc/btcusd/":
                asked = int(query["start"]) * 1000, int(query["limit"])
                bars = [_write_candle(at) for at in self.minutes(*asked)]
                return {"data": {"pair": "BTC/USD", "ohlc": bars}}
        return None


def _write_kline(at_ms: int) -> list[Any]:
    *prices, volume = draw_bar(at_ms)
    return [at_ms, *prices, volume, at_ms + MINUTE_MS - 1, "1.0", 19, "0.5", "0.5", "0"]


def _write_candle(at_ms: int) -> dict[str, str]:
    names = ("open", "high", "low", "close", "volume")
    return {"timestamp": str(at_ms // 1000), **dict(zip(names, draw_bar(at_ms), strict=True))}


_BINANCE_MARKET = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "permissions": ["SPOT"],
    "filters": FILTERS,
}
_BITSTAMP_MARKET = {
    "name": "BTC/USD",
    "market_symbol": "btcusd",
    "base_currency": "BTC",
    "base_decimals": 8,
    "counter_currency": "USD",
    "counter_decimals": 0,
    "minimum_order_value": "10",
    "trading": "Enabled",
    "market_type": "SPOT",
    "description": "Bitcoin / U.S. dollar",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    exchange: Exchange

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        answer = self.exchange.find_answer(where.path, query)
        is_bars = "klines" in where.path or "ohlc" in where.path
        if is_bars:
            self.exchange.asked.append(self.path)
        fault = self.exchange.find_fault() if is_bars else None
        body = json.dumps(answer).encode()
        if answer is None:
            self._send(404, b"{}")
        elif fault is None:
            self._send(200, body)
        elif fault == "cut":
            self._send(200, body[: len(body) // 2])
        elif fault == "html":
            self._send(200, b"<html>One more step</html>")
        elif fault == "dropped":
            self._send(200, body[:50], length=len(body))
        else:
            status, _, wait = fault.partition(" ")
            self._send(int(status), b"{}", wait=wait)

    def _send(self, status: int, body: bytes, *, length: int | None = None, wait: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if wait:
            self.send_header("Retry-After", wait)
        self.close_connection = length is not None
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass


@contextmanager
def serve(now: datetime) -> Iterator[Exchange]:
    """Serve both exchanges on loopback, at an hour that the test chooses."""
    exchange = Exchange(now)
    handler = type("Handler", (_Handler,), {"exchange": exchange})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        exchange.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield exchange
        finally:
            server.shutdown()
            thread.join()
