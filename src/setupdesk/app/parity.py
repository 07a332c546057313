"""Parity: what a watch said live, beside a backtest of the same bars, and why they differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from setupdesk.app.live_watch import build_request
from setupdesk.app.look_again import LookAgain
from setupdesk.app.market_parity import CompareLooks, LookedAt, LookFacts
from setupdesk.app.means import find_means
from setupdesk.app.parity_report import LookParity, MarketParity, build_parity_report
from setupdesk.app.ports import Calendar
from setupdesk.app.scope import LIVE_DAYS, find_warm_up, resolve
from setupdesk.app.seen_bars import BarFault, Begin, FaultKind, PastSighting, Said, SeenBars
from setupdesk.app.stored_bars import Span, StoredBars
from setupdesk.app.watch_book import LookState
from setupdesk.core.errors import MissingBarsError, NotFoundError
from setupdesk.core.request import Request
from setupdesk.core.run import Run
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.watch import Look, Watch
from setupdesk.market.bars import Bars
from setupdesk.market.coverage import mark_holed
from setupdesk.market.days import day_of, from_ms, midnight_ms, to_ms
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import RuleRegistry

_DAY = timedelta(days=1)
_NAMED = 5
_GROUND = timedelta(days=LIVE_DAYS + 2)
"""Before the span: on so much of it a signal may stand that was told within it."""


class Book(Protocol):
    """Where watches are kept."""

    def load(self, watch_id: str) -> Watch | None:
        """Load a watch, ended or not."""

    def load_looks(self, watch_id: str) -> list[LookState]:
        """Load where a watch stands with what it has looked at."""


class Past(Protocol):
    """What watches saw and said."""

    def find_begin(self, watch_id: str, symbol: str) -> Begin | None:
        """Find the first bars that a watch saw of a symbol; None where it saw none."""

    def load_sightings(
        self, watch_id: str, symbol: str, since: datetime, until: datetime
    ) -> list[PastSighting]:
        """Load what a watch saw of a symbol's bars from *since* to *until*, in order."""

    def load_said(self, of: Watch, symbol: str, since: datetime, until: datetime) -> list[Said]:
        """Load the signals of bars from *since* to *until* that a watch has told its user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Compare each look of a watch with a backtest of the bars as they are stored now."""

    book: Book
    past: Past
    registry: RuleRegistry
    catalogue: Catalogue
    calendar: Calendar
    stored_bars: StoredBars

    def __call__(self, run: Run) -> dict[str, Any]:
        """Carry out one comparison, and give its report."""
        request = run.request
        watch = self.book.load(str(request.watch))
        if watch is None:
            raise NotFoundError("watch", str(request.watch))
        states = self.book.load_looks(watch.watch_id)
        markets = [
            self._compare(watch, name, [one for one in states if one.look.symbol == name], request)
            for name in watch.terms.symbols
        ]
        return build_parity_report(watch, request, markets)

    def _compare(
        self, watch: Watch, name: str, states: Sequence[LookState], request: Request
    ) -> MarketParity:
        symbol = self.catalogue.find(name)
        if symbol is None:
            return MarketParity(symbol=name, zone="UTC", notes=["it is not in the catalogue"])
        unseen = MarketParity(symbol=name, zone=symbol.zone, notes=["it was not watched yet"])
        begin = self.past.find_begin(watch.watch_id, name)
        if begin is None:
            return unseen
        span = _find_span(begin, max((one.until_ms for one in states), default=0), symbol, request)
        if span.is_empty:
            return replace(unseen, notes=["it was not watched in these days"])
        trouble = self.stored_bars.bring(watch, symbol, span)
        notes = [trouble] if trouble else []
        try:
            compared = _Market(self, watch, symbol, begin, span).compare(states)
        except MissingBarsError as missing:
            return replace(unseen, notes=[*notes, str(missing)])
        return replace(compared, notes=[*notes, *compared.notes])


@dataclass(slots=True)
class _Market:
    """One symbol of a watch, in a span in which it was watched."""

    of: Parity
    watch: Watch
    symbol: Symbol
    begin: Begin
    span: Span
    setups: Mapping[str, Setup] = field(init=False)
    live_warm_up: timedelta = field(init=False)

    def __post_init__(self) -> None:
        self.setups = dict(self._resolve())
        warm_ups = (find_warm_up(one, self.symbol) for one in self.setups.values())
        self.live_warm_up = max(warm_ups, default=timedelta())

    def _resolve(self) -> Iterator[tuple[str, Setup]]:
        for setup_id in self.watch.terms.setups:
            if rule := self.of.registry.find(setup_id):
                request = build_request(self.watch, Look(setup_id, self.symbol.name))
                yield setup_id, resolve(rule, request)

    def compare(self, states: Iterable[LookState]) -> MarketParity:
        """Compare bars and signals; raises ``MissingBarsError``."""
        terms, symbol = self.watch.terms, self.symbol
        before = self.live_warm_up + _GROUND
        stored = self.of.stored_bars.load(symbol, terms.timeframe, self.span, before)
        wanted_ms = self.span.stop_ms
        self.span = replace(self.span, stop_ms=min(wanted_ms, stored.end_ms))
        seen, faults = self._find_faults(stored)
        compare = CompareLooks(stored=stored, seen=seen, faults=faults)
        facts = self._gather(states)
        of_span = [one for one in faults if one.open_ms >= self.span.bars_ms]
        extra = sum(one.kind is FaultKind.EXTRA for one in of_span)
        return MarketParity(
            symbol=symbol.name,
            zone=symbol.zone,
            tick=symbol.tick,
            notes=[*_say_end(self.span.stop_ms, wanted_ms), *self._name_left_out(stored)],
            bars=len(stored.between(self.span.bars_ms, self.span.stop_ms)) + extra,
            span_ms=(self.span.first_ms, self.span.stop_ms),
            faults=of_span,
            looks=[compare(one) if isinstance(one, LookFacts) else one for one in facts],
        )

    def _name_left_out(self, stored: Bars) -> Iterator[str]:
        """Name the days that a backtest leaves out; live could not know that it would."""
        zone, span = self.symbol.zone, self.span
        first, last = day_of(span.first_ms, zone), day_of(span.stop_ms - 1, zone)
        held = self.of.calendar.sessions(self.symbol, first, last)
        over = [one for one in held if one.closes_ms <= span.stop_ms]
        days = [one.day.isoformat() for one in mark_holed(stored, over) if not one.whole]
        if days:
            more = f" and {len(days) - _NAMED} more" if len(days) > _NAMED else ""
            yield (
                f"too many bars of {', '.join(days[:_NAMED])}{more} are missing: `setupdesk "
                f"backtest` leaves such days out; live could not know, and here they are compared"
            )

    def _find_faults(self, stored: Bars) -> tuple[SeenBars, list[BarFault]]:
        """Compare the bars, also those before the span on which its signals may stand."""
        first_ms = max(self.begin.first_ms, to_ms(from_ms(self.span.bars_ms) - _GROUND))
        stop_ms = self.span.stop_ms
        sightings = self.of.past.load_sightings(
            self.watch.watch_id, self.symbol.name, from_ms(first_ms), from_ms(stop_ms)
        )
        seen = SeenBars(sightings, first_ms, stop_ms)
        tells_late = self.watch.terms.replay is None
        found = seen.find_faults(
            stored.between(first_ms, stop_ms), self.begin, tells_late=tells_late
        )
        return seen, list(found)

    def _gather(self, states: Iterable[LookState]) -> list[LookFacts | LookParity]:
        """Gather what is known of each look; of some only why they cannot be compared."""
        since, until = from_ms(self.span.first_ms), from_ms(self.span.stop_ms)
        said = self.of.past.load_said(self.watch, self.symbol.name, since, until)
        by_look = {one.look: one for one in states}
        looks = [Look(setup_id, self.symbol.name) for setup_id in self.watch.terms.setups]
        return [self._find_facts(look, by_look.get(look), said) for look in looks]

    def _find_facts(
        self, look: Look, state: LookState | None, said: Iterable[Said]
    ) -> LookFacts | LookParity:
        setup = self.setups.get(look.setup_id)
        if setup is None:
            return LookParity(look=look, trouble=f"there is no setup {look.setup_id} any more")
        if state is None or state.until_ms <= self.span.first_ms:
            return LookParity(look=look, trouble="it was not looked at in these days")
        return LookFacts(
            look=look,
            again=LookAgain(
                setup=setup,
                symbol=self.symbol,
                means=find_means(build_request(self.watch, look)),
                calendar=self.of.calendar,
                live_warm_up=self.live_warm_up,
            ),
            setup_hash=state.setup_hash,
            said=[one for one in said if one.setup_id == look.setup_id],
            looked_at=_find_looked_at(state),
            first_ms=self.span.first_ms,
            stop_ms=min(self.span.stop_ms, state.until_ms),
        )


def _find_span(begin: Begin, until_ms: int, symbol: Symbol, request: Request) -> Span:
    """Find what was watched of the days that are asked for."""
    first_ms, stop_ms = 0, until_ms
    if request.start:
        first_ms = midnight_ms(request.start, symbol.zone)
    if request.end:
        stop_ms = min(until_ms, midnight_ms(request.end + _DAY, symbol.zone))
    return Span(
        bars_ms=max(begin.first_ms, first_ms),
        first_ms=max(begin.last_ms, first_ms),
        stop_ms=stop_ms,
    )


def _find_looked_at(state: LookState) -> LookedAt | None:
    begin = (state.standing or {}).get("bars_from")
    if not begin or not state.fingerprint:
        return None
    return LookedAt(to_ms(datetime.fromisoformat(begin)), state.until_ms, state.fingerprint)


def _say_end(stop_ms: int, wanted_ms: int) -> list[str]:
    if stop_ms == wanted_ms:
        return []
    return [f"its stored bars end at {from_ms(stop_ms):%Y-%m-%d %H:%M} UTC, and so does this"]
