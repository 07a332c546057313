"""Symbols: what may be traded, when its market is open, and what a trade in it costs."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import time
from typing import Literal

from setupdesk.core.errors import NotFoundError
from setupdesk.core.problem import find_nearest

Week = Literal["24x5", "24x7"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A named span of the day, ``[start, end)`` in the wall clock of *zone*."""

    start: time
    end: time
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """When one trading day ends and the next begins, in the wall clock of *zone*."""

    at: time
    zone: str


NEW_YORK_ROLL = Roll(at=time(17), zone="America/New_York")
"""That of FX, and of TradingView's and most brokers' H4 and D1 bars."""


WINDOW_NAMES = (
    *("initial_balance", "initial_balance_futures", "first_5m", "first_15m", "first_30m"),
    *("asia", "london", "newyork"),
)
"""The windows that a symbol may name, and that setups may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a simulated trade pays, in points of price unless said."""

    spread: tuple[tuple[time, float], ...]
    """(from local time of the symbol's zone, points), ascending, the first at 00:00."""

    slippage: float
    """Points lost on market and stop entries, stops and flat exits; none on limits."""

    commission: float = 0.0
    """Money of the quote currency, for each lot and each side of a trade."""

    swap_long: float = 0.0
    """Points that a long is credited for each roll that it is held over; charged if negative."""

    swap_short: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """How much of a symbol is traded; money is that of the quote currency."""

    point_value: float = 1.0
    """What one lot makes when price moves by 1."""

    min_lot: float = 0.01
    lot_step: float = 0.01
    max_lot: float = 1_000.0
    account: float = 10_000.0
    """What a run starts with unless the request says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a feed calls a symbol."""

    name: str
    scale: int = 1
    """Whole-number prices of the feed's files are those of the market times this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One tradable name of the catalogue. Bars of it are bid prices."""

    name: str
    title: str
    aliases: tuple[str, ...]
    tick: float
    """Smallest price step; prices are compared as integer multiples of it."""

    price_range: tuple[float, float]
    """Where a plausible price lies; anything else is the wrong scale or the wrong symbol."""

    zone: str
    """IANA zone of the market; dates of requests and sessions are dates in it."""

    calendar: str
    """Code of the exchange calendar whose sessions are traded, such as ``XETR``."""

    session: Window
    week: Week
    windows: Mapping[str, Window]
    costs: Costs
    contract: Contract = Contract()
    feed_week: Window | None = None
    """Most feeds open on Sunday at its start and close on Friday at its end, New York time."""

    feeds: Mapping[str, Listing] = field(default_factory=dict)
    """By the name of the feed; a feed that is not here does not have the symbol."""

    roll: Roll = NEW_YORK_ROLL
    """Where H4 and D1 bars are anchored."""

    trade_on_holidays: bool = False
    """Trade every weekday in the regular hours, as CFDs do, whatever the exchange does."""

    @property
    def digest(self) -> str:
        """Name these very terms, whatever feeds call the symbol: sha256 of their JSON."""
        terms = {key: value for key, value in asdict(self).items() if key != "feeds"}
        text = json.dumps(terms, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All symbols by name; aliases find them too."""

    symbols: Mapping[str, Symbol]
    find_mistakes: Callable[[], Mapping[str, Sequence[str]]] = dict
    """Gives what is wrong in the user's own files, by file name."""

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self.symbols.values())

    def __getitem__(self, name: str) -> Symbol:
        return self.symbols[name]

    def find(self, name: str) -> Symbol | None:
        """Find a symbol by its name or an alias, in any case."""
        wanted = name.strip(" ").upper()
        for symbol in self:
            if wanted in (symbol.name, *(alias.upper() for alias in symbol.aliases)):
                return symbol
        return None

    def need(self, name: str) -> Symbol:
        """Find a symbol, or raise ``NotFoundError`` that says what was meant, or what is wrong."""
        found = self.find(name)
        if found is None:
            raise NotFoundError("symbol", name, hint=self._explain(name))
        return found

    def _explain(self, name: str) -> str:
        file_name = f"{name.strip().upper()}.toml"
        wrong = self.find_mistakes().get(file_name)
        if wrong:
            return f": your own file {file_name} is wrong: {'; '.join(wrong)}. Mend or remove it."
        nearest = find_nearest(name, [one for each in self for one in (each.name, *each.aliases)])
        return f", did you mean {nearest!r}?" if nearest else "."
