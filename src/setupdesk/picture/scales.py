"""Scales of pictures: where a value stands, which round values are named, and which moments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10

import numpy as np

from setupdesk.picture.naming import say_day, say_month
from setupdesk.picture.packing import Floats

_NEAR = 130
"""Pixels from one named moment to the next, at least."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale from values to pixels."""

    low: float
    high: float
    at_low: float
    at_high: float

    def __call__(self, value: float) -> int:
        """Find the pixel at which a value stands."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.at_low + share * (self.at_high - self.at_low))

    def place(self, values: Floats) -> Floats:
        """Find the pixels of many values at once."""
        share = (values - self.low) / (self.high - self.low)
        return np.rint(self.at_low + share * (self.at_high - self.at_low))

    def has(self, value: float) -> bool:
        """Whether a value is on the scale."""
        return self.low <= value <= self.high

    def list_round(self, apart: float) -> Iterator[float]:
        """List round values on it, *apart* pixels from one another at least."""
        share = apart / abs(self.at_high - self.at_low)
        step = _round_up((self.high - self.low) * share)
        for count in range(ceil(self.low / step), floor(self.high / step) + 1):
            yield count * step


def reach(values: Sequence[float], least: float, margin: float = 0.07) -> tuple[float, float]:
    """Give the ends of a scale for *values*, not nearer to one another than *least*."""
    low, high = min(values), max(values)
    more = max((high - low) * margin, (least - (high - low)) / 2)
    return low - more, high + more


def _round_up(step: float) -> float:
    whole = 10.0 ** floor(log10(step))
    return next(whole * part for part in (1, 2, 2.5, 5, 10) if whole * part >= step * 0.999)


def name_moments(
    moments: Sequence[datetime], places: Sequence[int], language: str
) -> list[tuple[int, str, bool]]:
    """Choose the moments that an axis names: place, name, and whether a day or a month begins.

    Months come before days, days before hours, round hours before others; none too near another.
    """
    ranked = sorted(
        (_rank(moment, before), place, moment)
        for moment, before, place in zip(moments[1:], moments, places[1:], strict=False)
    )
    chosen: list[tuple[int, str, bool]] = []
    for rank, place, moment in ranked:
        if rank <= _HOUR and all(abs(place - other) >= _NEAR for other, _, _ in chosen):
            chosen.append((place, _name(moment, rank, language), rank <= _DAY))
    return chosen or [(places[0], say_day(moments[0], language), True)]


_YEAR, _MONTH, _DAY, _HOUR = 0, 1, 2, 7


def _rank(moment: datetime, before: datetime) -> int:
    if moment.year != before.year:
        return _YEAR
    if moment.month != before.month:
        return _MONTH
    if moment.day != before.day:
        return _DAY
    if moment.hour == before.hour:
        return _HOUR + 1
    found = [rank for rank, hours in enumerate((12, 6, 3, 2), _DAY + 1) if moment.hour % hours == 0]
    return found[0] if found else _HOUR


def _name(moment: datetime, rank: int, language: str) -> str:
    if rank == _YEAR:
        return f"{say_month(moment, language)} {moment.year}"
    return say_day(moment, language) if rank <= _DAY else f"{moment:%H:%M}"
