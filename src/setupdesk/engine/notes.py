"""Notes: what a reader of a report has to know besides the verdict, and how grave it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from setupdesk.engine.resampling import RUIN_PATHS
from setupdesk.engine.statistics import Statistics
from setupdesk.engine.words import say_count, say_share
from setupdesk.words.figures import in_r

Severity = Literal["alarm", "caution", "plain"]

SURE = 0.95
"""A lower probability that the Sharpe ratio is no luck asks for caution."""

MUCH_RUIN = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One sentence about a result."""

    code: str
    severity: Severity
    """``alarm``: do not trust the result as it stands; ``caution``: read this before it."""

    sentence: str


def write_notes(statistics: Statistics) -> list[Note]:
    """Write all notes, the gravest first."""
    if not statistics.outcomes.trades:
        return []
    notes = [note for write in _WRITERS for note in write(statistics)]
    return sorted(notes, key=lambda note: ("alarm", "caution", "plain").index(note.severity))


def _on_order(statistics: Statistics) -> Iterator[Note]:
    count, average = statistics.outcomes, statistics.expectancy
    if not count.ambiguous:
        return
    three = (
        f"{in_r(average.expectancy_pessimistic_r)} with the stop first, "
        f"{in_r(average.expectancy_r)} as counted, "
        f"{in_r(average.expectancy_optimistic_r)} with the target first"
    )
    if average.order_decides:
        yield Note(
            code="order_decides",
            severity="alarm",
            sentence="Whether this setup wins depends on what came first inside single bars, "
            f"which the bars do not tell: {three}. Finer bars are needed.",
        )
    touched = f"{count.ambiguous:,} of {say_count(count.trades, 'trade')}"
    stopped = count.ambiguous - count.resolved
    settled = f"M1 bars settled {count.resolved if stopped else 'all of them'}"
    counted = f"{stopped:,} counted as stopped"
    how = [settled] * bool(count.resolved) + [counted] * bool(stopped)
    yield Note(
        code="ambiguous",
        severity="caution" if stopped else "plain",
        sentence=f"In {touched} a bar leaves open what came first; {', '.join(how)}. "
        f"The average: {three}.",
    )


def _on_costs(statistics: Statistics) -> Iterator[Note]:
    if not statistics.outcomes.costs_r_total:
        yield Note(
            code="no_costs",
            severity="caution",
            sentence="No costs were charged: the result is better than any market would give.",
        )
    mean, dearer = statistics.expectancy.expectancy_r, statistics.dearer
    if dearer is None or dearer.total_r == statistics.outcomes.total_r:
        return
    lost = (mean or 0) > 0 >= (dearer.expectancy_r or 0)
    yield Note(
        code="dearer",
        severity="caution" if lost else "plain",
        sentence=f"At twice the spread {say_count(dearer.trades, 'trade')} average "
        f"{in_r(dearer.expectancy_r)} instead of {in_r(mean)}, {in_r(dearer.total_r)} in all"
        + (": the profit does not bear it." if lost else "."),
    )


def _on_halves(statistics: Statistics) -> Iterator[Note]:
    halves = statistics.breakdowns.cells["half"]
    if len(halves) < 2:
        return
    first, second = halves
    low, high = sorted((first.expectancy_r, second.expectancy_r))
    yield Note(
        code="halves",
        severity="caution" if low <= 0 < high else "plain",
        sentence=f"The first half of the sessions averaged {in_r(first.expectancy_r)} over "
        f"{say_count(first.trades, 'trade')}; the second, from "
        f"{statistics.breakdowns.second_half}, {in_r(second.expectancy_r)} over "
        f"{second.trades:,}.",
    )


def _on_luck(statistics: Statistics) -> Iterator[Note]:
    luck = statistics.luck
    plain, deflated = luck.probabilistic_sharpe, luck.deflated_sharpe
    if plain is None:
        return
    sentence = f"The probability that the Sharpe ratio is truly above zero is {say_share(plain)}"
    if deflated is None:
        yield Note(
            code="luck", severity="plain", sentence=f"{sentence}, if nothing else was tried."
        )
        return
    yield Note(
        code="luck",
        severity="plain" if deflated >= SURE else "caution",
        sentence=f"{sentence}; that it beats the best of {luck.variants:,} variants without any "
        f"skill, {say_share(deflated)}.",
    )


def _on_ruin(statistics: Statistics) -> Iterator[Note]:
    ruin, risk = statistics.drawdowns.ruin_probability, statistics.drawdowns.risk
    if ruin is None:
        return
    yield Note(
        code="ruin",
        severity="caution" if ruin >= MUCH_RUIN else "plain",
        sentence=f"At {100 * risk:g} % risk a trade, {say_share(ruin)} of {RUIN_PATHS:,} paths "
        "drawn from the traded days lost half of the account.",
    )


_WRITERS = (_on_order, _on_costs, _on_halves, _on_luck, _on_ruin)
