"""Explain: why a candidate was not traded, in a sentence with its values."""

from collections.abc import Callable
from dataclasses import dataclass

from setupdesk.engine import fills
from setupdesk.engine.compile import Compiled
from setupdesk.engine.fills import Caps, Orders, TickCosts
from setupdesk.engine.orders import find_rr
from setupdesk.engine.prices import to_points
from setupdesk.engine.signals import Signals
from setupdesk.market.bars import Bars, Ints
from setupdesk.setups.definition import Setup

VERDICTS = {
    fills.TRADED: "traded",
    fills.FILTERED: "filtered",
    fills.OUTSIDE_WINDOW: "outside_window",
    fills.DATA_GAP: "data_gap",
    fills.BOTH_SIDES: "both_sides",
    fills.IN_POSITION: "in_position",
    fills.SESSION_LIMIT: "session_limit",
    fills.SIDE_LIMIT: "side_limit",
    fills.RUN_LIMIT: "run_limit",
    fills.NO_NEXT_BAR: "no_next_bar",
    fills.STOP_CROSSED: "stop_crossed",
    fills.TARGET_CROSSED: "target_crossed",
    fills.RR_BELOW_MIN: "rr_below_min",
}
"""The words of the codes."""


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """All that a run has found, with a row for each candidate."""

    setup: Setup
    compiled: Compiled
    bars: Bars
    signals: Signals
    orders: Orders
    costs: TickCosts
    caps: Caps
    verdicts: Ints
    outcomes: Ints

    def explain(self, row: int) -> str:
        """Say why candidate *row* was not traded; nothing if it was."""
        verdict = int(self.verdicts[row])
        return "" if verdict == fills.TRADED else _SENTENCES[verdict](self, row)

    def _filtered(self, row: int) -> str:
        condition = self.setup.filters[self.signals.failed[row]]
        values = (
            f"{name} {self.signals.environment[name][row]:.10g}" for name in sorted(condition.names)
        )
        return f"{condition.text} is not so: {', '.join(values)}"

    def _outside_window(self, row: int) -> str:
        session = self.signals.session[row]
        starts, ends = self.compiled.window
        closed = self.bars.time[self.signals.known[row]] + self.bars.timeframe.milliseconds
        at, start, end = (
            self._clock(one, session) for one in (closed, starts[session], ends[session])
        )
        return f"known at {at}, the window is {start} to {end}"

    def _data_gap(self, row: int) -> str:
        session = self.signals.session[row]
        here = self.signals.known[row] + 1 - self.compiled.first[session]
        return f"only {here} bars of the session so far, fewer than 80 %"

    def _both_sides(self, _: int) -> str:
        return "both sides were swept in the same bar"

    def _in_position(self, _: int) -> str:
        return "a trade was open"

    def _session_limit(self, _: int) -> str:
        return f"the session had its trades: {self.caps.per_session}"

    def _side_limit(self, row: int) -> str:
        side = "long" if self.signals.side[row] > 0 else "short"
        return f"the session had its {side} trades: {self.caps.per_side}"

    def _run_limit(self, _: int) -> str:
        return f"the run had its trades: {self.caps.in_all}"

    def _no_next_bar(self, _: int) -> str:
        return "no bar follows in which a trade could be entered"

    def _stop_crossed(self, row: int) -> str:
        entry, stop = self._price(row, "entry"), self._price(row, "stop")
        return f"at the entry {entry} the stop {stop} was crossed"

    def _target_crossed(self, row: int) -> str:
        entry, target = self._price(row, "entry"), self._price(row, "target")
        return f"the entry {entry} was beyond the target {target}"

    def _rr_below_min(self, row: int) -> str:
        one = slice(row, row + 1)
        rr = find_rr(self.orders.entry[one], self.orders.stop[one], self.orders.target[one])[0]
        return f"RR {rr:.4g} is below {self.setup.min_rr:g}"

    def _price(self, row: int, field: str) -> str:
        ticks = getattr(self.orders, field)[row]
        return f"{to_points(ticks, self.bars.tick):.10g}"

    def _clock(self, instant_ms: int, session: int) -> str:
        minute = int(instant_ms + self.compiled.offsets[session]) // 60_000 % 1440
        return f"{minute // 60:02}:{minute % 60:02}"


_SENTENCES: dict[int, Callable[[Story, int], str]] = {
    code: getattr(Story, f"_{word}") for code, word in VERDICTS.items() if code != fills.TRADED
}
