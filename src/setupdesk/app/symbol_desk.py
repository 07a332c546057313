"""The symbol desk: shows the catalogue, and takes in symbols of the user's own."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any, Protocol

from setupdesk.app.ports import Calendar
from setupdesk.core.symbol import Catalogue, Symbol, Window

log = logging.getLogger(__name__)

CheckCalendar = Callable[[str, str | None, tuple[time, time] | None], Iterable[str]]


class SymbolFiles(Protocol):
    """Where the texts of symbols are kept."""

    @property
    def mistakes(self) -> Mapping[str, tuple[str, ...]]:
        """Give what is wrong in the user's own files, by file name."""

    def is_own(self, name: str) -> bool:
        """Say whether a symbol comes from a file of the user's."""

    def text_of(self, name: str) -> str:
        """Give the TOML of a symbol."""

    def check(self, text: str, file_name: str, check_calendar: CheckCalendar) -> Symbol:
        """Read a symbol, or raise InvalidSymbolError with every mistake."""

    def add(self, symbol: Symbol, text: str) -> None:
        """Keep the text of a symbol."""


@dataclass(frozen=True, slots=True)
class SymbolDesk:
    """What may be traded, and the one way to change it."""

    catalogue: Catalogue
    files: SymbolFiles
    calendar: Calendar

    def symbols(self) -> list[dict[str, Any]]:
        """List the symbols of the catalogue."""
        return [self._describe(symbol) for symbol in self.catalogue]

    def mistakes(self) -> dict[str, list[str]]:
        """List the user's own files that cannot be used, with every reason."""
        return {name: list(reasons) for name, reasons in self.files.mistakes.items()}

    def symbol(self, name: str) -> dict[str, Any]:
        """Give one symbol with its windows, its costs and the TOML that it was read from."""
        found = self.catalogue.need(name)
        return self._describe(found) | _details(found) | {"toml": self.files.text_of(found.name)}

    def add(self, text: str, file_name: str, by: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Check the TOML of a symbol, exchange calendar included, and keep it as *by* wants it."""
        symbol = self.files.check(text, file_name, self._check_calendar)
        replaces = symbol.name in self.catalogue.symbols
        if not dry_run:
            self.files.add(symbol, text)
            word = "symbol replaced" if replaces else "symbol added"
            log.info(word, extra={"symbol": symbol.name, "user": by})
        return {
            **self._describe(symbol),
            **_details(symbol),
            "outcome": "checked" if dry_run else "replaced" if replaces else "added",
        }

    def _check_calendar(
        self, code: str, zone: str | None, hours: tuple[time, time] | None
    ) -> list[str]:
        problem = self.calendar.find_problem(code)
        if problem:
            return [f"calendar: {problem.message}"]
        known = self.calendar.find_hours(code)
        return [] if known is None else list(_check_hours(code, known, zone, hours))

    def _describe(self, symbol: Symbol) -> dict[str, Any]:
        return {
            "symbol": symbol.name,
            "title": symbol.title,
            "aliases": list(symbol.aliases),
            "zone": symbol.zone,
            "session": f"{symbol.session.start:%H:%M}-{symbol.session.end:%H:%M}",
            "calendar": symbol.calendar,
            "tick": symbol.tick,
            "own": self.files.is_own(symbol.name),
        }


def _check_hours(
    code: str, known: Window, zone: str | None, hours: tuple[time, time] | None
) -> Iterator[str]:
    if zone not in (None, known.zone):
        yield f"zone: {zone!r} is not that of the calendar {code}, which is {known.zone!r}"
    if hours and hours[0] >= hours[1] and known.start < known.end:
        yield (
            f"session: {hours[0]:%H:%M} to {hours[1]:%H:%M} goes beyond midnight, but {code} is "
            f"open {known.start:%H:%M} to {known.end:%H:%M}"
        )


def _details(symbol: Symbol) -> dict[str, Any]:
    return {
        "price_range": list(symbol.price_range),
        "week": symbol.week,
        "windows": {
            name: f"{window.start:%H:%M}-{window.end:%H:%M} {window.zone}"
            for name, window in symbol.windows.items()
        },
        "spread": [[f"{start:%H:%M}", points] for start, points in symbol.costs.spread],
        "slippage": symbol.costs.slippage,
        "roll": f"{symbol.roll.at:%H:%M} {symbol.roll.zone}",
        "trade_on_holidays": symbol.trade_on_holidays,
        "hash": symbol.digest,
    }
