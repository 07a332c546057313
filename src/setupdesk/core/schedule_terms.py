"""The rules that make a Schedule valid: every door's words are read here, and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import Offer
from setupdesk.core.problem import find_nearest
from setupdesk.core.refusals import Refusals
from setupdesk.core.request import parse_request
from setupdesk.core.rhythm import (
    LONGEST,
    SHORTEST,
    SHORTEST_LIVE,
    AtBarClose,
    Cron,
    Every,
    Rhythm,
    find_mistake,
    read_span,
    write_span,
)
from setupdesk.core.schedule import (
    MOST_CAUGHT_UP,
    NIGHTLY_DEADLINE,
    Overlap,
    Terms,
    is_live,
    read_catch_up,
)
from setupdesk.core.symbol import NEW_YORK_ROLL, Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe

RHYTHMS = ("cron", "every", "at_bar_close")
FIELDS = (
    *("name", "payload", "payloads", *RHYTHMS, "timezone", "catch_up", "overlap"),
    *("start_deadline", "only_on_sessions", "paused"),
)
MOST_PAYLOADS = 100
LONGEST_NAME = 100
LONGEST_DEADLINE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Said:
    """A Schedule as a user wants it."""

    name: str
    terms: Terms
    paused: bool


def parse_schedule(said: Mapping[str, Any], offer: Offer) -> Said:
    """Read what a door *said*, or raise ``InvalidRequestError`` with every Problem in it."""
    reading = _Reading(said, offer)
    read = reading.read()
    if reading.problems or read is None:
        raise InvalidRequestError(reading.problems)
    return read


@dataclass(slots=True)
class _Reading(Refusals):
    said: Mapping[str, Any]
    offer: Offer

    def read(self) -> Said | None:
        self.refuse_others("", self.said, FIELDS)
        name = self._read_name()
        payloads = self._read_payloads()
        symbols = self._find_symbols(payloads)
        symbol = next(iter(symbols), None)
        zone = self._read_zone(symbol)
        live = bool(payloads) and is_live(payloads)
        rhythm = self._read_rhythm(zone, symbol, SHORTEST_LIVE if live else SHORTEST)
        terms = Terms(
            payloads=tuple(payloads),
            rhythm=rhythm or Every(LONGEST),
            zone=zone,
            catch_up=self._read_catch_up(),
            overlap=self._read_overlap(Overlap.SKIP if live else Overlap.QUEUE_ONE),
            start_deadline=self._read_deadline(None if live else NIGHTLY_DEADLINE),
            only_on_sessions=self._read_switch("only_on_sessions", usual=True),
            markets=tuple(one.name for one in symbols),
        )
        return Said(name, terms, self._read_switch("paused", usual=False))

    def _read_name(self) -> str:
        name = self.said.get("name")
        if isinstance(name, str) and name.isprintable() and 0 < len(name.strip()) <= LONGEST_NAME:
            return name.strip()
        message = f"The name has to be 1 to {LONGEST_NAME} printable characters."
        self.refuse("name", "wrong_name", message)
        return ""

    def _read_payloads(self) -> list[Mapping[str, Any]]:
        given = [key for key in ("payload", "payloads") if self.said.get(key) is not None]
        if len(given) != 1:
            self.refuse("payload", "missing", "Give either payload, or payloads for a batch.")
            return []
        value = self.said[given[0]]
        payloads = value if given[0] == "payloads" else [value]
        if not isinstance(payloads, list) or not 1 <= len(payloads) <= MOST_PAYLOADS:
            message = f"payloads has to be a list of 1 to {MOST_PAYLOADS} requests."
            self.refuse("payloads", "wrong_type", message)
            return []
        for number, payload in enumerate(payloads):
            place = "payload" if given[0] == "payload" else f"payloads.{number}"
            self._check_payload(place, payload)
        return [payload for payload in payloads if isinstance(payload, Mapping)]

    def _check_payload(self, place: str, payload: object) -> None:
        if not isinstance(payload, Mapping):
            self.refuse(place, "wrong_type", f"{place} was no request, as POST /runs takes it.")
            return
        try:
            parse_request(payload, self.offer)
        except InvalidRequestError as refused:
            self.problems += [
                replace(one, field=f"{place}.{one.field}") for one in refused.problems
            ]

    def _find_symbols(self, payloads: Sequence[Mapping[str, Any]]) -> list[Symbol]:
        names = dict.fromkeys(chain.from_iterable(map(self._name_symbols, payloads)))
        found = (self.offer.catalogue.find(name) for name in names if isinstance(name, str))
        return [symbol for symbol in found if symbol]

    def _name_symbols(self, payload: Mapping[str, Any]) -> Sequence[Any]:
        watch = self.offer.find_watch(str(payload["watch"])) if payload.get("watch") else None
        return watch.terms.symbols if watch else [payload.get("symbol")]

    def _read_zone(self, symbol: Symbol | None) -> str:
        value = self.said.get("timezone")
        if value is None:
            return symbol.zone if symbol else "UTC"
        known = available_timezones()
        if isinstance(value, str) and value in known:
            return ZoneInfo(value).key
        nearest = find_nearest(str(value)[:64], known)
        hint = f", did you mean {nearest!r}?" if nearest else "."
        message = f"{str(value)[:64]!r} is no IANA time zone{hint}"
        allowed = ("Europe/Berlin", "America/New_York", "UTC", "...")
        self.refuse("timezone", "unknown_timezone", message, allowed, nearest)
        return "UTC"

    def _read_rhythm(self, zone: str, symbol: Symbol | None, shortest: timedelta) -> Rhythm | None:
        given = [key for key in RHYTHMS if self.said.get(key) is not None]
        if len(given) != 1:
            message = f"Give exactly one of {', '.join(RHYTHMS)}; there were {len(given)}."
            self.refuse("cron", "one_rhythm", message, RHYTHMS)
            return None
        value = self.said[given[0]]
        if not isinstance(value, str):
            self.refuse(given[0], "wrong_type", f"{given[0]} was no text.")
            return None
        if given[0] == "cron":
            return self._read_cron(value, zone)
        if given[0] == "every":
            return self._read_every(value, shortest)
        return self._read_bar_close(value, symbol)

    def _read_cron(self, value: str, zone: str) -> Cron | None:
        if mistake := find_mistake(value):
            message = f"cron was {value[:64]!r}: {mistake}."
            self.refuse("cron", "wrong_cron", message, ("30 22 * * 1-5", "*/15 9-17 * * *"))
            return None
        return Cron(" ".join(value.split()), zone)

    def _read_every(self, value: str, shortest: timedelta) -> Every | None:
        span, least = read_span(value), write_span(shortest)
        if span and shortest <= span <= LONGEST:
            return Every(span)
        nearest = None if span is None else (least if span < shortest else "24h")
        message = f"every was {value[:64]!r}; it is a span such as 5m or 1h."
        self.refuse("every", "out_of_bounds", message, (f"{least} to 24h",), nearest)
        return None

    def _read_bar_close(self, value: str, symbol: Symbol | None) -> AtBarClose | None:
        name, plus, text = value.partition("+")
        timeframe, offset = find_timeframe(name), read_span(text) if plus else timedelta()
        if timeframe is None:
            self.refuse_unknown("at_bar_close", "unknown_timeframe", name.strip(), tuple(Timeframe))
            return None
        if offset is None or offset >= timedelta(minutes=timeframe.minutes):
            message = f"at_bar_close was {value[:64]!r}; after + stands less than one bar."
            self.refuse("at_bar_close", "out_of_bounds", message, (), f"{timeframe} + 3s")
            return None
        return AtBarClose(timeframe, offset, symbol.roll if symbol else NEW_YORK_ROLL)

    def _read_catch_up(self) -> int:
        value = self.said.get("catch_up")
        most = 1 if value is None else read_catch_up(str(value))
        if most is None:
            allowed = ("none", "last", f"all(1) to all({MOST_CAUGHT_UP})")
            message = f"catch_up was {str(value)[:64]!r}."
            nearest = "all(24)" if str(value).startswith("all") else None
            self.refuse("catch_up", "unknown_catch_up", message, allowed, nearest)
        return most or 0

    def _read_overlap(self, usual: Overlap) -> Overlap:
        value = self.said.get("overlap")
        if value is None:
            return usual
        if isinstance(value, str) and value in tuple(Overlap):
            return Overlap(value)
        self.refuse_unknown("overlap", "unknown_overlap", value, tuple(Overlap))
        return usual

    def _read_deadline(self, usual: timedelta | None) -> timedelta | None:
        value = self.said.get("start_deadline")
        if value is None:
            return usual
        span = read_span(value) if isinstance(value, str) else None
        if span and span <= LONGEST_DEADLINE:
            return span
        message = f"start_deadline was {str(value)[:64]!r}; it is a span such as 15m or 12h."
        self.refuse("start_deadline", "out_of_bounds", message, ("1s to 7d",), "12h")
        return usual

    def _read_switch(self, where: str, *, usual: bool) -> bool:
        value = self.said.get(where)
        if value is None or isinstance(value, bool):
            return usual if value is None else value
        self.refuse(where, "wrong_type", f"{where} was {str(value)[:64]!r}.", ("true", "false"))
        return usual
