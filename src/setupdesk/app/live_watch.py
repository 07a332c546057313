"""The live watch: one poll looks at every setup and symbol of a watch, and raises what is new."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from setupdesk import __version__
from setupdesk.app.live_scan import to_local
from setupdesk.app.live_view import View, find_kind, stand_still
from setupdesk.app.means import find_means
from setupdesk.app.plan import Plan
from setupdesk.app.ports import Calendar, FeedDownError
from setupdesk.app.scope import LIVE_DAYS, find_earlier, find_warm_up, resolve
from setupdesk.app.sight import Sight
from setupdesk.app.watch_book import LookState, OpenAlert, Seen, Sighting, WatchBook, write_bar
from setupdesk.core.alert import Alert
from setupdesk.core.errors import FeedNotReadyError, MissingBarsError, NotFoundError, SetupdeskError
from setupdesk.core.period import to_iso
from setupdesk.core.request import Mode, Options, Request
from setupdesk.core.run import Run
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.watch import AlertKind, Look, Watch, name_alert
from setupdesk.market.bars import Bars
from setupdesk.market.days import day_of, from_ms, to_ms
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import RuleRegistry

log = logging.getLogger(__name__)

_SLACK_MS, _DAY_MS = 10_000, 86_400_000

_ENOUGH = 2
"""Symbols for which a feed is down before it is taken to be down for all: each costs a while."""

_OVER = "the replay has played all stored bars"

_LONGEST_OUTCOME = timedelta(days=10)
"""After so long an alert has no outcome that could still come."""


@dataclass(frozen=True, slots=True)
class LiveWatch:
    """Look at the newest closed bars of every symbol, by the very kernel of the backtest."""

    book: WatchBook
    see: Callable[[Watch, Symbol, timedelta, datetime | None], Sight]
    """Gives what there is of a symbol, with a warm-up, and with all bars since then."""

    find_now: Callable[[Watch], datetime]
    registry: RuleRegistry
    catalogue: Catalogue
    calendar: Calendar
    clock: Callable[[], datetime]

    def __call__(self, run: Run) -> dict[str, Any]:
        """Carry out one poll, and give its report."""
        watch = self.book.load(str(run.request.watch))
        if watch is None:
            raise NotFoundError("watch", str(run.request.watch))
        # Rules and symbols are files that may have changed: read once, and not for each look.
        symbols = {one.name: one for one in self.catalogue}
        setups = {setup_id: self._resolve(watch, setup_id) for setup_id in watch.terms.setups}
        states = {one.look: one for one in self.book.load_looks(watch.watch_id)}
        poll = _Poll(self, watch, setups, states, Seen())
        for name in watch.terms.symbols:
            poll.look_at(name, symbols.get(name))
        fresh = set(self.book.save(run, watch, poll.seen))
        return _report(watch, self.find_now(watch), poll.seen, fresh)

    def _resolve(self, watch: Watch, setup_id: str) -> Setup | str:
        """Give a setup as the watch wants it, or say why there is none."""
        rule = self.registry.find(setup_id)
        if rule is None:
            return f"there is no setup {setup_id} any more"
        try:
            return resolve(rule, build_request(watch, Look(setup_id, watch.terms.symbols[0])))
        except SetupdeskError as wrong:
            return str(wrong)


@dataclass(slots=True)
class _Poll:
    of: LiveWatch
    watch: Watch
    setups: Mapping[str, Setup | str]
    """By id; in the place of one that there is not, why."""

    before: Mapping[Look, LookState]
    seen: Seen
    down: dict[str, int] = field(default_factory=dict)
    """How many symbols of a feed could not be seen for it was down."""

    known: dict[str, dict[int, list[Any]]] | None = None
    open_alerts: list[OpenAlert] | None = None

    def look_at(self, name: str, symbol: Symbol | None) -> None:
        """Look at one symbol with every setup."""
        looks = [Look(setup, name) for setup in self.watch.terms.setups]
        states = [self.before.get(one) or LookState(look=one, seen_until=None) for one in looks]
        if symbol is None:
            self._note_trouble(states, f"{name} is not in the catalogue any more")
            return
        there = [one for one in self.setups.values() if not isinstance(one, str)]
        warm_up = max((find_warm_up(one, symbol) for one in there), default=timedelta(days=7))
        try:
            sight = self._see(symbol, warm_up, _find_oldest(states) or self.watch.begins_at)
        except SetupdeskError as trouble:
            if not isinstance(trouble, MissingBarsError | FeedNotReadyError):
                log.warning("%s cannot be seen: %s", name, trouble)
            # What is not seen for long is as bad as what does not come.
            stale = self._find_stale(symbol, max(one.until_ms for one in states), str(trouble))
            self._note_trouble(states, stale or str(trouble))
            return
        self._look_with(sight, states)

    def _see(self, symbol: Symbol, warm_up: timedelta, since: datetime | None) -> Sight:
        """See a symbol; a feed that was down for two is not asked for the others."""
        feed = self.watch.terms.feeds[symbol.name]
        if self.down.get(feed, 0) >= _ENOUGH:
            raise FeedDownError(f"{feed} was not asked, as it was down for others")
        try:
            return self.of.see(self.watch, symbol, warm_up, since)
        except FeedDownError:
            self.down[feed] = self.down.get(feed, 0) + 1
            raise

    def _note_trouble(self, states: Iterable[LookState], trouble: str) -> None:
        self.seen.looks.extend(replace(state, trouble=trouble) for state in states)

    def _look_with(self, sight: Sight, states: Sequence[LookState]) -> None:
        trouble = _OVER if sight.is_over else self._find_stale(sight.symbol, sight.bars.end_ms)
        fresh = [one for one in states if _is_fresh(one, sight.bars)]
        for state in states:
            setup = self.setups[state.look.setup_id]
            if isinstance(setup, str):
                self._note_trouble([state], setup)
            elif state in fresh:
                self._try(sight, state, setup, trouble)
            elif trouble != state.trouble:
                self.seen.looks.append(replace(state, trouble=trouble))
        if fresh:
            self._keep_bars(sight, max(one.until_ms for one in states))

    def _try(self, sight: Sight, state: LookState, setup: Setup, trouble: str | None) -> None:
        """Decide; a rule that cannot be carried out holds up no other look."""
        try:
            self._decide(sight, state, setup, trouble)
        except SetupdeskError as wrong:
            log.warning("%s on %s: %s", state.look.setup_id, state.look.symbol, wrong)
            self._note_trouble([state], str(wrong))

    def _decide(self, sight: Sight, state: LookState, setup: Setup, trouble: str | None) -> None:
        waiting = [one for one in self._load_open_alerts() if one.look == state.look]
        close_ms = sight.bars.end_ms
        # Also if the first look comes late: what has triggered since the watch began is news.
        since_ms = state.until_ms or min(close_ms - 1, to_ms(self.watch.begins_at))
        sessions = self._find_sessions(sight, min([since_ms, *map(_bar_ms, waiting)]))
        if not sessions:
            self._note_trouble([state], "its market has no session in these days")
            return
        plan = _build_plan(self.watch, state.look, sight, setup, sessions, self.of.calendar)
        view = View(plan, plan.run(bars=stand_still(sight.bars)), close_ms)
        raised = [self._build_alert(view, row) for row in view.find_signals(since_ms)]
        self.seen.alerts.extend(raised)
        # A poll that comes late may see a signal and what became of it at once.
        fresh = [OpenAlert.of(one, state.look) for one in raised]
        self.seen.outcomes.extend(view.find_outcomes([*waiting, *fresh]))
        self.seen.looks.append(
            LookState(
                look=state.look,
                seen_until=from_ms(close_ms),
                setup_hash=setup.digest,
                fingerprint=sight.fingerprint,
                standing=view.describe(),
                trouble=trouble,
            )
        )

    def _load_open_alerts(self) -> list[OpenAlert]:
        if self.open_alerts is None:
            now = self.of.find_now(self.watch)
            since = min(now, _find_oldest(self.before.values()) or now) - _LONGEST_OUTCOME
            self.open_alerts = self.of.book.load_open_alerts(self.watch, since)
        return self.open_alerts

    def _find_sessions(self, sight: Sight, since_ms: int) -> tuple[Session, ...]:
        """Find the sessions from that of *since_ms* on: the newest at least, and the coming one.

        Some setups trigger before the session opens.
        """
        zone, last_ms = sight.symbol.zone, int(sight.bars.time[-1])
        last = day_of(last_ms, zone)
        first = min(last - timedelta(days=LIVE_DAYS), day_of(since_ms, zone) - timedelta(days=1))
        held = self.of.calendar.sessions(sight.symbol, first, last + timedelta(days=1))
        begun = [one for one in held if one.opens_ms <= last_ms]
        coming = [one for one in held if 0 < one.opens_ms - last_ms <= _DAY_MS][:1]
        open_still = [one for one in begun if one.closes_ms > since_ms]
        return (*(open_still or begun[-1:]), *coming)

    def _build_alert(self, view: View, row: int) -> Alert:
        plan, watch = view.plan, self.watch
        candidate, request = view.result.candidates[row], plan.request
        size = request.timeframe.milliseconds
        bar_at = candidate.known_at - timedelta(milliseconds=size)
        rule = (plan.setup.id, plan.setup.digest, watch.terms.version)
        identity = (*rule, plan.symbol.name, request.timeframe)
        mark = (watch.watch_id,) if watch.terms.replay else ()
        # What a replay plays fast grows old no faster than what comes by itself.
        age = (self.of.find_now(watch) - candidate.known_at) / watch.terms.speed
        return Alert(
            alert_id=name_alert(
                watch.user, *mark, *identity, to_iso(bar_at), candidate.side, candidate.level
            ),
            watch_id=watch.watch_id,
            kind=find_kind(candidate),
            setup_id=plan.setup.id,
            setup_hash=plan.setup.digest,
            symbol=plan.symbol.name,
            timeframe=request.timeframe,
            side=candidate.side,
            level=candidate.level,
            bar_at=bar_at,
            said=view.tell(row),
            expires_at=self.of.clock() + watch.terms.expires - age,
        )

    def _find_stale(self, symbol: Symbol, close_ms: int, why: str = "") -> str | None:
        """Say that a feed is silent while its market is open, which is an alert too."""
        size_ms = self.watch.terms.timeframe.milliseconds
        now_ms = to_ms(self.of.find_now(self.watch))
        day = day_of(now_ms, symbol.zone)
        held = self.of.calendar.sessions(symbol, day - timedelta(days=1), day + timedelta(days=1))
        opened = [one.opens_ms for one in held if one.opens_ms <= now_ms < one.closes_ms]
        if not opened or now_ms - max(close_ms, opened[-1]) <= 2 * size_ms + _SLACK_MS:
            return None
        since = "it was watched"
        if close_ms:
            at = to_local(from_ms(close_ms), symbol.zone)[:16].replace("T", " ")
            since = f"{at} {symbol.zone}"
        cause = f": {why.rstrip('.')}" if why else ""
        sentence = f"no new bar since {since}, while its market is open{cause}"
        self.seen.alerts.append(self._build_stale(symbol, close_ms, sentence))
        return sentence

    def _build_stale(self, symbol: Symbol, close_ms: int, sentence: str) -> Alert:
        watch = self.watch
        bar_at = from_ms(max(close_ms - watch.terms.timeframe.milliseconds, 0))
        feed = watch.terms.feeds[symbol.name]
        mark = (watch.watch_id,) if watch.terms.replay else ()
        identity = ("stale", feed, symbol.name, watch.terms.timeframe, to_iso(bar_at))
        return Alert(
            alert_id=name_alert(watch.user, *mark, *identity),
            watch_id=watch.watch_id,
            kind=AlertKind.STALE,
            setup_id=None,
            setup_hash=None,
            symbol=symbol.name,
            timeframe=watch.terms.timeframe,
            side=None,
            level=None,
            bar_at=bar_at,
            said={"sentence": f"The feed {feed} gives {sentence}.", "feed": feed},
            expires_at=self.of.clock() + watch.terms.expires,
        )

    def _keep_bars(self, sight: Sight, until_ms: int) -> None:
        """Keep the new bars, and those that came back with other prices than they were seen."""
        name, bars = sight.symbol.name, sight.bars
        begin_ms = min(int(bars.time[-1]), to_ms(self.watch.begins_at))
        since = until_ms or min(begin_ms, self._find_sessions(sight, begin_ms)[0].opens_ms)
        new = bars.between(since, bars.end_ms)
        if len(new):
            self.seen.sightings.append(Sighting(name, "seen", new))
        if self.known is None:
            begin = self.of.find_now(self.watch) - timedelta(days=2)
            self.known = self.of.book.load_bars(self.watch.watch_id, begin)
        seen_before = self.known.get(name, {})
        again = bars.between(min(seen_before, default=bars.end_ms), bars.end_ms)
        rows = [
            row
            for row, at in enumerate(again.time.tolist())
            if seen_before.get(at, given := write_bar(again, row)) != given
        ]
        if rows:
            self.seen.sightings.append(Sighting(name, "revised", again.take(np.array(rows))))


def build_request(watch: Watch, look: Look) -> Request:
    """Build the request that one look stands for."""
    return Request(
        setup_id=look.setup_id,
        symbol=look.symbol,
        timeframe=watch.terms.timeframe,
        mode=Mode.LIVE,
        options=Options(**watch.terms.options),
        extra=watch.terms.extra,
        watch=watch.watch_id,
    )


def _build_plan(  # noqa: PLR0913, PLR0917 (all that a look is about)
    watch: Watch,
    look: Look,
    sight: Sight,
    setup: Setup,
    sessions: tuple[Session, ...],
    calendar: Calendar,
) -> Plan:
    request = build_request(watch, look)
    return Plan(
        request=request,
        setup=setup,
        symbol=sight.symbol,
        means=find_means(request),
        max_trades_total=None,
        variants=1,
        sessions=sessions,
        earlier=find_earlier(setup, sight.symbol, calendar, sessions[0].day),
        bars=sight.bars,
        warm_up_bars=len(sight.bars.between(0, sessions[0].opens_ms)),
        warm_up_days=0,
        source=sight.source,
        fine=None,
        fine_source=None,
        seconds=None,
    )


def _find_oldest(states: Iterable[LookState]) -> datetime | None:
    """Find up to when all of these have seen; None where none has."""
    return min((one.seen_until for one in states if one.seen_until), default=None)


def _is_fresh(state: LookState, bars: Bars) -> bool:
    return len(bars) > 0 and bars.end_ms > state.until_ms


def _bar_ms(alert: OpenAlert) -> int:
    return to_ms(alert.bar_at)


def _report(watch: Watch, now: datetime, seen: Seen, fresh: set[str]) -> dict[str, Any]:
    raised = [one for one in seen.alerts if one.alert_id in fresh]
    troubled = [one for one in seen.looks if one.trouble]
    looked = [one for one in seen.looks if one.fingerprint and not one.trouble]
    summary = {
        "looks": len(watch.terms.looks),
        "looked": len(looked),
        "idle": len(watch.terms.looks) - len(seen.looks),
        "troubled": len(troubled),
        "alerts": len(raised),
        "outcomes": len(seen.outcomes),
    }
    return {
        "summary": summary,
        "watch_id": watch.watch_id,
        "as_of": to_iso(now),
        "engine_version": __version__,
        "alerts": [_show(one) for one in raised],
        "outcomes": [{"alert_id": one.alert_id, **one.said} for one in seen.outcomes],
        "decided": [_show_decision(one) for one in seen.looks],
        "trades": [],
        "candidates": [],
    }


def _show_decision(state: LookState) -> dict[str, Any]:
    return {
        "setup_id": state.look.setup_id,
        "symbol": state.look.symbol,
        "seen_until": state.seen_until and to_iso(state.seen_until),
        "setup_hash": state.setup_hash,
        "fingerprint": state.fingerprint,
        "trouble": state.trouble,
    }


def _show(alert: Alert) -> dict[str, Any]:
    names = ("alert_id", "kind", "setup_id", "symbol", "timeframe", "side", "level")
    told = {name: getattr(alert, name) for name in names}
    return {**told, "bar_at": to_iso(alert.bar_at), "sentence": alert.said["sentence"]}
