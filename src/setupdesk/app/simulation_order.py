"""The order of a simulation: which market, for which days, drawn from which seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from setupdesk.app.fetch_order import EARLIEST, name_unknown, read_day, read_symbol
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Catalogue, Symbol

MOST_YEARS = 10
_LATEST = date(2100, 12, 31)
_FIELDS = ("symbol", "start", "end", "seed")
_SEEDS = 2**63


@dataclass(frozen=True, slots=True)
class SimulationOrder:
    """What to simulate, both days inclusive."""

    symbol: Symbol
    first: date
    last: date
    seed: int


def read_simulation(payload: Mapping[str, Any], catalogue: Catalogue) -> SimulationOrder:
    """Read ``{symbol, start, end, seed}``, or raise with every Problem at once."""
    problems = [name_unknown(key, _FIELDS, "a simulation") for key in payload if key not in _FIELDS]
    symbol = read_symbol(payload.get("symbol"), catalogue, problems)
    first = read_day("start", payload.get("start"), problems)
    last = read_day("end", payload.get("end"), problems)
    if first and last:
        problems += _check_period(first, last)
    seed = payload.get("seed", 1)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < _SEEDS:
        message = f"seed was {str(seed)[:50]!r}, which is no whole number from 0 up to 2^63."
        problems.append(Problem(field="seed", code="wrong_type", message=message, suggestion="1"))
    if problems or not (symbol and first and last):
        raise InvalidRequestError(problems)
    return SimulationOrder(symbol, first, last, seed)


def _check_period(first: date, last: date) -> Iterator[Problem]:
    for name, day in (("start", first), ("end", last)):
        if not EARLIEST <= day <= _LATEST:
            message = f"{name} was {day}."
            allowed = (f"{EARLIEST} to {_LATEST}",)
            yield Problem(field=name, code="out_of_bounds", message=message, allowed=allowed)
            return
    longest = _add_years(first) - timedelta(days=1)
    if last < first:
        message = f"end {last} is before start {first}."
        yield Problem(field="end", code="before_start", message=message, suggestion=str(first))
    elif last > longest:
        message = f"{first} to {last} is more than {MOST_YEARS} years."
        allowed = (f"up to {longest}",)
        yield Problem(
            field="end",
            code="too_long",
            message=message,
            allowed=allowed,
            suggestion=str(longest),
        )


def _add_years(day: date) -> date:
    # Ten years after a 29th of February there is none.
    is_leap_day = (day.month, day.day) == (2, 29)
    later = day.replace(year=day.year + MOST_YEARS, day=28 if is_leap_day else day.day)
    return later + timedelta(days=is_leap_day)
