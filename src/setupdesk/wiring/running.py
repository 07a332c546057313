"""What carries out runs: in the executor's children, or in the process of who asked."""

from collections.abc import Callable

from setupdesk.adapters import clock
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.kernel_cache import keep_kernels_in
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.parity import WatchPast
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.watches import Watches
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.adapters.result_store import ResultStore
from setupdesk.app.fetch import Fetch
from setupdesk.core.symbol import Catalogue
from setupdesk.settings import Settings
from setupdesk.setups.registry import RuleRegistry
from setupdesk.wiring.feeds import build_feeds
from setupdesk.wiring.opened import open_calendar, open_rules, open_symbols


def build_flow_body(settings: Settings, journal: Journal) -> Callable[[str], None]:
    """Build what carries out a run; the engine is imported here and not before."""
    keep_kernels_in(settings.kernels)
    from setupdesk.app.backtest_runner import run_backtest
    from setupdesk.app.flow_body import FlowBody
    from setupdesk.app.live_scan import scan_live
    from setupdesk.app.live_watch import LiveWatch
    from setupdesk.app.parity import Parity
    from setupdesk.app.setup_manager import SetupManager
    from setupdesk.app.sight import See
    from setupdesk.app.stored_bars import StoredBars

    results = ResultStore(settings.runs)
    journal.lay_orphans_to_rest()
    reads, watches = Reads(journal.engine), Watches(journal.engine, clock.now)
    registry = RuleRegistry(open_rules(settings.setups))
    catalogue, calendar = Catalogue(open_symbols(settings.symbols)), open_calendar(settings.cache)
    bar_store = BarStore(settings.bars)
    spool = FeedSpool(settings.spool)
    feeds = build_feeds(settings, spool)
    see = See(bar_store, feeds, clock.now)
    manager = SetupManager(
        registry=registry,
        catalogue=catalogue,
        bar_store=bar_store,
        calendar=calendar,
        journal=journal,
        load_speeds=reads.load_speeds,
        load_variants=reads.load_variants,
        run_backtest=run_backtest,
        scan_live=scan_live,
        poll=LiveWatch(watches, see, see.find_now, registry, catalogue, calendar, clock.now),
        add_newest=see.add_newest,
        compare=Parity(
            book=watches,
            past=WatchPast(journal.engine),
            registry=registry,
            catalogue=catalogue,
            calendar=calendar,
            stored_bars=StoredBars(
                bar_store, feeds, Fetch(catalogue, feeds, spool, bar_store, clock.now)
            ),
        ),
    )
    return FlowBody(journal, manager, results)


def warm_up(settings: Settings) -> None:
    """Do before the first run what it would wait for: kernels, calendars of stored bars."""
    from setupdesk.engine import statistics
    from setupdesk.engine.backtest import warm_up as compile_kernels

    catalogue = Catalogue(open_symbols(settings.symbols))
    # GER40 as it ships has every window that a rule may name.
    compile_kernels(
        [rule.default for rule in open_rules(settings.setups).values()], load_catalogue()["GER40"]
    )
    statistics.warm_up()
    calendar = open_calendar(settings.cache)
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
