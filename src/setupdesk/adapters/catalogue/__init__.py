"""The catalogue that ships with the desk: one TOML file a symbol, checked when loaded."""

import re
import tomllib
from collections.abc import Iterable
from datetime import time
from importlib.resources import files
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from setupdesk.core.symbol import Catalogue, Costs, Listing, Symbol, Week, Window


def load_catalogue() -> Catalogue:
    """Read every symbol that ships with the desk."""
    here = files(__name__)
    texts = (entry.read_text("utf-8") for entry in here.iterdir() if entry.name.endswith(".toml"))
    return build_catalogue(texts)


def build_catalogue(texts: Iterable[str]) -> Catalogue:
    """Check the TOML of each symbol and that no two answer to the same name."""
    symbols = [_SymbolEntry.model_validate(tomllib.loads(text)).build() for text in texts]
    _refuse_shared_names(symbols)
    return Catalogue({symbol.name: symbol for symbol in sorted(symbols, key=lambda s: s.name)})


def _refuse_shared_names(symbols: Iterable[Symbol]) -> None:
    owners: dict[str, str] = {}
    for symbol in symbols:
        for name in {symbol.name, *(alias.upper() for alias in symbol.aliases)}:
            owner = owners.setdefault(name, symbol.name)
            if owner != symbol.name:
                raise ValueError(f"{name!r} names both {owner} and {symbol.name}")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone")
    return name


_Zone = Annotated[str, AfterValidator(_known_zone)]
_Points = Annotated[float, Field(ge=0)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _WindowEntry(_Entry):
    start: time
    end: time
    zone: _Zone | None = None

    def build(self, zone: str) -> Window:
        return Window(start=self.start, end=self.end, zone=self.zone or zone)


class _CostsEntry(_Entry):
    spread: Annotated[tuple[tuple[time, _Points], ...], Field(min_length=1)]
    slippage: _Points

    @model_validator(mode="after")
    def _covers_the_day(self) -> Self:
        starts = [start for start, _ in self.spread]
        if starts[0] != time() or starts != sorted(set(starts)):
            raise ValueError("spread must begin at 00:00:00 and ascend")
        return self


class _ListingEntry(_Entry):
    name: Annotated[str, Field(min_length=1)]
    scale: Annotated[int, Field(gt=0)] = 1

    def build(self) -> Listing:
        return Listing(name=self.name, scale=self.scale)


class _SymbolEntry(_Entry):
    name: Annotated[str, Field(pattern=r"^[A-Z0-9]+$")]
    title: str
    aliases: tuple[str, ...]
    tick: Annotated[float, Field(gt=0)]
    price_range: tuple[_Points, _Points]
    zone: _Zone
    calendar: str
    week: Week
    session: _WindowEntry
    windows: dict[str, _WindowEntry]
    costs: _CostsEntry
    feed_week: _WindowEntry | None = None
    feeds: dict[Literal["dukascopy", "ccxt", "mt5"], _ListingEntry] = {}

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
            costs=Costs(spread=self.costs.spread, slippage=self.costs.slippage),
            feed_week=self.feed_week.build("America/New_York") if self.feed_week else None,
            feeds={name: listing.build() for name, listing in self.feeds.items()},
        )
