"""Trading days of an exchange, from exchange_calendars, kept in a file once worked out.

That package brings pandas, which takes a second to import. A process that finds the file
of its calendar needs neither. A new version of the package makes new files.
"""

import json
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, time
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.problem import Problem, find_nearest
from setupdesk.core.symbol import Symbol, Window
from setupdesk.market.days import from_ms
from setupdesk.market.sessions import Session, session_by_clock

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGE = "exchange_calendars"
_BEGIN = "2000-01-01"
_YEAR = 250

_EVERY_WEEKDAY = "24/5"
_ROUND_THE_CLOCK = (_EVERY_WEEKDAY, "24/7")
"""Calendars that only know days: the hours are those of the symbol's session."""


@dataclass(frozen=True, slots=True)
class _Horizon:
    first: date
    last: date
    sessions: tuple[Session, ...]

    def covers(self, first: date, last: date) -> bool:
        return self.first <= first and last <= self.last


_day = attrgetter("day")


@dataclass(frozen=True, slots=True)
class ExchangeCalendar:
    """The sessions of any symbol of the catalogue."""

    folder: Path
    """Where the sessions are kept from one process to the next."""

    _known: dict[str, _Horizon] = field(default_factory=dict, repr=False)

    def sessions(self, symbol: Symbol, first: date, last: date) -> list[Session]:
        """Give the sessions of *symbol* from *first* to *last*, both included.

        Raises ``InvalidRequestError`` for a calendar that there is not, or days that it does
        not know.
        """
        code = _EVERY_WEEKDAY if symbol.trade_on_holidays else symbol.calendar
        horizon = self._horizon(code, first, last)
        begin = bisect_left(horizon.sessions, first, key=_day)
        days = list(horizon.sessions[begin : bisect_right(horizon.sessions, last, key=_day)])
        if code not in _ROUND_THE_CLOCK:
            return days
        return [session_by_clock(session.day, symbol.session) for session in days]

    def find_problem(self, code: str) -> Problem | None:
        """Say what is wrong with the code of a calendar; None if there is such a one."""
        begin = date.fromisoformat(_BEGIN)
        try:
            self._horizon(code, begin, begin)
        except InvalidRequestError as unknown:
            return unknown.problems[0]
        return None

    def find_hours(self, code: str) -> Window | None:
        """Give the usual hours of an exchange of today, in its own zone.

        None for a calendar that only knows days. Raises ``InvalidRequestError`` as ``sessions``.
        """
        if code in _ROUND_THE_CLOCK:
            return None
        begin = date.fromisoformat(_BEGIN)
        newest = self._horizon(code, begin, begin).sessions[-_YEAR:]
        zone = _find_zone(code)
        hours = Counter(
            tuple(_find_time(at, zone) for at in (one.opens_ms, one.closes_ms)) for one in newest
        )
        (start, end), _ = hours.most_common(1)[0]
        return Window(start=start, end=end, zone=zone)

    def _horizon(self, code: str, first: date, last: date) -> _Horizon:
        # A file written a year ago ends sooner than what the package knows today.
        sources: tuple[Callable[[str], _Horizon | None], ...] = (self._known.get, self._read)
        for source in sources:
            horizon = source(code)
            if horizon is not None and horizon.covers(first, last):
                self._known[code] = horizon
                return horizon
        horizon = _work_out(code)
        self._known[code] = horizon
        self._write(code, horizon)
        if not horizon.covers(first, last):
            raise _outside(code, horizon, first, last)
        return horizon

    def _path(self, code: str) -> Path:
        return self.folder / f"{code.replace('/', '-')}-{version(_PACKAGE)}.json"

    def _read(self, code: str) -> _Horizon | None:
        try:
            return _from_json(json.loads(self._path(code).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, code: str, horizon: _Horizon) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=self.folder, encoding="utf-8", delete=False) as draft:
            json.dump(_to_json(horizon), draft, separators=(",", ":"))
        Path(draft.name).replace(self._path(code))


def _work_out(code: str) -> _Horizon:
    # The package calls what newer pandas deprecates; that is theirs to mend, not the user's.
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        from exchange_calendars import get_calendar, get_calendar_names
        from exchange_calendars.errors import InvalidCalendarName

        try:
            schedule = get_calendar(code, start=_BEGIN).schedule
        except InvalidCalendarName as unknown:
            raise _unknown(code, tuple(get_calendar_names())) from unknown
    columns = (
        schedule[name].astype("datetime64[ms, UTC]").astype("int64") for name in ("open", "close")
    )
    sessions = tuple(
        Session(stamp.date(), int(opens), int(closes))
        for stamp, opens, closes in zip(schedule.index, *columns, strict=True)
    )
    return _Horizon(date.fromisoformat(_BEGIN), sessions[-1].day, sessions)


def _find_zone(code: str) -> str:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        from exchange_calendars import get_calendar

        return str(get_calendar(code, start=_BEGIN).tz)


def _find_time(instant_ms: int, zone: str) -> time:
    return from_ms(instant_ms).astimezone(ZoneInfo(zone)).time()


def _unknown(code: str, known: tuple[str, ...]) -> InvalidRequestError:
    nearest = find_nearest(code, known)
    hint = f", did you mean {nearest!r}?" if nearest else "."
    problem = Problem(
        field="calendar",
        code="unknown_calendar",
        message=f"There is no exchange calendar {code!r}{hint}",
        allowed=known,
        suggestion=nearest,
    )
    return InvalidRequestError([problem])


def _outside(code: str, horizon: _Horizon, first: date, last: date) -> InvalidRequestError:
    field_name = "start" if first < horizon.first else "end"
    message = (
        f"The sessions of {code} are known from {horizon.first} to {horizon.last}; "
        f"{first} to {last} was asked. Choose a period within."
    )
    allowed = (horizon.first.isoformat(), horizon.last.isoformat())
    problem = Problem(field=field_name, code="outside_calendar", message=message, allowed=allowed)
    return InvalidRequestError([problem])


def _to_json(horizon: _Horizon) -> dict[str, Any]:
    return {
        "first": horizon.first.isoformat(),
        "last": horizon.last.isoformat(),
        "sessions": [[s.day.isoformat(), s.opens_ms, s.closes_ms] for s in horizon.sessions],
    }


def _from_json(raw: dict[str, Any]) -> _Horizon:
    return _Horizon(
        date.fromisoformat(raw["first"]),
        date.fromisoformat(raw["last"]),
        tuple(Session(date.fromisoformat(day), *hours) for day, *hours in raw["sessions"]),
    )
