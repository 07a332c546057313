"""The Result of a run: what triggered, what was traded, what was refused and why."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Side = Literal["long", "short"]
ExitReason = Literal["stop", "target", "flat"]


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

    extreme: float
    verdict: str
    """``traded``, or the code of the reason why not: ``outside_window``, ``rr_below_min``, ..."""

    detail: str
    """The reason with its values, for people: ``RR 0.62 is below 1.0``. Empty when traded."""


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
    target: float
    exit: float
    risk: float
    """Points between entry and stop."""

    r: float
    """Profit in units of the risk, after costs."""

    costs_r: float
    """What spread and slippage took, in R."""

    mae_r: float
    """Worst excursion against the trade, in R, positive."""

    mfe_r: float
    """Best excursion in favour, in R."""

    exit_reason: ExitReason
    ambiguous: bool
    """Stop and target lay in the same bar; counted as stopped."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that a setup did over a period."""

    sessions: tuple[SessionLevels, ...]
    candidates: tuple[Candidate, ...]
    trades: tuple[Trade, ...]
