"""The picture of candles: bars, sessions, levels and trades as a PNG to send or to print."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from setupdesk.picture.frame import (
    BOTTOM,
    LEFT,
    RIGHT,
    SMALL,
    TOP,
    Caption,
    Tag,
    draw_moments,
    draw_values,
    write_heading,
)
from setupdesk.picture.inks import Ink, Theme, find_inks, thin
from setupdesk.picture.naming import say_name, say_r
from setupdesk.picture.packing import BarColumns, unpack_bars
from setupdesk.picture.paper import Paper, load_font
from setupdesk.picture.run import Picture
from setupdesk.picture.scales import Scale, reach

Mark = Mapping[str, Any]

BARS = 180
"""As many as are told from one another on a phone."""

_ROOM = 8
"""Bars that would fit beside the last one."""

_FEWEST = 40
"""A picture of fewer bars does not draw them larger."""

_AROUND = 24
"""Bars of the neighbourhood of a long trade."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture while it is drawn: which bars it shows, and where rows and prices stand."""

    picture: Picture
    paper: Paper
    bars: BarColumns
    rows: range
    price: Scale
    chosen: Mark | None

    @property
    def slot(self) -> float:
        """Pixels from one bar to the next."""
        return (RIGHT - LEFT) / max(len(self.rows) + _ROOM, _FEWEST)

    def x(self, row: float) -> int:
        """Find the middle of a bar."""
        return round(LEFT + (row - self.rows.start + 0.5) * self.slot)

    def edges(self, first: int, last: int) -> tuple[int, int]:
        """Find the left and the right edge of bars, inside of the picture."""
        left, right = self.x(first - 0.5), self.x(last + 0.5)
        return max(left, LEFT), min(right, RIGHT)

    def shows(self, first: int, last: int) -> bool:
        """Whether any of the bars of a span is in sight."""
        return first < self.rows.stop and last >= self.rows.start

    def write(self, price: float) -> str:
        """Write a price."""
        return f"{price:,.{self.picture['bars']['decimals']}f}"


def draw_candles(
    picture: Picture, caption: Caption, theme: Theme = Theme.LIGHT, chosen: int | None = None
) -> bytes:
    """Draw a picture as PNG, around the trade or the alert with the number *chosen*.

    Without one it shows the last bars. The words are those of the picture's language, the
    moments those of its zone. There is one bar at least.
    """
    sight = _look(picture, Paper(find_inks(theme)), chosen)
    zone = ZoneInfo(picture["zone"])
    moments = [
        datetime.fromtimestamp(int(sight.bars.time[row]) / 1000, UTC).astimezone(zone)
        for row in sight.rows
    ]
    write_heading(sight.paper, caption, moments, picture["zone"], picture["language"])
    _draw_sessions(sight)
    draw_values(sight.paper, sight.price, sight.write, list(_list_tags(sight)))
    places = [sight.x(row) for row in sight.rows]
    draw_moments(sight.paper, moments, places, picture["language"])
    for trade in picture["trades"]:
        _draw_boxes(sight, trade)
    _draw_level_lines(sight)
    _draw_bars(sight)
    _draw_marks(sight)
    _name_levels(sight)
    return sight.paper.to_png()


def _look(picture: Picture, paper: Paper, number: int | None) -> Sight:
    bars = unpack_bars(picture["bars"])
    marks = [*picture["trades"], *picture["alerts"]]
    chosen = next((one for one in marks if one["number"] == number), None)
    rows = find_rows(len(bars.time), chosen)
    low, high = reach(list(_list_prices(bars, rows, chosen)), 10 * bars.tick)
    return Sight(picture, paper, bars, rows, Scale(low, high, BOTTOM - 4, TOP + 4), chosen)


def find_rows(count: int, chosen: Mark | None) -> range:
    """Choose the bars of a picture: those around what is chosen, else the last ones."""
    if chosen is None:
        return range(max(0, count - BARS), count)
    first, last = _find_span(chosen)
    wide = max(BARS, last - first + 1 + _AROUND)
    start = first - (wide - (last - first)) * 2 // 3
    start = max(0, min(start, count - wide))
    return range(start, min(count, start + wide))


def _find_span(mark: Mark) -> tuple[int, int]:
    return (mark["row"], mark["row"]) if "row" in mark else (mark["from"], mark["to"])


def _list_prices(bars: BarColumns, rows: range, chosen: Mark | None) -> Iterator[float]:
    low, high = bars.low[rows.start : rows.stop].min(), bars.high[rows.start : rows.stop].max()
    yield from (float(low), float(high))
    # What lies very far away would make the bars a line.
    far = 1.5 * float(high - low) + 20 * bars.tick
    for name in ("entry", "exit", "stop", "target"):
        price = (chosen or {}).get(name)
        if price is not None and low - far <= price <= high + far:
            yield price


def _draw_sessions(sight: Sight) -> None:
    for first, last in sight.picture["sessions"]:
        if sight.shows(first, last):
            left, right = sight.edges(first, last)
            sight.paper.fill((left, TOP, right, BOTTOM - 1), sight.paper.inks.session)


def _draw_bars(sight: Sight) -> None:
    inks, bars = sight.paper.inks, sight.bars
    half = max(int(sight.slot * 0.35), 0)
    for row in sight.rows:
        opened, closed = bars.open[row], bars.close[row]
        ink = inks.candle_up if closed >= opened else inks.candle_down
        x = sight.x(row)
        sight.paper.fill((x, sight.price(bars.high[row]), x, sight.price(bars.low[row])), ink)
        sight.paper.fill((x - half, sight.price(opened), x + half, sight.price(closed)), ink)


def _is_faint(sight: Sight, mark: Mark) -> bool:
    return sight.chosen is not None and mark is not sight.chosen


def _draw_boxes(sight: Sight, trade: Mark) -> None:
    if not sight.shows(trade["from"], trade["to"]):
        return
    inks, share = sight.paper.inks, 0.09 if _is_faint(sight, trade) else 0.2
    left, right = sight.edges(trade["from"], trade["to"])
    if trade["exit"] is None:
        right = RIGHT
    entry = sight.price(trade["entry"])
    gain = trade["target"] if trade["target"] is not None else trade["exit"]
    for price, ink in ((gain, inks.up), (trade["stop"], inks.down)):
        if price is not None:
            y = min(max(sight.price(price), TOP), BOTTOM - 1)
            sight.paper.fill((left, y, right, entry), thin(ink, share))
            sight.paper.across(y, left, right, thin(ink, 4 * share))
    sight.paper.across(entry, left, right, thin(inks.accent, min(5 * share, 1)))


def _draw_level_lines(sight: Sight) -> None:
    for level, ink in _list_levels(sight):
        left, right = sight.edges(level["from"], level["to"])
        sight.paper.across(sight.price(level["price"]), left, right, ink)


def _list_levels(sight: Sight) -> Iterator[tuple[Mark, Ink]]:
    names = list(dict.fromkeys(level["name"] for level in sight.picture["levels"]))
    for level in sight.picture["levels"]:
        if sight.shows(level["from"], level["to"]) and sight.price.has(level["price"]):
            yield level, sight.paper.inks.of_level(names.index(level["name"]))


def _name_levels(sight: Sight) -> None:
    # The newest ones first: where all names have no room, those of the past are left out.
    for level, ink in reversed(list(_list_levels(sight))):
        left, right = sight.edges(level["from"], level["to"])
        y = sight.price(level["price"])
        spots = [(left + 3, y - 4, "ls"), (left + 3, y + 4, "lt"), (right - 3, y - 4, "rs")]
        spots += [(right - 3, y + 4, "rt"), (left - 4, y, "rm"), (right + 4, y, "lm")]
        sight.paper.label(spots, level["name"], SMALL - 1, ink)


def _draw_marks(sight: Sight) -> None:
    _name_prices(sight)
    marks = [*sight.picture["trades"], *sight.picture["alerts"]]
    for mark in sorted(marks, key=lambda one: _is_faint(sight, one)):
        _mark_entry(sight, mark)
        if mark.get("exit") is not None:
            _mark_exit(sight, mark)


def _mark_entry(sight: Sight, mark: Mark) -> None:
    row, is_long = _find_span(mark)[0], mark["side"] == "long"
    if row not in sight.rows:
        return
    inks, language = sight.paper.inks, sight.picture["language"]
    ink = inks.muted if _is_faint(sight, mark) else inks.accent
    y = _beside(sight, row, is_below=is_long)
    sight.paper.arrow(sight.x(row), y, ink, is_up=is_long)
    sight.paper.keep_free((sight.x(row) - 7, y - 10, sight.x(row) + 7, y + 10))
    number = f"#{mark['number']} " if mark["number"] else ""
    text = f"{number}{say_name(mark['side'], language)}"
    _write_beside(sight, row, text, ink, is_below=is_long)


def _mark_exit(sight: Sight, trade: Mark) -> None:
    row, is_below = trade["to"], trade["side"] != "long"
    if row not in sight.rows:
        return
    inks = sight.paper.inks
    ink = inks.of_result(trade["r"])
    y = sight.price(trade["exit"])
    sight.paper.dot(sight.x(row), y, ink)
    sight.paper.keep_free((sight.x(row) - 6, y - 6, sight.x(row) + 6, y + 6))
    reason = say_name(trade["exit_reason"], sight.picture["language"])
    _write_beside(sight, row, f"{reason} {say_r(trade['r'])}", ink, is_below=is_below)


def _beside(sight: Sight, row: int, *, is_below: bool) -> int:
    if is_below:
        return sight.price(sight.bars.low[row]) + 6
    return sight.price(sight.bars.high[row]) - 6


def _write_beside(sight: Sight, row: int, text: str, ink: Ink, *, is_below: bool) -> None:
    half = load_font(SMALL).getlength(text) / 2
    x = min(max(sight.x(row), LEFT + half), RIGHT - half)
    below, above = (_beside(sight, row, is_below=side) for side in (True, False))
    under = [(x, below + down, "mt") for down in (14, 30, 46)]
    over = [(x, above - up, "ms") for up in (14, 30, 46)]
    sides = [(x + 12, above, "ls"), (x - 12, above, "rs"), (x + 12, below, "lt")]
    spots = [*under, *over] if is_below else [*over, *under]
    seen = [spot for spot in (*spots, *sides) if TOP + 8 < spot[1] < BOTTOM - 8]
    sight.paper.label(seen, text, SMALL, ink)


def _list_named(sight: Sight) -> Iterator[tuple[str, float, Ink]]:
    inks, chosen = sight.paper.inks, sight.chosen or {}
    for name, ink in (("entry", inks.accent), ("stop", inks.down), ("target", inks.up)):
        price = chosen.get(name)
        if price is not None and sight.price.has(price):
            yield name, price, ink


def _name_prices(sight: Sight) -> None:
    """Lead the prices of what is chosen to the axis, each with its name."""
    for name, price, ink in _list_named(sight):
        y = sight.price(price)
        last = _find_span(sight.chosen or {})[1]
        sight.paper.dashes(y, sight.edges(last, last)[1], RIGHT, ink)
        text = say_name(name, sight.picture["language"])
        spots = [(RIGHT - 4, y - 4, "rs"), (RIGHT - 4, y + 4, "rt")]
        sight.paper.label(spots, text, SMALL, ink)


def _list_tags(sight: Sight) -> Iterator[Tag]:
    bars, inks, row = sight.bars, sight.paper.inks, sight.rows[-1]
    is_up = bars.close[row] >= bars.open[row]
    last = float(bars.close[row])
    yield Tag(sight.price(last), sight.write(last), inks.candle_up if is_up else inks.candle_down)
    for _, price, ink in _list_named(sight):
        yield Tag(sight.price(price), sight.write(price), ink, is_filled=False)
