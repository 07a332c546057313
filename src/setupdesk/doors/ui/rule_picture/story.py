"""The story of a picture: idealised candles of one day, and what a rule's formulas find in them.

Prices are on a scale of 0 to 100. Every story is told for a long; that of a short is its mirror.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

TOP = 100.0
HIGH, LOW = 64.0, 40.0
"""Of the range that a story is about."""

_WICKS = (1.1, 0.5, 1.6, 0.8, 1.3)


class Candle(NamedTuple):
    """One bar."""

    open: float
    high: float
    low: float
    close: float


class Zone(NamedTuple):
    """A box: from one bar to another, inclusive."""

    first: int
    last: int
    low: float
    high: float
    label: str = ""
    above: bool = True
    """Where the label of a high box stands: over it, or under it."""

    def flip(self) -> "Zone":
        """Turn it upside down."""
        return self._replace(low=TOP - self.high, high=TOP - self.low, above=not self.above)


class Line(NamedTuple):
    """A line through these prices from bar *first* on; a single price goes on to the right."""

    first: int
    prices: tuple[float, ...]
    label: str = ""
    above: bool = True
    """Where the label stands: over the line, or under it."""

    at: int = 0
    """How many bars after the first the label begins."""

    def flip(self) -> "Line":
        """Turn it upside down."""
        return self._replace(
            prices=tuple(TOP - price for price in self.prices), above=not self.above
        )


class Sign(NamedTuple):
    """A word at a bar: what makes the signal."""

    bar: int
    price: float
    word: str
    above: bool = True


class Range(NamedTuple):
    """Where a level begins, its ends, and where it closes."""

    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A day up to the bar that triggers."""

    candles: tuple[Candle, ...]
    opens_at: int
    """The first bar in which a signal counts."""

    level: float
    """The price that triggers."""

    entry: float | None = None
    """Where an order that waits is filled, in the last bar; None: at the next open."""

    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    signs: tuple[Sign, ...] = ()
    ranges: dict[str, Range] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    distances: dict[str, float] = field(default_factory=dict)

    def mirror(self) -> "Story":
        """Tell it for a short."""
        return replace(
            self,
            candles=tuple(Candle(*_flip(one)) for one in self.candles),
            level=TOP - self.level,
            entry=None if self.entry is None else TOP - self.entry,
            zones=tuple(one.flip() for one in self.zones),
            lines=tuple(one.flip() for one in self.lines),
            signs=tuple(
                one._replace(price=TOP - one.price, above=not one.above) for one in self.signs
            ),
            ranges={name: Range(*_flip(one)) for name, one in self.ranges.items()},
            prices={name: TOP - price for name, price in self.prices.items()},
        )

    def find_facts(self, side: int) -> dict[str, float]:
        """Give all that a formula may name, as the trade's *side* sees it."""
        facts = {"side": side, "side_out": -side, "level": self.level, "weekday": 2}
        facts |= self.prices | self.distances
        for name, one in self.ranges.items():
            ahead, behind = (one.high, one.low) if side > 0 else (one.low, one.high)
            facts |= {f"{name}.{word}": value for word, value in one._asdict().items()}
            facts |= {f"{name}.mid": (one.high + one.low) / 2, f"{name}.range": one.high - one.low}
            facts |= {f"{name}.opposite": ahead, f"{name}.behind": behind}
        return {name: float(value) for name, value in facts.items()}


def _flip(one: Sequence[float]) -> tuple[float, float, float, float]:
    first, high, low, last = one
    return TOP - first, TOP - low, TOP - high, TOP - last


def walk(
    start: float, closes: Iterable[float], low: float = 0.0, high: float = TOP
) -> tuple[Candle, ...]:
    """Make candles of closes, each opening where the one before closed, within *low* to *high*."""
    candles, opens = [], start
    for row, shuts in enumerate(closes):
        top, bottom = max(opens, shuts), min(opens, shuts)
        above = max(min(top + _WICKS[row % 5], high), top)
        below = min(max(bottom - _WICKS[(row + 2) % 5], low), bottom)
        candles.append(Candle(opens, above, below, shuts))
        opens = shuts
    return tuple(candles)


def fill_range(bars: int) -> tuple[Candle, ...]:
    """Make candles that fill the range from ``LOW`` to ``HIGH``, and end near its middle."""
    if bars == 1:
        return (Candle(LOW + 3, HIGH, LOW, HIGH - 3),)
    if bars <= 4:
        return (
            Candle(50, 55, LOW, 53),
            Candle(53, HIGH, 51, 61),
            *walk(61, (56, 58)[: bars - 2], LOW + 1, HIGH - 1),
        )
    closes = (56, 62, 58, 50, 43, 47, 53, 50, 52, 49)[:bars]
    candles = list(walk(51, closes, LOW + 1, HIGH - 1))
    candles[1] = candles[1]._replace(high=HIGH)
    candles[4] = candles[4]._replace(low=LOW)
    return tuple(candles)
