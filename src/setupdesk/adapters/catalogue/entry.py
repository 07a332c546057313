"""What a symbol's TOML file may say, checked when it is read."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from setupdesk.core.symbol import (
    NEW_YORK_ROLL,
    Contract,
    Costs,
    Listing,
    Roll,
    Symbol,
    Week,
    Window,
)
from setupdesk.market.days import is_zone
from setupdesk.setups.mistakes import put_in_words

FindText = Callable[[str], str | None]
"""Finds the TOML of a symbol that ships."""

_MERGED = ("windows", "costs", "contract", "feeds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a symbol's file says, and what is wrong with it; it may be a symbol yet to mend."""

    mistakes: tuple[str, ...] = ()
    symbol: Symbol | None = None
    """None when there are mistakes."""

    name: str | None = None
    """None when it is missing or wrong, as the two below."""

    aliases: tuple[str, ...] = ()
    calendar: str | None = None
    zone: str | None = None
    hours: tuple[time, time] | None = None
    """Start and end of the session."""


def read_draft(text: str, find_text: FindText) -> Draft:
    """Read one symbol; ``extends`` names one that ships, of which only differences are said."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as mistake:
        return Draft(mistakes=(f"the TOML cannot be read: {mistake}",))
    extends = raw.pop("extends", None)
    if extends is None:
        return _validate(raw)
    base = _load_model(extends, find_text) if isinstance(extends, str) else None
    if base is not None:
        return _validate(_merge(raw, extends, base))
    # What the other symbol would have brought is not missing.
    said = repr(extends) if isinstance(extends, str) else "what is not a text"
    unknown = f"extends: {said} is not a symbol that ships"
    return _validate(raw, (unknown,), ignored=("missing",))


def _load_model(name: str, find_text: FindText) -> dict[str, Any] | None:
    # A symbol that ships may itself say only how it differs from another.
    text = find_text(name)
    if text is None:
        return None
    raw = tomllib.loads(text)
    extends = raw.pop("extends", None)
    base = None if extends is None else _load_model(extends, find_text)
    return raw if base is None else dict(_merge(raw, extends, base))


def _validate(
    raw: Mapping[str, Any], mistakes: tuple[str, ...] = (), ignored: tuple[str, ...] = ()
) -> Draft:
    wrong: set[int | str] = set()
    symbol = None
    try:
        entry = _SymbolEntry.model_validate(raw)
    except ValidationError as found:
        wrong = {one["loc"][0] for one in found.errors()}
        mistakes += tuple(put_in_words(found, ignored=ignored))
    else:
        symbol = None if mistakes else entry.build()
    said = {key: value for key, value in raw.items() if key not in wrong}
    return Draft(
        mistakes=mistakes,
        symbol=symbol,
        name=said.get("name"),
        aliases=tuple(said.get("aliases", ())),
        calendar=said.get("calendar"),
        zone=said.get("zone"),
        hours=(said["session"]["start"], said["session"]["end"]) if "session" in said else None,
    )


def _merge(raw: Mapping[str, Any], name: str, base: dict[str, Any]) -> Mapping[str, Any]:
    if raw.get("name", name) != name:
        # The names of other programs and of feeds mean the one that ships.
        base |= {"aliases": [], "feeds": {}}
    tables = {
        key: {**base.get(key, {}), **raw[key]} for key in _MERGED if isinstance(raw.get(key), dict)
    }
    return {**base, **raw, **tables}


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError(f"{name!r} is not an IANA time zone")
    return name


def _whole_minute(at: time) -> time:
    if at.second or at.microsecond:
        raise ValueError(f"{at.isoformat()} is not on a whole minute, as bars are")
    return at


def _covers_the_day(spread: "_Spread") -> "_Spread":
    starts = [start for start, _ in spread]
    if starts[0] != time() or starts != sorted(set(starts)):
        raise ValueError("it must begin at 00:00:00 and ascend")
    return spread


def _ascends(price_range: tuple[float, float]) -> tuple[float, float]:
    if not 0 < price_range[0] < price_range[1]:
        raise ValueError("it must be [low, high], both above zero")
    return price_range


# Checked one by one, not in the end: else a mistake elsewhere would hide what they find.
_Zone = Annotated[str, AfterValidator(_known_zone)]
_Minute = Annotated[time, AfterValidator(_whole_minute)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Points = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Spread = tuple[tuple[time, _Points], ...]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _WindowEntry(_Entry):
    start: _Minute
    end: _Minute
    zone: _Zone | None = None

    def build(self, zone: str) -> Window:
        return Window(start=self.start, end=self.end, zone=self.zone or zone)


class _SpanEntry(_WindowEntry):
    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.start == self.end:
            raise ValueError(f"it starts and ends at {self.start:%H:%M}, so it has no length")
        return self


class _RollEntry(_Entry):
    at: _Minute
    zone: _Zone


class _CostsEntry(_Entry):
    spread: Annotated[_Spread, Field(min_length=1), AfterValidator(_covers_the_day)]
    slippage: _Points
    commission: _Points = 0.0
    swap_long: _Number = 0.0
    swap_short: _Number = 0.0


class _ContractEntry(_Entry):
    point_value: _Amount = 1.0
    min_lot: _Amount = 0.01
    lot_step: _Amount = 0.01
    max_lot: _Amount = 1_000.0
    account: _Amount = 10_000.0

    @model_validator(mode="after")
    def _holds_a_lot(self) -> Self:
        if self.min_lot > self.max_lot:
            raise ValueError("min_lot must not be above max_lot")
        return self


class _ListingEntry(_Entry):
    name: Annotated[str, Field(min_length=1)]
    scale: Annotated[int, Field(gt=0)] = 1

    def build(self) -> Listing:
        return Listing(name=self.name, scale=self.scale)


def _names_an_exchange(feeds: dict[str, _ListingEntry]) -> dict[str, _ListingEntry]:
    listing = feeds.get("ccxt")
    if listing and not re.fullmatch(r"[a-z0-9]+:[A-Z0-9]+/[A-Z0-9:]+", listing.name):
        raise ValueError("ccxt needs exchange and market, such as bitstamp:BTC/USD")
    return feeds


class _SymbolEntry(_Entry):
    name: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    aliases: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...]
    tick: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    price_range: Annotated[tuple[_Points, _Points], AfterValidator(_ascends)]
    zone: _Zone
    calendar: str
    week: Week
    session: _WindowEntry
    windows: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], _SpanEntry]
    costs: _CostsEntry
    contract: _ContractEntry = _ContractEntry()
    feed_week: _WindowEntry | None = None
    feeds: Annotated[
        dict[Literal["dukascopy", "ccxt", "mt5"], _ListingEntry],
        AfterValidator(_names_an_exchange),
    ] = {}
    roll: _RollEntry | None = None
    trade_on_holidays: bool = False

    def build(self) -> Symbol:
        return Symbol(
            name=self.name,
            title=self.title,
            aliases=self.aliases,
            tick=self.tick,
            price_range=self.price_range,
            zone=self.zone,
            calendar=self.calendar,
            session=self.session.build(self.zone),
            week=self.week,
            windows={name: window.build(self.zone) for name, window in self.windows.items()},
            costs=Costs(**dict(self.costs)),
            contract=Contract(**dict(self.contract)),
            feed_week=self.feed_week.build("America/New_York") if self.feed_week else None,
            feeds={name: listing.build() for name, listing in self.feeds.items()},
            roll=Roll(at=self.roll.at, zone=self.roll.zone) if self.roll else NEW_YORK_ROLL,
            trade_on_holidays=self.trade_on_holidays,
        )
