"""The Result of a run: what triggered, what was traded, what was refused and why.

Everything is kept in columns, for statistics and notebooks; a record is made when it is asked for.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import isnan
from typing import Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from setupdesk.market.bars import Floats, Ints

Truths = NDArray[np.bool_]
Side = Literal["long", "short"]
ExitReason = Literal["stop", "target", "flat"]

EXIT_REASONS: tuple[ExitReason, ...] = ("stop", "target", "flat")
"""By the code that the fill kernel gives."""

TRADED = "traded"

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One step of the evidence: what was asked of a candidate, and what the answer was."""

    name: str
    """``levels``, ``trigger``, ``filter``, ``window``, ``entry``, ``stop``, ``rr``, ..."""

    text: str
    """A sentence with the values."""

    at: datetime | None
    """When the answer was known, UTC."""

    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One place where a setup triggered, and what became of it."""

    day: date
    """Session date in the market's zone."""

    side: Side
    level: str
    """Name of the level in the rule, such as ``ib.high``."""

    level_price: float
    started_at: datetime
    """Open of the bar that began the pattern (the break), UTC."""

    known_at: datetime
    """Close of the bar at which it could first be known, UTC."""

    extreme: float | None
    """How far price went beyond the level before the candidate was known, where that matters."""

    verdict: str
    """``traded``, or the code of the reason why not: ``outside_window``, ``rr_below_min``, ..."""

    detail: str
    """The reason with its values, for people: ``RR 0.62 is below 1.0``. Empty when traded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a candidate is traded by; prices in points."""

    entry: float
    """Of a market order at the next bar's open, of another where it waits."""

    stop: float
    target: float | None
    rr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One simulated trade. Prices are what it paid and got, spread and slippage included."""

    number: int
    day: date
    side: Side
    level: str
    signal_at: datetime
    entry_at: datetime
    exit_at: datetime
    """Open of the bar in which it ended for stop and target, close of the bar for flat; UTC."""

    entry: float
    stop: float
    target: float | None

    exit: float
    risk: float
    """Points between entry and stop."""

    lots: float
    r: float
    """Profit in units of the risk, after costs."""

    r_pessimistic: float
    """The same with the stop first wherever the bars leave it open; equal where they do not."""

    r_optimistic: float
    """The same with the target first, or no stop, wherever the bars leave it open."""

    costs_r: float
    """What spread, slippage, commission and swap took, in R."""

    mae_r: float
    """Worst excursion against the trade, in R, positive."""

    mfe_r: float
    """Best excursion in favour, in R."""

    exit_reason: ExitReason
    ambiguous: bool
    """The bars of the run's own timeframe leave open how it ended."""

    resolved: bool
    """An ambiguous trade whose end M1 bars have settled; else it counts as stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLevels:
    """The levels of one session, or why it was skipped."""

    day: date
    skipped: str | None
    """Code of the reason why the session could not be traded: ``data_gap``, ``no_atr``, ..."""

    levels: dict[str, float]
    """``ib.high``, ``ib.low``, ``ib.range``, ``atr`` and so on, in points."""

    known_at: datetime | None
    """When the last of them became known, UTC."""


class Records(Sequence[Record]):
    """Columns that give a record for each row."""

    __slots__ = ()

    @abstractmethod
    def record(self, row: int) -> Record:
        """Make the record of one row."""

    @overload
    def __getitem__(self, rows: int) -> Record: ...
    @overload
    def __getitem__(self, rows: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, rows: int | slice) -> Record | tuple[Record, ...]:
        places = range(len(self))[rows]
        return self.record(places) if isinstance(places, int) else tuple(map(self.record, places))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # columns can change


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates(Records[Candidate]):
    """All candidates, in order of ``known_ms``."""

    days: Sequence[date]
    session: Ints
    """Row of its session in ``Result.sessions``."""

    side: Ints
    """+1 long, -1 short."""

    level: Sequence[str]
    level_price: Floats
    started_ms: Ints
    known_ms: Ints
    extreme: Floats
    verdict: Sequence[str]
    explain: Callable[[int], str] = field(repr=False)
    """Say why a row was not traded."""

    evidence: Callable[[int], tuple[Condition, ...]] = field(repr=False)
    """Give all that was asked of a row, in the order in which it was asked."""

    ticket: Callable[[int], Ticket | None] = field(repr=False)
    """Give what a row is traded by; None where it is not, and no order waits."""

    def __len__(self) -> int:
        return len(self.side)

    def record(self, row: int) -> Candidate:
        """Make the record of one candidate."""
        return Candidate(
            day=self.days[self.session[row]],
            side=name_side(self.side[row]),
            level=self.level[row],
            level_price=float(self.level_price[row]),
            started_at=moment(self.started_ms[row]),
            known_at=moment(self.known_ms[row]),
            extreme=find_number(self.extreme[row]),
            verdict=self.verdict[row],
            detail=self.explain(row),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trades(Records[Trade]):
    """All trades, in order of entry; prices in points, results in R."""

    days: Sequence[date]
    session: Ints
    """Row of its session in ``Result.sessions``."""

    candidate: Ints
    """Row of its candidate in ``Result.candidates``."""

    side: Ints
    level: Sequence[str]
    signal_ms: Ints
    entry_ms: Ints
    exit_ms: Ints
    entry: Floats
    stop: Floats
    target: Floats
    exit: Floats
    risk: Floats
    lots: Floats
    r: Floats
    r_pessimistic: Floats
    r_optimistic: Floats
    costs_r: Floats
    mae_r: Floats
    mfe_r: Floats
    reason: Ints
    """Place in ``EXIT_REASONS``."""

    ambiguous: Truths
    resolved: Truths
    bars_held: Ints
    """Bars of the run's timeframe in which it was open, the first and the last included."""

    def __len__(self) -> int:
        return len(self.side)

    def record(self, row: int) -> Trade:
        """Make the record of one trade."""
        return Trade(
            number=row + 1,
            day=self.days[self.session[row]],
            side=name_side(self.side[row]),
            level=self.level[row],
            signal_at=moment(self.signal_ms[row]),
            entry_at=moment(self.entry_ms[row]),
            exit_at=moment(self.exit_ms[row]),
            exit_reason=EXIT_REASONS[self.reason[row]],
            target=find_number(self.target[row]),
            ambiguous=bool(self.ambiguous[row]),
            resolved=bool(self.resolved[row]),
            **{name: float(getattr(self, name)[row]) for name in _FIGURES},
        )


_FIGURES = (
    *("entry", "stop", "exit", "risk", "lots", "r", "r_pessimistic", "r_optimistic"),
    *("costs_r", "mae_r", "mfe_r"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sessions(Records[SessionLevels]):
    """All sessions of the run, in order."""

    days: Sequence[date]
    skipped: Sequence[str | None]
    levels: Mapping[str, Floats]
    """A value for each session, NaN where it is unknown or half measured."""

    known_ms: Ints
    """-1 where the levels never became known."""

    size: Floats
    """The session's range in daily ATR, or in points without an ATR; NaN where unknown."""

    bars: int
    """Bars in all sessions together."""

    def __len__(self) -> int:
        return len(self.days)

    def record(self, row: int) -> SessionLevels:
        """Make the record of one session."""
        known = self.known_ms[row]
        values = {name: float(column[row]) for name, column in self.levels.items()}
        return SessionLevels(
            day=self.days[row],
            skipped=self.skipped[row],
            levels={name: value for name, value in values.items() if not isnan(value)},
            known_at=None if known < 0 else moment(known),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that a setup did over a period."""

    sessions: Sessions
    candidates: Candidates
    trades: Trades


def name_side(side: int) -> Side:
    """Give the word for +1 and -1."""
    return "long" if side > 0 else "short"


def find_number(value: float) -> float | None:
    """Give the number, None for NaN."""
    return None if isnan(value) else float(value)


def moment(instant_ms: int) -> datetime:
    """Give UTC milliseconds as an aware time."""
    return datetime.fromtimestamp(int(instant_ms) / 1000, UTC)
