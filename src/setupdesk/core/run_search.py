"""Searches: which of all runs somebody wants to see, and where the next page of them begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.period import find_date
from setupdesk.core.refusals import Refusals
from setupdesk.core.request import Mode
from setupdesk.core.run import RUN_ID, Door, RunState
from setupdesk.core.symbol import Catalogue
from setupdesk.core.timeframe import Timeframe, find_timeframe

MOST_LETTERS = 200
"""Of one thing that is said; the longest that can be found has less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSearch:
    """What a run has to be like; None and an empty tuple leave it open."""

    states: tuple[RunState, ...] = ()
    setup_id: str | None = None
    symbol: str | None = None
    timeframe: Timeframe | None = None
    mode: Mode | None = None
    door: Door | None = None
    user: str | None = None
    owner: str | None = None
    """Whose runs there are for who searches; None for those of all users."""

    since: date | None = None
    """First UTC day of its acceptance."""

    until: date | None = None
    """Last UTC day of its acceptance, inclusive."""

    words: tuple[str, ...] = ()
    """Each stands somewhere in what it shows of itself in words, in upper or lower case: its ids,
    market, user, reason, name, notes or tags."""

    tags: tuple[str, ...] = ()
    """It has each of them, in upper or lower case."""

    watch: str | None = None
    """It is of this watch: a poll, or a comparison with a backtest."""

    polls: bool = True
    """Polls of watches are among them; there is one at each bar, or each minute."""

    before: str | None = None
    """The ``run_id`` that ended the page before."""


EVERY_RUN = RunSearch()


def write_cursor(run_id: str) -> str:
    """Write where the next page begins; nobody but ``parse_run_search`` has to understand it."""
    return urlsafe_b64encode(run_id.encode()).decode().rstrip("=")


def parse_run_search(said: Mapping[str, Any], catalogue: Catalogue) -> RunSearch:
    """Read what somebody *said* of runs, or raise InvalidRequestError with every Problem in it.

    A setup or symbol that is not there any more has runs all the same, so any name may be said.
    Polls of watches are left out, unless they, or the runs of one watch, are asked for.
    """
    reading = SearchReading({key: value for key, value in said.items() if value is not None})
    states = [reading.choose("state", one, RunState) for one in _as_texts(said.get("state"))]
    search = RunSearch(
        states=tuple(one for one in states if one),
        setup_id=reading.text("setup_id"),
        symbol=_find_name(reading.text("symbol"), catalogue),
        timeframe=reading.timeframe(),
        mode=reading.choice("mode", Mode),
        door=reading.choice("door", Door),
        user=reading.text("user"),
        since=reading.day("since"),
        until=reading.day("until"),
        words=tuple((reading.text("search") or "").split()),
        tags=tuple(reading.tag(one) for one in _as_texts(said.get("tag"))),
        watch=reading.text("watch"),
        polls=reading.flag("polls") or said.get("watch") is not None,
        before=reading.cursor(),
    )
    if reading.problems:
        raise InvalidRequestError(reading.problems)
    return search


Word = TypeVar("Word", bound=StrEnum)


@dataclass(slots=True)
class SearchReading(Refusals):
    """One pass over what was said of what is searched for."""

    said: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """Read a short text."""
        value = self.said.get(name)
        if value is None or (isinstance(value, str) and 0 < len(value.strip()) <= MOST_LETTERS):
            return value and value.strip()
        allowed = (f"1 to {MOST_LETTERS} characters",)
        self.refuse(name, "wrong_type", f"{name} was not a short text.", allowed)
        return None

    def flag(self, name: str) -> bool:
        """Read yes or no, no unless said."""
        value = self.said.get(name, False)
        if isinstance(value, bool):
            return value
        self.refuse(name, "wrong_type", f"{name} was not yes or no.", ("true", "false"))
        return False

    def choice(self, name: str, words: type[Word]) -> Word | None:
        """Read one of the *words*."""
        value = self.text(name)
        return None if value is None else self.choose(name, value, words)

    def choose(self, name: str, value: str, words: type[Word]) -> Word | None:
        """Find the word that a *value* is."""
        if value in (known := tuple(each.value for each in words)):
            return words(value)
        self.refuse_unknown(name, f"unknown_{name}", value, known)
        return None

    def tag(self, value: str) -> str:
        """Read a tag."""
        if not 0 < len(value.strip()) <= MOST_LETTERS:
            allowed = (f"1 to {MOST_LETTERS} characters",)
            self.refuse("tag", "wrong_type", "tag was not a short text.", allowed)
        return value.strip()

    def timeframe(self) -> Timeframe | None:
        """Read a timeframe, by any of its names."""
        value = self.text("timeframe")
        found = value and find_timeframe(value)
        if value and not found:
            self.choose("timeframe", value, Timeframe)
        return found or None

    def day(self, name: str) -> date | None:
        """Read a date."""
        value = self.text(name)
        found = find_date(value)
        if value and not (found and 1990 <= found.year <= 2100):
            message = f"{name} was {value!r}, which is not a date from 1990 to 2100."
            self.refuse(name, "wrong_date", message, ("YYYY-MM-DD",))
        return found

    def cursor(self) -> str | None:
        """Read where the page begins."""
        value = self.text("cursor")
        found = value and _read_cursor(value)
        if value and not found:
            message = "The cursor is none of ours: it is the next_cursor of the page before."
            self.refuse("cursor", "wrong_cursor", message)
        return found or None


def _as_texts(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _find_name(name: str | None, catalogue: Catalogue) -> str | None:
    known = catalogue.find(name) if name else None
    return known.name if known else name


def _read_cursor(text: str) -> str | None:
    try:
        run_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except ValueError:
        return None
    return run_id if RUN_ID.fullmatch(run_id) else None
