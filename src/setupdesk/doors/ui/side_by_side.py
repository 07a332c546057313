"""How figures and curves of several runs are written and drawn beside each other."""

from collections.abc import Callable, Sequence
from typing import Any

from setupdesk.doors.ui.curves import DAYS
from setupdesk.doors.ui.figures import span
from setupdesk.doors.ui.names import FIGURES, name
from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say
from setupdesk.words.figures import NONE, fixed, in_r, percent

COLOURS = {
    "A": ("blue", "#2f7ed8"),
    "B": ("orange", "#e8871e"),
    "C": ("green", "#3a9d5d"),
    "D": ("violet", "#8a63d2"),
    "E": ("red", "#d1495b"),
    "F": ("gray", "#7f8c9b"),
}
"""Of a badge, and of a curve."""

_LONG = 24
_WRITTEN: dict[str, Callable[[Any], str]] = {
    "total_r": in_r,
    "expectancy_r": in_r,
    "win_rate": percent,
    "profit_factor": fixed,
    "max_drawdown_r": fixed,
    "sqn": fixed,
    "costs_r_total": fixed,
}


def write_figure(
    one: Json, letters: Sequence[str], *, intervals: bool = False
) -> dict[str, str] | None:
    """Write a row of figures, or of their *intervals*; None where these have none."""
    write = _WRITTEN.get(one["name"], lambda value: NONE if value is None else f"{value:,}")
    if not intervals:
        title, values = name(FIGURES, one["name"]), [write(value) for value in one["values"]]
    elif one["intervals"]:
        title, values = say("Interval, 95 %"), [span(value, write) for value in one["intervals"]]
    else:
        return None
    return {say("Figure"): title, **dict(zip(letters, values, strict=True))}


def write_value(value: Any) -> str:
    """Write the value of a parameter; a hash by its beginning."""
    if value is None or value in ({}, []):
        return NONE
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, list):
        return ", ".join(write_value(one) for one in value)
    text = str(value)
    return f"{text[:12]}..." if len(text) > _LONG and " " not in text else text


def build_equity(letters: Sequence[str], equity: Sequence[Sequence[Json]]) -> Any:
    """Build what ECharts draws: the sum of R of each run, over one axis of days."""
    return {
        "animation": False,
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0, "icon": "roundRect"},
        "grid": {"left": 52, "right": 16, "top": 34, "bottom": 28},
        "xAxis": DAYS,
        "yAxis": {"type": "value"},
        "series": [
            {
                "name": letter,
                "type": "line",
                "step": "end",
                "showSymbol": False,
                "color": COLOURS[letter][1],
                "data": [[one["at"], round(one["r"], 3)] for one in points],
            }
            for letter, points in zip(letters, equity, strict=True)
        ],
    }
