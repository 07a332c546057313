"""The definition of a setup: what a rule file may say, checked down to each name in a formula."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from setupdesk.core.symbol import WINDOW_NAMES
from setupdesk.core.timeframe import Timeframe
from setupdesk.setups.expressions import Expression
from setupdesk.setups.levels import Fvg, Gap, Level, SessionRange, Swing
from setupdesk.setups.moments import Duration, Moment
from setupdesk.setups.parts import (
    NAME_PATTERN,
    Condition,
    Count,
    Instant,
    Number,
    Part,
    Ratio,
)
from setupdesk.setups.triggers import (
    ENTRIES,
    OTHER_ENTRIES,
    SIGNAL_NAMES,
    BarDirection,
    BreakClose,
    BreakStop,
    EntryKind,
    FvgRetest,
    GapOpen,
    PluginTrigger,
    Stretch,
    SweepReclaim,
    Trigger,
)

ID_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*_v[1-9][0-9]*$"

SESSION_OPEN = "session.open"
"""The first price of the session; who waits with an order before it does not know it."""

BUILT_IN_NAMES = ("tick", "weekday", SESSION_OPEN)
"""What every formula knows: the price step in points, Monday = 1, and the session's open."""

ANY_SIGNAL = ("level", "side", "side_out")
"""What is known of every signal: the price that triggered, +1 or -1, and the stop's direction."""

DISTANCES = (".min_size", ".min_penetration", ".offset", ".distance")
"""The formulas that tell how far, which no number below zero can."""

RESERVED_NAMES = frozenset((*BUILT_IN_NAMES, *ANY_SIGNAL, "session", "sweep", "entry", "window"))
"""Neither a level nor a param may be called so."""


class Words(Part):
    """A text in the two languages of the desk."""

    en: Annotated[str, Field(min_length=1)]
    ru: Annotated[str, Field(min_length=1)]


class TriggerWindow(Part):
    """When the close of the triggering bar must lie, or orders may wait, ``[from, to)``."""

    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]


WINDOW_END = "window.to"


def _expiry(text: object) -> Duration | None:
    return None if text == WINDOW_END else Duration.parse(text)


class Entry(Part):
    """How to get in: at the next open, or with an order that waits."""

    kind: EntryKind = "market"
    price: Number | None = None
    """Of a limit order; a stop order waits where its trigger says."""

    expires: Annotated[Duration | None, PlainValidator(_expiry)] = None
    """How long an order waits; None until the window ends."""

    @model_validator(mode="after")
    def _check_price(self) -> Self:
        if (self.price is not None) != (self.kind == "limit"):
            raise ValueError("a limit entry needs a price, and only it has one")
        return self


class Stop(Part):
    """Where the trade is given up."""

    price: Number


class Target(Part):
    """Where the profit is taken: at a price, at a multiple of the risk, or nowhere."""

    price: Number | None = None
    rr: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.price is not None and self.rr is not None:
            raise ValueError("give either a price or an rr")
        return self


class Exit(Part):
    """When an open trade is closed whatever it is worth."""

    flat: Instant


class Limits(Part):
    """How often the setup may trade; only fills count."""

    max_trades_per_session: Count
    max_trades_per_side: Count | None = None


def _check_once(timeframes: tuple[Timeframe, ...]) -> tuple[Timeframe, ...]:
    if len(set(timeframes)) < len(timeframes):
        raise ValueError("a timeframe stands here twice")
    return timeframes


class Definition(Part):
    """All that a rule says once its params have been put in place."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    title: Words
    description: Words | None = None
    timeframes: Annotated[tuple[Timeframe, ...], Field(min_length=1), AfterValidator(_check_once)]
    sides: tuple[Literal["long", "short"], ...] = ("long", "short")
    levels: Annotated[dict[Annotated[str, Field(pattern=NAME_PATTERN)], Level], Field(min_length=1)]
    filters: tuple[Condition, ...] = ()
    trigger: Trigger
    window: TriggerWindow
    entry: Entry = Entry()
    stop: Stop
    target: Target
    min_rr: Ratio = 0.0
    exit: Exit
    limits: Limits

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        mistakes = [
            *self._wrong_levels(),
            *self._wrong_trigger(),
            *self._wrong_formulas(),
            *self._wrong_moments(),
        ]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All that must be an instant of each session."""
        return self.window.start, self.window.end, self.exit.flat

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows that the symbol must name."""
        spans = [one.window.name for one in self.levels.values() if isinstance(one, SessionRange)]
        named = [one.of for one in self.moments if one.of in WINDOW_NAMES]
        return tuple(dict.fromkeys(name for name in (*spans, *named) if name))

    @property
    def previous_sessions(self) -> int:
        """How many earlier sessions its levels look back on, days without bars allowed for."""
        return max((level.looks_back for level in self.levels.values()), default=0)

    def names(self, *scopes: Literal["session", "bar", "signal"]) -> list[str]:
        """Give the names that formulas of these scopes may use."""
        found = list(BUILT_IN_NAMES)
        if "signal" in scopes:
            found += [*ANY_SIGNAL, *SIGNAL_NAMES.get(self.trigger.kind, ())]
        for name, level in self.levels.items():
            for scope in scopes:
                found += getattr(level, f"{scope}_names")(name)
        return found

    def uses(self, name: str) -> bool:
        """Say whether any formula says *name*."""
        return any(formula and name in formula.names for _, formula, _ in self._formulas())

    def _wrong_levels(self) -> Iterator[str]:
        for name in RESERVED_NAMES.intersection(self.levels):
            yield f"levels: {name!r} is taken, choose another name"
        for name, level in self.levels.items():
            asked = level.window.name if isinstance(level, SessionRange) else None
            if asked:
                yield from _unknown(f"levels.{name}.window", [asked], WINDOW_NAMES)

    def _wrong_trigger(self) -> Iterator[str]:
        trigger = self.trigger
        match trigger:
            case SweepReclaim() | BreakClose() | BreakStop():
                known = [edge for name, one in self.levels.items() for edge in one.edges(name)]
                yield from _unknown("trigger.levels", trigger.levels, known)
            case BarDirection():
                yield from _unknown("trigger.of", [trigger.of], self._named(SessionRange))
            case FvgRetest():
                yield from _unknown("trigger.gaps", [trigger.gaps], self._named(Fvg))
                if len(self._named(Swing)) != 1:
                    yield "trigger.after: it needs exactly one level of the kind swing"
            case GapOpen():
                if len(self._named(Gap)) != 1:
                    yield "trigger: gap_open needs exactly one level of the kind gap"
            case Stretch() | PluginTrigger():
                pass
        allowed = ENTRIES.get(trigger.kind, OTHER_ENTRIES)
        if self.entry.kind not in allowed:
            kinds = " or ".join(allowed)
            yield f"entry.kind: {trigger.kind} needs {kinds}, not {self.entry.kind}"

    def _wrong_formulas(self) -> Iterator[str]:
        for where, formula, known in self._formulas():
            try:
                if formula is not None:
                    formula.check_names(known)
            except ValueError as mistake:
                yield f"{where}: {mistake}"
            if formula is not None and formula.is_negative and where.endswith(DISTANCES):
                yield f"{where}: a distance below zero stands in {formula.text!r}"

    def _formulas(self) -> Iterator[tuple[str, Expression | None, list[str]]]:
        session, at_bar = self.names("session"), self.names("session", "bar")
        signal = self.names("session", "bar", "signal")
        yield from (("filters", one, at_bar) for one in self.filters)
        yield from (
            (f"levels.{name}.min_size", level.min_size, at_bar)
            for name, level in self.levels.items()
            if isinstance(level, Fvg)
        )
        match self.trigger:
            case SweepReclaim(min_penetration=depth):
                yield "trigger.min_penetration", depth, session
            case BreakStop(offset=offset):
                yield "trigger.offset", offset, session
            case Stretch(line=line, distance=distance):
                yield "trigger.from", line, at_bar
                yield "trigger.distance", distance, at_bar
            case _:
                pass
        yield "entry.price", self.entry.price, signal
        yield "stop.price", self.stop.price, [*signal, "entry"]
        yield "target.price", self.target.price, [*signal, "entry"]

    def _wrong_moments(self) -> Iterator[str]:
        known = ["session", *self._named(SessionRange), *WINDOW_NAMES]
        for where, moment in zip(
            ("window.from", "window.to", "exit.flat"), self.moments, strict=True
        ):
            if moment.of and moment.of not in known:
                yield f"{where}: {moment.of!r} has no start or end (known: {', '.join(known)})"

    def _named(self, kind: type[Level]) -> list[str]:
        return [name for name, level in self.levels.items() if isinstance(level, kind)]


def _unknown(where: str, given: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"{where}: {name!r} is not known (known: {', '.join(known)})"


class Setup(Definition):
    """A setup that is ready to run: a published rule with the params of one request."""

    digest: str
    """sha256 of the rule as published; the params of the request do not change it."""
