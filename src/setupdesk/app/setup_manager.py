"""The Setup Manager: plan a run, then hand the Plan to the runner for its mode."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from setupdesk.app.means import find_means
from setupdesk.app.plan import Plan
from setupdesk.app.ports import BarStore, Calendar, Journal
from setupdesk.app.scope import estimate_seconds, find_earlier, find_scope, find_total
from setupdesk.core.errors import MissingBarsError, NotFoundError
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Run
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.coverage import mark_holed
from setupdesk.market.data_set import Manifest
from setupdesk.setups.registry import RuleRegistry

log = logging.getLogger(__name__)

PAST = timedelta(days=365)
"""How far a live scan looks back for base rates."""

Runner = Callable[[Plan], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SetupManager:
    """Plan, then detectors, then the Backtest Runner or a live scan."""

    registry: RuleRegistry
    catalogue: Catalogue
    bar_store: BarStore
    calendar: Calendar
    journal: Journal
    load_speeds: Callable[[str], list[tuple[int, float]]]
    load_variants: Callable[[str, str, str], list[dict[str, Any]]]
    run_backtest: Runner
    scan_live: Callable[[Plan, Plan | None], dict[str, Any]]
    poll: Callable[[Run], dict[str, Any]]
    compare: Callable[[Run], dict[str, Any]]
    add_newest: Callable[[Symbol, Bars], Bars]
    """Gives stored bars with what the symbol's feed has beyond them."""

    def __call__(self, run: Run) -> dict[str, Any] | None:
        """Carry out a run and give its report; a dry run ends with its Plan and gives None."""
        if run.request.watch:
            return self._carry_out_of_watch(run)
        self._enter(run, "planning")
        plan = self.plan(run.request)
        self.journal.note_plan(run.run_id, plan.to_json())
        if run.request.options.dry_run:
            return None
        self._enter(run, "finding signals")
        if run.request.mode is Mode.BACKTEST:
            return self.run_backtest(plan)
        return self.scan_live(plan, self._plan_past(plan))

    def _carry_out_of_watch(self, run: Run) -> dict[str, Any]:
        if run.request.mode is Mode.LIVE:
            self._enter(run, "looking")
            return self.poll(run)
        self._enter(run, "comparing")
        return self.compare(run)

    def _enter(self, run: Run, stage: str) -> None:
        self.journal.note_stage(run.run_id, stage)
        log.info("stage: %s", stage)

    def plan(self, request: Request) -> Plan:
        """Settle what the run will do; nothing heavy is done."""
        symbol = self.catalogue[request.symbol]
        rule = self.registry.find(request.setup_id)
        if rule is None:
            raise NotFoundError("setup", request.setup_id)
        scope = find_scope(request, rule, symbol, self.bar_store, self.calendar, self.add_newest)
        sessions, bars, source = scope.sessions, scope.bars, scope.source
        if request.mode is Mode.BACKTEST:
            sessions = mark_holed(bars, sessions)
        fine_source = self._find_fine(symbol, request.timeframe, source)
        return Plan(
            request=request,
            setup=scope.setup,
            symbol=symbol,
            means=find_means(request),
            max_trades_total=find_total(request),
            variants=self._count_variants(request),
            sessions=sessions,
            earlier=find_earlier(scope.setup, symbol, self.calendar, sessions[0].day),
            bars=bars,
            warm_up_bars=scope.warm_up_bars,
            warm_up_days=scope.warm_up.days,
            source=source,
            fine=self._load_fine(symbol, fine_source, bars),
            fine_source=fine_source,
            seconds=estimate_seconds(self.load_speeds(request.setup_id), len(bars)),
        )

    def _plan_past(self, plan: Plan) -> Plan | None:
        """Plan the sessions before a live one; None where none of them has bars."""
        end = plan.sessions[0].day - timedelta(days=1)
        before = replace(plan.request, mode=Mode.BACKTEST, start=end - PAST, end=end, at=None)
        try:
            past = self.plan(before)
        except MissingBarsError:
            return None
        return past if len(past.bars) else None

    def _find_fine(self, symbol: Symbol, timeframe: Timeframe, source: Manifest) -> Manifest | None:
        # Bars that were made of finer ones are settled by these, others by M1 of their own kind.
        if timeframe is Timeframe.M1:
            return None
        if source.timeframe is not timeframe:
            return source
        found = self.bar_store.find_manifest(symbol.name, Timeframe.M1)
        return found if found and found.simulated == source.simulated else None

    def _load_fine(self, symbol: Symbol, source: Manifest | None, bars: Bars) -> Bars | None:
        if source is None or not len(bars):
            return None
        stored = self.bar_store.load(symbol.name, source.timeframe, source.fingerprint)
        return stored.between(int(bars.time[0]), int(bars.time[-1]) + bars.timeframe.milliseconds)

    def _count_variants(self, request: Request) -> int:
        earlier = self.load_variants(request.setup_id, request.symbol, request.timeframe)
        mine = {**request.to_json()["options"], **request.extra}
        return len({_name_variant(one) for one in (*earlier, mine)})


def _name_variant(options: Mapping[str, Any]) -> str:
    # Trying another account, or only planning, is no other variant.
    apart = ("dry_run", "account")
    return json.dumps({key: options[key] for key in sorted(options) if key not in apart})
