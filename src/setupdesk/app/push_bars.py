"""Bars that another program sends: whose they are, before the push feed takes them in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from setupdesk.app.fetch_order import name_unknown, read_symbol, read_timeframe
from setupdesk.app.ports import Feed
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.days import from_ms

_FIELDS = ("symbol", "timeframe", "bars")


class PushFeed(Feed, Protocol):
    """A feed that bars are sent to."""

    def accept(self, symbol: Symbol, timeframe: Timeframe, sent: Sequence[Any]) -> dict[str, int]:
        """Take bars in, all or none; count those that are new and those that were here."""


@dataclass(frozen=True, slots=True)
class PushBars:
    """Take closed bars in for a symbol, all or none."""

    catalogue: Catalogue
    feed: PushFeed

    def __call__(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Take ``{symbol, timeframe, bars}``; count the added and the repeated, tell the newest.

        Raises ``InvalidRequestError`` with every Problem, also those of single bars.
        """
        problems = [
            name_unknown(key, _FIELDS, "bars that are sent")
            for key in payload
            if key not in _FIELDS
        ]
        problems += [_name_missing(name) for name in _FIELDS if payload.get(name) is None]
        symbol = read_symbol(payload.get("symbol", ""), self.catalogue, problems)
        timeframe = read_timeframe(payload.get("timeframe"), self.feed, problems)
        bars = payload.get("bars")
        if bars is not None and not isinstance(bars, list):
            message = "bars was not a list."
            problems.append(Problem(field="bars", code="wrong_type", message=message))
        if problems or not (symbol and timeframe and isinstance(bars, list)):
            raise InvalidRequestError(problems)
        taken = self.feed.accept(symbol, timeframe, bars)
        newest = self.feed.newest(symbol, timeframe, 1)
        return {
            "symbol": symbol.name,
            "timeframe": timeframe,
            **taken,
            "newest": to_iso(from_ms(int(newest.time[-1]))),
        }


def _name_missing(name: str) -> Problem:
    return Problem(field=name, code="missing", message=f"{name} is missing.")
