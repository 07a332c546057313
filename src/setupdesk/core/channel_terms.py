"""The rules that make a channel valid: every door's words are read here, and nowhere else."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from setupdesk.core.channel import Channel, ChannelEvent
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.free_text import LONGEST_NAME, find_text_problems
from setupdesk.core.manner import (
    MOST_PER_HOUR,
    USUAL_KINDS,
    USUAL_PER_HOUR,
    Loudness,
    Manner,
    Quiet,
)
from setupdesk.core.pairing import TELEGRAM
from setupdesk.core.problem import Problem, find_nearest
from setupdesk.core.refusals import Refusals
from setupdesk.core.watch import AlertKind

FIELDS = ("name", "url", "events", "manner")
CHANGED = FIELDS
"""Of the URL the language in which Telegram is told, and no more."""

MANNERS = ("kinds", "quiet", "most_per_hour")
QUIET = ("from", "to", "zone")

_SPOKEN = re.compile(rf"({TELEGRAM}\d+)(?::(?:en|ru))?")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A channel as its owner wants it."""

    name: str
    url: str
    events: tuple[ChannelEvent, ...]
    manner: Manner


def parse_channel(said: Mapping[str, Any], find_unsafe: Callable[[str], list[Problem]]) -> Wanted:
    """Read what a door *said*, or raise ``InvalidRequestError`` with every Problem in it.

    *find_unsafe* finds why nothing can be sent to a URL.
    """
    reading = _Reading()
    wanted = reading.read(said, FIELDS)
    if isinstance(said.get("url"), str):
        reading.problems += find_unsafe(wanted.url)
    if reading.problems:
        raise InvalidRequestError(reading.problems)
    return wanted


def parse_change(one: Channel, said: Mapping[str, Any]) -> Wanted:
    """Read *one* as what is *said* makes it; null gives a field its usual value again."""
    reading = _Reading()
    url = said.get("url", one.url)
    if "url" in said and not _is_same_user(one.url, url):
        message = "A channel keeps its URL: make another channel, and revoke this one."
        reading.refuse("url", "not_changeable", message)
        url = one.url
    known = {"name": one.name, "events": [*one.events], "manner": one.manner.to_json()}
    merged = _merge(known, {key: value for key, value in said.items() if key != "url"})
    wanted = reading.read({**merged, "url": url}, CHANGED)
    if reading.problems:
        raise InvalidRequestError(reading.problems)
    return wanted


def _is_same_user(one: str, other: object) -> bool:
    found, wanted = (_SPOKEN.fullmatch(str(url)) for url in (one, other))
    return bool(found and wanted and found[1] == wanted[1])


def _merge(known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**known}
    for key, value in said.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            before = merged.get(key)
            merged[key] = _merge(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


@dataclass(slots=True)
class _Reading(Refusals):
    def read(self, said: Mapping[str, Any], fields: Sequence[str]) -> Wanted:
        self.refuse_others("", said, fields)
        return Wanted(
            name=self._read_name(said.get("name")),
            url=self._read_url(said.get("url")),
            events=self._read_events(said.get("events")),
            manner=self._read_manner(self._read_object("manner", said)),
        )

    def _read_object(self, where: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
        value = said.get(where.rpartition(".")[2])
        if value is None or isinstance(value, Mapping):
            return value or {}
        self.refuse(where, "wrong_type", f"{where} was {str(value)[:64]!r}, and is an object.")
        return {}

    def _read_name(self, value: object) -> str:
        if isinstance(value, str) and value.strip():
            self.problems += find_text_problems("name", value, LONGEST_NAME)
            return value
        self.refuse("name", "missing", f"A channel needs a name of 1 to {LONGEST_NAME} characters.")
        return ""

    def _read_url(self, value: object) -> str:
        if isinstance(value, str):
            return value
        self.refuse("url", "missing", "A channel needs a URL, or log: for the service's log.")
        return ""

    def _read_events(self, value: object) -> tuple[ChannelEvent, ...]:
        known = tuple(ChannelEvent)
        if not isinstance(value, list | tuple) or not value:
            message = "A channel needs a list of one event at least."
            self.refuse("events", "missing", message, known)
            return ()
        # It comes as the body of a request does: it may be long, and hold anything.
        for event in dict.fromkeys(map(str, value[:20])):
            if event not in known:
                self.refuse_unknown("events", "unknown_event", event, known)
        return tuple(one for one in known if one in value)

    def _read_manner(self, said: Mapping[str, Any]) -> Manner:
        self.refuse_others("manner.", said, MANNERS)
        return Manner(
            kinds=self._read_kinds(self._read_object("manner.kinds", said)),
            quiet=self._read_quiet(self._read_object("manner.quiet", said)),
            most_per_hour=self._read_most(said.get("most_per_hour")),
        )

    def _read_kinds(self, said: Mapping[str, Any]) -> Mapping[AlertKind, Loudness]:
        self.refuse_others("manner.kinds.", said, tuple(AlertKind))
        return {
            kind: self._read_loudness(kind, said.get(kind), usual)
            for kind, usual in USUAL_KINDS.items()
        }

    def _read_loudness(self, kind: AlertKind, value: object, usual: Loudness) -> Loudness:
        if value is None:
            return usual
        if isinstance(value, str) and value in tuple(Loudness):
            return Loudness(value)
        where = f"manner.kinds.{kind}"
        self.refuse_unknown(where, "unknown_loudness", value, tuple(Loudness))
        return usual

    def _read_quiet(self, said: Mapping[str, Any]) -> Quiet | None:
        self.refuse_others("manner.quiet.", said, QUIET)
        if not any(said.get(key) is not None for key in QUIET):
            return None
        begins, ends = self._read_time("from", said), self._read_time("to", said)
        zone = self._read_zone(said.get("zone"))
        if begins is None or ends is None or zone is None:
            return None
        if begins == ends:
            message = f"Quiet hours began and ended at {begins:%H:%M}: nothing would be told."
            self.refuse("manner.quiet.to", "out_of_bounds", message)
        return Quiet(begins, ends, zone)

    def _read_time(self, key: str, said: Mapping[str, Any]) -> time | None:
        value = said.get(key)
        if isinstance(value, str) and _TIME.fullmatch(value):
            return time.fromisoformat(value)
        where, code = f"manner.quiet.{key}", "missing" if value is None else "wrong_time"
        message = f"{where} was {str(value)[:64]!r}; it is a time of day."
        self.refuse(where, code, message, ("00:00 to 23:59",), _find_time(value))
        return None

    def _read_zone(self, value: object) -> str | None:
        known = available_timezones()
        if isinstance(value, str) and value in known:
            return ZoneInfo(value).key
        where, allowed = "manner.quiet.zone", ("Europe/Berlin", "America/New_York", "UTC", "...")
        if value is None:
            message = "Quiet hours need the IANA time zone of their clock."
            self.refuse(where, "missing", message, allowed)
            return None
        nearest = find_nearest(str(value)[:64], known)
        hint = f", did you mean {nearest!r}?" if nearest else "."
        message = f"{str(value)[:64]!r} is no IANA time zone{hint}"
        self.refuse(where, "unknown_timezone", message, allowed, nearest)
        return None

    def _read_most(self, value: object) -> int:
        if value is None:
            return USUAL_PER_HOUR
        if isinstance(value, int) and not isinstance(value, bool):
            if 1 <= value <= MOST_PER_HOUR:
                return value
            nearest = "1" if value < 1 else str(MOST_PER_HOUR)
        else:
            nearest = None
        message = f"manner.most_per_hour was {str(value)[:64]!r}; it is a whole number."
        allowed = (f"1 to {MOST_PER_HOUR}",)
        self.refuse("manner.most_per_hour", "out_of_bounds", message, allowed, nearest)
        return USUAL_PER_HOUR


def _find_time(value: object) -> str | None:
    """Find the time that *value* was probably meant to be: 7, 7:5 or 2200."""
    match = re.fullmatch(r"\s*(\d{1,2})(?:[:.h]?(\d{2}))?\s*", str(value)[:16])
    if not match:
        return None
    nearest = f"{int(match[1]):02}:{match[2] or '00'}"
    return nearest if _TIME.fullmatch(nearest) else None
