"""Compare runs: what two to six of them were asked, what they stood on, and what came of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from setupdesk.app.look_again import SignalKey
from setupdesk.app.queries import Queries
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.problem import Problem
from setupdesk.core.run import RunState
from setupdesk.market.days import to_ms

Json = dict[str, Any]

FEWEST, MOST = 2, 6
MOST_TOLD = 1_000
"""Trades that differ and are listed; all are counted."""

_INTERVALS = {
    "expectancy_r": "expectancy_interval",
    "win_rate": "win_rate_interval",
}
_FIGURES = (
    *("trades", "total_r", "expectancy_r", "win_rate", "profit_factor", "max_drawdown_r"),
    *("sqn", "p_positive", "costs_r_total", "sessions", "sessions_traded"),
)
_GROUND = (
    *("bars_fingerprint", "bars_timeframe", "bars_source", "bars_clock", "fine_fingerprint"),
    *("bars", "setup_hash", "symbol_hash", "engine_version", "numpy_version", "numba_version"),
)


class TradeKey(NamedTuple):
    """What makes trades of two runs the same: one signal of one symbol, as parity has it."""

    symbol: str
    signal: SignalKey


@dataclass(frozen=True, slots=True)
class CompareRuns:
    """Put completed backtests side by side."""

    queries: Queries

    def __call__(self, run_ids: Sequence[str]) -> Json:
        """Give what differs between the runs, and what does not, each list in their order.

        Trades are paired by the close of the signal's bar, side, level and symbol. Raises
        ``InvalidRequestError`` for too few or too many of them, for a run twice, and for runs
        without statistics: those that are not completed, looks, and what is asked of a watch.
        """
        if problems := _find_wrong_count(run_ids):
            raise InvalidRequestError(problems)
        runs = [self.queries.run(run_id) for run_id in run_ids]
        if problems := [one for run in runs if (one := _find_unfit(run))]:
            raise InvalidRequestError(problems)
        reports = [self.queries.result(run_id) for run_id in run_ids]
        return {
            "runs": [_show_run(*pair) for pair in zip(runs, reports, strict=True)],
            "parameters": _lay_side_by_side([_flatten(run["request"]) for run in runs]),
            "ground": _lay_side_by_side([_find_ground(report) for report in reports]),
            "figures": _lay_figures([report["statistics"] for report in reports]),
            "equity": [report["equity"] for report in reports],
            "trades": compare_trades(
                [_key_trades(*pair) for pair in zip(runs, reports, strict=True)],
                [(run["request"]["start"], run["request"]["end"]) for run in runs],
            ),
        }


def _find_wrong_count(run_ids: Sequence[str]) -> list[Problem]:
    allowed = (f"{FEWEST} to {MOST} different runs",)
    if not FEWEST <= len(run_ids) <= MOST:
        message = f"{len(run_ids)} runs were to be compared; choose {FEWEST} to {MOST}."
        return [Problem(field="run", code="wrong_count", message=message, allowed=allowed)]
    if twice := [one for one in dict.fromkeys(run_ids) if list(run_ids).count(one) > 1]:
        message = f"{twice[0]!r:.80} was named twice; leave one of them out."
        return [Problem(field="run", code="twice", message=message, allowed=allowed)]
    return []


def _find_unfit(run: Mapping[str, Any]) -> Problem | None:
    run_id, request = run["run_id"], run["request"]
    if run["state"] != RunState.COMPLETED:
        why = f"it is {run['state']}, and has no report"
    elif request.get("watch"):
        why = "it is one of a watch"
    elif request["mode"] != "backtest":
        why = "it is one look at the market"
    else:
        return None
    message = f"{run_id} cannot be compared: {why}. Choose backtests that are completed."
    return Problem(field="run", code="not_comparable", message=message)


def _show_run(run: Mapping[str, Any], report: Mapping[str, Any]) -> Json:
    shown = ("run_id", "request", "name", "notes", "tags", "user", "door", "accepted_at")
    return {
        **{name: run[name] for name in shown},
        "verdict": report["verdict"]["code"],
        "simulated": report["simulated"],
        "zone": report["zone"],
    }


def _flatten(request: Mapping[str, Any]) -> Json:
    """Give a request with its options and params by their paths, such as ``options.rr_target``."""
    flat: Json = {}
    for name, value in request.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            flat[name] = value
    return flat


def _find_ground(report: Mapping[str, Any]) -> Json:
    made = report["provenance"]
    ground = {name: made.get(name) for name in _GROUND}
    return ground | {f"costs.{name}": value for name, value in report["costs"].items()}


def _lay_side_by_side(columns: Sequence[Mapping[str, Any]]) -> list[Json]:
    names = dict.fromkeys(name for column in columns for name in column)
    rows = ((name, [column.get(name) for column in columns]) for name in names)
    return [
        {"name": name, "values": values, "differs": any(one != values[0] for one in values[1:])}
        for name, values in rows
        if any(one is not None for one in values)
    ]


def _lay_figures(of: Sequence[Mapping[str, Any]]) -> list[Json]:
    return [
        {
            "name": name,
            "values": [one.get(name) for one in of],
            "intervals": [one.get(_INTERVALS[name]) for one in of] if name in _INTERVALS else None,
        }
        for name in _FIGURES
        if any(name in one for one in of)
    ]


def _key_trades(run: Mapping[str, Any], report: Mapping[str, Any]) -> dict[TradeKey, Json]:
    symbol = run["request"]["symbol"]
    return {TradeKey(symbol, _key_signal(one)): one for one in report["trades"]}


def _key_signal(trade: Mapping[str, Any]) -> SignalKey:
    known_ms = to_ms(datetime.fromisoformat(trade["signal_at"]))
    return SignalKey(known_ms, trade["side"], trade["level"])


def compare_trades(
    of: Sequence[Mapping[TradeKey, Json]], periods: Sequence[tuple[str, str]]
) -> Json:
    """Pair the trades of several runs, count each kind, and list those that differ, in time.

    Each is of one kind: ``same``, ``other_result`` where all have it, ``some`` where not all do,
    ``only`` where a single one does, and ``not_asked`` where no other run's period has its day.
    Who did not ask for a day is not said to lack its trades.
    """
    keys = sorted({key for trades in of for key in trades}, key=lambda key: key.signal)
    pairs = [_pair(key, [trades.get(key) for trades in of], periods) for key in keys]
    differences = [one for one in pairs if one["kind"] not in ("same", "not_asked")]
    kinds = [one["kind"] for one in pairs]
    return {
        **{kind: kinds.count(kind) for kind in ("same", "other_result", "some", "not_asked")},
        "only": [_count_only(pairs, place) for place in range(len(of))],
        "differences": differences[:MOST_TOLD],
        "differences_count": len(differences),
    }


def _pair(key: TradeKey, found: Sequence[Json | None], periods: Sequence[tuple[str, str]]) -> Json:
    first = next(one for one in found if one)
    asked = [start <= first["day"] <= end for start, end in periods]
    return {
        "kind": _find_kind([one for one in found if one], sum(asked)),
        "symbol": key.symbol,
        "side": key.signal.side,
        "level": key.signal.level,
        "signal_at": first["signal_at"],
        "signal_local": first["signal_local"],
        "asked": asked,
        "trades": [one and _show_trade(one) for one in found],
    }


def _find_kind(there: Sequence[Json], asked: int) -> str:
    if asked == 1:
        return "not_asked"
    if len(there) == 1:
        return "only"
    if len(there) < asked:
        return "some"
    return "same" if len({_find_result(one) for one in there}) == 1 else "other_result"


def _find_result(trade: Json) -> tuple[Any, ...]:
    return tuple(trade[name] for name in ("entry_at", "entry", "exit_at", "exit", "r"))


def _count_only(pairs: Sequence[Json], place: int) -> int:
    return sum(1 for one in pairs if one["kind"] == "only" and one["trades"][place])


def _show_trade(trade: Json) -> Json:
    shown = ("number", "entry_at", "entry", "exit_at", "exit", "exit_reason", "r")
    return {name: trade[name] for name in shown}
