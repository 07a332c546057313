"""Schedules: requests that come again by themselves, and what becomes of each of their ticks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from setupdesk.core.period import to_iso
from setupdesk.core.request import Mode
from setupdesk.core.rhythm import AtBarClose, Cron, Every, Rhythm, read_span, write_span
from setupdesk.core.symbol import Roll
from setupdesk.core.timeframe import Timeframe

ON_TIME = timedelta(minutes=1)
"""A tick that is found no later than this was not missed."""

MOST_CAUGHT_UP = 1_000
MOST_JUDGED = 2 * MOST_CAUGHT_UP
"""Ticks of one Schedule that are judged together; it is told by them which are the last."""


class Overlap(StrEnum):
    """What becomes of a tick while runs of an earlier one are under way."""

    SKIP = "skip"
    QUEUE_ONE = "queue_one"
    ALLOW = "allow"
    CANCEL_PREVIOUS = "cancel_previous"


class Outcome(StrEnum):
    """What became of a tick."""

    DUE = "due"
    """START is asked next, or when the runs before are over; all others are final."""

    FIRED = "fired"
    SKIPPED_OVERLAP = "skipped_overlap"
    MISSED_LATE = "missed_late"
    COALESCED = "coalesced"
    PAUSED = "paused"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a Schedule asks for, and when."""

    payloads: tuple[Mapping[str, Any], ...]
    """Each as START takes it; a relative period in it is resolved at each tick."""

    rhythm: Rhythm
    zone: str
    """IANA zone of its times; that of the market, unless said."""

    catch_up: int
    """How many missed ticks are made up for, the last ones first: 0 is none, 1 the last."""

    overlap: Overlap
    start_deadline: timedelta | None
    """A tick that is later is missed; None for one period, at most half a day."""

    only_on_sessions: bool
    """Whether a tick needs a session that traded since the tick before it."""

    markets: tuple[str, ...]
    """The symbols whose sessions count: those of the requests."""

    @property
    def is_watch(self) -> bool:
        """Say whether its requests are polls of watches."""
        return is_live(self.payloads) and any(one.get("watch") for one in self.payloads)

    def to_json(self) -> dict[str, Any]:
        """Give the shape that every door shows, and that makes the same Terms again."""
        return {
            "payloads": [dict(payload) for payload in self.payloads],
            **_show_rhythm(self.rhythm),
            "timezone": self.zone,
            "catch_up": write_catch_up(self.catch_up),
            "overlap": self.overlap,
            "start_deadline": write_span(self.start_deadline) if self.start_deadline else None,
            "only_on_sessions": self.only_on_sessions,
            "markets": list(self.markets),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A standing request of a user."""

    schedule_id: str
    name: str
    user: str
    key_id: str | None
    """The key that made it, whose quota its runs count for."""

    terms: Terms
    paused: bool
    created_at: datetime
    changed_at: datetime
    removed_at: datetime | None = None
    accounted_until: datetime
    """Every tick up to then has its row."""

    def name_request(self, tick: datetime, number: int) -> str:
        """Give the key by which START knows one request of a tick, for ever."""
        return f"{name_tick(self.schedule_id, tick)}:{number}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a tick, and why."""

    tick: datetime
    outcome: Outcome
    reason: str | None = None


def name_tick(schedule_id: str, tick: datetime) -> str:
    """Give what the keys of a tick's requests begin with."""
    return f"sched:{schedule_id}:{to_iso(tick)}"


def find_deadline(terms: Terms, tick: datetime) -> timedelta:
    """Find how late a tick may start."""
    if terms.start_deadline:
        return terms.start_deadline
    return min(next(terms.rhythm.after(tick)) - tick, NIGHTLY_DEADLINE)


NIGHTLY_DEADLINE = timedelta(hours=12)


def judge_due(schedule: Schedule, due: Sequence[datetime], now: datetime) -> list[Fate]:
    """Judge the ticks that are *due*, oldest first, by pause, deadline and catch-up.

    Of more than ``MOST_JUDGED``, the older half; none of them is among the last.
    """
    fates = [
        _judge_tick(schedule, tick, now, len(due) - place)
        for place, tick in enumerate(due[:MOST_JUDGED])
    ]
    return fates[:MOST_CAUGHT_UP] if len(due) > MOST_JUDGED else fates


def _judge_tick(schedule: Schedule, tick: datetime, now: datetime, from_last: int) -> Fate:
    if schedule.paused:
        return Fate(tick, Outcome.PAUSED, "the schedule was paused")
    late, terms = now - tick, schedule.terms
    deadline = find_deadline(terms, tick)
    if late > max(deadline, ON_TIME):
        reason = f"found {_in_words(late)} late; it may start {write_span(deadline)} late"
        return Fate(tick, Outcome.MISSED_LATE, reason)
    if late > ON_TIME and not terms.catch_up:
        return Fate(tick, Outcome.MISSED_LATE, f"found {_in_words(late)} late; catch_up is none")
    if from_last > max(terms.catch_up, 1):
        reason = f"{from_last - 1} later ones were due too; catch_up is "
        return Fate(tick, Outcome.COALESCED, reason + write_catch_up(terms.catch_up))
    return Fate(tick, Outcome.DUE)


def judge_overlap(
    overlap: Overlap, fates: Sequence[Fate], *, waiting: int, under_way: bool
) -> list[Fate]:
    """Judge the due ones of *fates* by what is there already of earlier ticks.

    *waiting* counts ticks that START was not asked for yet; *under_way* says whether runs are.
    """
    room = {Overlap.SKIP: 1, Overlap.QUEUE_ONE: 2}.get(overlap)
    held, judged = waiting + under_way, []
    for fate in fates:
        if fate.outcome is Outcome.DUE and room is not None and held >= room:
            waits = " and another waits for it" if overlap is Overlap.QUEUE_ONE else ""
            reason = f"the one before is under way{waits}; overlap is {overlap}"
            judged.append(replace(fate, outcome=Outcome.SKIPPED_OVERLAP, reason=reason))
            continue
        held += fate.outcome is Outcome.DUE
        judged.append(fate)
    return judged


def is_live(payloads: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether all of *payloads* look at the market now."""
    return all(payload.get("mode") == Mode.LIVE for payload in payloads)


def write_catch_up(most: int) -> str:
    """Write how many missed ticks are made up for as users say it."""
    return ("none", "last")[most] if most < 2 else f"all({most})"


def read_catch_up(text: str) -> int | None:
    """Read ``none``, ``last`` or ``all(24)``; None where it is no such thing."""
    words = {"none": 0, "last": 1}
    if text in words:
        return words[text]
    found = re.fullmatch(r"all\s*\(\s*([0-9]{1,4})\s*\)", text)
    return int(found[1]) if found and 1 <= int(found[1]) <= MOST_CAUGHT_UP else None


def load_terms(stored: Mapping[str, Any]) -> Terms:
    """Read back what ``Terms.to_json`` gave, which was valid when it was kept."""
    deadline = stored["start_deadline"]
    return Terms(
        payloads=tuple(stored["payloads"]),
        rhythm=_load_rhythm(stored),
        zone=stored["timezone"],
        catch_up=read_catch_up(stored["catch_up"]) or 0,
        overlap=Overlap(stored["overlap"]),
        start_deadline=read_span(deadline) if deadline else None,
        only_on_sessions=stored["only_on_sessions"],
        markets=tuple(stored.get("markets") or _name_markets(stored["payloads"])),
    )


def _name_markets(payloads: Sequence[Mapping[str, Any]]) -> list[str]:
    # Schedules of an earlier version name none.
    return list(dict.fromkeys(str(payload.get("symbol")) for payload in payloads))


def _show_rhythm(rhythm: Rhythm) -> dict[str, Any]:
    match rhythm:
        case Cron():
            return {"cron": rhythm.expression}
        case Every():
            return {"every": write_span(rhythm.span)}
        case AtBarClose():
            offset = f" + {write_span(rhythm.offset)}" if rhythm.offset else ""
            roll = f"{rhythm.roll.at:%H:%M} {rhythm.roll.zone}"
            return {"at_bar_close": f"{rhythm.timeframe}{offset}", "roll": roll}


def _load_rhythm(stored: Mapping[str, Any]) -> Rhythm:
    if "cron" in stored:
        return Cron(stored["cron"], stored["timezone"])
    if "every" in stored:
        return Every(read_span(stored["every"]) or timedelta(days=1))
    timeframe, _, offset = stored["at_bar_close"].partition(" + ")
    at, _, zone = stored["roll"].partition(" ")
    roll = Roll(at=time.fromisoformat(at), zone=zone)
    return AtBarClose(Timeframe(timeframe), read_span(offset) or timedelta(), roll)


def _in_words(late: timedelta) -> str:
    return write_span(timedelta(seconds=round(late.total_seconds())))
