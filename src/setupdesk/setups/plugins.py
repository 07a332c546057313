"""Plug-ins: triggers of a new kind, from packages that name them as entry points.

A package says, in its ``pyproject.toml``,

    [project.entry-points."setupdesk.triggers"]
    three_bars = "my_package:ThreeBars"

and has a class in the shape of ``TriggerPlugin``. A plug-in that is wrong, or that the gate
refuses, is not used and says why; nothing else depends on it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, get_args, runtime_checkable

import numpy as np
from pydantic import BaseModel, ValidationError

from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.setups.mistakes import put_in_words
from setupdesk.setups.parts import NAME_PATTERN, Part

GROUP = "setupdesk.triggers"


@dataclass(frozen=True, slots=True, eq=False)
class PluginSignals:
    """What a plug-in found, in order of ``known``; every column has a row for each signal."""

    session: Ints
    """Row of the session, as in ``first`` and ``stop``."""

    known: Ints
    """Row of the bar at whose close the signal is known."""

    side: Ints
    """+1 long, -1 short."""

    level_price: Floats
    """The price it stands on, in points."""


@runtime_checkable
class TriggerPlugin(Protocol):
    """A trigger of a new kind. Made once, without arguments; it must remember nothing."""

    kind: str
    """What a rule calls it: ``trigger: {kind: three_bars, ...}``."""

    Params: type[BaseModel]
    """What stands beside ``kind``: closed to unknown keys, and with a default for each."""

    def find_signals(
        self, bars: Bars, first: Ints, stop: Ints, levels: Mapping[str, Floats], params: Any
    ) -> PluginSignals:
        """Find the signals in rows ``[first, stop)`` of each session.

        *bars* are closed and must not be changed. *levels* have a value for each session, in
        points and by the names that formulas use, NaN where unknown. What is known at a row
        may stand on no row after it, nor on how many rows there are: in a session that still
        runs, ``stop`` and the end of *bars* are only as far as bars have come. To leave out the
        last rows before ``stop`` is to know when the session ends, and refused as look-ahead;
        the rule's window says until when a signal counts.
        """


Examine = Callable[[TriggerPlugin], Iterable[str]]
"""The gate: gives what is wrong with a plug-in, nothing if nothing is."""


class InvalidPluginError(ValueError):
    """A plug-in cannot be used."""

    def __init__(self, kind: str, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(f"the plug-in {kind!r} cannot be used: {'; '.join(self.mistakes)}")


@dataclass(slots=True)
class Plugins:
    """All plug-ins that are installed; each is put through the gate when it is first wanted."""

    examine: Examine
    mistakes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Why plug-ins cannot be used, by kind, or by entry point where there is no kind."""

    _found: dict[str, TriggerPlugin] = field(default_factory=dict)
    _passed: set[str] = field(default_factory=set)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Give the kinds that a rule may name."""
        return tuple(sorted(self._found))

    def find(self, kind: str) -> TriggerPlugin:
        """Find a plug-in that passed the gate.

        Raises ``KeyError`` for an unknown kind, ``InvalidPluginError`` for one that is wrong.
        """
        if kind in self.mistakes:
            raise InvalidPluginError(kind, self.mistakes[kind])
        plugin = self._found[kind]
        if kind not in self._passed:
            self._judge(kind, plugin)
        return plugin

    def read_params(self, kind: str, given: Mapping[str, Any]) -> BaseModel:
        """Check what a rule says beside ``kind``. Raises ``ValueError`` with every mistake."""
        try:
            return self.find(kind).Params.model_validate(given)
        except ValidationError as wrong:
            raise ValueError("; ".join(put_in_words(wrong, ("trigger",)))) from wrong

    def _judge(self, kind: str, plugin: TriggerPlugin) -> None:
        if mistakes := tuple(self.examine(plugin)):
            self.mistakes[kind] = mistakes
            raise InvalidPluginError(kind, mistakes)
        self._passed.add(kind)


def find_plugins(examine: Examine) -> Plugins:
    """Load what is installed; one that cannot be loaded is a mistake of its own."""
    plugins = Plugins(examine)
    for entry in sorted(entry_points(group=GROUP)):
        source = f"{entry.name} of {entry.dist.name if entry.dist else entry.value}"
        try:
            plugin = _load(entry)
        except Exception as error:  # noqa: BLE001 (whatever foreign code does at its import)
            plugins.mistakes[source] = (f"it cannot be loaded: {error!r}",)
            continue
        if wrong := tuple(_find_mistakes(plugin, plugins)):
            plugins.mistakes[source] = wrong
        else:
            plugins._found[plugin.kind] = plugin  # noqa: SLF001 (its own maker)
    return plugins


def check_signals(signals: object, bars: Bars, first: Ints, stop: Ints) -> str | None:
    """Say what is wrong with what a plug-in found in *bars*, None if nothing is."""
    if not isinstance(signals, PluginSignals):
        return f"find_signals gave {type(signals).__name__}, not PluginSignals"
    columns = (signals.session, signals.known, signals.side, signals.level_price)
    if len({np.shape(column) for column in columns}) != 1 or np.ndim(signals.known) != 1:
        return "its columns differ in length"
    if any(np.asarray(column).dtype != np.int64 for column in columns[:3]):
        return "session, known and side must be int64"
    return next(_find_wrong_rows(signals, bars, first, stop), None)


def _find_wrong_rows(signals: PluginSignals, bars: Bars, first: Ints, stop: Ints) -> Iterator[str]:
    session, known = signals.session, signals.known
    if not ((session >= 0) & (session < len(first))).all():
        yield "a signal has a session that does not exist"
    elif not ((known >= first[session]) & (known < stop[session])).all():
        yield f"a signal lies outside the rows of its session, in {len(bars):,} bars"
    if not (np.abs(signals.side) == 1).all():
        yield "a side must be +1 or -1"
    if not np.isfinite(signals.level_price).all():
        yield "a level_price must be a finite number"
    if not (np.diff(known) >= 0).all():
        yield "signals must be in order of known"


def _load(entry: EntryPoint) -> Any:
    made = entry.load()
    return made() if isinstance(made, type) else made


def _find_mistakes(plugin: Any, plugins: Plugins) -> Iterable[str]:
    if not isinstance(plugin, TriggerPlugin):
        yield "it lacks kind, Params or find_signals"
        return
    if not re.fullmatch(NAME_PATTERN, str(plugin.kind)):
        yield f"kind: {plugin.kind!r} does not have the form {NAME_PATTERN}"
    elif plugin.kind in (*_find_built_in_kinds(Part), *plugins.kinds):
        yield f"kind: {plugin.kind!r} is taken, choose another"
    yield from _find_wrong_params(plugin.Params)


def _find_wrong_params(params: Any) -> Iterable[str]:
    if not (isinstance(params, type) and issubclass(params, BaseModel)):
        yield "Params: it must be a Pydantic model"
        return
    if params.model_config.get("extra") != "forbid":
        yield "Params: it must be closed to unknown keys: model_config = ConfigDict(extra='forbid')"
    for name, one in params.model_fields.items():
        if one.is_required():
            yield f"Params.{name}: it needs a default, with which the gate can try it"


def _find_built_in_kinds(part: type[BaseModel]) -> set[str]:
    kind = part.model_fields.get("kind")
    own = set(get_args(kind.annotation)) if kind else set[str]()
    return own.union(*(_find_built_in_kinds(one) for one in part.__subclasses__()))
