"""The Backtest Runner: carries out the Plan of a backtest."""

from typing import Any

from setupdesk.app.plan import Plan
from setupdesk.app.provenance import describe_quality, describe_run
from setupdesk.engine.costs import with_dearer_spread
from setupdesk.engine.look_ahead import check_look_ahead
from setupdesk.engine.report import build_report
from setupdesk.engine.statistics import summarize


def run_backtest(plan: Plan) -> dict[str, Any]:
    """Simulate the setup over the Plan's sessions and give the report."""
    result = plan.run()
    statistics = summarize(
        result,
        plan.symbol.zone,
        risk=plan.means.risk_percent / 100,
        variants=plan.variants,
        dearer=plan.run(symbol=with_dearer_spread(plan.symbol, times=2)),
    )
    return (
        build_report(result, statistics, tick=plan.symbol.tick, zone=plan.symbol.zone)
        | describe_run(plan)
        | describe_quality(plan)
        | {"look_ahead": check_look_ahead(plan.run, result, plan.bars, plan.sessions).to_json()}
    )
