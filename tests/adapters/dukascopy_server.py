"""A local server that speaks Dukascopy's two protocols, and fails as its servers do.

Both are written down here a second time, from the clients that use the real servers, so that
a mistake in the product's decoding cannot hide behind itself.
"""

import json
import lzma
import random
import re
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

Candle = tuple[int, int, int, int, int, float]
"""Second of the day; open, close, low and high in thousandths; volume."""


@cache
def draw_day(day: date) -> list[Candle]:
    """Draw the 1,440 candles of a day; those of the weekend are flat and have no volume."""
    draw = random.Random(day.toordinal())  # noqa: S311 (a market, not a secret)
    price = 22_000_000 + draw.randrange(-500_000, 500_000)
    candles = []
    for minute in range(1440):
        if is_closed(day, minute):
            candles.append((minute * 60, price, price, price, price, 0.0))
            continue
        opened, price = price, price + draw.randrange(-9_000, 9_000)
        low = min(opened, price) - draw.randrange(3_000)
        high = max(opened, price) + draw.randrange(3_000)
        candles.append((minute * 60, opened, price, low, high, round(draw.random(), 3) + 0.001))
    return candles


def is_closed(day: date, minute: int) -> bool:
    weekday = day.weekday()
    return weekday == 5 or (weekday == 4 and minute >= 1260) or (weekday == 6 and minute < 1320)


@cache
def pack_day(day: date) -> bytes:
    records = b"".join(struct.pack(">5If", *candle) for candle in draw_day(day))
    return lzma.compress(records, lzma.FORMAT_ALONE)


def write_answer(candles: list[tuple[int, Candle]]) -> bytes:
    """Write candles, each with the milliseconds of its open, as the API does."""
    quoted = [(at, candle) for at, candle in candles if candle[5]]
    if not quoted:
        return json.dumps(
            {"timestamp": 0, "multiplier": 0.001, **{name: [] for name in _NAMES}}
        ).encode()
    first_at, first = quoted[0]
    columns = list(zip(*(candle for _, candle in quoted), strict=True))
    answer: dict[str, Any] = {"timestamp": first_at, "shift": 60_000, "multiplier": 0.001}
    answer["times"] = [0] + [(b - a) // 60_000 for (a, _), (b, _) in pairwise(quoted)]
    for name, place in (("open", 1), ("close", 2), ("low", 3), ("high", 4)):
        answer[name] = first[place] / 1000
        answer[f"{name}s"] = [0] + [b - a for a, b in pairwise(columns[place])]
    return json.dumps(answer | {"volumes": columns[5]}).encode()


_NAMES = ("times", "opens", "highs", "lows", "closes", "volumes")


@dataclass
class Vendor:
    """What the server does, and what it was asked."""

    now: datetime
    address: str = ""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """By a part of the path: what goes wrong, in order, each once; ``always`` stays."""

    asked: list[str] = field(default_factory=list)
    slowness: float = 0.0

    def find_fault(self, path: str) -> str | None:
        for part, planned in self.faults.items():
            if part in path and planned:
                return (
                    planned[0].removeprefix("always ") if "always" in planned[0] else planned.pop(0)
                )
        return None

    def find_body(self, path: str) -> bytes | None:
        where = urlsplit(path)
        if found := _FILE.fullmatch(where.path):
            day = date(int(found[1]), int(found[2]) + 1, int(found[3]))
            is_there = day < self.now.date() and day.weekday() != 5
            return pack_day(day) if is_there else None
        if found := _DAY.fullmatch(where.path):
            day = date(*(int(part) for part in found.groups()))
            return write_answer(_at(day)) if day < self.now.date() else None
        if where.path == _LIVE:
            return self._write_live(int(parse_qs(where.query)["from"][0]))
        return None

    def _write_live(self, since_ms: int) -> bytes:
        # The last candle is the one that is being made: its close is not the last word.
        day = datetime.fromtimestamp(since_ms / 1000, UTC).date()
        now_ms = int(self.now.timestamp() * 1000)
        candles = []
        while day <= self.now.date():
            candles += [(at, one) for at, one in _at(day) if since_ms <= at <= now_ms]
            day += timedelta(days=1)
        return write_answer(candles)


def _at(day: date) -> list[tuple[int, Candle]]:
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    return [(begin + candle[0] * 1000, candle) for candle in draw_day(day)]


_FILE = re.compile(r"/datafeed/DEUIDXEUR/(\d{4})/(\d\d)/(\d\d)/BID_candles_min_1\.bi5")
_DAY = re.compile(r"/v1/candles/minute/DEU\.IDX-EUR/BID/(\d+)/(\d+)/(\d+)")
_LIVE = "/v1/candles/minute/DEU.IDX-EUR/BID"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    vendor: Vendor

    def do_GET(self) -> None:
        self.vendor.asked.append(self.path)
        time.sleep(self.vendor.slowness)
        fault = self.vendor.find_fault(self.path)
        body = self.vendor.find_body(self.path)
        if fault is not None:
            self._fail(fault, body or b"")
        elif body is None:
            self._answer(404, b"not found")
        else:
            self._answer(200, body)

    def _fail(self, fault: str, body: bytes) -> None:
        status, _, header = fault.partition(" ")
        match fault:
            case "cut":
                self._answer(200, body[: len(body) // 2])
            case "html":
                self._answer(200, b"<html>Attention Required!</html>", "text/html")
            case "empty":
                self._answer(200, b"")
            case "dropped":
                self._answer(200, body[:100], length=len(body))
            case "silent":
                time.sleep(1.5)
                self.close_connection = True
            case "dripping":
                self._drip(body)
            case _:
                self._answer(int(status), b"", retry_after=header)

    def _drip(self, body: bytes) -> None:
        self._answer(200, b"", length=len(body))
        try:
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass

    def _answer(
        self,
        status: int,
        body: bytes,
        kind: str = "application/octet-stream",
        *,
        length: int | None = None,
        retry_after: str = "",
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        if length is not None:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass


@contextmanager
def serve(now: datetime) -> Iterator[Vendor]:
    """Serve the vendor on loopback, at an hour that the test chooses."""
    vendor = Vendor(now)
    handler = type("Handler", (_Handler,), {"vendor": vendor})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        vendor.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()
