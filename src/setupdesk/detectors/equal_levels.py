"""Equal highs and equal lows: swings at about one price, a pool of liquidity beyond them."""

from dataclasses import dataclass

import numpy as np

from setupdesk.detectors.kernel import feed, kernel
from setupdesk.detectors.mirror import join, order_by_known
from setupdesk.detectors.swing import Swings
from setupdesk.market.bars import Bars, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """What became of the pools, in order of ``known``: a row at birth and one for each new member.

    At a row, a pool is what its newest row says that is known there.
    """

    anchor: Ints
    """The bar of the first member: with ``sign`` it names the pool."""

    known: Ints
    """The row at which the newest member is known."""

    sign: Ints
    """+1 for equal highs, -1 for equal lows."""

    level: Ints
    """Ticks; the highest of the members so far, or the lowest of equal lows."""

    count: Ints
    """Members so far."""

    swept: Ints
    """The first bar beyond the level by more than the tolerance; the number of bars if none yet."""


def find_pools(bars: Bars, swings: Swings, tolerance: Floats) -> Pools:
    """Gather confirmed swings at about one price.

    The first swing is the anchor. A later one within *tolerance* of it joins, unless a bar has
    traded beyond level and tolerance since; of several such pools it joins the oldest. *tolerance*
    is in ticks, a value per bar; that of the bar at which the anchor is known holds for the pool,
    and where it is NaN there is no anchor.
    """
    up = _find_side(1, bars.high, swings, tolerance)
    down = _find_side(-1, -bars.low, swings, tolerance)
    order, sign = order_by_known(up[:, 1], down[:, 1])
    down[:, 2] *= -1
    anchor, known, level, count, swept = join(up, down, order).T
    return Pools(anchor, known, sign, level, count, swept)


def _find_side(sign: int, reach: Ints, swings: Swings, tolerance: Floats) -> Ints:
    side = swings.sign == sign
    row, known, price = swings.row[side], swings.known[side], sign * swings.price[side]
    widest = float(np.max(tolerance, initial=0, where=~np.isnan(tolerance)))
    columns = (feed(known), feed(price), feed(tolerance[known]))
    pool, level, count, swept = _gather(feed(reach), *columns, widest)
    grown = np.flatnonzero(count > 1)
    of = pool[grown]
    return np.stack((row[of], known[grown], level[grown], count[grown], swept[of]), axis=1)


@kernel
def _gather(
    reach: Ints, known: Ints, price: Ints, slack: Floats, widest: float
) -> tuple[Ints, Ints, Ints, Ints]:
    # A pool goes by the place of its first swing. `level` and `count` are those of its pool when
    # a swing had joined; `top`, `size` and `swept` those of each pool. `alive` is oldest first.
    pool, swept = np.arange(len(known)), np.full(len(known), len(reach))
    top, level = price.copy(), price.copy()
    size, count = np.zeros(len(known), np.int64), np.zeros(len(known), np.int64)
    alive = np.empty(len(known), np.int64)
    living = swing = 0
    for row in range(len(reach)):
        kept = _find_near(alive[:living], price, reach[row] + 2 * widest)
        for place in range(kept, living):
            one = alive[place]
            if reach[row] > top[one] + slack[one]:
                swept[one] = row
            else:
                alive[kept] = one
                kept += 1
        living = kept
        while swing < len(known) and known[swing] == row:
            one = _find_pool(alive[:living], price, slack, swing, widest)
            if one == swing and not np.isnan(slack[swing]):
                alive[living] = swing
                living += 1
            top[one] = max(top[one], price[swing])
            size[one] += 1
            pool[swing], level[swing], count[swing] = one, top[one], size[one]
            swing += 1
    return pool, level, count, swept


@kernel
def _find_pool(alive: Ints, price: Ints, slack: Floats, swing: int, widest: float) -> int:
    near = _find_near(alive, price, price[swing] + 3 * widest)
    for one in alive[near:]:
        if abs(price[swing] - price[one]) <= slack[one]:
            return int(one)
    return swing


@kernel
def _find_near(alive: Ints, price: Ints, limit: float) -> int:
    # No bar went beyond an older pool since, so its anchor is at most twice the widest tolerance
    # below that of a newer one: past the first anchor so far above there is nothing to find.
    near = len(alive)
    while near > 0 and price[alive[near - 1]] <= limit:
        near -= 1
    return near
