"""Triggers: the seven things that can make a setup act."""

from typing import Annotated, Literal

from pydantic import Field

from setupdesk.setups.moments import Duration
from setupdesk.setups.parts import Count, LengthOfTime, Names, Number, Part

EntryKind = Literal["market", "stop", "limit"]

Edges = Annotated[Names, Field(min_length=1)]
"""``name.high`` is watched from below, ``name.low`` from above."""


class SweepReclaim(Part):
    """Price breaks a level and closes back inside it in time; traded back."""

    kind: Literal["sweep_reclaim"]
    levels: Edges
    reclaim_within: LengthOfTime
    min_penetration: Number
    """Points; a break is strictly more."""


class BreakClose(Part):
    """Bars close beyond a level; traded on."""

    kind: Literal["break_close"]
    levels: Edges
    confirm_bars: Count = 1


class BreakStop(Part):
    """Stop orders wait beyond the levels; the first to be filled cancels the others."""

    kind: Literal["break_stop"]
    levels: Edges
    offset: Number
    """Points beyond the level."""


class BarDirection(Part):
    """The bars of a window end higher or lower than they began; traded on."""

    kind: Literal["bar_direction"]
    of: str


class FvgRetest(Part):
    """A fair value gap is born after an event and price comes back to it.

    ``sweep``: the last event was the sweep of a confirmed swing on the other side. ``bos``: the
    gap is part of the leg that broke structure.
    """

    kind: Literal["fvg_retest"]
    gaps: str
    after: Literal["sweep", "bos"]
    within: LengthOfTime = Duration(minutes=60)
    """How long a gap may be born after a sweep."""


class Stretch(Part):
    """A close beyond a distance from a line, then the first close back within; traded back."""

    kind: Literal["stretch"]
    line: Annotated[Number, Field(alias="from")]
    distance: Number
    """Points."""

    reclaim_within: LengthOfTime = Duration(bars=5)


class GapOpen(Part):
    """The session opens away from the previous close; known when its first bar closes."""

    kind: Literal["gap_open"]
    direction: Literal["fade", "follow"]


Trigger = Annotated[
    SweepReclaim | BreakClose | BreakStop | BarDirection | FvgRetest | Stretch | GapOpen,
    Field(discriminator="kind"),
]

SIGNAL_NAMES: dict[str, Names] = {"sweep_reclaim": ("sweep.extreme",)}
"""What a kind of trigger adds to the names of its signals."""

ENTRIES: dict[str, tuple[EntryKind, ...]] = {"break_stop": ("stop",), "fvg_retest": ("limit",)}
"""The kinds of entry that go with a kind of trigger."""

OTHER_ENTRIES: tuple[EntryKind, ...] = ("market", "limit")
