"""The live view: what one setup decides on the bars up to now, by the kernel of the backtest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from setupdesk.app.live_scan import describe_state, find_edges, to_local
from setupdesk.app.plan import Plan
from setupdesk.app.watch_book import OpenAlert
from setupdesk.core.alert import Outcome
from setupdesk.core.period import to_iso
from setupdesk.core.request import Options
from setupdesk.core.watch import AlertKind
from setupdesk.engine.prices import to_points
from setupdesk.engine.result import Candidate, Result, SessionLevels
from setupdesk.market.bars import Bars
from setupdesk.market.days import from_ms, to_ms

NO_SIGNAL = frozenset({"filtered", "outside_window", "data_gap", "both_sides"})
"""Verdicts on candidates that are no signals: what they say was known at the bar's close."""

TRADED_SO_FAR = frozenset({"traded", "pending", "not_reached", "oco_cancelled"})
"""Verdicts on signals that a rule trades, or has an order wait for."""


@dataclass(frozen=True, slots=True)
class View:
    """A Plan up to the last closed bar, and its Result with one bar more that stands still."""

    plan: Plan
    result: Result
    close_ms: int

    def find_signals(self, since_ms: int) -> list[int]:
        """Find the rows of the signals that became known after *since_ms*."""
        found = self.result.candidates
        if not len(found):
            return []
        new = (found.known_ms > since_ms) & (found.known_ms <= self.close_ms)
        return [row for row in np.flatnonzero(new).tolist() if found.verdict[row] not in NO_SIGNAL]

    def tell(self, row: int) -> dict[str, Any]:
        """Give what an alert says of a signal."""
        found, plan = self.result.candidates, self.plan
        candidate, ticket = found[row], found.ticket(row)
        return {
            "sentence": _tell(candidate, ticket.entry if ticket else None, plan.symbol.zone),
            "options": {**plan.request.extra, **_list_options(plan.request.options)},
            "verdict": candidate.verdict,
            "detail": candidate.detail,
            "level_price": candidate.level_price,
            "price": _find_price(plan.bars),
            "entry": ticket and ticket.entry,
            "stop": ticket and ticket.stop,
            "target": ticket and ticket.target,
            "rr": ticket and ticket.rr,
            "known_at": to_iso(candidate.known_at),
            "known_local": to_local(candidate.known_at, plan.symbol.zone),
            "zone": plan.symbol.zone,
            "evidence": [
                {"name": one.name, "text": one.text, "met": one.met} for one in found.evidence(row)
            ],
        }

    def find_outcomes(self, waiting: Sequence[OpenAlert]) -> list[Outcome]:
        """Find what became of the signals of earlier alerts, as far as that is final."""
        return [one for alert in waiting if (one := self._find_outcome(alert))]

    def _find_outcome(self, alert: OpenAlert) -> Outcome | None:
        found, size = self.result.candidates, self.plan.request.timeframe.milliseconds
        known_ms = to_ms(alert.bar_at) + size
        rows = np.flatnonzero(found.known_ms == known_ms).tolist() if len(found) else []
        same = [
            row for row in rows if found.level[row] == alert.level and found[row].side == alert.side
        ]
        if not same:
            return None
        verdict = found.verdict[same[0]]
        if verdict == "traded":
            said = self._tell_trade(same[0])
            return Outcome(alert.alert_id, said) if said else None
        if verdict == "pending" or known_ms >= self.close_ms:
            return None
        return Outcome(alert.alert_id, {"verdict": verdict, "detail": found.explain(same[0])})

    def _tell_trade(self, row: int) -> dict[str, Any] | None:
        [place] = np.flatnonzero(self.result.trades.candidate == row).tolist()
        trade = self.result.trades[place]
        # One that is held at the last close is ended by the bar that stands still.
        if to_ms(trade.exit_at) > self.close_ms or to_ms(trade.entry_at) >= self.close_ms:
            return None
        return {
            "verdict": "traded",
            "exit_reason": trade.exit_reason,
            "r": trade.r,
            "entry": trade.entry,
            "entry_at": to_iso(trade.entry_at),
            "exit": trade.exit,
            "exit_at": to_iso(trade.exit_at),
            "mfe_r": trade.mfe_r,
            "mae_r": trade.mae_r,
        }

    def describe(self) -> dict[str, Any]:
        """Say where the setup stands at the last close."""
        plan, session = self.plan, self._find_session()
        as_of = from_ms(self.close_ms)
        edges = find_edges(plan, session)
        of_day = [one for one in self._load_known() if one.day == session.day]
        state, sentence = describe_state(session, of_day[-1] if of_day else None, edges)
        return {
            "as_of": to_iso(as_of),
            "as_of_local": to_local(as_of, plan.symbol.zone),
            "day": session.day.isoformat(),
            "state": state,
            "sentence": sentence,
            "price": _find_price(plan.bars),
            "levels": session.levels,
            "bars_from": to_iso(from_ms(int(plan.bars.time[0]))),
        }

    def _find_session(self) -> SessionLevels:
        """Find the session that goes on, or the coming one once its levels are known."""
        sessions, as_of = self.result.sessions, from_ms(self.close_ms)
        coming = self.plan.sessions[-1].opens_ms >= self.close_ms
        newest = sessions[-1]
        is_known = newest.known_at is not None and newest.known_at <= as_of
        if coming and not is_known and len(sessions) > 1:
            newest = sessions[-2]
            is_known = newest.known_at is not None and newest.known_at <= as_of
        return newest if is_known else replace(newest, known_at=None, levels={})

    def _load_known(self) -> Iterable[Candidate]:
        found = self.result.candidates
        if not len(found):
            return []
        return [found[row] for row in np.flatnonzero(found.known_ms <= self.close_ms)[-1:].tolist()]


def stand_still(bars: Bars) -> Bars:
    """Give *bars* with one more that opens at the last close and stands there.

    What triggers at the last close is then priced and judged as if it were traded now.
    """
    close, volume = bars.close[-1], np.nan if np.isnan(bars.volume[-1]) else 0.0
    prices = (np.append(one, close) for one in (bars.open, bars.high, bars.low, bars.close))
    times, volumes = np.append(bars.time, bars.end_ms), np.append(bars.volume, volume)
    columns = (times, *prices, volumes)
    return Bars(bars.timeframe, bars.tick, *columns)


def _list_options(options: Options) -> dict[str, Any]:
    chosen = {"max_trades": options.max_trades, "rr_target": options.rr_target}
    return {name: value for name, value in chosen.items() if value is not None}


def _find_price(bars: Bars) -> float:
    return float(to_points(bars.close[-1:], bars.tick)[0])


def find_kind(candidate: Candidate) -> AlertKind:
    """Say whether a signal is one that its rule trades."""
    return AlertKind.SIGNAL if candidate.verdict in TRADED_SO_FAR else AlertKind.FURTHER


def _tell(candidate: Candidate, entry: float | None, zone: str) -> str:
    local = to_local(candidate.known_at, zone)
    at = f"{local[:10]} {local[11:16]} {zone}"
    what = f"{candidate.side} at {candidate.level} {candidate.level_price:.10g}, {at}"
    if candidate.verdict not in TRADED_SO_FAR:
        return f"{what}; not traded: {candidate.detail}."
    return f"{what}, entry near {entry:.10g}." if entry is not None else f"{what}."
