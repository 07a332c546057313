"""Proportions: how surely a count out of many says how often something happens."""

import math

Z95 = 1.959964
"""Standard deviations on either side of the middle that hold 95 % of a bell curve."""


def find_wilson_interval(hits: int, n: int) -> tuple[float, float] | None:
    """Give the 95 % interval of *hits* of *n* after Wilson (1927); None when *n* is zero."""
    if not n:
        return None
    rate, z2 = hits / n, Z95**2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
