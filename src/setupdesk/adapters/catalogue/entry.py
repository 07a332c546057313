"""What a symbol's TOML file may say, checked when it is read."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import time
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from setupdesk.core.errors import InvalidSymbolError
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


def read_symbol(text: str, file_name: str, find_text: FindText) -> Symbol:
    """Read one symbol; ``extends`` names one that ships, of which only differences are said.

    Raises ``InvalidSymbolError`` with every mistake.
    """
    try:
        return _SymbolEntry.model_validate(_merge(tomllib.loads(text), find_text)).build()
    except tomllib.TOMLDecodeError as mistake:
        raise InvalidSymbolError(file_name, [f"the TOML cannot be read: {mistake}"]) from mistake
    except ValidationError as mistakes:
        raise InvalidSymbolError(file_name, put_in_words(mistakes)) from mistakes
    except LookupError as unknown:
        reason = f"extends: {unknown.args[0]!r} is not a symbol that ships"
        raise InvalidSymbolError(file_name, [reason]) from unknown


def _merge(raw: dict[str, Any], find_text: FindText) -> Mapping[str, Any]:
    if "extends" not in raw:
        return raw
    name = raw.pop("extends")
    text = find_text(name) if isinstance(name, str) else None
    if text is None:
        raise LookupError(name)
    base = tomllib.loads(text)
    if raw.get("name", name) != name:
        # The names of other programs and of feeds mean the one that ships.
        base |= {"aliases": [], "feeds": {}}
    tables = {
        key: {**base.get(key, {}), **raw[key]} for key in _MERGED if isinstance(raw.get(key), dict)
    }
    return base | raw | tables


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError(f"{name!r} is not an IANA time zone")
    return name


_Zone = Annotated[str, AfterValidator(_known_zone)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Points = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _WindowEntry(_Entry):
    start: time
    end: time
    zone: _Zone | None = None

    def build(self, zone: str) -> Window:
        return Window(start=self.start, end=self.end, zone=self.zone or zone)


class _RollEntry(_Entry):
    at: time
    zone: _Zone


class _CostsEntry(_Entry):
    spread: Annotated[tuple[tuple[time, _Points], ...], Field(min_length=1)]
    slippage: _Points
    commission: _Points = 0.0
    swap_long: _Number = 0.0
    swap_short: _Number = 0.0

    @model_validator(mode="after")
    def _covers_the_day(self) -> Self:
        starts = [start for start, _ in self.spread]
        if starts[0] != time() or starts != sorted(set(starts)):
            raise ValueError("spread must begin at 00:00:00 and ascend")
        return self


class _ContractEntry(_Entry):
    point_value: _Amount = 1.0
    min_lot: _Amount = 0.01
    lot_step: _Amount = 0.01
    max_lot: _Amount = 1_000.0
    account: _Amount = 10_000.0

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.min_lot > self.max_lot:
            raise ValueError("min_lot must not be above max_lot")
        return self


class _ListingEntry(_Entry):
    name: Annotated[str, Field(min_length=1)]
    scale: Annotated[int, Field(gt=0)] = 1

    def build(self) -> Listing:
        return Listing(name=self.name, scale=self.scale)


class _SymbolEntry(_Entry):
    name: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    aliases: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...]
    tick: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    price_range: tuple[_Points, _Points]
    zone: _Zone
    calendar: str
    week: Week
    session: _WindowEntry
    windows: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], _WindowEntry]
    costs: _CostsEntry
    contract: _ContractEntry = _ContractEntry()
    feed_week: _WindowEntry | None = None
    feeds: dict[Literal["dukascopy", "ccxt", "mt5"], _ListingEntry] = {}
    roll: _RollEntry | None = None
    trade_on_holidays: bool = False

    @model_validator(mode="after")
    def _range_ascends(self) -> Self:
        if not 0 < self.price_range[0] < self.price_range[1]:
            raise ValueError("price_range must be (low, high), both above zero")
        return self

    @model_validator(mode="after")
    def _names_an_exchange(self) -> Self:
        listing = self.feeds.get("ccxt")
        if listing and not re.fullmatch(r"[a-z0-9]+:[A-Z0-9]+/[A-Z0-9:]+", listing.name):
            raise ValueError("ccxt needs exchange and market, such as bitstamp:BTC/USD")
        return self

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
