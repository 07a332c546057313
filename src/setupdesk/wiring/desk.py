"""The desk: all that a door can ask for, wired together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from structlog.contextvars import bound_contextvars

from setupdesk.adapters import clock
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.channel_sender import ChannelSender
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.push import PushFeed
from setupdesk.adapters.kernel_cache import keep_kernels_in
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.bounds import Bounds
from setupdesk.adapters.ledger.changes import Changes
from setupdesk.adapters.ledger.database import open_database, stop_after_failed_sync
from setupdesk.adapters.ledger.hooks import Hooks
from setupdesk.adapters.ledger.keys import Keys
from setupdesk.adapters.ledger.mutes import Mutes
from setupdesk.adapters.ledger.notifications import Channels, Notifications
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.pairings import Pairings
from setupdesk.adapters.ledger.queue import QueueReads
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.repairs import Repairs
from setupdesk.adapters.ledger.saved_requests import SavedRequests
from setupdesk.adapters.ledger.schedules import Schedules
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.ticks import Ticks
from setupdesk.adapters.ledger.turned_away import TurnedAway
from setupdesk.adapters.ledger.watches import Watches
from setupdesk.adapters.redactor import Redactor
from setupdesk.adapters.result_store import ResultStore
from setupdesk.adapters.secret_file import load_secret
from setupdesk.adapters.telegram_sender import Draw, TelegramSender
from setupdesk.adapters.webhook_sender import WebhookSender
from setupdesk.app.bar_pages import ShowBars
from setupdesk.app.channel_desk import ChannelDesk
from setupdesk.app.compare_runs import CompareRuns
from setupdesk.app.data_desk import DataDesk
from setupdesk.app.fetch import Fetch
from setupdesk.app.find_runs import FindRuns
from setupdesk.app.hook_desk import HookDesk
from setupdesk.app.key_desk import KeyDesk
from setupdesk.app.link_desk import LinkDesk
from setupdesk.app.mute_desk import MuteDesk
from setupdesk.app.notifier import Signer
from setupdesk.app.offer import BuildOffer
from setupdesk.app.preflight import Preflight
from setupdesk.app.push_bars import PushBars
from setupdesk.app.queries import Queries, show_row
from setupdesk.app.queue import ShowQueue
from setupdesk.app.report_page import WriteReportPage
from setupdesk.app.rule_desk import GateReport, RuleDesk, Stage
from setupdesk.app.run_desk import RunDesk
from setupdesk.app.saved_desk import SavedDesk
from setupdesk.app.schedule_desk import ScheduleDesk
from setupdesk.app.scheduler import Fire, Scheduler
from setupdesk.app.start import Start
from setupdesk.app.symbol_desk import SymbolDesk
from setupdesk.app.timetable import Timetable
from setupdesk.app.watch_desk import WatchDesk
from setupdesk.app.watched_bars import ShowWatchedBars
from setupdesk.core.run import Door
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.exposure import API_PREFIX
from setupdesk.settings import Settings, find_telegram_token
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import RuleRegistry
from setupdesk.wiring.alert_pictures import AlertPictures
from setupdesk.wiring.feeds import build_feeds
from setupdesk.wiring.opened import open_calendar, open_rules, open_symbols

log = logging.getLogger(__name__)

DISPATCHED = (("start",), ("settle",), ("cancel",))
"""Which errands each dispatcher carries: a cancel waits for no answer of Prefect's, and what
Prefect has to be told of ends waits for no executor."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Wakes the dispatchers, of which each has a bell of its own: none takes another's ring."""

    bells: tuple[Event, ...]

    def ring(self) -> None:
        """Say that there is something to do."""
        for bell in self.bells:
            bell.set()


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a door can ask for."""

    settings: Settings
    start: Start
    queries: Queries
    run_desk: RunDesk
    find_runs: FindRuns
    compare_runs: CompareRuns
    saved_desk: SavedDesk
    preflight: Preflight
    show_queue: ShowQueue
    write_report_page: WriteReportPage
    data_desk: DataDesk
    symbol_desk: SymbolDesk
    rule_desk: RuleDesk
    show_bars: ShowBars
    push_bars: PushBars
    hook_desk: HookDesk
    schedule_desk: ScheduleDesk
    watch_desk: WatchDesk
    show_watched_bars: ShowWatchedBars
    channel_desk: ChannelDesk
    mute_desk: MuteDesk
    fetch: Fetch
    outbox: Outbox
    alarm: Alarm
    anchors: Anchors
    keys: Keys
    key_desk: KeyDesk
    link_desk: LinkDesk
    pairings: Pairings
    turned_away: TurnedAway
    changes: Changes

    def list_changes(self, limit: int, owner: str | None = None) -> list[dict[str, Any]]:
        """List who changed which schedules and watches, the newest first."""
        return [show_row(row) for row in self.changes.load(limit, owner)]

    def close(self) -> None:
        """Close the ledger."""
        self.turned_away.write()
        self.anchors.write_new()
        self.outbox.engine.dispose()

    def end_with_disk(self, end: Callable[[], None]) -> None:
        """Accept nothing more, and *end*, once the ledger's disk has not confirmed a write."""
        stop_after_failed_sync(self.outbox.engine, end)

    def cancel(self, run_id: str, user: str, door: Door) -> dict[str, Any]:
        """Stop a run; its row stays, and its log says who asked."""
        return _cancel(self.outbox, self.alarm, run_id, user, door)


def _cancel(outbox: Outbox, alarm: Alarm, run_id: str, user: str, door: Door) -> dict[str, Any]:
    state = outbox.ask_to_cancel(run_id)
    asked = {"user": user, "door": door}
    with bound_contextvars(run_id=run_id):
        log.info("cancel asked", extra={**asked, "state": state})
    alarm.ring()
    return {"run_id": run_id, "state": state}


def build_desk(settings: Settings, *, hands_over: bool) -> Desk:
    """Build the desk; *hands_over* says whether a dispatcher will take its runs on."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)

    # Polars starts threads when it is imported, and the executor, which forks, must have none.
    from setupdesk.adapters.bar_files import write_bars
    from setupdesk.adapters.importers import read_bars

    ledger = open_database(settings.ledger, keeps_connections=True)
    bounds = Bounds(settings.most_waiting, settings.most_waiting_per_user) if hands_over else None
    symbols, rules = open_symbols(settings.symbols), open_rules(settings.setups)
    catalogue, calendar = Catalogue(symbols), open_calendar(settings.cache)
    bar_store, results = BarStore(settings.bars), ResultStore(settings.runs)
    spool = FeedSpool(settings.spool)
    registry = RuleRegistry(rules)
    feeds = build_feeds(settings, spool)
    build_offer = BuildOffer(
        catalogue, registry, rules, bar_store, calendar, clock.today, tuple(feeds)
    )
    reads = Reads(ledger)
    queries = Queries(reads, results, Repairs(ledger, clock.now))
    rule_desk = RuleDesk(registry, rules, catalogue, _build_gate(settings))
    anchors = Anchors(ledger, settings.anchors, clock.now)
    start_ledger = StartLedger(ledger, clock.now, hands_over, bounds=bounds, anchors=anchors)
    changes = Changes(ledger)
    keys, turned_away = Keys(ledger, clock.now), TurnedAway(ledger, clock.now)
    alarm = Alarm(tuple(Event() for _ in DISPATCHED))
    show_queue = ShowQueue(QueueReads(ledger), settings.places, clock.now)
    redactor, outbox = Redactor(settings.secret_files), Outbox(ledger, clock.now)
    watches = Watches(ledger, clock.now)
    start = Start(build_offer, start_ledger, alarm.ring, redactor.clean, watches.load)
    load_master = partial(load_secret, settings.webhooks_key_file, "")
    load_own = partial(load_secret, settings.api_key_file, API_PREFIX)
    pairings = Pairings(ledger, clock.now, load_own)
    schedules, ticks = Schedules(ledger, clock.now), Ticks(ledger, clock.now)
    fire = Fire(ticks, start, keys.load_quota)
    scheduler = Scheduler(
        schedules,
        ticks,
        Timetable(catalogue, calendar),
        fire,
        partial(_cancel, outbox, alarm),
        clock.now,
    )
    schedule_desk = ScheduleDesk(schedules, ticks, scheduler, fire, watches.find_name)
    watch_desk = WatchDesk(watches, schedule_desk, start)
    show_watched_bars = ShowWatchedBars(watch_desk.find, watches, catalogue, bar_store, calendar)
    mutes = Mutes(ledger, clock.now)
    channel_desk = ChannelDesk(
        Channels(ledger, clock.now),
        Notifications(ledger, clock.now),
        _build_sender(settings, pairings, AlertPictures(watch_desk, show_watched_bars).draw),
        Signer(load_master, clock.now),
        clock.now,
        mutes.load_all,
    )
    return Desk(
        settings=settings,
        start=start,
        queries=queries,
        run_desk=RunDesk(queries, start, outbox, alarm.ring),
        find_runs=FindRuns(reads, catalogue),
        compare_runs=CompareRuns(queries),
        saved_desk=SavedDesk(SavedRequests(ledger), start, clock.now),
        preflight=Preflight(
            offer_to=start.offer_to,
            registry=registry,
            catalogue=catalogue,
            bar_store=bar_store,
            calendar=calendar,
            load_speeds=reads.load_speeds,
            show_queue=show_queue,
            has_room=start_ledger.has_room,
        ),
        show_queue=show_queue,
        write_report_page=WriteReportPage(queries, registry, catalogue, bar_store, calendar),
        data_desk=DataDesk(catalogue, read_bars, bar_store, clock.now, calendar, write_bars),
        symbol_desk=SymbolDesk(catalogue, symbols, calendar),
        rule_desk=rule_desk,
        show_bars=ShowBars(catalogue, bar_store),
        push_bars=PushBars(catalogue, PushFeed(spool=spool, now=clock.now)),
        hook_desk=HookDesk(
            Hooks(ledger, clock.now),
            start,
            build_offer,
            keys.load_quota,
            load_master,
            clock.now,
            turned_away,
        ),
        schedule_desk=schedule_desk,
        watch_desk=watch_desk,
        show_watched_bars=show_watched_bars,
        channel_desk=channel_desk,
        mute_desk=MuteDesk(channel_desk, mutes, watches.load_all, catalogue, clock.now),
        fetch=Fetch(catalogue, feeds, spool, bar_store, clock.now),
        outbox=outbox,
        alarm=alarm,
        anchors=anchors,
        keys=keys,
        key_desk=KeyDesk(keys, clock.now),
        link_desk=_build_link_desk(settings, keys, changes),
        pairings=pairings,
        turned_away=turned_away,
        changes=changes,
    )


def _build_link_desk(settings: Settings, keys: Keys, changes: Changes) -> LinkDesk:
    page = settings.web_address if settings.ui else ""
    return LinkDesk(keys, changes, clock.now, page, settings.is_web_local)


def _build_sender(settings: Settings, pairings: Pairings, draw: Draw) -> ChannelSender:
    return ChannelSender(
        WebhookSender(clock=clock.now, private=settings.private_channels),
        TelegramSender(
            partial(find_telegram_token, settings),
            settings.telegram_api,
            pairings.find,
            draw,
            settings.web_address if settings.ui and not settings.is_web_local else None,
        ),
    )


def _build_gate(settings: Settings) -> Callable[[Setup, Symbol, Stage], GateReport]:
    # The engine is imported when a rule comes, and not when a door opens the desk.
    def examine_rule(setup: Setup, symbol: Symbol, note: Stage) -> GateReport:
        keep_kernels_in(settings.kernels)
        from setupdesk.engine.gate import examine

        return examine(setup, symbol, note=note)

    return examine_rule
