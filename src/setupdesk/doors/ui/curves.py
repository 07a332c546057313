"""The curves of a result: the sum of R after each trade, and how far below its high."""

from typing import Any

import streamlit as st

from setupdesk.doors.ui.offer import Json
from setupdesk.doors.ui.speech import say

DAYS = {
    "type": "time",
    "axisLabel": {
        "hideOverlap": True,
        "formatter": {
            "year": "{yyyy}",
            "month": "{yyyy}-{MM}",
            "day": "{MM}-{dd}",
            "hour": "{HH}:{mm}",
            "minute": "{HH}:{mm}",
        },
    },
}
"""An axis of days, which names no month in a language of its own."""


def show_curves(equity: list[Json]) -> None:
    """Draw equity and drawdown over one axis of days."""
    if not equity:
        return
    st.subheader(say("Equity and drawdown, in R"))
    st.echarts_chart(
        build_curves(equity),
        height=340,
        key="curves",
        alt=say("The sum of R after each trade, and below it how far it is under its high."),
    )


def build_curves(equity: list[Json]) -> Any:
    """Build what ECharts draws."""
    grids = [{"left": 52, "right": 16, "top": 16, "height": 190}]
    grids += [{"left": 52, "right": 16, "top": 228, "height": 74}]
    return {
        "animation": False,
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "cross"}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "grid": grids,
        "xAxis": [
            {**DAYS, "gridIndex": 0, "axisLabel": {"show": False}},
            {**DAYS, "gridIndex": 1},
        ],
        "yAxis": [{"type": "value", "gridIndex": 0}, {"type": "value", "gridIndex": 1}],
        "series": [
            _build_line(say("Equity, R"), [(one["at"], one["r"]) for one in equity], 0),
            {
                **_build_line(
                    say("Drawdown, R"), [(one["at"], -one["drawdown_r"]) for one in equity], 1
                ),
                "areaStyle": {"opacity": 0.25},
                "color": "#d1495b",
            },
        ],
    }


def _build_line(title: str, points: list[tuple[str, float]], axis: int) -> dict[str, Any]:
    return {
        "name": title,
        "type": "line",
        "step": "end",
        "showSymbol": False,
        "xAxisIndex": axis,
        "yAxisIndex": axis,
        "data": [[at, round(value, 3)] for at, value in points],
    }
