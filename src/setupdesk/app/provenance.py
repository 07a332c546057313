"""What a report says of its own making: rule, bars, engine, costs and fill rules."""

from importlib.metadata import version
from typing import Any

from setupdesk import __version__
from setupdesk.app.plan import Plan
from setupdesk.market.quality import measure_quality

FILL_RULES = (
    "A signal is known at the close of its bar; the market order fills at the next bar's open.",
    "Bars are bid prices: longs enter at the ask and exit at the bid, shorts the other way round.",
    "Stop and target count from the entry bar on; both in one bar: the stop counts.",
    "A target fills when the price at which it can be left touches it; a stop too.",
    "A gap beyond the stop fills at the open, worse than -1R; one beyond the target gains nothing.",
    "What is left is closed at the close of the last bar before the flat time.",
    "R is after costs: (exit - entry) / |entry - stop|, each as it was really paid.",
)
"""In words, what ``engine/fills.py`` does."""


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
            "bars": len(plan.bars),
            "warm_up_bars": plan.warm_up_bars,
        },
        "costs": {
            "spread": [[f"{start:%H:%M}", points] for start, points in costs.spread],
            "slippage": costs.slippage,
        },
        "fill_rules": list(FILL_RULES),
    }


def describe_quality(plan: Plan) -> dict[str, Any]:
    """Say how far the bars under a run can be trusted, measured on its own sessions."""
    first, last = plan.sessions[0], plan.sessions[-1]
    bars = plan.bars.between(first.opens_ms, last.closes_ms)
    quality = measure_quality(bars, plan.symbol, plan.sessions).to_short()
    return {"data_quality": quality | {"warnings": plan.source.warn()}}
