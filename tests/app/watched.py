"""A watch over a real ledger and real bars, by a clock that can be set."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text, update

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.ledger.database import open_database, writing
from setupdesk.adapters.ledger.processes import name_process
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.tables import run
from setupdesk.adapters.ledger.watches import Watches
from setupdesk.app.live_watch import LiveWatch
from setupdesk.app.setup_manager import SetupManager
from setupdesk.app.sight import See
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door, Run
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Replay, Watch, WatchTerms
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.setups.registry import RuleRegistry

if TYPE_CHECKING:
    from setupdesk.app.ports import Feed

BEGAN = datetime(2026, 1, 5, 12, tzinfo=UTC)


class WatchedDesk:
    """All that a watch needs, in a folder; time passes when the test says so."""

    def __init__(self, folder: Path, registry: RuleRegistry, catalogue: Any) -> None:
        self.now = BEGAN
        self.ledger = open_database(folder / "ledger.db", keeps_connections=True)
        self.bar_store = BarStore(folder / "bars")
        self.calendar = ExchangeCalendar(folder / "cache")
        self.registry, self.catalogue = registry, catalogue
        self.watches = Watches(self.ledger, self.clock)
        self.feeds: dict[str, Feed] = {}
        self.see = See(self.bar_store, self.feeds, self.clock)
        self.poll_once = LiveWatch(
            self.watches,
            self.see,
            self.see.find_now,
            registry,
            catalogue,
            self.calendar,
            self.clock,
        )
        self.started: dict[str, Run] = {}

    def clock(self) -> datetime:
        return self.now

    def store(self, symbol: str, bars: Bars, *, replaces: bool = False) -> None:
        facts = Facts(
            source_file="f",
            source_format="own",
            source_sha256="0",
            imported_at=BEGAN,
            quality={},
            seed=1,
        )
        self.bar_store.save(symbol, bars, facts, replaces=replaces)

    def watch(
        self,
        setups: tuple[str, ...],
        symbols: tuple[str, ...],
        timeframe: str,
        *,
        starts_at: datetime | None = None,
        feed: str = "replay",
        **more: Any,
    ) -> Watch:
        """Make a watch, and a run that its polls belong to."""
        terms = WatchTerms(
            setups=setups,
            symbols=symbols,
            timeframe=Timeframe(timeframe),
            options=more.get("options", {}),
            extra=more.get("extra", {}),
            feeds=dict.fromkeys(symbols, feed),
            replay=Replay(starts_at, 1) if starts_at else None,
            expires=more.get("expires", timedelta(minutes=30)),
        )
        made = Watch(
            watch_id=f"watch_{len(self.started) + 1:012x}",
            name="w",
            user="ann",
            key_id=None,
            terms=terms,
            schedule_id=None,
            parity_schedule_id=None,
            created_at=self.now,
        )
        assert self.watches.add(made, [], 50)
        self.started[made.watch_id] = self._begin(made)
        return made

    def _begin(self, made: Watch) -> Run:
        request = Request(
            setup_id=made.terms.setups[0],
            symbol=made.terms.symbols[0],
            timeframe=made.terms.timeframe,
            mode=Mode.LIVE,
            watch=made.watch_id,
        )
        receipt = StartLedger(self.ledger, self.clock).accept(
            request, request.to_json(), "ann", Door.SCHEDULER
        )
        assert receipt.run_id
        begun = {"state": "running", "process": name_process(os.getpid())}
        with writing(self.ledger) as connection:
            connection.execute(update(run).where(run.c.run_id == receipt.run_id).values(begun))
        return Run(
            run_id=receipt.run_id,
            request=request,
            user="ann",
            door=Door.SCHEDULER,
            accepted_at=self.now,
        )

    def take_run(self, watch: Watch, **values: str) -> None:
        """Let somebody else change the run of a watch's polls."""
        this = run.c.run_id == self.started[watch.watch_id].run_id
        with writing(self.ledger) as connection:
            connection.execute(update(run).where(this).values(values))

    def show(self, watch: Watch, moment: datetime) -> None:
        """Let the clock of a replay show *moment*."""
        assert watch.terms.replay
        self.now = watch.created_at + (moment - watch.terms.replay.starts_at)

    def poll(self, watch: Watch) -> dict[str, Any]:
        return self.poll_once(self.started[watch.watch_id])

    def alerts(self, watch: Watch) -> list[dict[str, Any]]:
        """Give what was raised, the oldest bar first."""
        found = [dict(row) for row in self.watches.load_alerts(None, watch.watch_id, 100_000)]
        return sorted(found, key=lambda one: (one["bar_at"], one["setup_id"] or ""))

    def count(self, table: str) -> int:
        with self.ledger.connect() as connection:
            number: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
        return number

    def build_manager(self) -> SetupManager:
        """Build what plans the backtest beside it."""

        def unused(*_: Any) -> Any:
            raise AssertionError

        return SetupManager(
            registry=self.registry,
            catalogue=self.catalogue,
            bar_store=self.bar_store,
            calendar=self.calendar,
            journal=unused,  # type: ignore[arg-type]
            load_speeds=lambda _: [],
            load_variants=lambda *_: [],
            run_backtest=unused,
            scan_live=unused,
            poll=unused,
            compare=unused,
            add_newest=self.see.add_newest,
        )
