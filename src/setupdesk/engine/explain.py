"""Explain: why a candidate was not traded, in a sentence with its values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from setupdesk.engine import tickets
from setupdesk.engine.compile import Compiled
from setupdesk.engine.orders import find_rr
from setupdesk.engine.prices import to_points
from setupdesk.engine.result import TRADED, Condition, Ticket, moment, name_side
from setupdesk.engine.signals import Signals
from setupdesk.engine.tickets import Account, Caps, Exits, Market, Orders
from setupdesk.market.bars import Bars, Ints
from setupdesk.setups.definition import Setup

VERDICTS = {
    tickets.TRADED: TRADED,
    tickets.FILTERED: "filtered",
    tickets.OUTSIDE_WINDOW: "outside_window",
    tickets.DATA_GAP: "data_gap",
    tickets.BOTH_SIDES: "both_sides",
    tickets.IN_POSITION: "in_position",
    tickets.SESSION_LIMIT: "session_limit",
    tickets.SIDE_LIMIT: "side_limit",
    tickets.RUN_LIMIT: "run_limit",
    tickets.NO_NEXT_BAR: "no_next_bar",
    tickets.STOP_CROSSED: "stop_crossed",
    tickets.TARGET_CROSSED: "target_crossed",
    tickets.RR_BELOW_MIN: "rr_below_min",
    tickets.SIZE_BELOW_MIN: "size_below_min",
    tickets.NOT_REACHED: "not_reached",
    tickets.PENDING: "pending",
    tickets.OCO_CANCELLED: "oco_cancelled",
    tickets.LEVEL_UNKNOWN: "level_unknown",
}
"""The words of the codes."""

_LIMITS = (tickets.IN_POSITION, tickets.SESSION_LIMIT, tickets.SIDE_LIMIT, tickets.RUN_LIMIT)
_UNFILLED = (tickets.NO_NEXT_BAR, tickets.NOT_REACHED, tickets.PENDING, tickets.OCO_CANCELLED)
_PRICES = (
    tickets.LEVEL_UNKNOWN,
    tickets.STOP_CROSSED,
    tickets.TARGET_CROSSED,
    tickets.RR_BELOW_MIN,
)


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """All that a run has found, with a row for each candidate."""

    setup: Setup
    compiled: Compiled
    bars: Bars
    signals: Signals
    orders: Orders
    market: Market
    caps: Caps
    account: Account
    verdicts: Ints
    exits: Exits

    def explain(self, row: int) -> str:
        """Say why candidate *row* was not traded; nothing if it was."""
        verdict = int(self.verdicts[row])
        return "" if verdict == tickets.TRADED else _SENTENCES[verdict](self, row)

    def give_evidence(self, row: int) -> tuple[Condition, ...]:
        """Give all that was asked of candidate *row*, up to the first no, and what came of it."""
        verdict = int(self.verdicts[row])
        given = [self._levels(row), self._trigger(row), *self._filters(row)]
        if verdict == tickets.FILTERED:
            return tuple(given)
        given.append(
            self._condition(
                "window", self._outside_window(row), row, verdict, (tickets.OUTSIDE_WINDOW,)
            )
        )
        for name, codes in (
            ("coverage", (tickets.DATA_GAP,)),
            ("one side", (tickets.BOTH_SIDES,)),
            ("limits", _LIMITS),
            ("entry", _UNFILLED),
            ("prices", _PRICES),
            ("size", (tickets.SIZE_BELOW_MIN,)),
        ):
            if not given[-1].met:
                return tuple(given)
            met = verdict not in codes
            text = _MET[name](self, row) if met else self.explain(row)
            given.append(self._condition(name, text, row, verdict, codes))
        return tuple(given)

    def give_ticket(self, row: int) -> Ticket | None:
        """Give what candidate *row* is traded by; None where it is not, and no order waits."""
        verdict = int(self.verdicts[row])
        if verdict not in {tickets.TRADED, tickets.PENDING}:
            return None
        waits, orders = verdict == tickets.PENDING, self.orders
        asked = orders.wait if waits else orders.entry
        entry, stop, target = (
            float(to_points(column[row], self.bars.tick))
            for column in (asked, orders.stop, orders.target)
        )
        has_target = abs(orders.target[row]) < tickets.NO_TARGET
        return Ticket(
            entry=entry, stop=stop, target=target if has_target else None, rr=self._rr(row)
        )

    def _condition(
        self, name: str, text: str, row: int, verdict: int, refusals: Iterable[int]
    ) -> Condition:
        return Condition(
            name=name, text=text, at=moment(self._closed(row)), met=verdict not in refusals
        )

    def _levels(self, row: int) -> Condition:
        environment = self.signals.environment
        names = [*self.setup.names("session"), *self.setup.names("bar")]
        told = dict.fromkeys(name for name in names if name in environment and name != "tick")
        text = ", ".join(self._value(name, row) for name in told)
        known_ms = int(self.compiled.known_ms[self.signals.fired.session[row]])
        at = min(known_ms, self._closed(row))
        return Condition(name="levels", text=text, at=moment(at), met=True)

    def _trigger(self, row: int) -> Condition:
        fired = self.signals.fired
        kind = self.setup.trigger.kind.replace("_", " ")
        name = fired.names[fired.level[row]]
        began = self._clock(int(self.bars.time[fired.started[row]]), fired.session[row])
        terms = [f"{word} {values[row]:.10g}" for word, values in fired.terms.items()]
        side = name_side(fired.side[row])
        parts = [f"{name} {fired.level_price[row]:.10g}", f"from {began}", *terms]
        text = f"{kind}, {side}: {', '.join(parts)}"
        return Condition(name="trigger", text=text, at=moment(self._closed(row)), met=True)

    def _filters(self, row: int) -> Iterable[Condition]:
        failed = int(self.signals.failed[row])
        for place, condition in enumerate(self.setup.filters[: failed + 1]):
            values = ", ".join(self._value(name, row) for name in sorted(condition.names))
            yield Condition(
                name="filter",
                text=f"{condition.text}: {values}",
                at=moment(self._closed(row)),
                met=place != failed,
            )

    def _filtered(self, row: int) -> str:
        condition = self.setup.filters[self.signals.failed[row]]
        values = ", ".join(self._value(name, row) for name in sorted(condition.names))
        return f"{condition.text} is not so: {values}"

    def _outside_window(self, row: int) -> str:
        session = self.signals.fired.session[row]
        starts, ends = self.compiled.window
        at, start, end = (
            self._clock(one, session) for one in (self._closed(row), starts[session], ends[session])
        )
        return f"known at {at}, the window is {start} to {end}"

    def _data_gap(self, row: int) -> str:
        return f"only {self._bars_so_far(row)} bars of the session so far, fewer than 80 %"

    def _covered(self, row: int) -> str:
        return f"{self._bars_so_far(row)} bars of the session so far, at least 80 %"

    def _bars_so_far(self, row: int) -> int:
        fired = self.signals.fired
        return int(max(fired.known[row] + 1 - self.compiled.first[fired.session[row]], 0))

    def _both_sides(self, _: int) -> str:
        return "both sides were swept in the same bar"

    def _one_side(self, row: int) -> str:
        return f"only {name_side(self.signals.fired.side[row])}"

    def _in_position(self, _: int) -> str:
        return "a trade was open"

    def _session_limit(self, _: int) -> str:
        return f"the session had its trades: {self.caps.per_session}"

    def _side_limit(self, row: int) -> str:
        side = name_side(self.signals.fired.side[row])
        return f"the session had its {side} trades: {self.caps.per_side}"

    def _run_limit(self, _: int) -> str:
        return f"the run had its trades: {self.caps.in_all}"

    def _free(self, _: int) -> str:
        return f"no trade was open, and the session had fewer than {self.caps.per_session}"

    def _no_next_bar(self, _: int) -> str:
        return "no bar follows in which a trade could be entered"

    def _not_reached(self, row: int) -> str:
        return f"price did not reach the order at {self._price(row, 'wait')} in time"

    def _pending(self, row: int) -> str:
        return f"the order at {self._price(row, 'wait')} still waits"

    def _oco_cancelled(self, _: int) -> str:
        return "the order on the other side was filled first"

    def _entered(self, row: int) -> str:
        at = self._clock(
            int(self.bars.time[self.orders.entered[row]]), self.signals.fired.session[row]
        )
        return f"{self.setup.entry.kind} order filled at {self._price(row, 'entry')}, {at}"

    def _level_unknown(self, _: int) -> str:
        return "the stop or the target hangs on a level that is not known yet"

    def _stop_crossed(self, row: int) -> str:
        entry, stop = self._price(row, "entry"), self._price(row, "stop")
        return f"at the entry {entry} the stop {stop} was crossed"

    def _target_crossed(self, row: int) -> str:
        entry, target = self._price(row, "entry"), self._price(row, "target")
        return f"the entry {entry} was beyond the target {target}"

    def _rr_below_min(self, row: int) -> str:
        return f"RR {self._rr(row):.4g} is below {self.setup.min_rr:g}"

    def _priced(self, row: int) -> str:
        stop = f"stop {self._price(row, 'stop')}"
        if abs(self.orders.target[row]) >= tickets.NO_TARGET:
            return f"{stop}, no target"
        target = f"target {self._price(row, 'target')}"
        return f"{stop}, {target}, RR {self._rr(row):.4g}, at least {self.setup.min_rr:g}"

    def _size_below_min(self, row: int) -> str:
        risk = to_points(np.abs(self.orders.entry[row] - self.orders.stop[row]), self.bars.tick)
        percent = f"{100 * self.account.risk:g} %"
        return f"{percent} on {risk:.10g} points is less than {self.account.min_lot:g} lots"

    def _sized(self, row: int) -> str:
        return f"{self.exits.lots[row]:.10g} lots for {100 * self.account.risk:g} % of the account"

    def _rr(self, row: int) -> float:
        one = slice(row, row + 1)
        asked = self.orders.entry if self.setup.entry.kind == "market" else self.orders.wait
        return float(find_rr(asked[one], self.orders.stop[one], self.orders.target[one])[0])

    def _price(self, row: int, field: str) -> str:
        ticks = getattr(self.orders, field)[row]
        return f"{to_points(ticks, self.bars.tick):.10g}"

    def _value(self, name: str, row: int) -> str:
        return f"{name} {self.signals.environment[name][row]:.10g}"

    def _closed(self, row: int) -> int:
        return int(self.signals.fired.known_ms(self.bars)[row])

    def _clock(self, instant_ms: int, session: int) -> str:
        minute = int(instant_ms + self.compiled.offsets[session]) // 60_000 % 1440
        return f"{minute // 60:02}:{minute % 60:02}"


_SENTENCES: dict[int, Callable[[Story, int], str]] = {
    code: getattr(Story, f"_{word}") for code, word in VERDICTS.items() if code != tickets.TRADED
}

_MET: dict[str, Callable[[Story, int], str]] = {
    "coverage": Story._covered,  # noqa: SLF001 - of this file
    "one side": Story._one_side,  # noqa: SLF001
    "limits": Story._free,  # noqa: SLF001
    "entry": Story._entered,  # noqa: SLF001
    "prices": Story._priced,  # noqa: SLF001
    "size": Story._sized,  # noqa: SLF001
}
