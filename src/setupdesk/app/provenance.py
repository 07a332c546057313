"""What a report says of its own making: rule, bars, engine, costs and fill rules."""

from importlib.metadata import version
from typing import Any

from setupdesk import __version__
from setupdesk.app.plan import Plan
from setupdesk.engine.costs import FillRules
from setupdesk.market.quality import measure_quality

_FILL_RULES = (
    "A signal is known at the close of its bar; a market order fills at the next bar's open.",
    "Bars are bid prices: longs enter at the ask and exit at the bid, shorts the other way round.",
    "A stop order fills when price touches it, at the open where that is already beyond.",
    "Stop and target count from the entry on.",
    "Where a bar leaves open what came first, M1 bars settle it; without them it is the stop.",
    "A target fills on touch; a gap beyond the stop fills at the open, worse than -1R.",
    "Slippage is paid on market and stop orders, stops and flat exits, not on limits and targets.",
    "R is after costs: (exit - entry) / |entry - stop|, less commission and swap.",
)
"""In words, what ``engine/fills.py`` does by any rules."""


def describe_fill_rules(rules: FillRules) -> list[str]:
    """Say how orders are filled."""
    touch = f"{rules.through} tick beyond it" if rules.through else "it"
    gap = "fills at the open" if rules.keeps_gap else "gains nothing"
    flat = "the first open after" if rules.flat_next else "the close of the last bar before"
    return [
        *_FILL_RULES,
        f"A limit order fills when price reaches {touch}.",
        f"A gap beyond the target {gap}.",
        f"What is left is closed at {flat} the flat time.",
    ]


def describe_run(plan: Plan) -> dict[str, Any]:
    """Give what is needed to judge a report, and to make it again."""
    costs = plan.symbol.costs
    return {
        "simulated": plan.source.simulated,
        "provenance": {
            "setup_hash": plan.setup.digest,
            "symbol_hash": plan.symbol.digest,
            "engine_version": __version__,
            "numpy_version": version("numpy"),
            "numba_version": version("numba"),
            "bars_timeframe": plan.source.timeframe,
            "bars_fingerprint": plan.source.fingerprint,
            "bars_source": plan.source.source_names,
            "bars_clock": plan.source.clocks,
            "bars_sources": [source.to_json() for source in plan.source.sources],
            "fine_fingerprint": plan.fine_source and plan.fine_source.fingerprint,
            "bars": len(plan.bars),
            "warm_up_bars": plan.warm_up_bars,
        },
        "costs": {
            "spread": [[f"{start:%H:%M}", points] for start, points in costs.spread],
            "slippage": costs.slippage,
            "commission": costs.commission,
            "swap": [costs.swap_long, costs.swap_short],
        },
        "fill_rules": describe_fill_rules(plan.means.rules),
    }


def describe_quality(plan: Plan) -> dict[str, Any]:
    """Say how far the bars under a run can be trusted, measured on its own sessions."""
    first, last = plan.sessions[0], plan.sessions[-1]
    bars = plan.bars.between(first.opens_ms, last.closes_ms)
    quality = measure_quality(bars, plan.symbol, plan.sessions).to_short()
    return {"data_quality": quality | {"warnings": plan.source.warn()}}
