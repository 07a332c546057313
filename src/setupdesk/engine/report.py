"""The report of a run: the one JSON shape that is stored and that every door shows.

All sentences about a result are made here and in ``notes`` and ``funnel``, so every door says
the same and another language needs one place. Times are ISO 8601, in UTC and where it helps in
the market's zone; prices have the decimals of the symbol's tick.
"""

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from setupdesk.engine.breakdowns import UNKNOWN, Breakdowns, Cell
from setupdesk.engine.funnel import WHY_SKIPPED, build_funnel
from setupdesk.engine.notes import write_notes
from setupdesk.engine.plain import count_decimals, make_rows, plain, write_numbers, write_utc
from setupdesk.engine.records import list_candidates, list_sessions, list_trades
from setupdesk.engine.result import Result
from setupdesk.engine.statistics import MIN_TRADES, Equity, Statistics
from setupdesk.engine.words import say_count
from setupdesk.words.figures import in_r

SMALL_CELL = 20
"""A row of a breakdown with fewer trades is shown in grey."""

EXPECTATION = (
    "A setup is a hypothesis. Of 14 published families of price-only rules, among them opening "
    "ranges, gaps and liquidity grabs, none kept a profit after costs on 947 days of index "
    "futures (Mesfin 2026, arXiv 2605.04004)."
)

_LABELS = {
    "weekday": dict(
        zip("1234567", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True),
    ),
    "side": {"long": "Long", "short": "Short"},
    "half": {"1": "First half", "2": "Second half"},
}


def build_report(
    result: Result, statistics: Statistics, *, tick: float, zone: str
) -> dict[str, Any]:
    """Give what is stored of a run: plain JSON; local times are times of *zone*."""
    decimals = count_decimals(tick)
    return {
        "zone": zone,
        "verdict": _describe_verdict(statistics, result),
        "statistics": _list_figures(statistics),
        "notes": [asdict(note) for note in write_notes(statistics)],
        "breakdowns": _list_cells(statistics.breakdowns),
        "equity": _list_points(statistics.equity),
        "funnel": build_funnel(result),
        "trades": list_trades(result.trades, decimals, zone),
        "candidates": list_candidates(result.candidates, decimals, zone),
        "sessions": list_sessions(result.sessions, decimals),
    }


def _describe_verdict(statistics: Statistics, result: Result) -> dict[str, str]:
    return {
        "code": statistics.verdict,
        "sentence": _write_none_judged(result) or _write_judgement(statistics),
        "sample_size": _write_sample_size(statistics),
        "expectation": EXPECTATION,
    }


def _write_none_judged(result: Result) -> str | None:
    reasons = Counter(reason for reason in result.sessions.skipped if reason)
    if not reasons or reasons.total() < len(result.sessions):
        return None
    (reason, _), *others = reasons.most_common()
    more = f" in most of them: {WHY_SKIPPED[reason]}" if others else f": {WHY_SKIPPED[reason]}"
    return f"None of {say_count(len(result.sessions), 'session')} could be judged{more}"


def _write_judgement(statistics: Statistics) -> str:
    trades = say_count(statistics.outcomes.trades, "trade")
    mean, span = in_r(statistics.expectancy.expectancy_r), _write_span(statistics)
    match statistics.verdict:
        case "no_trades":
            return f"The setup found no trade in {say_count(statistics.sessions, 'session')}."
        case "too_few":
            return f"Too few to judge: {trades}. Below {MIN_TRADES} an average says little."
        case "positive":
            return (
                f"Above zero: {trades} averaged {mean}, and the 95 % interval, {span}, "
                "lies above zero in this period, after costs."
            )
        case "negative":
            return (
                f"Below zero: {trades} averaged {mean}, and the 95 % interval, {span}, "
                "lies below zero. The setup lost money in this period."
            )
        case _:
            return (
                f"Not proven: {trades} averaged {mean}, and the 95 % interval, {span}, "
                "includes zero. This may be luck."
            )


def _write_span(statistics: Statistics) -> str:
    low, high = statistics.expectancy.expectancy_interval or (None, None)
    return f"{in_r(low)} to {in_r(high)}"


def _write_sample_size(statistics: Statistics) -> str:
    if not statistics.outcomes.trades:
        return "There is nothing to average."
    half, needed = statistics.expectancy.half_width_r, statistics.expectancy.trades_needed
    if half is None or needed is None:
        return "The uncertainty of the average cannot be estimated from these trades."
    have = say_count(statistics.outcomes.trades, "trade")
    many = f"about {needed:,}" if needed <= 100_000 else "more than 100,000"
    mean = in_r(statistics.expectancy.expectancy_r)
    return (
        f"With {have} the average is known to within {half:.2f}R. "
        f"Telling an average of {mean} from zero takes {many} trades."
    )


def _list_figures(statistics: Statistics) -> dict[str, Any]:
    outcomes = statistics.outcomes
    parts = (
        outcomes,
        statistics.expectancy,
        statistics.drawdowns,
        statistics.yearly,
        statistics.luck,
        statistics.excursions,
    )
    why = "no losing trade" if outcomes.trades else "no trade"
    figures = {
        "sessions": statistics.sessions,
        "sessions_traded": statistics.sessions_traded,
        "exposure": statistics.exposure,
        **{name: value for part in parts for name, value in asdict(part).items()},
        "profit_factor_note": why if outcomes.profit_factor is None else None,
        "dearer": statistics.dearer and asdict(statistics.dearer),
    }
    return {name: plain(value) for name, value in figures.items()}


def _list_cells(breakdowns: Breakdowns) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [_describe_cell(breakdowns, name, cell) for cell in cells]
        for name, cells in breakdowns.cells.items()
    }


def _describe_cell(breakdowns: Breakdowns, name: str, cell: Cell) -> dict[str, Any]:
    label = _write_label(breakdowns, name, cell.key)
    return plain(asdict(cell)) | {"label": label, "small": cell.trades < SMALL_CELL}


def _write_label(breakdowns: Breakdowns, name: str, key: str) -> str:
    match name:
        case "hour":
            return f"{key}:00"
        case "size":
            return _write_size(breakdowns, key)
        case _:
            return _LABELS.get(name, {}).get(key, key)


def _write_size(breakdowns: Breakdowns, key: str) -> str:
    if key == UNKNOWN or breakdowns.size_edges is None:
        return "Size unknown"
    low, middle, high = (
        np.format_float_positional(edge, precision=3, fractional=False, trim="-")
        for edge in breakdowns.size_edges
    )
    labels = {"1": f"Q1, to {low}", "2": f"Q2, to {middle}", "3": f"Q3, to {high}"}
    return labels.get(key, "Q4, above")


def _list_points(equity: Equity) -> list[dict[str, Any]]:
    return make_rows(
        {
            "trade": equity.trade.tolist(),
            "at": write_utc(equity.at_ms),
            "r": write_numbers(equity.r),
        }
    )
