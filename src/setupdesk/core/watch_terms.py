"""The rules that make a Watch valid: every door's words are read here, and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import PUSH, REPLAY, Coverage, Offer
from setupdesk.core.period import find_instant
from setupdesk.core.problem import Problem
from setupdesk.core.refusals import Refusals
from setupdesk.core.request import Request, parse_request
from setupdesk.core.rhythm import read_span, write_span
from setupdesk.core.timeframe import Timeframe
from setupdesk.core.watch import Look, Replay, WatchTerms

FIELDS = (
    *("name", "setups", "symbols", "timeframe", "options", "extra"),
    *("feed", "replay_from", "speed", "expires", "every", "at_bar_close"),
)
MOST_LOOKS = 500
LONGEST_NAME = 100
MOST_SPEED = 100_000
SHORTEST_LIFE, LONGEST_LIFE = timedelta(minutes=1), timedelta(days=7)
AFTER_CLOSE, AFTER_SETTLING = "3s", "8s"
"""How long after the close of a bar it is looked for; vendors hand it out a little later."""

REPLAYED_EVERY = "5s"
_REPLAYED_DAYS = 10


@dataclass(frozen=True, slots=True)
class WantedWatch:
    """A Watch as a user wants it, and when it looks."""

    name: str
    terms: WatchTerms
    rhythm: Mapping[str, str]
    """As a Schedule takes it."""


def parse_watch(said: Mapping[str, Any], offer: Offer) -> WantedWatch:
    """Read what a door *said*, or raise ``InvalidRequestError`` with every Problem in it."""
    reading = _Reading(said, offer)
    wanted = reading.read()
    if reading.problems or wanted is None:
        raise InvalidRequestError(reading.problems)
    return wanted


@dataclass(slots=True)
class _Reading(Refusals):
    said: Mapping[str, Any]
    offer: Offer

    def read(self) -> WantedWatch | None:
        self.refuse_others("", self.said, FIELDS)
        # All is read, also where no look can be made, so that every Problem is said at once.
        requests, rhythm, name = self._read_looks(), self._read_rhythm(), self._read_name()
        speed, life = self._read_speed(), self._read_life()
        self._check_feed()
        if not requests:
            return None
        if requests[0].options.dry_run:
            message = "A watch has no dry run: `setupdesk analyze` looks once."
            self.refuse("options.dry_run", "not_for_watch", message, ("false",))
        first, symbols = requests[0], tuple(dict.fromkeys(one.symbol for one in requests))
        replay = self._read_replay(symbols, first.timeframe, speed)
        options = {name: getattr(first.options, name) for name in ("max_trades", "rr_target")}
        terms = WatchTerms(
            setups=tuple(dict.fromkeys(one.setup_id for one in requests)),
            symbols=symbols,
            timeframe=first.timeframe,
            options={name: value for name, value in options.items() if value is not None},
            extra=first.extra,
            feeds={name: self._read_feed(name, first.timeframe) for name in symbols},
            replay=replay,
            expires=life or _usual_life(first.timeframe),
        )
        usual = {"every": REPLAYED_EVERY} if replay else _at_bar_close(terms)
        return WantedWatch(name or _name(terms), terms, rhythm or usual)

    def _read_names(self, where: str) -> list[str]:
        value = self.said.get(where)
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not names or not all(map(_is_name, names)):
            message = f"{where} has to be a list of one name at least."
            self.refuse(where, "missing" if value is None else "wrong_type", message)
            return []
        return list(dict.fromkeys(names))

    def _read_looks(self) -> list[Request]:
        setups, symbols = self._read_names("setups"), self._read_names("symbols")
        if len(setups) * len(symbols) > MOST_LOOKS:
            message = (
                f"{len(setups)} setups on {len(symbols)} symbols are more than {MOST_LOOKS} looks. "
                f"Make two watches of it."
            )
            self.refuse("symbols", "too_many_looks", message)
            return []
        looks = [Look(setup, symbol) for symbol in symbols for setup in setups]
        told: dict[Problem, list[Look]] = {}
        found = [request for look in looks if (request := self._read_look(look, told))]
        for problem, of in told.items():
            which = "" if len(of) == len(looks) else _name_looks(of, problem.message)
            self.problems.append(replace(problem, message=which + problem.message))
        return found

    def _read_look(self, look: Look, told: dict[Problem, list[Look]]) -> Request | None:
        payload = {
            "setup_id": look.setup_id,
            "symbol": look.symbol,
            "timeframe": self.said.get("timeframe"),
            "mode": "live",
            "options": self.said.get("options") or {},
            "extra": self.said.get("extra") or {},
        }
        try:
            return parse_request(payload, self.offer)
        except InvalidRequestError as refused:
            for one in refused.problems:
                named = replace(one, field=_FIELD.get(one.field, one.field))
                told.setdefault(named, []).append(look)
            return None

    def _read_feed(self, name: str, timeframe: Timeframe) -> str:
        symbol, feed = self.offer.catalogue[name], self.said.get("feed")
        if feed is None:
            return REPLAY if self._is_replay() else self.offer.find_feed(symbol, timeframe)
        return str(feed)

    def _check_feed(self) -> None:
        feed = self.said.get("feed")
        if feed is not None and feed not in self.offer.feeds:
            self.refuse_unknown("feed", "unknown_feed", feed, tuple(self.offer.feeds))

    def _is_replay(self) -> bool:
        replayed = any(self.said.get(key) is not None for key in ("replay_from", "speed"))
        return self.said.get("feed") == REPLAY or (replayed and self.said.get("feed") is None)

    def _read_replay(
        self, symbols: Sequence[str], timeframe: Timeframe, speed: float
    ) -> Replay | None:
        if self._is_replay():
            begins = self._read_begin(symbols, timeframe)
            return Replay(begins, speed) if begins else None
        known = self.said.get("feed") in (None, *self.offer.feeds)
        for key in ("replay_from", "speed"):
            if known and self.said.get(key) is not None:
                self.refuse(key, "only_for_replay", f"Only a replay has {key}.", (REPLAY,))
        return None

    def _read_begin(self, symbols: Sequence[str], timeframe: Timeframe) -> datetime | None:
        found = (
            self.offer.find_coverage(self.offer.catalogue[name], timeframe) for name in symbols
        )
        spans = [one for one in found if one]
        shared = Coverage(max(one.first for one in spans), min(one.last for one in spans))
        if shared.first > shared.last:
            told = ", ".join(f"{name} {one}" for name, one in zip(symbols, spans, strict=False))
            message = f"The stored bars have no day in common: {told}."
            self.refuse("symbols", "no_bars", message)
            return None
        value = self.said.get("replay_from")
        usual = max(shared.first, shared.last - timedelta(days=_REPLAYED_DAYS))
        zone = self.offer.catalogue[symbols[0]].zone
        begins = find_instant(str(usual) if value is None else value, zone)
        if begins and shared.first <= begins.date() <= shared.last:
            return begins
        message = f"replay_from was {value!r:.80}; it is a moment of the stored bars."
        self.refuse("replay_from", "no_bars", message, (str(shared),), str(usual))
        return None

    def _read_speed(self) -> float:
        value = self.said.get("speed", 60)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None or (is_number and 1 <= value <= MOST_SPEED):
            return float(value or 60)
        message = f"speed was {value!r:.80}; it says how many times as fast as they came."
        self.refuse("speed", "out_of_bounds", message, (f"1 to {MOST_SPEED}",), "60")
        return 60.0

    def _read_life(self) -> timedelta | None:
        value = self.said.get("expires")
        if value is None:
            return None
        span = read_span(value) if isinstance(value, str) else None
        if span and SHORTEST_LIFE <= span <= LONGEST_LIFE:
            return span
        allowed = f"{write_span(SHORTEST_LIFE)} to {write_span(LONGEST_LIFE)}"
        message = f"expires was {value!r:.80}; it is a span such as 30m."
        self.refuse("expires", "out_of_bounds", message, (allowed,), "30m")
        return None

    def _read_rhythm(self) -> dict[str, str]:
        given = {key: self.said[key] for key in ("every", "at_bar_close") if self.said.get(key)}
        if len(given) > 1:
            message = "Give either every or at_bar_close."
            self.refuse("every", "one_rhythm", message, ("every", "at_bar_close"))
        return {key: str(value) for key, value in given.items()}

    def _read_name(self) -> str | None:
        name = self.said.get("name")
        if name is None:
            return None
        if isinstance(name, str) and name.isprintable() and 0 < len(name.strip()) <= LONGEST_NAME:
            return name.strip()
        message = f"The name has to be 1 to {LONGEST_NAME} printable characters."
        self.refuse("name", "wrong_name", message)
        return None


_FIELD = {"setup_id": "setups", "symbol": "symbols"}


def _name_looks(looks: Sequence[Look], message: str) -> str:
    setups, symbols = {one.setup_id for one in looks}, {one.symbol for one in looks}
    names = [name[:64] for one in (setups, symbols) if len(one) == 1 for name in one]
    unsaid = [name for name in names if name not in message]
    return f"{' on '.join(unsaid)}: " if unsaid else ""


def _usual_life(timeframe: Timeframe) -> timedelta:
    return max(timedelta(minutes=2 * timeframe.minutes), timedelta(minutes=5))


def _is_name(name: object) -> bool:
    return isinstance(name, str)


def _at_bar_close(terms: WatchTerms) -> dict[str, str]:
    if set(terms.feeds.values()) == {PUSH}:
        # Whoever sends a bar sends it when it is ready: what comes late is seen within a minute.
        return {"at_bar_close": f"{Timeframe.M1} + {AFTER_CLOSE}"}
    return {"at_bar_close": f"{terms.timeframe} + {AFTER_SETTLING}"}


def _name(terms: WatchTerms) -> str:
    setups = terms.setups[0] if len(terms.setups) == 1 else f"{len(terms.setups)} setups"
    symbols = terms.symbols[0] if len(terms.symbols) == 1 else f"{len(terms.symbols)} symbols"
    return f"{setups} {symbols} {terms.timeframe}"
