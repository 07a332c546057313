"""What the desk can do at this moment, put together for START."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from setupdesk.app.ports import BarStore, Calendar
from setupdesk.app.sight import find_feed
from setupdesk.core.errors import MissingBarsError
from setupdesk.core.offer import REPLAY, Coverage, Offer, SessionCount
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.days import day_of, to_ms
from setupdesk.market.sessions import count_with_bars
from setupdesk.setups.registry import RuleRegistry


class RuleFiles(Protocol):
    """The files that the Rule Registry is read from."""

    @property
    def mistakes(self) -> Mapping[str, tuple[str, ...]]:
        """Give why files of the user's cannot be used, by file name."""


@dataclass(frozen=True, slots=True)
class BuildOffer:
    """Look at the catalogue, the Rule Registry and the bar store as they are now."""

    catalogue: Catalogue
    registry: RuleRegistry
    rule_files: RuleFiles
    bar_store: BarStore
    calendar: Calendar
    find_today: Callable[[str], date]
    feeds: Sequence[str] = ()

    def __call__(self) -> Offer:
        """Give the offer that the next request is judged by."""
        setups = {rule.id: rule.terms for rule in self.registry}
        return Offer(
            self.catalogue,
            setups,
            self._find_coverage,
            self._count_sessions,
            self.find_today,
            {name.removesuffix(".yaml"): why for name, why in self.rule_files.mistakes.items()},
            feeds=(REPLAY, *self.feeds),
            find_feed=self._find_feed,
        )

    def _find_feed(self, symbol: Symbol, timeframe: Timeframe) -> str:
        return find_feed(self.bar_store, self.feeds, symbol, timeframe)

    def _count_sessions(
        self, symbol: Symbol, timeframe: Timeframe, start: date, end: date
    ) -> SessionCount:
        sessions = self.calendar.sessions(symbol, start, end)
        source = self.bar_store.find_source(symbol.name, timeframe)
        if source is None:
            return SessionCount(len(sessions), 0)
        try:
            times = self.bar_store.load_times(symbol.name, source.timeframe, source.fingerprint)
        except MissingBarsError:
            # The store's folder was damaged: that is for the run to meet and to write down.
            return SessionCount(len(sessions), len(sessions))
        return SessionCount(len(sessions), count_with_bars(times, sessions))

    def _find_coverage(self, symbol: Symbol, timeframe: Timeframe) -> Coverage | None:
        source = self.bar_store.find_source(symbol.name, timeframe)
        if source is None:
            return None
        first, last = (day_of(to_ms(moment), symbol.zone) for moment in (source.first, source.last))
        return Coverage(first, last)
