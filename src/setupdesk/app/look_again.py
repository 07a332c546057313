"""Look again: what a setup of a watch decides on given bars, by the very kernel of the watch."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from setupdesk.app.live_watch import NO_SIGNAL, stand_still
from setupdesk.app.ports import Calendar
from setupdesk.app.scope import LIVE_DAYS, find_earlier, find_warm_up
from setupdesk.core.symbol import Symbol
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.costs import Means
from setupdesk.market.bars import Bars
from setupdesk.market.days import day_of, midnight_ms
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup

_DAY = timedelta(days=1)


class SignalKey(NamedTuple):
    """What makes two signals of one look the same."""

    known_ms: int
    """Close of the bar at which it became known, UTC milliseconds."""

    side: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """One setup on one symbol, as a watch looks at it."""

    setup: Setup
    symbol: Symbol
    means: Means
    calendar: Calendar
    live_warm_up: timedelta
    """The longest of all setups of the watch: so much live has before its days."""

    def backtest(self, stored: Bars, first_ms: int, stop_ms: int) -> dict[SignalKey, float]:
        """Give the signals of the bars that open in ``[first_ms, stop_ms)``, and their levels."""
        sessions = self._find_sessions(first_ms, stop_ms)
        if not sessions:
            return {}
        begin = sessions[0].day - find_warm_up(self.setup, self.symbol)
        end = midnight_ms(sessions[-1].day + _DAY, self.symbol.zone)
        bars = stored.between(midnight_ms(begin, self.symbol.zone), max(end, stop_ms))
        found = self._run(bars, sessions)
        size = stored.timeframe.milliseconds
        return {key: at for key, at in found.items() if first_ms <= key.known_ms - size < stop_ms}

    def decides(self, bars: Bars, key: SignalKey) -> bool:
        """Say whether a poll that sees *bars*, as far back as live does, gives this signal."""
        size, zone = bars.timeframe.milliseconds, self.symbol.zone
        sessions = self._find_sessions(key.known_ms - size, key.known_ms)
        begin = day_of(key.known_ms, zone) - timedelta(days=LIVE_DAYS) - self.live_warm_up
        seen = bars.between(midnight_ms(begin, zone), key.known_ms)
        return bool(sessions) and len(seen) > 0 and key in self._run(seen, sessions)

    def find_ground_ms(self, key: SignalKey) -> int:
        """Give since when there are bars that the levels of a signal stand on, UTC milliseconds.

        They are those of its session so far, of the time before it opened, and of the sessions
        on which the setup looks back.
        """
        back = self.setup.previous_sessions + 1
        day = day_of(key.known_ms, self.symbol.zone)
        first = day - timedelta(days=2 * back + 14)
        held = self.calendar.sessions(self.symbol, first, day + _DAY)
        over = [one.closes_ms for one in held if one.closes_ms < key.known_ms]
        return over[-back] if len(over) >= back else 0

    def _find_sessions(self, first_ms: int, stop_ms: int) -> tuple[Session, ...]:
        zone = self.symbol.zone
        first, last = day_of(first_ms, zone) - _DAY, day_of(stop_ms, zone) + _DAY
        return tuple(self.calendar.sessions(self.symbol, first, last))

    def _run(self, bars: Bars, sessions: tuple[Session, ...]) -> dict[SignalKey, float]:
        if not len(bars):
            return {}
        earlier = find_earlier(self.setup, self.symbol, self.calendar, sessions[0].day)
        result = run_setup(
            self.setup,
            self.symbol,
            stand_still(bars),
            sessions,
            earlier=earlier,
            means=self.means,
        )
        found = result.candidates
        if not len(found):
            return {}
        by_close = np.flatnonzero(found.known_ms <= bars.end_ms).tolist()
        rows = [row for row in by_close if found.verdict[row] not in NO_SIGNAL]
        return {
            SignalKey(int(found.known_ms[row]), found[row].side, found.level[row]): float(
                found.level_price[row]
            )
            for row in rows
        }
