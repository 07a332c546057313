"""What a picture of a run shows: its bars, sessions, levels and trades, by rows of bars."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypedDict

import numpy as np

from setupdesk.core.symbol import Window
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.sessions import Session, session_by_clock
from setupdesk.picture.packing import Ints, count_decimals, pack_bars

Json = Mapping[str, Any]


class Picture(TypedDict):
    """What a chart or a PNG shows; whatever it marks is at rows of the bars, from nought."""

    subject: str
    """What it is a picture of: of the same one, the view stays as bars are added."""

    bars: dict[str, Any]
    minutes: int
    zone: str
    language: str
    sessions: list[tuple[int, int]]
    levels: list[dict[str, Any]]
    trades: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    words: dict[str, str]


@dataclass(frozen=True, slots=True)
class Rows:
    """The bars of a chart, to find the rows of moments in."""

    times: Ints
    """Opens in UTC milliseconds, oldest first."""

    high: Sequence[float]
    low: Sequence[float]

    def at(self, moment_ms: int) -> int | None:
        """Find the bar in which a moment lies; None before the first one."""
        row = int(np.searchsorted(self.times, moment_ms, "right")) - 1
        return row if row >= 0 else None

    def span(self, from_ms: int, stop_ms: int) -> tuple[int, int] | None:
        """Find the first and the last bar that open in ``[from, stop)``; None without any."""
        first, stop = np.searchsorted(self.times, [from_ms, stop_ms]).tolist()
        return (first, stop - 1) if stop > first else None


def draw_run(
    columns: Mapping[str, Sequence[float]], report: Json, symbol: Json, timeframe: Timeframe
) -> Picture:
    """Draw the bars of ``GET /bars``, and on them a report of ``GET /runs/{run_id}/result``.

    The picture speaks no language yet: that is put in where it is shown.
    """
    rows = Rows(np.asarray(columns["time"], np.int64), columns["high"], columns["low"])
    window = read_window(symbol["session"], symbol["zone"])
    days = [
        (one, session_by_clock(date.fromisoformat(one["day"]), window))
        for one in report["sessions"]
    ]
    spans = (rows.span(session.opens_ms, session.closes_ms) for _, session in days)
    decimals = count_decimals(symbol["tick"])
    return {
        "subject": "",
        "bars": pack_bars(columns, symbol["tick"]),
        "minutes": timeframe.minutes,
        "zone": report["zone"],
        "language": "en",
        "sessions": [span for span in spans if span],
        "levels": [level for told, session in days for level in find_levels(told, session, rows)],
        "trades": list(place_trades(report["trades"], rows, decimals)),
        "alerts": [],
        "words": {},
    }


def read_window(hours: str, zone: str) -> Window:
    """Read hours as the API writes them, such as ``09:00-17:30``."""
    start, _, end = hours.partition("-")
    return Window(start=time.fromisoformat(start), end=time.fromisoformat(end), zone=zone)


def find_levels(told: Json, session: Session, rows: Rows) -> Iterator[dict[str, Any]]:
    """Give the levels of a session that are prices, from when they are known to its close.

    Ranges and ATRs are levels too: what lies far from the bars of the session is none to draw.
    """
    known_ms = to_ms(told["known_at"]) if told["known_at"] else session.opens_ms
    whole, span = (
        rows.span(from_ms, session.closes_ms) for from_ms in (session.opens_ms, known_ms)
    )
    if whole is None or span is None:
        return
    high = max(rows.high[whole[0] : whole[1] + 1])
    low = min(rows.low[whole[0] : whole[1] + 1])
    slack = (high - low) / 2
    for name, price in told["levels"].items():
        if price is not None and low - slack <= price <= high + slack:
            yield {"name": name, "price": price, "from": span[0], "to": span[1]}


_OF_TRADE = ("number", "side", "entry", "exit", "stop", "target", "exit_reason", "r")


def place_trades(trades: Sequence[Json], rows: Rows, decimals: int) -> Iterator[dict[str, Any]]:
    """Give the trades that lie on the bars, with their rows."""
    for trade in trades:
        entered, left = (rows.at(to_ms(trade[name])) for name in ("entry_at", "exit_at"))
        if entered is None or left is None:
            continue
        prices = {
            name: _round(trade[name], decimals) for name in ("entry", "exit", "stop", "target")
        }
        told = {name: trade[name] for name in _OF_TRADE}
        yield {**told, **prices, "from": entered, "to": left}


def _round(price: float | None, decimals: int) -> float | None:
    return None if price is None else round(price, decimals)


def to_ms(moment: str) -> int:
    """Read a moment of the API as UTC milliseconds."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
