"""Wiring: the only place where ports meet adapters."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

from structlog.contextvars import bound_contextvars

from setupdesk.adapters import clock
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import SymbolFiles, load_catalogue
from setupdesk.adapters.desk_file import list_processes, read_desk_file
from setupdesk.adapters.executor_socket import ExecutorSocket
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.ccxt import CcxtFeed
from setupdesk.adapters.feeds.dukascopy import DukascopyFeed
from setupdesk.adapters.feeds.mt5 import Mt5Feed
from setupdesk.adapters.feeds.push import PushFeed
from setupdesk.adapters.feeds.vendor_http import VendorHttp
from setupdesk.adapters.kernel_cache import keep_kernels_in
from setupdesk.adapters.leader_lock import leading
from setupdesk.adapters.ledger.anchors import PERIOD, Anchors
from setupdesk.adapters.ledger.bounds import Bounds
from setupdesk.adapters.ledger.database import open_database, stop_after_failed_sync
from setupdesk.adapters.ledger.hooks import Hooks
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.keys import Keys
from setupdesk.adapters.ledger.notifications import Channels, Notifications
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.queue import QueueReads
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.reconciliation import Reconciliation
from setupdesk.adapters.ledger.repairs import Repairs
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.turned_away import TurnedAway
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.redactor import Redactor
from setupdesk.adapters.result_store import ResultStore
from setupdesk.adapters.rule_files import RuleFiles
from setupdesk.adapters.secret_file import load_secret
from setupdesk.adapters.webhook_sender import WebhookSender
from setupdesk.app.adopter import Adopter
from setupdesk.app.bar_pages import ShowBars
from setupdesk.app.channel_desk import ChannelDesk
from setupdesk.app.data_desk import DataDesk
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.app.fetch import Fetch
from setupdesk.app.find_runs import FindRuns
from setupdesk.app.health import ShowHealth
from setupdesk.app.hook_desk import HookDesk
from setupdesk.app.key_desk import KeyDesk
from setupdesk.app.notifier import Notifier, Signer
from setupdesk.app.offer import BuildOffer
from setupdesk.app.ports import Feed
from setupdesk.app.preflight import Preflight
from setupdesk.app.push_bars import PushBars
from setupdesk.app.queries import Queries
from setupdesk.app.queue import ShowQueue
from setupdesk.app.reaper import Reaper
from setupdesk.app.reconciler import Reconciler
from setupdesk.app.report_page import WriteReportPage
from setupdesk.app.rule_desk import GateReport, RuleDesk, Stage
from setupdesk.app.run_desk import RunDesk
from setupdesk.app.start import Start
from setupdesk.app.symbol_desk import SymbolDesk
from setupdesk.core.run import Door
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.exposure import PREFECT_PREFIX
from setupdesk.settings import Settings
from setupdesk.setups.definition import Setup
from setupdesk.setups.plugins import TriggerPlugin, find_plugins
from setupdesk.setups.registry import RuleRegistry

log = logging.getLogger(__name__)

# One of each for a process: what a warm parent has read, its children need not read again.
_open_symbols = cache(SymbolFiles)
_open_calendar = cache(ExchangeCalendar)


@cache
def _open_rules(folder: Path) -> RuleFiles:
    return RuleFiles(folder, find_plugins(_examine_plugin))


def _examine_plugin(plugin: TriggerPlugin) -> Iterable[str]:
    from setupdesk.engine.plugin_gate import examine_plugin

    return examine_plugin(plugin, load_catalogue()["GER40"])


DISPATCHED = (("start",), ("settle",), ("cancel",))
"""Which errands each dispatcher carries: a cancel waits for no answer of Prefect's, and what
Prefect has to be told of ends waits for no executor."""


DRAIN_SECONDS = 2.0
"""How long the dispatchers may take to finish when the service is told to stop."""


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
    preflight: Preflight
    show_queue: ShowQueue
    write_report_page: WriteReportPage
    data_desk: DataDesk
    symbol_desk: SymbolDesk
    rule_desk: RuleDesk
    show_bars: ShowBars
    push_bars: PushBars
    hook_desk: HookDesk
    channel_desk: ChannelDesk
    fetch: Fetch
    outbox: Outbox
    alarm: Alarm
    anchors: Anchors
    keys: Keys
    key_desk: KeyDesk
    turned_away: TurnedAway

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
        state = self.outbox.ask_to_cancel(run_id)
        asked = {"user": user, "door": door}
        with bound_contextvars(run_id=run_id):
            log.info("cancel asked", extra={**asked, "state": state})
        self.alarm.ring()
        return {"run_id": run_id, "state": state}


def build_desk(settings: Settings, *, hands_over: bool) -> Desk:
    """Build the desk; *hands_over* says whether a dispatcher will take its runs on."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)

    # Polars starts threads when it is imported, and the executor, which forks, must have none.
    from setupdesk.adapters.bar_files import write_bars
    from setupdesk.adapters.importers import read_bars

    ledger = open_database(settings.ledger, keeps_connections=True)
    bounds = Bounds(settings.most_waiting, settings.most_waiting_per_user) if hands_over else None
    symbols, rules = _open_symbols(settings.symbols), _open_rules(settings.setups)
    catalogue, calendar = Catalogue(symbols), _open_calendar(settings.cache)
    bar_store, results = BarStore(settings.bars), ResultStore(settings.runs)
    spool = FeedSpool(settings.spool)
    registry = RuleRegistry(rules)
    build_offer = BuildOffer(catalogue, registry, rules, bar_store, calendar, clock.today)
    reads = Reads(ledger)
    queries = Queries(reads, results, Repairs(ledger, clock.now))
    rule_desk = RuleDesk(registry, rules, catalogue, _build_gate(settings))
    anchors = Anchors(ledger, settings.anchors, clock.now)
    start_ledger = StartLedger(ledger, clock.now, hands_over, bounds=bounds, anchors=anchors)
    keys, turned_away = Keys(ledger, clock.now), TurnedAway(ledger, clock.now)
    alarm = Alarm(tuple(Event() for _ in DISPATCHED))
    show_queue = ShowQueue(QueueReads(ledger), settings.places, clock.now)
    redactor, outbox = Redactor(settings.secret_files), Outbox(ledger, clock.now)
    start = Start(build_offer, start_ledger, alarm.ring, redactor.clean)
    load_master = partial(load_secret, settings.webhooks_key_file, "")
    return Desk(
        settings=settings,
        start=start,
        queries=queries,
        run_desk=RunDesk(queries, start, outbox, alarm.ring),
        find_runs=FindRuns(reads, catalogue),
        preflight=Preflight(
            build_offer=build_offer,
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
        channel_desk=ChannelDesk(
            Channels(ledger, clock.now),
            Notifications(ledger, clock.now),
            WebhookSender(clock=clock.now, private=settings.private_channels),
            Signer(load_master, clock.now),
            clock.now,
        ),
        fetch=Fetch(catalogue, build_feeds(settings, spool), spool, bar_store, clock.now),
        outbox=outbox,
        alarm=alarm,
        anchors=anchors,
        keys=keys,
        key_desk=KeyDesk(keys, clock.now),
        turned_away=turned_away,
    )


def _build_gate(settings: Settings) -> Callable[[Setup, Symbol, Stage], GateReport]:
    # The engine is imported when a rule comes, and not when a door opens the desk.
    def examine_rule(setup: Setup, symbol: Symbol, note: Stage) -> GateReport:
        keep_kernels_in(settings.cache / "kernels")
        from setupdesk.engine.gate import examine

        return examine(setup, symbol, note=note)

    return examine_rule


def build_feeds(settings: Settings, spool: FeedSpool) -> Mapping[str, Feed]:
    """Build the feeds that bars can be fetched from, by their names."""
    given = settings.feeds
    http = VendorHttp(clock=clock.now, pause=given.dukascopy_pause)
    feeds: tuple[Feed, ...] = (
        DukascopyFeed(
            http=http,
            files_url=given.dukascopy_files_url,
            api_url=given.dukascopy_api_url,
            history=given.dukascopy_history,
        ),
        CcxtFeed(now=clock.now, url=given.ccxt_url),
        Mt5Feed(now=clock.now, server_clock=given.mt5_clock),
        PushFeed(spool=spool, now=clock.now),
    )
    return {feed.name: feed for feed in feeds}


@contextmanager
def dispatching(desk: Desk) -> Iterator[None]:
    """Carry the desk's errands to Prefect and the executor as long as this lasts."""
    stop = Event()
    settings = desk.settings
    prefect = PrefectApi(
        f"http://127.0.0.1:{settings.prefect_port}/api",
        load_secret(settings.prefect_key_file, PREFECT_PREFIX),
    )
    executor = ExecutorSocket(settings.executor_socket)
    works: list[Callable[[], None]] = [
        partial(
            Dispatcher(desk.outbox, prefect, executor, settings.places, kinds).run_for_ever,
            bell,
            stop,
        )
        for kinds, bell in zip(DISPATCHED, desk.alarm.bells, strict=True)
    ]
    reaper = Reaper(Workers(desk.outbox.engine, clock.now), desk.alarm.ring)
    works.append(partial(reaper.run_for_ever, stop))
    works.append(partial(build_adopter(desk, prefect).run_for_ever, stop))
    works.append(partial(build_reconciler(desk, prefect).run_for_ever, stop))
    works.append(partial(build_notifier(desk).run_for_ever, stop))
    works.append(partial(_keep_writing, desk, stop))
    lead = Thread(target=_lead, args=(desk, works, stop), daemon=True)
    lead.start()
    try:
        yield
    finally:
        stop.set()
        desk.alarm.ring()
        # What hangs in a call is left behind: its errand stays in the outbox until it is seen done.
        lead.join(DRAIN_SECONDS)
        prefect.close()


@contextmanager
def watching(desk: Desk) -> Iterator[ShowHealth]:
    """Have a look at the desk's health at hand as long as this lasts."""
    settings = desk.settings
    key = load_secret(settings.prefect_key_file, PREFECT_PREFIX)
    address = f"http://127.0.0.1:{settings.prefect_port}/api"
    with closing(PrefectApi(address, key, timeout_seconds=LOOK_SECONDS)) as prefect:
        yield ShowHealth(
            Reads(desk.outbox.engine),
            prefect,
            ExecutorSocket(settings.executor_socket, LOOK_SECONDS),
            lambda: list(list_processes(read_desk_file(settings.desk_file))),
            clock.now,
        )


LOOK_SECONDS = 2.0
"""Whoever takes longer to answer is not well."""


def build_adopter(desk: Desk, prefect: PrefectApi) -> Adopter:
    """Build what takes runs that were made in Prefect through START."""
    has_room, user = desk.start.ledger.has_room, desk.settings.owner
    return Adopter(
        door=prefect,
        start=desk.start,
        build_offer=desk.start.build_offer,
        has_room=has_room,
        user=user,
        clock=clock.now,
        load_under_way=desk.outbox.load_under_way,
        cancel=desk.cancel,
    )


def build_notifier(desk: Desk) -> Notifier:
    """Build what tells the channels of ends of runs."""
    told, how = Notifications(desk.outbox.engine, clock.now), desk.channel_desk
    return Notifier(told, how.sender, how.signer, clock.now)


def build_reconciler(desk: Desk, prefect: PrefectApi) -> Reconciler:
    """Build what puts right where ledger, Prefect, executor and reports disagree."""
    return Reconciler(
        Reconciliation(desk.outbox.engine, clock.now),
        prefect,
        ExecutorSocket(desk.settings.executor_socket),
        ResultStore(desk.settings.runs),
        desk.alarm.ring,
        clock.now,
    )


def _lead(desk: Desk, works: list[Callable[[], None]], stop: Event) -> None:
    """Do the *works*, each in a thread, once no other service of the home does them."""
    with leading(desk.settings.leader_file, stop) as mine:
        if not mine:
            return
        desk.outbox.take_over()
        threads = [Thread(target=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _keep_writing(desk: Desk, stop: Event) -> None:
    while not stop.wait(PERIOD.total_seconds()):
        desk.anchors.write_new()
        desk.turned_away.write()


def build_flow_body(settings: Settings, journal: Journal) -> Callable[[str], None]:
    """Build what carries out a run; the engine is imported here and not before."""
    keep_kernels_in(settings.cache / "kernels")
    from setupdesk.app.backtest_runner import run_backtest
    from setupdesk.app.flow_body import FlowBody
    from setupdesk.app.live_scan import scan_live
    from setupdesk.app.setup_manager import SetupManager

    results = ResultStore(settings.runs)
    journal.lay_orphans_to_rest()
    reads = Reads(journal.engine)
    manager = SetupManager(
        registry=RuleRegistry(_open_rules(settings.setups)),
        catalogue=Catalogue(_open_symbols(settings.symbols)),
        bar_store=BarStore(settings.bars),
        calendar=_open_calendar(settings.cache),
        journal=journal,
        load_speeds=reads.load_speeds,
        load_variants=reads.load_variants,
        run_backtest=run_backtest,
        scan_live=scan_live,
    )
    return FlowBody(journal, manager, results)


def warm_up(settings: Settings) -> None:
    """Do before the first run what it would wait for: kernels, calendars of stored bars."""
    from setupdesk.engine import statistics
    from setupdesk.engine.backtest import warm_up as compile_kernels

    catalogue = Catalogue(_open_symbols(settings.symbols))
    # GER40 as it ships has every window that a rule may name.
    compile_kernels(
        [rule.default for rule in _open_rules(settings.setups).values()], load_catalogue()["GER40"]
    )
    statistics.warm_up()
    calendar = _open_calendar(settings.cache)
    for name in {manifest.symbol for manifest in BarStore(settings.bars).manifests()}:
        symbol = catalogue.find(name)
        if symbol:
            today = clock.today(symbol.zone)
            calendar.sessions(symbol, today, today)


def build_journal(settings: Settings, worker: str) -> Journal:
    """Build what *worker* writes the fates of its runs with; it keeps no connection."""
    return Journal(open_database(settings.ledger, patience=BRIEF), clock.now, worker)


def build_workers(settings: Settings) -> Workers:
    """Build what an executor shows its life with; it keeps no connection."""
    return Workers(open_database(settings.ledger, patience=BRIEF), clock.now)


BRIEF = 5.0
"""Seconds that an executor waits for the ledger's lock: its runs need it meanwhile."""
