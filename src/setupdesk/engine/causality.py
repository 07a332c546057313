"""Causality: what was known by the close of a bar must not depend on any bar after it.

A run on the first bars of a market must give, of the run on all of them, exactly

* the candidates known by then, word for word, except that one known at the last bar may still
  wait for its entry (``no_next_bar``), and an order that is still waiting (``pending``) may
  still become anything that lies in the future;
* the trades that had begun by then: those that ended with all their figures, the open one with
  its entry, marked to the close of the last bar;
* the levels of every session that has begun, as far as they were known by then.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any, Protocol

import numpy as np

from setupdesk.core.period import to_iso
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.result import Candidate, SessionLevels, Trade
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.days import from_ms, to_ms
from setupdesk.market.sessions import Session


class Told(Protocol):
    """What a run tells: a Result, or what stands for one."""

    @property
    def candidates(self) -> Sequence[Candidate]:
        """Every place where the setup triggered."""

    @property
    def trades(self) -> Sequence[Trade]:
        """Every trade, in order of entry."""

    @property
    def sessions(self) -> Sequence[SessionLevels]:
        """The levels of each session."""


Run = Callable[[Bars, Sequence[Session]], Told]
"""A setup on a symbol, ready for any bars."""

Pair = tuple[str, Any, Any]
"""What it is, as a run on fewer bars has it, and as the run on all of them has it."""

Watch = Callable[[int, int], None]
"""Is told how many steps of how many are done."""

NO_NEXT_BAR = "no_next_bar"
PENDING = "pending"
TRADED = "traded"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_VIEWS = frozenset(("r_pessimistic", "r_optimistic"))

_FATE = frozenset(("verdict", "detail"))
_EXIT = frozenset(
    (
        *("exit_at", "exit", "exit_reason", "ambiguous", "resolved"),
        *("r", "r_pessimistic", "r_optimistic", "costs_r", "mae_r", "mfe_r"),
    )
)
"""What of a trade is open as long as it is; anything else must hold from its entry on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The first thing found that later bars have changed."""

    row: int
    """The last row that was known."""

    at: datetime
    """Close of that bar, UTC."""

    what: str
    was: str
    became: str

    @property
    def sentence(self) -> str:
        """Say it in words."""
        return (
            f"At {to_iso(self.at)} (row {self.row:,}) {self.what} was {self.was}; "
            f"with the bars after it, it is {self.became}."
        )

    def to_json(self) -> dict[str, Any]:
        """Give the shape that reports show."""
        return {
            "row": self.row,
            "at": to_iso(self.at),
            "what": self.what,
            "was": self.was,
            "became": self.became,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Causality:
    """What came of re-running a setup on the beginnings of a market."""

    timeframe: Timeframe
    prefixes: int
    candidates: int
    trades: int
    verdicts: Mapping[str, int]
    """How many candidates ended how."""

    first: Change | None
    """None where nothing changed."""

    @property
    def passed(self) -> bool:
        """Say whether nothing changed."""
        return self.first is None

    @property
    def sentence(self) -> str:
        """Say it in words."""
        if self.first:
            return f"{self.timeframe}: it looks ahead. {self.first.sentence}"
        return (
            f"{self.timeframe}: {self.prefixes} beginnings of a market with "
            f"{self.candidates:,} candidates and {self.trades:,} trades, nothing changed later."
        )

    def to_json(self) -> dict[str, Any]:
        """Give the shape that doors show."""
        return {
            "timeframe": self.timeframe,
            "passed": self.passed,
            "prefixes": self.prefixes,
            "candidates": self.candidates,
            "trades": self.trades,
            "first": self.first and self.first.to_json(),
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """The run on all bars, to which the runs on fewer are held."""

    candidates: tuple[Candidate, ...]
    trades: tuple[Trade, ...]
    sessions: tuple[SessionLevels, ...]
    span: timedelta
    """Length of a bar."""

    opens: Mapping[date, datetime]
    next_opens: Mapping[date, datetime]
    """When a session's orders are certainly over: the open of the next, by date."""

    @classmethod
    def of(cls, result: Told, bars: Bars, sessions: Sequence[Session]) -> "Whole":
        """Keep the records of *result*, each made once."""
        days = [one.day for one in sessions]
        opens = [from_ms(one.opens_ms) for one in sessions]
        return cls(
            tuple(result.candidates),
            tuple(result.trades),
            tuple(result.sessions),
            timedelta(milliseconds=bars.timeframe.milliseconds),
            dict(zip(days, opens, strict=True)),
            dict(zip(days, opens[1:], strict=False)),
        )

    def find_changes(self, part: Told, row: int, now: datetime) -> Iterator[Change]:
        """Compare with a run on the rows up to *row*, whose bar closes at *now*."""
        for pairs in (self._pair_candidates, self._pair_trades, self._pair_sessions):
            for pair in pairs(part, now):
                if change := self._find_change(pair, row, now):
                    yield change

    def find_change_of(
        self, candidate: Candidate, part: Told, row: int, now: datetime
    ) -> Change | None:
        """Look for one candidate in a run on the rows up to *row*; give what differs."""
        name = _name_candidate(candidate)
        found: list[Candidate | None] = [
            one for one in part.candidates if _name_candidate(one) == name
        ]
        changes = [self._find_change((name, one, candidate), row, now) for one in found or [None]]
        return None if None in changes else changes[0]

    def _find_change(self, pair: Pair, row: int, now: datetime) -> Change | None:
        what, before, later = pair
        differs = self._compare(before, later, now)
        if differs is None:
            return None
        return Change(row=row, at=now, what=what, was=differs[0], became=differs[1])

    def _compare(self, before: Any, later: Any, now: datetime) -> tuple[str, str] | None:
        if before is None or later is None:
            return _say_presence(before), _say_presence(later)
        names = [
            one.name
            for one in fields(later)
            if self._must_hold(one.name, before, later, now)
            and _differs(getattr(before, one.name), getattr(later, one.name))
        ]
        if isinstance(later, Trade) and not self._is_marked(before, later, now):
            names.append("exit_at")
        return (_say(before, names), _say(later, names)) if names else None

    def _must_hold(self, name: str, before: Any, later: Any, now: datetime) -> bool:
        if isinstance(later, Candidate):
            return name not in _FATE or not self._is_open(before, later, now)
        if not isinstance(later, Trade) or name not in _EXIT:
            return True
        # Where the bars leave the end open, a view of the trade may outlive the trade.
        return self.end_of(later) <= now and not (later.ambiguous and name in _VIEWS)

    def _is_open(self, before: Candidate, later: Candidate, now: datetime) -> bool:
        if before.verdict == NO_NEXT_BAR:
            return before.known_at == now
        over = self.next_opens.get(before.day)
        pending = before.verdict == PENDING and (over is None or now < over)
        return pending and not self._was_filled(later, now)

    def _was_filled(self, candidate: Candidate, now: datetime) -> bool:
        return candidate.verdict == TRADED and any(
            trade.entry_at < now
            for trade in self.trades
            if (trade.signal_at, trade.side, trade.level)
            == (candidate.known_at, candidate.side, candidate.level)
        )

    def _is_marked(self, before: Trade, later: Trade, now: datetime) -> bool:
        is_marked = (before.exit_reason, before.exit_at) == ("flat", now)
        return self.end_of(later) <= now or is_marked

    def end_of(self, trade: Trade) -> datetime:
        """Give the close of the bar in which a trade ended."""
        # Finer bars tell the minute of an exit; a run on these bars knows it at their close.
        into = (trade.exit_at - _EPOCH) % self.span
        return trade.exit_at if trade.exit_reason == "flat" else trade.exit_at - into + self.span

    def _pair_candidates(self, part: Told, now: datetime) -> Iterator[Pair]:
        seen = [one for one in self.candidates if one.known_at <= now]
        for before, later in zip_longest(part.candidates, seen):
            yield from _pair(_name_candidate, before, later)

    def _pair_trades(self, part: Told, now: datetime) -> Iterator[Pair]:
        begun = [one for one in self.trades if one.entry_at < now]
        for before, later in zip_longest(part.trades, begun):
            yield from _pair(_name_trade, before, later)

    def _pair_sessions(self, part: Told, now: datetime) -> Iterator[Pair]:
        pairs = (self._known(sessions, now) for sessions in (part.sessions, self.sessions))
        for before, later in zip_longest(*pairs):
            yield from _pair(_name_session, before, later)

    def _known(self, levels: Sequence[SessionLevels], now: datetime) -> list[SessionLevels]:
        # Before it opens a session cannot be told from one that has no bars at all.
        return [
            one
            for one in levels
            if one.known_at is not None and one.known_at <= now and self.opens[one.day] < now
        ]


def check_causality(
    run: Run,
    bars: Bars,
    sessions: Sequence[Session],
    *,
    prefixes: int = 60,
    seed: int = 1,
    watch: Watch = lambda *_: None,
) -> Causality:
    """Re-run on *prefixes* beginnings of *bars*, most of which end where something happens."""
    whole = Whole.of(run(bars, sessions), bars, sessions)
    ends = choose_ends(whole, bars, prefixes, seed)
    first: Change | None = None
    for done, rows in enumerate(ends):
        watch(done, len(ends))
        first = find_change(run, whole, bars, sessions, rows)
        if first:
            break
    return Causality(
        timeframe=bars.timeframe,
        prefixes=len(ends),
        candidates=len(whole.candidates),
        trades=len(whole.trades),
        verdicts=Counter(one.verdict for one in whole.candidates),
        first=first,
    )


def find_change(
    run: Run, whole: Whole, bars: Bars, sessions: Sequence[Session], rows: int
) -> Change | None:
    """Run on the first *rows* bars and give the first thing that the bars after them changed."""
    now = from_ms(int(bars.time[rows - 1])) + whole.span
    return next(whole.find_changes(run(bars[:rows], sessions), rows - 1, now), None)


def choose_ends(whole: Whole, bars: Bars, count: int, seed: int) -> list[int]:
    """Choose where prefixes end: three of four at a signal, an entry, an exit or a level."""
    random = np.random.default_rng(seed)
    closes = [
        *(one.known_at for one in whole.candidates),
        *(one.entry_at + whole.span for one in whole.trades),
        *(whole.end_of(one) for one in whole.trades),
        *(one.known_at for one in whole.sessions if one.known_at),
    ]
    rows = find_row(bars, np.array([to_ms(one) for one in closes], np.int64)) + 1
    eventful = np.unique(np.concatenate((rows, rows + 1)).clip(1, len(bars)))
    drawn = random.permutation(eventful)[: count * 3 // 4]
    others = random.integers(1, len(bars) + 1, size=count - len(drawn))
    return sorted({*drawn.tolist(), *others.tolist()})


def find_row(bars: Bars, closes_ms: Ints) -> Ints:
    """Give the rows of the bars that close at some instants, UTC milliseconds."""
    return np.searchsorted(bars.time, closes_ms - bars.timeframe.milliseconds)


def _pair(name: Callable[[Any], str], before: Any, later: Any) -> Iterator[Pair]:
    # Two records of different things are one that went and one that came.
    names = [None if one is None else name(one) for one in (before, later)]
    if names[0] == names[1] or None in names:
        yield names[0] or names[1] or "", before, later
    else:
        yield names[0] or "", before, None
        yield names[1] or "", None, later


def _name_candidate(one: Candidate) -> str:
    return f"the candidate {one.level} {one.side} of {to_iso(one.known_at)}"


def _name_trade(one: Trade) -> str:
    return f"the trade {one.level} {one.side} of {to_iso(one.entry_at)}"


def _name_session(one: SessionLevels) -> str:
    return f"the session {one.day}"


def _differs(one: Any, other: Any) -> bool:
    # A target or an extreme that does not exist is NaN, and equal to another that does not.
    is_nothing = one != one and other != other  # noqa: PLR0124
    return bool(one != other) and not is_nothing


def _say_presence(record: object) -> str:
    return "absent" if record is None else "there"


def _say(record: Any, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_say_value(getattr(record, name))}" for name in names)


def _say_value(value: object) -> str:
    return to_iso(value) if isinstance(value, datetime) else repr(value)
