"""What a report draws: the equity, and the expectancy of each group with its interval."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from setupdesk.doors.cli.figures import say, say_span, section
from setupdesk.words.figures import in_r

Json = Mapping[str, Any]

_CHART_ROWS = 6
_GROUPS = ("weekday", "side", "half", "size")


def draw_equity(points: Sequence[Json], columns: int) -> list[RenderableType]:
    """Draw the sum of R over the trades, *columns* wide."""
    if not points:
        return []
    totals = [0.0, *(point["r"] for point in points)]
    days = [points[0]["at"][:10], *(point["at"][:10] for point in points)]
    high, low = max(totals), min(totals)
    caption = ", ".join(
        (
            f"high {in_r(high)} {days[totals.index(high)]}",
            f"low {in_r(low)} {days[totals.index(low)]}",
            f"end {in_r(totals[-1])}",
        )
    )
    frame = f"{days[0]}{days[-1]:>{max(columns - 10, 11)}}"
    lines = _chart(_thin_out(totals, columns), high, low)
    foot = Text(f"{'':9}{frame}\n{'':9}{caption}", style="dim")
    return [*section("Equity, sum of R after each trade"), *lines, foot]


def _thin_out(totals: Sequence[float], columns: int) -> list[float]:
    # Of the trades that share a column the one farthest from zero is drawn: no peak is lost.
    edges = [column * len(totals) // columns for column in range(columns + 1)]
    spans = pairwise(edges)
    return [max(totals[first : max(stop, first + 1)], key=abs) for first, stop in spans]


def _chart(heights: Sequence[float], high: float, low: float) -> list[Text]:
    span = high - low or 1.0
    above = max(round(_CHART_ROWS * high / span), high > 0)
    below = max(round(_CHART_ROWS * -low / span), low < 0)
    unit = max(high / above if above else 0.0, -low / below if below else 0.0) or 1.0
    lines = []
    for row in range(above, 0, -1):
        label = in_r(high) if row == above else ""
        bars = "".join(" ▁▂▃▄▅▆▇█"[_fill(value / unit - row + 1, 8)] for value in heights)
        lines.append(Text.assemble((f"{label:>8} ", "dim"), (bars, "green")))
    lines.append(Text.assemble((f"{'0':>8} ", "dim"), ("─" * len(heights), "dim")))
    for row in range(1, below + 1):
        label = in_r(low) if row == below else ""
        bars = "".join(" ▀█"[_fill(-value / unit - row + 1, 2)] for value in heights)
        lines.append(Text.assemble((f"{label:>8} ", "dim"), (bars, "red")))
    return lines


def _fill(share: float, steps: int) -> int:
    return round(min(max(share, 0.0), 1.0) * steps)


def draw_breakdowns(breakdowns: Mapping[str, Sequence[Json]], width: int) -> list[RenderableType]:
    """Tell each group's trades, expectancy and interval, with a whisker for the latter."""
    groups = [breakdowns[name] for name in _GROUPS if len(breakdowns[name]) > 1 or name == "side"]
    rows = [row for group in groups for row in group]
    if not rows:
        return []
    low, high = _reach(rows)
    columns = max(11, min(width, 110) - 68)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(no_wrap=True)
    for name in ("Trades", "Expectancy", "95 % interval", "Total"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(f"{low:+.1f}{f'{high:+.1f}R':>{columns - 4}}", no_wrap=True, width=columns)
    for group in groups:
        for row in group:
            table.add_row(
                *_cells(row), _whisker(row, low, high, columns), style="dim" if row["small"] else ""
            )
        table.add_section()
    few = [Text("* few trades: read nothing into this row", style="dim")]
    small = any(row["small"] for row in rows)
    return [
        *section("By weekday, side, half and size of the session"),
        table,
        *(few if small else ()),
    ]


def _cells(row: Json) -> list[str]:
    return [
        say(row["label"]) + (" *" if row["small"] else ""),
        str(row["trades"]),
        in_r(row["expectancy_r"]),
        say_span(row["interval"]),
        in_r(row["total_r"]),
    ]


def _reach(rows: Sequence[Json]) -> tuple[float, float]:
    ends = [end for row in rows for end in (row["interval"] or (row["expectancy_r"],))]
    # One wild interval of a handful of trades must not flatten all the others.
    return max(min(*ends, -0.5), -3.0), min(max(*ends, 0.5), 3.0)


def _whisker(row: Json, low: float, high: float, columns: int) -> str:
    def place(value: float) -> int:
        return min(max(round((value - low) / (high - low) * (columns - 1)), 0), columns - 1)

    line = [" "] * columns
    if row["interval"]:
        first, last = (place(end) for end in row["interval"])
        line[first : last + 1] = "─" * (last + 1 - first)
    line[place(0.0)] = "┼" if line[place(0.0)] == "─" else "│"
    line[place(row["expectancy_r"])] = "●"
    return "".join(line)
