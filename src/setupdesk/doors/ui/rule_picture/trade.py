"""The trade of a picture: entry, stop and target by the rule's formulas, and what price does."""

from dataclasses import dataclass
from typing import SupportsFloat

from setupdesk.doors.ui.rule_picture.story import Candle, Story, walk
from setupdesk.setups.definition import Definition
from setupdesk.setups.expressions import Expression

_RIDE = (0.14, 0.08, 0.3, 0.24, 0.46, 0.6, 0.54, 0.78, 0.92, 1.02)
"""How much of the way to the target each bar has gone."""

_UNAIMED = 2.2
"""So many risks a trade without a target is shown to go."""

_FARTHEST = 5.0
"""Of a target that lies beyond so many risks only its direction is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A story with what came after it."""

    story: Story
    side: int
    candles: tuple[Candle, ...]
    bar: int
    """In which the trade is opened."""

    entry: float
    stop: float | None
    """None where the formula needs what a picture does not have."""

    target: float | None
    is_beyond: bool
    """Whether the target lies beyond what is shown."""

    rr: float | None
    """The target as the rule says it, if it says a multiple of the risk."""


def take_trade(setup: Definition, story: Story, side: int) -> Trade:
    """Take the trade that *story* leads to."""
    facts = story.find_facts(side)
    before, bar, entry = _get_in(setup, story, facts)
    facts["entry"] = entry
    stop = _compute(setup.stop.price, facts)
    if stop is not None and (entry - stop) * side <= 0:
        stop = None
    risk = abs(entry - stop) if stop is not None else 6.0
    target = _compute(setup.target.price, facts)
    if setup.target.rr is not None:
        target = entry + side * setup.target.rr * risk
    aim = target if target is not None else entry + side * _UNAIMED * risk
    is_beyond = abs(aim - entry) > _FARTHEST * risk
    if is_beyond:
        aim = target = entry + side * _FARTHEST * risk
    return Trade(
        story=story,
        side=side,
        candles=(*before, *_ride(before[-1].close, entry, aim, risk)),
        bar=bar,
        entry=entry,
        stop=stop,
        target=target,
        is_beyond=is_beyond,
        rr=setup.target.rr,
    )


def _get_in(
    setup: Definition, story: Story, facts: dict[str, float]
) -> tuple[tuple[Candle, ...], int, float]:
    candles, close = story.candles, story.candles[-1].close
    if story.entry is not None:
        return candles, len(candles) - 1, story.entry
    limit = _compute(setup.entry.price, facts | {"entry": close})
    if limit is None:
        return candles, len(candles), close
    # Price comes back to the order that waits, a little beyond it, and closes off it again.
    way = limit - close
    beyond = 0.8 if way > 0 else -0.8
    back = walk(close, (close + 0.35 * way, close + 0.7 * way))
    ends = sorted((close + 0.7 * way, limit + beyond))
    touch = Candle(close + 0.7 * way, ends[1], ends[0], limit - beyond)
    return (*candles, *back, touch), len(candles) + 2, limit


def _ride(start: float, entry: float, aim: float, risk: float) -> tuple[Candle, ...]:
    candles, opens, reach = [], start, min(1.1, 0.25 * risk)
    for share in _RIDE:
        closes = entry + share * (aim - entry)
        high, low = max(opens, closes) + reach, min(opens, closes) - reach
        candles.append(Candle(opens, high, low, closes))
        opens = closes
    return tuple(candles)


def _compute(formula: Expression | None, facts: dict[str, float]) -> float | None:
    if formula is None:
        return None
    try:
        value: SupportsFloat = formula(facts)  # type: ignore[arg-type]
    except KeyError:
        return None
    return float(value)
