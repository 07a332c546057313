"""The live scan: where a setup stands at the newest closed bar."""

from typing import Any

from setupdesk.app.plan import Plan
from setupdesk.app.provenance import describe_run
from setupdesk.core.run import to_iso
from setupdesk.engine.report import build_report
from setupdesk.engine.result import Result
from setupdesk.engine.statistics import summarize
from setupdesk.market.days import from_ms


def scan_live(plan: Plan) -> dict[str, Any]:
    """Run the very code of a backtest on the newest session, and say where the setup stands."""
    result = plan.run()
    statistics = summarize(result, zone=plan.symbol.zone)
    closed_ms = int(plan.bars.time[-1]) + plan.bars.timeframe.milliseconds
    return (
        build_report(result, statistics, tick=plan.symbol.tick, zone=plan.symbol.zone)
        | describe_run(plan)
        | {"live": {"as_of": to_iso(from_ms(closed_ms)), **_describe_state(result)}}
    )


def _describe_state(result: Result) -> dict[str, Any]:
    session = result.sessions[-1]
    if session.skipped:
        state, sentence = "not_tradable", f"The session is not traded: {session.skipped}."
    elif session.known_at is None:
        state, sentence = "forming", "The levels of the session are still forming."
    elif result.candidates:
        newest = result.candidates[-1]
        state = newest.verdict
        sentence = f"{newest.level} triggered, {newest.side}: {newest.detail or 'a signal'}."
    else:
        state, sentence = "waiting", "The levels are known; nothing has triggered yet."
    return {
        "day": session.day.isoformat(),
        "state": state,
        "sentence": sentence,
        "levels": session.levels,
    }
