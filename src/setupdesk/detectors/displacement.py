"""Displacement: a bar whose body is large, both for the market and for the bar itself."""

from dataclasses import dataclass

import numpy as np

from setupdesk.market.bars import Bars, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Displacements:
    """The displacement bars, in order of ``known``."""

    known: Ints
    """The bar itself."""

    sign: Ints
    """+1 if it closed above its open, -1 if below."""


def find_displacements(
    bars: Bars, atr: Floats, multiple: float = 1.5, share: float = 0.6
) -> Displacements:
    """Find bodies of at least *multiple* ATRs and at least *share* of their bar's range.

    *atr* is in ticks, a value per bar; the one of the bar before counts, so that a bar is not
    measured against itself. Where that is NaN there is no displacement.
    """
    moved = bars.close - bars.open
    body = np.abs(moved)
    before = np.append(np.nan, atr)[: len(body)]

    # A share such as 0.55 is not exact in binary: 55 ticks of 100 must do.
    least = np.round(share * (bars.high - bars.low), 9)
    known = np.flatnonzero((body >= multiple * before) & (body >= least) & (body > 0))
    return Displacements(known, np.sign(moved[known]))
