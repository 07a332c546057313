"""Triggers: the seven things that can make a setup act, and those of plug-ins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainValidator, TypeAdapter, ValidationInfo

from setupdesk.setups.moments import Duration
from setupdesk.setups.parts import Count, LengthOfTime, Names, Number, Part
from setupdesk.setups.plugins import Plugins, TriggerPlugin

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


@dataclass(frozen=True, slots=True)
class PluginTrigger:
    """Whatever an installed plug-in says; traded on the side that it names."""

    kind: str
    plugin: TriggerPlugin
    params: BaseModel


_BuiltIn = SweepReclaim | BreakClose | BreakStop | BarDirection | FvgRetest | Stretch | GapOpen
_BUILT_IN: TypeAdapter[_BuiltIn] = TypeAdapter(Annotated[_BuiltIn, Field(discriminator="kind")])


def _read_trigger(given: Any, info: ValidationInfo) -> _BuiltIn | PluginTrigger:
    plugins: Plugins | None = (info.context or {}).get("plugins")
    kind = given.get("kind") if isinstance(given, Mapping) else None
    if plugins is None or kind not in {*plugins.kinds, *plugins.mistakes}:
        return _BUILT_IN.validate_python(given)
    said = {key: value for key, value in given.items() if key != "kind"}
    return PluginTrigger(kind, plugins.find(kind), plugins.read_params(kind, said))


Trigger = Annotated[_BuiltIn | PluginTrigger, PlainValidator(_read_trigger)]
"""Plug-ins are those of the validation's context, ``{"plugins": Plugins}``."""

SIGNAL_NAMES: dict[str, Names] = {"sweep_reclaim": ("sweep.extreme",)}
"""What a kind of trigger adds to the names of its signals."""

ENTRIES: dict[str, tuple[EntryKind, ...]] = {"break_stop": ("stop",), "fvg_retest": ("limit",)}
"""The kinds of entry that go with a kind of trigger."""

OTHER_ENTRIES: tuple[EntryKind, ...] = ("market", "limit")
