"""The definition of a setup: what a rule file may say, checked down to each name in a formula."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from setupdesk.core.timeframe import Timeframe
from setupdesk.setups.expressions import Expression, parse_expression
from setupdesk.setups.moments import Duration, Moment

ID_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*_v[1-9][0-9]*$"
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"

BUILT_IN_NAMES = ("tick", "weekday")
"""What every formula knows: the price step in points, and Monday = 1."""

SIGNAL_NAMES = ("level", "side", "side_out", "sweep.extreme")
"""What only the stop and the target know, for they are set when the setup has triggered."""

RESERVED_NAMES = frozenset((*BUILT_IN_NAMES, *SIGNAL_NAMES, "session", "sweep", "entry", "window"))
"""Neither a level nor a param may be called so."""


def _condition(text: object) -> Expression:
    return parse_expression(text, "truth")


def _number(text: object) -> Expression:
    return parse_expression(text, "number")


Condition = Annotated[Expression, PlainValidator(_condition)]
Number = Annotated[Expression, PlainValidator(_number)]
LengthOfTime = Annotated[Duration, PlainValidator(Duration.parse)]
Instant = Annotated[Moment, PlainValidator(Moment.parse)]
Count = Annotated[int, Field(ge=1, le=100)]
Ratio = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Part(BaseModel):
    """Any part of a rule: closed to unknown keys, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Words(Part):
    """A text in the two languages of the desk."""

    en: Annotated[str, Field(min_length=1)]
    ru: Annotated[str, Field(min_length=1)]


class SessionRange(Part):
    """The high and low of a named window of the session."""

    kind: Literal["session_range"]
    window: str

    def names(self, name: str) -> tuple[str, ...]:
        """Give the names that formulas may use; ``opposite`` needs a swept level."""
        return tuple(f"{name}.{one}" for one in ("high", "low", "mid", "range"))

    def signal_names(self, name: str) -> tuple[str, ...]:
        """Give the names that only the stop and the target may use."""
        return (f"{name}.opposite",)


class Atr(Part):
    """Wilder's average true range of the last completed trading day."""

    kind: Literal["atr"]
    timeframe: Literal["D1"]
    length: Annotated[int, Field(ge=1, le=200)]

    def names(self, name: str) -> tuple[str, ...]:
        """Give the names that formulas may use."""
        return (name,)

    def signal_names(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - one shape for all kinds
        """Give the names that only the stop and the target may use."""
        return ()


Level = Annotated[SessionRange | Atr, Field(discriminator="kind")]


class SweepReclaim(Part):
    """Price breaks a level and closes back inside it in time."""

    kind: Literal["sweep_reclaim"]
    levels: Annotated[tuple[str, ...], Field(min_length=1)]
    """``name.high`` is raided from below and sold, ``name.low`` from above and bought."""

    reclaim_within: LengthOfTime
    min_penetration: Number
    """Points; a break is strictly more."""


# One trigger is built; the next kinds join it here in a union discriminated by ``kind``.
Trigger = SweepReclaim


class TriggerWindow(Part):
    """When the close of the triggering bar must lie, ``[from, to)``."""

    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]


class MarketEntry(Part):
    """Enter at the open of the next bar."""

    kind: Literal["market"]


class Stop(Part):
    """Where the trade is given up."""

    price: Number


class Target(Part):
    """Where the profit is taken: at a price, or at a multiple of the risk."""

    price: Number | None = None
    rr: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.price is None) == (self.rr is None):
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
    levels: Annotated[dict[Annotated[str, Field(pattern=NAME_PATTERN)], Level], Field(min_length=1)]
    filters: tuple[Condition, ...] = ()
    trigger: Trigger
    window: TriggerWindow
    entry: MarketEntry
    stop: Stop
    target: Target
    min_rr: Ratio = 0.0
    exit: Exit
    limits: Limits

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        mistakes = [*self._wrong_levels(), *self._wrong_formulas(), *self._wrong_moments()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _wrong_levels(self) -> Iterator[str]:
        for name in RESERVED_NAMES.intersection(self.levels):
            yield f"levels: {name!r} is taken, choose another name"
        edges = [f"{name}.{edge}" for name in self._ranges() for edge in ("high", "low")]
        for level in self.trigger.levels:
            if level not in edges:
                yield f"trigger.levels: {level!r} is not known (known: {', '.join(edges)})"

    def _wrong_formulas(self) -> Iterator[str]:
        session = [*BUILT_IN_NAMES, *self._level_names()]
        signal = [*session, *SIGNAL_NAMES, *self._signal_names()]
        for where, formula, known in (
            *(("filters", one, session) for one in self.filters),
            ("trigger.min_penetration", self.trigger.min_penetration, session),
            ("stop.price", self.stop.price, signal),
            ("target.price", self.target.price, signal),
        ):
            try:
                if formula is not None:
                    formula.check_names(known)
            except ValueError as mistake:
                yield f"{where}: {mistake}"

    def _wrong_moments(self) -> Iterator[str]:
        known = ["session", *self._ranges()]
        for where, moment in (
            ("window.from", self.window.start),
            ("window.to", self.window.end),
            ("exit.flat", self.exit.flat),
        ):
            if moment.of not in known:
                yield f"{where}: {moment.of!r} has no start or end (known: {', '.join(known)})"

    def _ranges(self) -> list[str]:
        return [name for name, level in self.levels.items() if isinstance(level, SessionRange)]

    def _level_names(self) -> list[str]:
        return [one for name, level in self.levels.items() for one in level.names(name)]

    def _signal_names(self) -> list[str]:
        return [one for name, level in self.levels.items() for one in level.signal_names(name)]


class Setup(Definition):
    """A setup that is ready to run: a published rule with the params of one request."""

    digest: str
    """sha256 of the rule as published; the params of the request do not change it."""
