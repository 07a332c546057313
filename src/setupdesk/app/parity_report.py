"""The report of a parity: its verdict, its counts, and every difference with its cause."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from setupdesk import __version__
from setupdesk.app.seen_bars import BarFault, FaultKind, Prices
from setupdesk.core.period import to_iso
from setupdesk.core.request import Request
from setupdesk.core.watch import Look, Watch
from setupdesk.market.days import from_ms

Json = dict[str, Any]

MOST_TOLD = 1_000
"""Differences of a kind that a report lists; all are counted."""

MOST_NAMED = 5
"""Bars that are named for one signal."""


class Side(StrEnum):
    """Which of the two has a signal that the other has not."""

    LIVE_ONLY = "live_only"
    BACKTEST_ONLY = "backtest_only"


class Cause(StrEnum):
    """Why live and backtest differ about a signal."""

    RULE_VERSION = "rule_version"
    BAR_REVISED = FaultKind.REVISED
    BAR_MISSING = FaultKind.MISSING
    BAR_EXTRA = FaultKind.EXTRA
    ENGINE_VERSION = "engine_version"
    WARM_UP = "warm_up"
    EARLIER_BARS = "earlier_bars"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A signal that only one of the two has."""

    look: Look
    of: Side
    bar_ms: int
    """Open of the bar at whose close it was known, UTC milliseconds."""

    side: str
    level: str
    cause: Cause
    faults: Sequence[BarFault] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookParity:
    """One setup on one symbol."""

    look: Look
    same: int = 0
    differences: Sequence[Difference] = ()
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParity:
    """One symbol with all setups of the watch."""

    symbol: str
    zone: str
    tick: float = 1.0
    notes: Sequence[str] = ()
    bars: int = 0
    span_ms: tuple[int, int] | None = None
    """What was compared: opens of bars in ``[first, stop)``, UTC milliseconds."""

    faults: Sequence[BarFault] = ()
    looks: Sequence[LookParity] = ()


def build_parity_report(watch: Watch, request: Request, markets: Sequence[MarketParity]) -> Json:
    """Build the report; its lists are cut at ``MOST_TOLD``, its counts are not."""
    differences = [(market, one) for market in markets for one in _find_differences(market)]
    faults = [(market, fault) for market in markets for fault in market.faults]
    summary = _count(markets, [one for _, one in differences], [fault for _, fault in faults])
    return {
        "summary": summary,
        "sentence": _tell(summary),
        "watch_id": watch.watch_id,
        "watch": watch.name,
        "timeframe": watch.terms.timeframe,
        "start": request.start and request.start.isoformat(),
        "end": request.end and request.end.isoformat(),
        "engine_version": __version__,
        "looks": [_show_look(market, look) for market in markets for look in market.looks],
        "differences": [
            _show_difference(market, one) for market, one in islice(differences, MOST_TOLD)
        ],
        "bars": [_show_fault(market, fault) for market, fault in islice(faults, MOST_TOLD)],
        "notes": [f"{market.symbol}: {note}" for market in markets for note in market.notes],
        "trades": [],
        "candidates": [],
    }


def _find_differences(market: MarketParity) -> Iterator[Difference]:
    found = [one for look in market.looks for one in look.differences]
    yield from sorted(found, key=lambda one: (one.bar_ms, one.look.setup_id))


def _count(
    markets: Iterable[MarketParity], differences: Sequence[Difference], faults: Sequence[BarFault]
) -> Json:
    compared = [one for market in markets for one in market.looks if not one.trouble]
    same = sum(one.same for one in compared)
    counted = {
        "signals": same + len(differences),
        "same": same,
        "live_only": sum(one.of is Side.LIVE_ONLY for one in differences),
        "backtest_only": sum(one.of is Side.BACKTEST_ONLY for one in differences),
        "bars": sum(market.bars for market in markets),
    }
    by_kind = {f"bars{kind.removeprefix('bar')}": _tally(faults, kind) for kind in FaultKind}
    verdict = _judge(compared, differences, faults)
    return {"verdict": verdict, "looks": len(compared), **counted, **by_kind}


def _tally(faults: Iterable[BarFault], kind: FaultKind) -> int:
    return sum(one.kind is kind for one in faults)


def _judge(
    compared: Sequence[LookParity], differences: Sequence[Difference], faults: Iterable[BarFault]
) -> str:
    if not compared:
        return "not_compared"
    if differences:
        return "different"
    return "same_signals" if any(one.changes_prices for one in faults) else "identical"


def _tell(of: Json) -> str:
    if of["verdict"] == "not_compared":
        return "There is nothing to compare: none of it was watched, or no bars of it are stored."
    # Those too that a limit of the setup refused: so they are more than the signals of a record.
    same = f"{of['same']} of {of['signals']} candidates are the same"
    if of["verdict"] == "different":
        apart = f"{of['live_only']} only live said, {of['backtest_only']} only the backtest says"
        return f"Live and backtest differ: {same}, {apart}."
    everything = (
        f"all {of['signals']} candidates" if of["signals"] else "no candidates, as there are none"
    )
    if of["verdict"] == "same_signals":
        return f"Some bars differ, and live said what the backtest says: {everything}."
    return f"Live said what the backtest says: {everything}, on {of['bars']:,} equal bars."


def _show_look(market: MarketParity, of: LookParity) -> Json:
    first, stop = market.span_ms or (0, 0)
    return {
        "setup_id": of.look.setup_id,
        "symbol": of.look.symbol,
        "since": to_iso(from_ms(first)),
        "until": to_iso(from_ms(stop)),
        "same": of.same,
        "live_only": sum(one.of is Side.LIVE_ONLY for one in of.differences),
        "backtest_only": sum(one.of is Side.BACKTEST_ONLY for one in of.differences),
        "trouble": of.trouble,
    }


def _show_difference(market: MarketParity, one: Difference) -> Json:
    return {
        "setup_id": one.look.setup_id,
        "symbol": one.look.symbol,
        "of": one.of,
        **_show_bar_time(market, one.bar_ms),
        "side": one.side,
        "level": one.level,
        "cause": one.cause,
        "sentence": _explain(market, one),
        "bars": [_show_fault(market, fault) for fault in one.faults[:MOST_NAMED]],
    }


def _show_fault(market: MarketParity, fault: BarFault) -> Json:
    return {
        "symbol": market.symbol,
        "kind": fault.kind,
        **_show_bar_time(market, fault.open_ms),
        "seen": _show_prices(market, fault.seen),
        "stored": _show_prices(market, fault.stored),
        "seen_at": fault.seen_at and to_iso(fault.seen_at),
        "sentence": _tell_fault(market, fault),
    }


def _show_bar_time(market: MarketParity, open_ms: int) -> Json:
    at = from_ms(open_ms)
    local = at.astimezone(ZoneInfo(market.zone))
    return {"bar_at": to_iso(at), "bar_local": local.isoformat(), "zone": market.zone}


def _show_prices(market: MarketParity, prices: Prices | None) -> dict[str, float] | None:
    if prices is None:
        return None
    return {name: float(f"{ticks * market.tick:.10g}") for name, ticks in prices._asdict().items()}


def _explain(market: MarketParity, one: Difference) -> str:
    if not one.faults:
        return _REASONS[one.cause]
    more = len(one.faults) - 1
    others = f" {more} more {'bar differs' if more == 1 else 'bars differ'}." if more else ""
    return f"{_tell_fault(market, one.faults[0])}{others}"


_REASONS = {
    Cause.RULE_VERSION: "The setup had another rule, or other values, when it was watched.",
    Cause.ENGINE_VERSION: "Another version of setupdesk looked at it.",
    Cause.WARM_UP: "With as few bars before it as live had, the backtest says what live said.",
    Cause.EARLIER_BARS: "Bars from before the watch began, or a volume, are not what live saw.",
    Cause.UNEXPLAINED: "The same bars and the same rule give another answer, and none of the known "
    "causes applies.",
}


def _tell_fault(market: MarketParity, fault: BarFault) -> str:
    local = _show_bar_time(market, fault.open_ms)["bar_local"][:16].replace("T", " ")
    bar = f"The {market.symbol} bar of {local}"
    if fault.kind is FaultKind.MISSING:
        return f"{bar} is stored, and live never saw it."
    if fault.kind is FaultKind.EXTRA:
        return f"{bar} was seen live, and is not stored."
    if fault.kind is FaultKind.LATE:
        return f"{bar} was seen late, at {fault.seen_at:%H:%M:%S} UTC."
    changes = (
        f"{name} {seen * market.tick:.10g}, stored as {stored * market.tick:.10g}"
        for name, seen, stored in zip(
            Prices._fields, fault.seen or (), fault.stored or (), strict=True
        )
        if seen != stored
    )
    return f"{bar} was seen with {'; '.join(changes)}."
