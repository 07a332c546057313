"""Records: the trades, candidates and sessions of a run as rows of its report."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from setupdesk.engine.plain import make_rows, plain, write_local, write_numbers, write_utc
from setupdesk.engine.result import EXIT_REASONS, Candidates, Sessions, Trades, name_side
from setupdesk.market.bars import Ints

Row = dict[str, Any]

_MOMENTS = ("signal", "entry", "exit")
_PRICES = ("entry", "stop", "target", "exit", "risk")
_FIGURES = ("lots", "r", "r_pessimistic", "r_optimistic", "costs_r", "mae_r", "mfe_r")


def list_trades(trades: Trades, decimals: int, zone: str) -> list[Row]:
    """Give a row for each trade; its times in UTC and in *zone*."""
    times = {name: getattr(trades, f"{name}_ms") for name in _MOMENTS}
    return make_rows(
        {
            "number": range(1, len(trades) + 1),
            "day": _write_days(trades.days, trades.session),
            "side": _name_sides(trades.side),
            "level": trades.level,
            **{f"{name}_at": write_utc(instants) for name, instants in times.items()},
            **{f"{name}_local": write_local(instants, zone) for name, instants in times.items()},
            **{name: write_numbers(getattr(trades, name), decimals) for name in _PRICES},
            **{name: write_numbers(getattr(trades, name)) for name in _FIGURES},
            "exit_reason": [EXIT_REASONS[code] for code in trades.reason.tolist()],
            "ambiguous": trades.ambiguous.tolist(),
            "resolved": trades.resolved.tolist(),
            "bars_held": trades.bars_held.tolist(),
            "candidate": (trades.candidate + 1).tolist(),
        }
    )


def list_candidates(candidates: Candidates, decimals: int, zone: str) -> list[Row]:
    """Give a row for each candidate, with all that was asked of it."""
    rows = range(len(candidates))
    return make_rows(
        {
            "number": range(1, len(candidates) + 1),
            "day": _write_days(candidates.days, candidates.session),
            "side": _name_sides(candidates.side),
            "level": candidates.level,
            "level_price": write_numbers(candidates.level_price, decimals),
            "started_at": write_utc(candidates.started_ms),
            "known_at": write_utc(candidates.known_ms),
            "known_local": write_local(candidates.known_ms, zone),
            "extreme": write_numbers(candidates.extreme, decimals),
            "verdict": candidates.verdict,
            "detail": [candidates.explain(row) for row in rows],
            "evidence": [_list_evidence(candidates, row) for row in rows],
        }
    )


def list_sessions(sessions: Sessions, decimals: int) -> list[Row]:
    """Give a row for each session: its levels, or why it was skipped."""
    levels = {name: write_numbers(column, decimals) for name, column in sessions.levels.items()}
    known = zip(sessions.known_ms.tolist(), write_utc(sessions.known_ms), strict=True)
    return make_rows(
        {
            "day": [day.isoformat() for day in sessions.days],
            "skipped": sessions.skipped,
            "levels": make_rows(levels) if levels else [{} for _ in sessions.days],
            "known_at": [None if at_ms < 0 else text for at_ms, text in known],
            "size": write_numbers(sessions.size),
        }
    )


def _list_evidence(candidates: Candidates, row: int) -> list[Row]:
    return [
        {"name": one.name, "text": one.text, "at": plain(one.at), "met": one.met}
        for one in candidates.evidence(row)
    ]


def _write_days(days: Sequence[date], session: Ints) -> list[str]:
    return [days[row].isoformat() for row in session.tolist()]


def _name_sides(side: Ints) -> list[str]:
    return [name_side(one) for one in side.tolist()]
