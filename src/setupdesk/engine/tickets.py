"""Tickets: the columns that the fill kernels take and give, and the codes that they speak in.

Kernels are compiled with the numbers of the codes: after a change here, delete their cache.
"""

from typing import NamedTuple

from setupdesk.market.bars import Floats, Ints

# What became of a candidate.
TRADED = 0
FILTERED = 1
OUTSIDE_WINDOW = 2
DATA_GAP = 3
BOTH_SIDES = 4
IN_POSITION = 5
SESSION_LIMIT = 6
SIDE_LIMIT = 7
RUN_LIMIT = 8
NO_NEXT_BAR = 9
STOP_CROSSED = 10
TARGET_CROSSED = 11
RR_BELOW_MIN = 12
SIZE_BELOW_MIN = 13
NOT_REACHED = 14
PENDING = 15
OCO_CANCELLED = 16
LEVEL_UNKNOWN = 17

STOPPED = 0
AT_TARGET = 1
FLAT = 2

MARKET = 0
STOP = 1
LIMIT = 2
HELD = 3

NO_TARGET = 2**60
"""Ticks; farther than any price."""

NEVER = -1


class Prices(NamedTuple):
    """The bars as a kernel sees them, in ticks of the bid."""

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints


class Market(NamedTuple):
    """The bars of the run, the finer ones inside them, and what a fill pays, in ticks."""

    bars: Prices
    fine: Prices
    fine_first: Ints
    """First of the finer bars of each bar; equal to the next where there are none."""

    spreads: Ints
    """For each minute of the local day."""

    offsets: Ints
    """Milliseconds from UTC to the local day, for each session."""

    rolls: Ints
    """When the trading day ends, UTC milliseconds."""

    slippage: int
    through: int
    """How far beyond a limit order price must go."""

    keeps_gap: int
    """Whether a gap beyond the target is kept: 1, or filled at the target: 0."""

    flat_next: int
    """Whether what is left is closed at the next open: 1, or at the last close: 0."""

    stop_first: int
    """Whether a stop in range comes before a gap beyond the target: 1, or after it: 0."""


class Waits(NamedTuple):
    """Orders that wait, a row each; prices in ticks."""

    session: Ints
    side: Ints
    kind: Ints
    """``MARKET``, ``STOP`` or ``LIMIT``."""

    price: Ints
    known: Ints
    """Row at whose close the order is placed; it is live from the next one."""

    expiry: Ints
    """Last row in which it is live."""


class Entries(NamedTuple):
    """Where each order is filled if nothing stands in its way."""

    row: Ints
    """``NEVER`` if it is not."""

    price: Ints
    """Ticks, slippage included."""

    kind: Ints
    """How the position begins: ``HELD`` from the open of its bar, else inside it."""

    rank: Ints
    """Which of two fills of one row comes first."""


class Orders(NamedTuple):
    """Candidates, a row each; prices in ticks."""

    session: Ints
    side: Ints
    group: Ints
    """Orders of one group, a session, cancel one another; -1 for none."""

    known: Ints
    entered: Ints
    """Row of the fill, ``NEVER`` if there is none."""

    rank: Ints
    """Which of two fills of one row comes first."""

    begins: Ints
    """``HELD``, ``STOP`` or ``LIMIT``."""

    last: Ints
    """Last row in which it may be held."""

    entry: Ints
    stop: Ints
    target: Ints
    wait: Ints
    """Price at which a stop or limit order waits."""

    refused: Ints
    """Code of a reason that stands before any limit, or ``TRADED``."""

    unfit: Ints
    """Code of a reason that stands after the limits, or ``TRADED``."""


class Caps(NamedTuple):
    """How many fills there may be."""

    per_session: int
    per_side: int
    in_all: int


class Account(NamedTuple):
    """What sizes are computed from; money of the quote currency, prices in ticks."""

    balance: float
    risk: float
    """Share of the balance that a trade may lose."""

    tick_value: float
    """Money that one lot makes by one tick."""

    lot_step: float
    min_lot: float
    max_lot: float
    commission: float
    """Ticks, for both sides of a trade."""

    swap_long: float
    """Ticks a roll; charged if negative."""

    swap_short: float


class Exits(NamedTuple):
    """How each trade ended, a row for each order; prices in ticks."""

    lots: Floats
    row: Ints
    at: Ints
    """Open of the bar, or of the finer bar, in which it ended; of the last one if flat; UTC ms."""

    price: Ints
    reason: Ints
    ambiguous: Ints
    resolved: Ints
    worst: Ints
    """The price that was worst for the trade while it was held."""

    best: Ints
    worst_case: Ints
    """Exit price with the stop first wherever it is open."""

    best_case: Ints
    held_over: Ints
    """Rolls that it was held over."""

    def at_rows(self, rows: Ints) -> "Exits":
        """Give the same for some *rows*."""
        return Exits(**{name: getattr(self, name)[rows] for name in self._fields})
