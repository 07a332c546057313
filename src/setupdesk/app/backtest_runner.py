"""The Backtest Runner: carries out the Plan of a backtest."""

from functools import partial
from typing import Any

from setupdesk.app.plan import Plan
from setupdesk.app.provenance import describe_quality, describe_run
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.look_ahead import check_look_ahead
from setupdesk.engine.report import build_report
from setupdesk.engine.statistics import summarize


def run_backtest(plan: Plan) -> dict[str, Any]:
    """Simulate the setup over the Plan's sessions and give the report."""
    total = plan.request.extra.get("max_trades_total")
    most = None if total is None else int(total)
    run = partial(run_setup, plan.setup, plan.symbol, max_trades_total=most)
    result = run(plan.bars, plan.sessions)
    statistics = summarize(result, zone=plan.symbol.zone)
    return (
        build_report(result, statistics, tick=plan.symbol.tick)
        | describe_run(plan)
        | describe_quality(plan)
        | {"look_ahead": check_look_ahead(run, result, plan.bars, plan.sessions).to_json()}
    )
