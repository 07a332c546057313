"""The offer: everything that a request is judged by, as it is at this moment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from setupdesk.core.setup_terms import SetupTerms
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Watch

MOST_BARS = 5_000_000
PUSH, REPLAY = "push", "replay"
"""The feeds that are always there: what is sent, and what is stored."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days, both inclusive, between which bars are stored; dates of the symbol's market."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class SessionCount:
    """How many sessions a period has, and how many of them have any bars."""

    held: int
    with_bars: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What the desk can do at this moment: everything that a request is judged by."""

    catalogue: Catalogue
    setups: Mapping[str, SetupTerms]
    find_coverage: Callable[[Symbol, Timeframe], Coverage | None]
    count_sessions: Callable[[Symbol, Timeframe, date, date], SessionCount]
    """The sessions of the symbol's exchange between two days, both inclusive."""

    find_today: Callable[[str], date]
    """Today in a time zone."""

    unusable: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Why the user's own rules that are wrong cannot be used, by their ids."""

    most_bars: int = MOST_BARS
    """Between the first and the last day of a request."""

    find_watch: Callable[[str], Watch | None] = lambda _: None
    """Find a watch of whoever asks, by its id; ended ones too."""

    feeds: Sequence[str] = ()
    """Where closed bars come from."""

    find_feed: Callable[[Symbol, Timeframe], str] = lambda _symbol, _timeframe: PUSH
    """The feed of a symbol, where nothing else is said."""
