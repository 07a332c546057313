"""The report of a run: the one JSON shape that is stored and that every door shows.

All sentences about a result are made here, so every door says the same and another language
needs one place. Times are ISO 8601 in UTC; prices have the decimals of the symbol's tick.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from setupdesk.engine.result import Candidate, Result, SessionLevels, Trade
from setupdesk.engine.statistics import MIN_TRADES, Cell, EquityPoint, Statistics

TRADED = "traded"

SMALL_CELL = 20
"""A row of a breakdown with fewer trades is shown in grey."""

EXPECTATION = (
    "A setup is a hypothesis. Of 14 published families of price-only rules, among them opening "
    "ranges, gaps and liquidity grabs, none kept a profit after costs on 947 days of index "
    "futures (Mesfin 2026, arXiv 2605.04004)."
)

_REASONS = {
    "no_bars": "The session has no bars.",
    "too_early": "The bars end before the levels of the session are known.",
    "data_gap": "Bars are missing, so its levels cannot be trusted.",
    "no_atr": "There was not enough history to measure the ATR.",
    "filtered": "A filter of the setup was not met.",
    "outside_window": "It came outside the hours in which the setup trades.",
    "both_sides": "Both sides triggered at once, so there was no side to take.",
    "in_position": "Another trade was still open.",
    "session_limit": "The session had its number of trades already.",
    "side_limit": "The session had its trades on this side already.",
    "run_limit": "The run had its total number of trades already.",
    "no_next_bar": "No bar followed at which it could be entered.",
    "stop_crossed": "The price had passed the stop before the entry.",
    "target_crossed": "The price had reached the target before the entry.",
    "rr_below_min": "Reward to risk was below the least that the setup accepts.",
}
"""Why sessions were skipped and candidates refused, in the order in which a setup asks."""

_LABELS = {
    "weekday": dict(
        zip("1234567", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True),
    ),
    "side": {"long": "Long", "short": "Short"},
}
_APART = ("verdict", "breakdowns", "equity")
_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (Statistics, Cell, EquityPoint, Trade, Candidate, SessionLevels)
}
_PRICES = ("entry", "stop", "target", "exit", "risk", "level_price", "extreme")


def build_report(result: Result, statistics: Statistics, *, tick: float) -> dict[str, Any]:
    """Give what is stored of a run: plain JSON, without nan and infinity."""
    decimals = _decimals(tick)
    return {
        "verdict": _verdict(statistics),
        "statistics": _figures(statistics),
        "notes": _notes(statistics),
        "breakdowns": {
            name: [_row(name, cell) for cell in cells]
            for name, cells in statistics.breakdowns.items()
        },
        "equity": [_plain(point) for point in statistics.equity],
        "funnel": _funnel(result),
        "trades": [_plain(trade, decimals) for trade in result.trades],
        "candidates": [_plain(candidate, decimals) for candidate in result.candidates],
        "sessions": [_session(session, decimals) for session in result.sessions],
    }


def _verdict(statistics: Statistics) -> dict[str, str]:
    return {
        "code": statistics.verdict,
        "sentence": _judgement(statistics),
        "sample_size": _sample_size(statistics),
        "expectation": EXPECTATION,
    }


def _judgement(statistics: Statistics) -> str:
    trades, mean = _count(statistics.trades, "trade"), _r(statistics.expectancy_r)
    span = _span(statistics)
    match statistics.verdict:
        case "no_trades":
            return f"The setup found no trade in {_count(statistics.sessions, 'session')}."
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


def _span(statistics: Statistics) -> str:
    low, high = statistics.expectancy_interval or (None, None)
    return f"{_r(low)} to {_r(high)}"


def _sample_size(statistics: Statistics) -> str:
    if not statistics.trades:
        return "There is nothing to average."
    half, needed = statistics.half_width_r, statistics.trades_needed
    if half is None or needed is None:
        return "The uncertainty of the average cannot be estimated from these trades."
    have = _count(statistics.trades, "trade")
    many = f"about {needed:,}" if needed <= 100_000 else "more than 100,000"
    mean = _r(statistics.expectancy_r)
    return (
        f"With {have} the average is known to within {half:.2f}R. "
        f"Telling an average of {mean} from zero takes {many} trades."
    )


def _notes(statistics: Statistics) -> list[str]:
    notes = []
    if statistics.ambiguous:
        touched = f"{statistics.ambiguous} of {_count(statistics.trades, 'trade')}"
        notes.append(f"{touched} met stop and target in the same bar; counted as stopped.")
    if statistics.trades and not statistics.costs_r_total:
        notes.append("No costs were charged: the result is better than any market would give.")
    return notes


def _figures(statistics: Statistics) -> dict[str, Any]:
    why = "no losing trade" if statistics.trades else "no trade"
    return {
        name: _value(getattr(statistics, name))
        for name in _FIELDS[Statistics]
        if name not in _APART
    } | {"profit_factor_note": why if statistics.profit_factor is None else None}


def _row(name: str, cell: Cell) -> dict[str, Any]:
    label = f"{cell.key}:00" if name == "hour" else _LABELS.get(name, {}).get(cell.key, cell.key)
    return _plain(cell) | {"label": label, "small": cell.trades < SMALL_CELL}


def _funnel(result: Result) -> dict[str, Any]:
    skipped = _tally(session.skipped for session in result.sessions if session.skipped)
    verdicts = _tally(candidate.verdict for candidate in result.candidates)
    examples = {one.verdict: one.detail for one in reversed(result.candidates)}
    refused = {code: count for code, count in verdicts.items() if code != TRADED}
    return {
        "sessions": len(result.sessions),
        "skipped": skipped,
        "candidates": len(result.candidates),
        "verdicts": verdicts,
        "reasons": [_reason(code, count, "session", "") for code, count in skipped.items()]
        + [_reason(code, count, "candidate", examples[code]) for code, count in refused.items()],
    }


def _tally(codes: Iterable[str]) -> dict[str, int]:
    # The order in which a setup asks, unknown reasons after it, what was traded last.
    asked = list(_REASONS)
    counts = Counter(codes)
    order = {code: asked.index(code) if code in asked else len(asked) for code in counts}
    return {code: counts[code] for code in sorted(counts, key=lambda c: (c == TRADED, order[c]))}


def _reason(code: str, count: int, of: str, example: str) -> dict[str, Any]:
    sentence = _REASONS.get(code, f"{code.replace('_', ' ').capitalize()}.")
    return {"code": code, "of": of, "count": count, "sentence": sentence, "example": example}


def _session(session: SessionLevels, decimals: int) -> dict[str, Any]:
    levels = {name: _number(value, decimals) for name, value in session.levels.items()}
    return _plain(session) | {"levels": levels}


def _plain(thing: Any, decimals: int = 6) -> dict[str, Any]:
    return {
        name: _value(getattr(thing, name), decimals if name in _PRICES else 6)
        for name in _FIELDS[type(thing)]
    }


def _value(value: Any, decimals: int = 6) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return _number(plain, decimals)
    write = _WRITERS.get(type(plain))
    return write(plain) if write else plain


def _number(value: float, decimals: int) -> float | None:
    # The sum turns -0.0 into 0.0.
    return round(float(value), decimals) + 0.0 if math.isfinite(value) else None


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _list(values: Iterable[Any]) -> list[Any]:
    return [_value(value) for value in values]


def _mapping(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _value(value) for key, value in values.items()}


_WRITERS: dict[type, Callable[[Any], Any]] = {
    datetime: _instant,
    date: date.isoformat,
    tuple: _list,
    list: _list,
    dict: _mapping,
}


def _decimals(tick: float) -> int:
    exponent = Decimal(repr(tick)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _r(value: float | None) -> str:
    # What rounds to zero has no sign.
    return "--" if value is None else f"{round(value, 2) or 0:+.2f}R".replace("+0.00", "0.00")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
