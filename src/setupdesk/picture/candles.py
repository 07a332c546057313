"""The picture of candles: bars, sessions, levels and trades as a PNG to send or to print."""

from collections.abc import Iterable, Iterator, Mapping
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
Spot = tuple[float, float, str]

BARS = 180
"""As many as are told from one another on a phone."""

ROOM = 14
"""Bars that would fit beside the last one, where the names of prices stand."""

_FEWEST = 40
"""A picture of fewer bars does not draw them larger."""

_AROUND = 24
"""Bars of the neighbourhood of a long trade."""

_BEFORE = 8
"""Bars before what is chosen, which are in sight in any case."""

_MARGIN = 0.12
"""Of the prices in sight, above and below them."""


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
        return (RIGHT - LEFT) / max(len(self.rows) + ROOM, _FEWEST)

    def x(self, row: float) -> int:
        """Find the middle of a bar."""
        return round(LEFT + (row - self.rows.start + 0.5) * self.slot)

    def edges(self, first: int, last: int) -> tuple[int, int]:
        """Find the left and the right edge of bars, inside of the picture."""
        left, right = self.x(first - 0.5), self.x(last + 0.5)
        return max(left, LEFT), min(right, RIGHT)

    def fill(self, box: tuple[float, float, float, float], ink: Ink) -> None:
        """Fill a box between two x and two prices, as far as it is inside of the picture."""
        left, one, right, other = box
        low, high = min(one, other), max(one, other)
        if high >= self.price.low and low <= self.price.high:
            self.paper.fill((left, self.y(high), right, self.y(low)), ink)

    def y(self, price: float) -> int:
        """Find the pixel of a price, at the edge where it is outside of the picture."""
        return min(max(self.price(price), TOP), BOTTOM - 1)

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
    low, high = reach(_list_prices(picture, bars, rows, chosen), 10 * bars.tick, _MARGIN)
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


def _list_prices(
    picture: Picture, bars: BarColumns, rows: range, chosen: Mark | None
) -> list[float]:
    """List what has to be in sight: the bars, or those of the session of what is chosen.

    Its prices and the levels of its session are too; earlier bars may go beyond the edge.
    """
    whole = _span_prices(bars, rows)
    if chosen is None:
        return whole
    near = _find_near(picture, rows, chosen)
    prices = _span_prices(bars, near)
    # What lies very far away would make the bars a line.
    wanted = [chosen.get(name) for name in ("entry", "exit", "stop", "target")]
    prices += _list_near(wanted, whole, 1.5, 20 * bars.tick)
    levels = [
        one["price"]
        for one in picture["levels"]
        if one["from"] < near.stop and one["to"] >= _find_span(chosen)[0]
    ]
    return [*prices, *_list_near(levels, prices, 1.0, 0)]


def _span_prices(bars: BarColumns, rows: range) -> list[float]:
    part = slice(rows.start, rows.stop)
    return [float(bars.low[part].min()), float(bars.high[part].max())]


def _list_near(
    wanted: Iterable[float | None], prices: list[float], share: float, more: float
) -> list[float]:
    low, high = min(prices), max(prices)
    far = share * (high - low) + more
    return [one for one in wanted if one is not None and low - far <= one <= high + far]


def _find_near(picture: Picture, rows: range, chosen: Mark) -> range:
    """Find the rows in sight of the session of what is chosen, and of some bars before it."""
    first, last = _find_span(chosen)
    spans = [one for one in picture["sessions"] if one[0] <= last and one[1] >= first]
    start = min([first - _BEFORE, *(one[0] for one in spans)])
    stop = max([last, *(one[1] for one in spans)]) + 1
    return range(max(start, rows.start), min(stop, rows.stop))


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
        sight.fill((x, bars.high[row], x, bars.low[row]), ink)
        sight.fill((x - half, opened, x + half, closed), ink)
        top, bottom = sight.y(bars.high[row]), sight.y(bars.low[row])
        sight.paper.keep_clear((x - half, top, x + half, bottom))


def _is_faint(sight: Sight, mark: Mark) -> bool:
    return sight.chosen is not None and mark is not sight.chosen


def _draw_boxes(sight: Sight, trade: Mark) -> None:
    if not sight.shows(trade["from"], trade["to"]):
        return
    inks, share = sight.paper.inks, 0.09 if _is_faint(sight, trade) else 0.2
    left, right = sight.edges(trade["from"], trade["to"])
    if trade["exit"] is None:
        right = RIGHT
    gain = trade["target"] if trade["target"] is not None else trade["exit"]
    for price, ink in ((gain, inks.up), (trade["stop"], inks.down)):
        if price is not None:
            sight.fill((left, price, right, trade["entry"]), thin(ink, share))
            sight.fill((left, price, right, price), thin(ink, 4 * share))
    sight.fill((left, trade["entry"], right, trade["entry"]), thin(inks.accent, min(5 * share, 1)))


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
        spots = [(right + 10, y, "lm"), (left - 10, y, "rm")]
        for x in range(left + 4, right, 30):
            spots += [(x, y - 8, "ls"), (x, y + 8, "lt")]
        sight.paper.label(_list_inside(spots), level["name"], SMALL, ink)


def _list_inside(spots: Iterable[Spot]) -> list[Spot]:
    return [spot for spot in spots if TOP + 24 < spot[1] < BOTTOM - 24]


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
    if _is_faint(sight, mark) and not sight.price.has(_find_edge(sight, row, is_below=is_long)):
        return
    ink = inks.muted if _is_faint(sight, mark) else inks.accent
    y = _beside(sight, row, is_below=is_long)
    sight.paper.arrow(sight.x(row), y, ink, is_up=is_long)
    sight.paper.keep_free((sight.x(row) - 10, y - 16, sight.x(row) + 10, y + 16))
    number = f"#{mark['number']} " if mark["number"] else ""
    text = f"{number}{say_name(mark['side'], language)}"
    _write_beside(sight, row, text, ink, is_below=is_long)


def _mark_exit(sight: Sight, trade: Mark) -> None:
    row, is_below = trade["to"], trade["side"] != "long"
    if row not in sight.rows or not sight.price.has(trade["exit"]):
        return
    inks = sight.paper.inks
    ink = inks.of_result(trade["r"])
    y = sight.price(trade["exit"])
    sight.paper.dot(sight.x(row), y, ink)
    sight.paper.keep_free((sight.x(row) - 8, y - 8, sight.x(row) + 8, y + 8))
    reason = say_name(trade["exit_reason"], sight.picture["language"])
    _write_beside(sight, row, f"{reason} {say_r(trade['r'])}", ink, is_below=is_below)


def _beside(sight: Sight, row: int, *, is_below: bool) -> int:
    return sight.y(_find_edge(sight, row, is_below=is_below)) + (6 if is_below else -6)


def _find_edge(sight: Sight, row: int, *, is_below: bool) -> float:
    return float((sight.bars.low if is_below else sight.bars.high)[row])


def _write_beside(sight: Sight, row: int, text: str, ink: Ink, *, is_below: bool) -> None:
    half = load_font(SMALL).getlength(text) / 2
    x = min(max(sight.x(row), LEFT + half), RIGHT - half)
    below, above = (_beside(sight, row, is_below=side) for side in (True, False))
    under = [(x, below + down, "mt") for down in (22, 52, 82)]
    over = [(x, above - up, "ms") for up in (22, 52, 82)]
    sides = [(x + 16, above, "ls"), (x - 16, above, "rs"), (x + 16, below, "lt")]
    spots = [*under, *over] if is_below else [*over, *under]
    sight.paper.label(_list_inside((*spots, *sides)), text, SMALL, ink)


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
        spots = [(RIGHT - 6, y - 7, "rs"), (RIGHT - 6, y + 7, "rt")]
        sight.paper.label(spots, text, SMALL, ink)


def _list_tags(sight: Sight) -> Iterator[Tag]:
    bars, inks, row = sight.bars, sight.paper.inks, sight.rows[-1]
    is_up = bars.close[row] >= bars.open[row]
    last = float(bars.close[row])
    yield Tag(sight.price(last), sight.write(last), inks.candle_up if is_up else inks.candle_down)
    for _, price, ink in _list_named(sight):
        yield Tag(sight.price(price), sight.write(price), ink, is_filled=False)
