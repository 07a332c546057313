"""The picture of a run's equity: the sum of R after each trade, and how far below its high."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

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
from setupdesk.picture.naming import say_r
from setupdesk.picture.packing import Floats
from setupdesk.picture.paper import Paper
from setupdesk.picture.scales import Scale, reach
from setupdesk.words import find_words, mark

Json = Mapping[str, Any]

_PART = 448
"""Where the equity ends, and the drawdown begins below it."""

_FOOT = BOTTOM - 8
_DAY_SECONDS = 86_400.0
_NAMED = 40
"""Places along the axis whose moments may be named."""


def draw_equity(
    equity: Sequence[Json],
    caption: Caption,
    zone: str,
    *,
    language: str = "en",
    theme: Theme = Theme.LIGHT,
) -> bytes:
    """Draw the answer of ``GET /runs/{run_id}/equity`` as PNG; there is one trade at least."""
    paper, clock = Paper(find_inks(theme)), ZoneInfo(zone)
    at = np.array([datetime.fromisoformat(one["at"]).timestamp() for one in equity])
    along = Scale(at[0], max(at[-1], at[0] + _DAY_SECONDS), LEFT + 4, RIGHT - 14)
    x = np.append(LEFT, along.place(at))
    first, last = (datetime.fromtimestamp(moment, clock) for moment in (at[0], at[-1]))
    write_heading(paper, caption, [first, last], zone, language)
    _draw_days(paper, along, clock, language)
    totals = np.array([0.0, *(one["r"] for one in equity)])
    below = np.array([0.0, *(-one["drawdown_r"] for one in equity)])
    _draw_totals(paper, x, totals, language)
    _draw_drawdown(paper, x, below, language)
    return paper.to_png()


def _draw_days(paper: Paper, along: Scale, clock: ZoneInfo, language: str) -> None:
    moments = np.linspace(along.low, along.high, _NAMED + 1)
    days = [datetime.fromtimestamp(moment, clock).replace(hour=0, minute=0) for moment in moments]
    draw_moments(paper, days, [along(moment) for moment in moments], language)


def _draw_totals(paper: Paper, x: Floats, totals: Floats, language: str) -> None:
    inks, end = paper.inks, float(totals[-1])
    scale = Scale(*reach(totals.tolist(), 2.0), _PART - 14, TOP + 42)
    draw_values(paper, scale, _write, [Tag(scale(end), say_r(end), inks.of_result(end))], 66)
    ink = inks.down if end < 0 else inks.up
    _draw_steps(paper, x, scale, totals, ink)
    paper.dot(x[-1], scale(end), ink)
    _name(paper, TOP + 27, find_words(language).gettext(mark("Equity, R")))


def _draw_drawdown(paper: Paper, x: Floats, below: Floats, language: str) -> None:
    inks, lowest = paper.inks, float(below.min())
    scale = Scale(min(lowest * 1.08, -1.0), 0.0, _FOOT, _PART + 46)
    tag = Tag(scale(lowest), say_r(lowest), inks.down, is_filled=False)
    draw_values(paper, scale, _write, [tag] if lowest else [], 48)
    _draw_steps(paper, x, scale, below, inks.down)
    _name(paper, _PART + 31, find_words(language).gettext(mark("Drawdown, R")))


def _name(paper: Paper, y: int, text: str) -> None:
    paper.label([(LEFT + 4, y, "ls")], text, SMALL, paper.inks.muted)


def _write(r: float) -> str:
    return f"{r:+g}".replace("-", "\N{MINUS SIGN}") if round(r, 9) else "0"


def _draw_steps(paper: Paper, x: Floats, scale: Scale, values: Floats, ink: Ink) -> None:
    """Draw steps, and what lies between them and nought; of each column only what is seen."""
    zero = scale(0.0)
    paper.across(zero, LEFT, RIGHT, paper.inks.muted)
    starts = np.flatnonzero(np.diff(x, prepend=x[0] - 1))
    reached = [values[np.append(starts[1:], len(values)) - 1]]
    reached += [by.reduceat(values, starts) for by in (np.minimum, np.maximum)]
    ends, lows, highs = (scale.place(one).tolist() for one in reached)
    places = x[starts].tolist()
    for left, right, end in zip(places, places[1:], ends, strict=False):
        paper.fill((left, end, right - 1, zero), thin(ink, 0.12))
    path: list[tuple[float, float]] = []
    for place, low, high, end in zip(places, lows, highs, ends, strict=True):
        before = [(place, path[-1][1])] if path else []
        path += [*before, (place, low), (place, high), (place, end)]
    paper.path(path, ink)
