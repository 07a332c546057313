"""Draw the trade of a picture as SVG: it stands alone, and asks for nothing from outside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal

from setupdesk.doors.ui.rule_picture.story import Candle, Line
from setupdesk.doors.ui.rule_picture.trade import Trade
from setupdesk.words import mark

Theme = Literal["light", "dark"]

WORDS = {
    "entry": mark("entry"),
    "stop": mark("stop"),
    "target": mark("target"),
    "flat": mark("end of session"),
}
WIDTH, HEIGHT = 560, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 10, 104, 18, 32
_TALL = 60
"""A box that is higher has its label above it, for candles fill it."""

_ROW = 14
"""How far apart words beside each other stand, in pixels."""

_INK = {"light": "#31333f", "dark": "#e6e8ec"}
_PAPER = {"light": "#ffffff", "dark": "#0e1420"}
"""As the pages are; a word that stands over candles is written on a seam of it."""

_FAINT = {"light": "#868b96", "dark": "#8f96a3"}
_RANGE = {"light": "#4c78a8", "dark": "#6ea2d8"}
_UP, _DOWN = {"light": "#2a9d76", "dark": "#35b88b"}, {"light": "#d1495b", "dark": "#e0606f"}


@dataclass(frozen=True, slots=True)
class _Paper:
    """Where bars and prices are on the picture."""

    trade: Trade
    theme: Theme
    low: float
    high: float

    @property
    def step(self) -> float:
        return (WIDTH - _LEFT - _RIGHT) / len(self.trade.candles)

    @property
    def end(self) -> float:
        return WIDTH - _RIGHT

    def x(self, bar: float) -> float:
        """Give the middle of a bar."""
        return round(_LEFT + (bar + 0.5) * self.step, 1)

    def y(self, price: float) -> float:
        """Give the height of a price."""
        share = (self.high - price) / (self.high - self.low)
        return round(_TOP + share * (HEIGHT - _TOP - _BOTTOM), 1)


def draw(trade: Trade, say: Callable[[str], str], theme: Theme, *, title: str, window: str) -> str:
    """Draw it; *window* is what the rule says of when a signal counts."""
    paper = _spread(trade, theme)
    words = {name: say(text) for name, text in WORDS.items()}
    parts = [
        *_draw_window(paper, window),
        *_draw_zones(paper),
        *_draw_boxes(paper),
        *_draw_lines(paper),
        *_draw_candles(paper),
        *_draw_signs(paper),
        *_draw_ends(paper, words),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="Source Sans, Segoe UI, Helvetica, Arial, sans-serif" font-size="11.5">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _spread(trade: Trade, theme: Theme) -> _Paper:
    prices = [one.high for one in trade.candles] + [one.low for one in trade.candles]
    prices += [one for one in (trade.stop, trade.target) if one is not None]
    prices += [price for line in trade.story.lines for price in line.prices]
    # Room for the words above and below what is drawn.
    room = 0.1 * (max(prices) - min(prices))
    return _Paper(trade, theme, min(prices) - room, max(prices) + room)


def _draw_window(paper: _Paper, window: str) -> Iterator[str]:
    left = _LEFT + paper.trade.story.opens_at * paper.step
    last = len(paper.trade.story.candles) + 2
    right = min(_LEFT + (last + 1) * paper.step, paper.end)
    colour, bottom = _FAINT[paper.theme], HEIGHT - _BOTTOM + 8
    yield (
        f'<path d="M{left:.1f} {bottom - 4}V{bottom}H{right:.1f}V{bottom - 4}" fill="none" '
        f'stroke="{colour}"/>'
    )
    yield _write((min(left, paper.end - 6.2 * len(window)), bottom + 14), window, colour)


def _draw_zones(paper: _Paper) -> Iterator[str]:
    for zone in paper.trade.story.zones:
        x = _LEFT + zone.first * paper.step
        width = (zone.last + 1 - zone.first) * paper.step
        top, bottom = paper.y(zone.high), paper.y(zone.low)
        colour = _RANGE[paper.theme]
        yield (
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{bottom - top:.1f}" '
            f'fill="{colour}" fill-opacity="0.13" stroke="{colour}" stroke-opacity="0.35"/>'
        )
        if bottom - top > _TALL:
            yield _write((x + 2, top - 4 if zone.above else bottom + 13), zone.label, colour)
        else:
            yield _write(
                (x + width / 2, (top + bottom) / 2 + 4), zone.label, colour, anchor="middle"
            )


def _draw_boxes(paper: _Paper) -> Iterator[str]:
    trade, x = paper.trade, _LEFT + paper.trade.bar * paper.step
    reached = trade.target if trade.target is not None else trade.candles[-1].close
    for price, colour in ((reached, _UP), (trade.stop, _DOWN)):
        if price is None:
            continue
        top, bottom = sorted((paper.y(price), paper.y(trade.entry)))
        yield (
            f'<rect x="{x:.1f}" y="{top}" width="{paper.end - x:.1f}" '
            f'height="{bottom - top:.1f}" fill="{colour[paper.theme]}" fill-opacity="0.18"/>'
        )


def _draw_lines(paper: _Paper) -> Iterator[str]:
    for line in paper.trade.story.lines:
        colour = _RANGE[paper.theme]
        yield (
            f'<path d="{_trace(paper, line)}" fill="none" stroke="{colour}" '
            f'stroke-width="1.2" stroke-dasharray="4 3"/>'
        )
        if line.label:
            y = paper.y(line.prices[min(line.at, len(line.prices) - 1)]) + (
                -4 if line.above else 13
            )
            yield _write((_LEFT + (line.first + line.at) * paper.step + 2, y), line.label, colour)


def _trace(paper: _Paper, line: Line) -> str:
    if len(line.prices) == 1:
        left = _LEFT + line.first * paper.step
        return f"M{left:.1f} {paper.y(line.prices[0])}H{paper.end}"
    points = (
        f"{paper.x(line.first + row)} {paper.y(price)}" for row, price in enumerate(line.prices)
    )
    return "M" + "L".join(points)


def _draw_candles(paper: _Paper) -> Iterator[str]:
    width = round(0.62 * paper.step, 1)
    for bar, one in enumerate(paper.trade.candles):
        yield _draw_candle(paper, paper.x(bar), width, one)


def _draw_candle(paper: _Paper, x: float, width: float, one: Candle) -> str:
    colour = (_UP if one.close >= one.open else _DOWN)[paper.theme]
    top, bottom = sorted((paper.y(one.open), paper.y(one.close)))
    return (
        f'<path d="M{x} {paper.y(one.high)}V{paper.y(one.low)}" stroke="{colour}"/>'
        f'<rect x="{x - width / 2:.1f}" y="{top}" width="{width}" '
        f'height="{max(bottom - top, 1):.1f}" fill="{colour}"/>'
    )


def _draw_signs(paper: _Paper) -> Iterator[str]:
    colour = _INK[paper.theme]
    for sign in paper.trade.story.signs:
        x, y = paper.x(sign.bar), paper.y(sign.price)
        dot, text = (-4, -9) if sign.above else (4, 17)
        yield f'<circle cx="{x}" cy="{y + dot:.1f}" r="2.2" fill="{colour}"/>'
        # What comes later stands to the right, so the word ends here.
        seam = f'paint-order="stroke" stroke="{_PAPER[paper.theme]}" stroke-width="3" '
        word = _write((x + 4, y + text), sign.word, colour, anchor="end")
        yield word.replace("<text ", f"<text {seam}", 1)


def _draw_ends(paper: _Paper, words: dict[str, str]) -> Iterator[str]:
    trade = paper.trade
    x, y = paper.x(trade.bar) - 0.5 * paper.step, paper.y(trade.entry)
    colour = _INK[paper.theme]
    yield f'<path d="M{x:.1f} {y}H{paper.end}" stroke="{colour}" stroke-width="1.3"/>'
    yield f'<path d="M{x - 9:.1f} {y - 5}L{x - 1:.1f} {y}L{x - 9:.1f} {y + 5}Z" fill="{colour}"/>'
    ends = [(trade.entry, words["entry"], colour)]
    if trade.stop is not None:
        ends.append((trade.stop, words["stop"], _DOWN[paper.theme]))
    if trade.target is not None:
        many = f" {trade.rr:g}R" if trade.rr else ""
        many += (" ↑" if trade.side > 0 else " ↓") if trade.is_beyond else ""
        ends.append((trade.target, words["target"] + many, _UP[paper.theme]))
    else:
        ends.append((trade.candles[-1].close, words["flat"], _UP[paper.theme]))
    placed = -float(_ROW)
    for price, word, ink in sorted(ends, key=lambda one: paper.y(one[0])):
        placed = max(paper.y(price) + 4, placed + _ROW)
        yield _write((paper.end + 7, placed), word, ink, weight=600)


def _write(
    place: tuple[float, float],
    word: str,
    colour: str,
    *,
    anchor: str = "start",
    weight: int = 400,
) -> str:
    x, y = place
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(word)}</text>'
    )
