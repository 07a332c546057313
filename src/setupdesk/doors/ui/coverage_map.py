"""The map of coverage: which share of its bars each session has, by weeks and by days."""

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from typing import Any

from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say
from setupdesk.words import mark
from setupdesk.words.figures import percent

_STEPS = (
    (1.0, 1.0, "#2a9d76", mark("whole")),
    (0.95, 1.0, "#9bcf8f", mark("95 % and more")),
    (0.8, 0.95, "#e9c46a", mark("80 % and more")),
    (1e-9, 0.8, "#e76f51", mark("below 80 %: not traded")),
    (0.0, 0.0, "#9d2f43", mark("no bar")),
)
_ROW = 22
"""How high a row is, in pixels."""


def list_years(coverage: Json) -> list[int]:
    """List the years that have sessions, the newest first."""
    return sorted({int(day[:4]) for day in coverage["days"]}, reverse=True)


def build_weeks(coverage: Json) -> tuple[Any, int]:
    """Build the map of all years, a cell for each week; with its height in pixels."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for day, present, expected in _rows(coverage):
        # The days before the first Monday of a year are its week 0.
        found.setdefault((day.year, int(f"{day:%W}")), []).append((present, expected))
    years = [str(year) for year in sorted({year for year, _ in found})]
    cells = []
    for (year, week), counts in found.items():
        present, expected = (sum(column) for column in zip(*counts, strict=True))
        title = say("{year}, week {week}", year=year, week=week)
        cells.append(_build_cell(week, years.index(str(year)), title, present, expected))
    return _build_map([str(week) for week in range(54)], years, cells)


def build_days(coverage: Json, year: int) -> tuple[Any, int]:
    """Build the map of one year, a cell for each day; with its height in pixels."""
    months = sorted({day[:7] for day in coverage["days"] if int(day[:4]) == year})
    cells = [
        _build_cell(day.day - 1, months.index(f"{day:%Y-%m}"), f"{day:%Y-%m-%d}", present, expected)
        for day, present, expected in _rows(coverage)
        if day.year == year
    ]
    return _build_map([str(day) for day in range(1, 32)], months, cells)


def write_legend() -> str:
    """Write as HTML what the colours say; on a narrow page its words go on below each other."""
    return "".join(
        f'<span style="white-space: nowrap; margin-right: 1rem; font-size: 0.8rem">'
        f'<span style="color: {colour}">■</span> {escape(say(label))}</span> '
        for _, _, colour, label in reversed(_STEPS)
    )


def _rows(coverage: Json) -> Iterable[tuple[date, int, int]]:
    columns = (coverage[name] for name in ("days", "present", "expected"))
    for day, present, expected in zip(*columns, strict=True):
        yield date.fromisoformat(day), min(present, expected), expected


def _build_cell(column: int, row: int, title: str, present: int, expected: int) -> Json:
    share = present / expected if expected else 1.0
    # Rounded down, so that what is shown as whole misses nothing.
    shown = share if share in {0.0, 1.0} else min(max(round(share, 4), 0.0001), 0.9999)
    said = say(
        "{present} of {expected} bars, {share}",
        present=f"{present:,}",
        expected=f"{expected:,}",
        share=percent(shown, 2),
    )
    return {"name": f"{title}: {said}", "value": [column, row, shown]}


def _build_map(columns: Sequence[str], rows: Sequence[str], cells: list[Json]) -> tuple[Any, int]:
    height = _ROW * len(rows)
    axis = {"type": "category", "splitLine": {"show": False}, "axisTick": {"show": False}}
    pieces = [
        {"gte": low, "lte" if low == high else "lt": high, "color": colour}
        for low, high, colour, _ in _STEPS
    ]
    spec = {
        "animation": False,
        "tooltip": {"formatter": "{b}"},
        "grid": {"left": 62, "right": 8, "top": 4, "height": height},
        "xAxis": {**axis, "data": list(columns), "axisLine": {"show": False}},
        "yAxis": {**axis, "data": list(rows), "inverse": True, "axisLine": {"show": False}},
        "visualMap": {"type": "piecewise", "dimension": 2, "pieces": pieces, "show": False},
        "series": [
            {
                "type": "heatmap",
                "data": cells,
                "itemStyle": {"borderColor": "rgba(128,128,128,0.25)", "borderWidth": 1},
            }
        ],
    }
    return spec, height + 4 + 26
