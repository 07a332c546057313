"""The Request: what a trader asks for, and the rules that make it valid.

This is the only place where a request is checked. Every door sends the same raw
payload here, through START, so every door gives the same answer.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import Coverage, Offer
from setupdesk.core.period import days_before, find_date, find_instant, to_iso
from setupdesk.core.problem import find_nearest
from setupdesk.core.refusals import Refusals
from setupdesk.core.setup_terms import RUN_PARAMS, Param, SetupTerms
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe
from setupdesk.core.watch import Watch


class Mode(StrEnum):
    """What to do with a setup: test it on the past, or look at the market now."""

    BACKTEST = "backtest"
    LIVE = "live"

    @property
    def flow_type(self) -> str:
        """Name of the flow that carries out a request of this mode."""
        return "backtest_flow" if self is Mode.BACKTEST else "live_scan_flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be asked of any setup."""

    max_trades: int | None = None
    """Fills per session, instead of the rule's own limit."""

    rr_target: float | None = None
    """Target as a multiple of the risk, instead of the rule's own target."""

    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A validated request. If you hold one, it is valid."""

    setup_id: str
    symbol: str
    timeframe: Timeframe
    mode: Mode
    start: date | None = None
    """First day, a date of the symbol's market. Backtests have a period, live requests none."""

    end: date | None = None
    """Last day, inclusive."""

    at: datetime | None = None
    """Of a live request: as of when it looks, in UTC; None for the newest closed bar."""

    options: Options = field(default_factory=Options)
    extra: Mapping[str, float | str] = field(default_factory=dict)
    watch: str | None = None
    """Of all that a watch looks at, of which setup and symbol are the first: a live request is one
    poll of it, a backtest compares what it said with a backtest of the same days."""

    def to_json(self) -> dict[str, Any]:
        """Give the normalized request as every door shows it; parsing it again gives it back."""
        return asdict(self) | {
            "start": self.start and self.start.isoformat(),
            "end": self.end and self.end.isoformat(),
            "at": self.at and to_iso(self.at),
            "extra": dict(self.extra),
        }


def load_request(stored: Mapping[str, Any]) -> Request:
    """Read back what ``Request.to_json`` gave, which was valid when it was accepted."""
    # Requests of an earlier version have no ``at``.
    start, end, at = stored["start"], stored["end"], stored.get("at")
    return Request(
        setup_id=stored["setup_id"],
        symbol=stored["symbol"],
        timeframe=Timeframe(stored["timeframe"]),
        mode=Mode(stored["mode"]),
        start=start and date.fromisoformat(start),
        end=end and date.fromisoformat(end),
        at=at and datetime.fromisoformat(at),
        options=Options(**stored["options"]),
        extra=stored["extra"],
        watch=stored.get("watch"),
    )


def parse_request(payload: Mapping[str, Any], offer: Offer) -> Request:
    """Turn *payload* into a Request, or raise InvalidRequestError with every Problem in it."""
    reading = _Reading(payload, offer)
    request = reading.read()
    if reading.problems or request is None:
        raise InvalidRequestError(reading.problems)
    return request


@dataclass(slots=True)
class _Reading(Refusals):
    """One pass over one payload."""

    payload: Mapping[str, Any]
    offer: Offer

    def read(self) -> Request | None:
        if self.payload.get("watch") is not None:
            return self._read_of_watch()
        self._refuse_unknown_keys("", self.payload, _FIELDS)
        terms = self._read_setup()
        symbol = self._read_symbol()
        timeframe = self._read_timeframe(terms)
        mode = self._read_mode()
        start, end = self._read_period(symbol, timeframe, mode)
        at = self._read_at(symbol, mode)
        extra = self._read_extra(terms)
        options = self._read_options(terms, extra)
        if terms and symbol:
            self._check_windows(terms, symbol)
        if symbol and timeframe and mode:
            self._check_bars(symbol, timeframe, start, end)
            self._check_instant(symbol, timeframe, at)
        if not (terms and symbol and timeframe and mode):
            return None
        return Request(
            setup_id=terms.setup_id,
            symbol=symbol.name,
            timeframe=timeframe,
            mode=mode,
            start=start,
            end=end,
            at=at,
            options=options,
            extra=extra,
        )

    def _read_of_watch(self) -> Request | None:
        said = {key: value for key, value in self.payload.items() if value is not None}
        for key in said.keys() - _OF_WATCH:
            message = f"{key} is what the watch says; give none with watch."
            self.refuse(key, "said_by_watch", message, tuple(sorted(_OF_WATCH)))
        watch, mode = self._find_watch(str(said["watch"])), self._read_mode()
        symbol = watch and self.offer.catalogue.find(watch.terms.symbols[0])
        if not (watch and mode and symbol):
            return None
        start, end = self._read_watched_period(symbol, mode)
        return Request(
            setup_id=watch.terms.setups[0],
            symbol=symbol.name,
            timeframe=watch.terms.timeframe,
            mode=mode,
            start=start,
            end=end,
            options=Options(**watch.terms.options),
            extra=watch.terms.extra,
            watch=watch.watch_id,
        )

    def _find_watch(self, watch_id: str) -> Watch | None:
        watch = self.offer.find_watch(watch_id)
        if watch is None:
            message = f"There is no watch {watch_id!r:.80}. `setupdesk watches` lists them."
            self.refuse("watch", "unknown_watch", message)
        elif watch.ended_at and self.payload.get("mode") == Mode.LIVE:
            message = f"{watch_id} ended at {to_iso(watch.ended_at)}; it looks no more."
            self.refuse("watch", "watch_ended", message)
        return watch

    def _read_watched_period(self, symbol: Symbol, mode: Mode) -> tuple[date | None, date | None]:
        """Read the days that a watch is compared on; none of them are all that it has seen."""
        last = self.payload.get("last")
        if last is None or mode is Mode.LIVE:
            if mode is Mode.BACKTEST and not {"start", "end"} & self.payload.keys():
                return None, None
            return self._read_period(symbol, None, mode)
        end = self.offer.find_today(symbol.zone) - timedelta(days=1)
        start = days_before(end, str(last))
        if start is None or {"start", "end"} & self.payload.keys():
            message = f"last was {last!r:.80}, in the place of start and end."
            self.refuse("last", "wrong_period", message, ("1d", "10d", "6w"), "1d")
        return start, end

    def _refuse_unknown(self, where: str, value: str, allowed: tuple[str, ...]) -> None:
        self.refuse_unknown(where, f"unknown_{where.rpartition('.')[2]}", value, allowed)

    def _refuse_unknown_keys(
        self, prefix: str, given: Mapping[str, Any], known: tuple[str, ...]
    ) -> None:
        for key in given:
            if key not in known:
                nearest = find_nearest(str(key), known)
                hint = f", did you mean {nearest!r}?" if nearest else "."
                message = f"{key!r} cannot be set{hint}"
                self.refuse(f"{prefix}{key}", "unknown_key", message, known, nearest)

    def _read_text(self, where: str) -> str | None:
        value = self.payload.get(where)
        if isinstance(value, str) and 0 < len(value.strip(" ")) <= 64:
            return value.strip(" ")
        if value is None or value == "":
            self.refuse(where, "missing", f"{where} is missing.")
        else:
            self.refuse(where, "wrong_type", f"{where} was not a short text.")
        return None

    def _read_setup(self) -> SetupTerms | None:
        setup_id = self._read_text("setup_id")
        if setup_id is None:
            return None
        terms = self.offer.setups.get(setup_id)
        if terms is None and (reasons := self.offer.unusable.get(setup_id)):
            message = f"{setup_id} cannot be used: {'; '.join(reasons)}"
            self.refuse("setup_id", "unusable_setup", message, tuple(self.offer.setups))
        elif terms is None:
            self._refuse_unknown("setup_id", setup_id, tuple(self.offer.setups))
        return terms

    def _read_symbol(self) -> Symbol | None:
        name = self._read_text("symbol")
        if name is None:
            return None
        symbol = self.offer.catalogue.find(name)
        if symbol is None:
            self._refuse_unknown(
                "symbol", name, tuple(known.name for known in self.offer.catalogue)
            )
        return symbol

    def _check_windows(self, terms: SetupTerms, symbol: Symbol) -> None:
        missing = [name for name in terms.windows if name not in symbol.windows]
        if missing:
            able = tuple(
                one.name
                for one in self.offer.catalogue
                if not set(terms.windows) - set(one.windows)
            )
            names = " and ".join(missing)
            message = f"{terms.setup_id} needs the window {names}, which {symbol.name} lacks."
            self.refuse("symbol", "not_for_setup", message, able)

    def _read_timeframe(self, terms: SetupTerms | None) -> Timeframe | None:
        text = self._read_text("timeframe")
        if text is None:
            return None
        timeframe = find_timeframe(text)
        if timeframe is None:
            self._refuse_unknown("timeframe", text, tuple(Timeframe))
        elif terms and timeframe not in terms.timeframes:
            message = f"{terms.setup_id} does not work on {timeframe}."
            self.refuse("timeframe", "not_for_setup", message, terms.timeframes)
        return timeframe

    def _read_mode(self) -> Mode | None:
        text = self.payload.get("mode", Mode.BACKTEST)
        if isinstance(text, str) and text in tuple(Mode):
            return Mode(text)
        self._refuse_unknown("mode", str(text), tuple(Mode))
        return None

    def _read_period(
        self, symbol: Symbol | None, timeframe: Timeframe | None, mode: Mode | None
    ) -> tuple[date | None, date | None]:
        given = [key for key in ("start", "end", "last") if self.payload.get(key) is not None]
        if mode is Mode.LIVE:
            for key in given:
                self.refuse(key, "not_for_live", f"A live request has no {key}: it looks at now.")
            return None, None
        if "last" in given:
            return self._read_last(given, symbol, timeframe)
        start, end = self._read_date("start"), self._read_date("end")
        if start and end and end < start:
            message = f"end {end} lies before start {start}."
            self.refuse("end", "end_before_start", message, (f"{start} or later",))
            return None, None
        return start, end

    def _read_last(
        self, given: list[str], symbol: Symbol | None, timeframe: Timeframe | None
    ) -> tuple[date | None, date | None]:
        if len(given) > 1:
            self.refuse("last", "period_twice", "Give either last, or start and end.")
        elif symbol and timeframe:
            end = self.offer.find_today(symbol.zone) - timedelta(days=1)
            coverage = self.offer.find_coverage(symbol, timeframe)
            end = min(end, coverage.last) if coverage else end
            start = days_before(end, str(self.payload["last"]))
            if start:
                return start, end
            message = f"last was {self.payload['last']!r}."
            self.refuse("last", "wrong_period", message, ("10d", "6w", "3m", "1y", "ytd"), "6m")
        return None, None

    def _read_at(self, symbol: Symbol | None, mode: Mode | None) -> datetime | None:
        value = self.payload.get("at")
        if value is None or symbol is None:
            return None
        if mode is Mode.BACKTEST:
            message = "A backtest has no at: it looks at each bar as of its close."
            self.refuse("at", "only_for_live", message)
            return None
        at = find_instant(value, symbol.zone)
        if at is None:
            message = f"at was {value!r:.80}. Without an offset it is on the clock of the market."
            forms = ("2025-10-31 10:30", "2025-10-31T09:30:00Z", "2025-10-31T10:30:00+01:00")
            self.refuse("at", "wrong_time", message, forms)
        return at

    def _check_instant(self, symbol: Symbol, timeframe: Timeframe, at: datetime | None) -> None:
        coverage = self.offer.find_coverage(symbol, timeframe)
        if at is None or coverage is None:
            return
        day = at.astimezone(ZoneInfo(symbol.zone)).date()
        if not coverage.first <= day <= coverage.last:
            message = f"{symbol.name} {timeframe} has no bars of {day}."
            self.refuse("at", "no_bars", message, (str(coverage),), str(coverage.last))

    def _read_date(self, where: str) -> date | None:
        value = self.payload.get(where)
        if value is None:
            self.refuse(where, "missing", f"{where} is missing.", ("YYYY-MM-DD",))
            return None
        day = find_date(value)
        if day is None or not 1990 <= day.year <= 2100:
            message = f"{where} was {value!r}, which is not a date from 1990 to 2100."
            self.refuse(where, "wrong_date", message, ("YYYY-MM-DD",))
            return None
        return day

    def _check_bars(
        self, symbol: Symbol, timeframe: Timeframe, start: date | None, end: date | None
    ) -> None:
        coverage = self.offer.find_coverage(symbol, timeframe)
        what = f"{symbol.name} {timeframe}"
        if coverage is None:
            message = (
                f"There are no bars of {what} yet. Import some: "
                f"setupdesk data import FILE --symbol {symbol.name} --timeframe {timeframe}"
            )
            self.refuse("symbol", "no_bars", message)
            return
        if start is None or end is None:
            return
        most = self.offer.most_bars
        if (end - start).days * 1440 / timeframe.minutes > most:
            message = f"{start} to {end} is more than {most:,} bars of {timeframe}, the most here."
            self.refuse("start", "too_long", message)
        if self._check_covered(symbol, what, coverage, start, end):
            self._check_sessions(symbol, timeframe, start, end)

    def _check_sessions(self, symbol: Symbol, timeframe: Timeframe, start: date, end: date) -> None:
        try:
            count = self.offer.count_sessions(symbol, timeframe, start, end)
        except InvalidRequestError as unknown:
            self.problems += unknown.problems
            return
        if not count.held:
            message = f"{symbol.calendar} has no session from {start} to {end}: it is closed."
            self.refuse("start", "no_sessions", message)
        elif not count.with_bars:
            message = (
                f"{symbol.name} {timeframe} has no bars in any of the {count.held} sessions from "
                f"{start} to {end}: the stored bars have a hole there."
            )
            self.refuse("start", "no_bars", message)

    def _check_covered(
        self, symbol: Symbol, what: str, coverage: Coverage, start: date, end: date
    ) -> bool:
        known = len(self.problems)
        day = timedelta(days=1)
        before = min(end, coverage.first - day)
        if start < coverage.first and _trades_between(symbol, start, before):
            message = f"{what} has no bars from {start} to {before}."
            where, nearest = "start", str(coverage.first)
            if self.payload.get("last") is not None:
                where, nearest = "last", f"{(end - coverage.first).days + 1}d"
            self.refuse(where, "no_bars", message, (str(coverage),), nearest)
        after = max(start, coverage.last + day)
        if end > coverage.last and _trades_between(symbol, after, end):
            message = f"{what} has no bars from {after} to {end}."
            nearest = str(coverage.last)
            self.refuse("end", "no_bars", message, (str(coverage),), nearest)
        return len(self.problems) == known

    def _read_mapping(self, where: str) -> Mapping[str, Any]:
        value = self.payload.get(where) or {}
        if isinstance(value, Mapping):
            return value
        self.refuse(where, "wrong_type", f"{where} was not a mapping of names to values.")
        return {}

    def _read_options(self, terms: SetupTerms | None, extra: Mapping[str, float | str]) -> Options:
        given = self._read_mapping("options")
        self._refuse_unknown_keys("options.", given, ("max_trades", "rr_target", "dry_run"))
        dry_run = given.get("dry_run", False)
        if not isinstance(dry_run, bool):
            message = f"dry_run was {dry_run!r}."
            self.refuse("options.dry_run", "wrong_type", message, ("true", "false"))
            dry_run = False
        return Options(
            max_trades=self._read_max_trades(given.get("max_trades")),
            rr_target=self._read_rr_target(given.get("rr_target"), terms, extra),
            dry_run=dry_run,
        )

    def _read_max_trades(self, value: object) -> int | None:
        if value is None or (_is_whole(value) and 1 <= value <= 1000):
            return value
        message = f"max_trades was {value!r}; it counts the trades per session."
        self.refuse("options.max_trades", "out_of_bounds", message, ("1 to 1000",), "1")
        return None

    def _read_rr_target(
        self, value: object, terms: SetupTerms | None, extra: Mapping[str, float | str]
    ) -> float | None:
        if value is None:
            return None
        lowest = float(extra.get("min_rr", terms.min_rr if terms else 0))
        for name in terms.target_params if terms else ():
            if name in extra:
                message = f"rr_target takes the place of {name}; give one of them."
                self.refuse(f"extra.{name}", "overruled", message)
        if _is_number(value) and 0 < value <= 100 and value >= lowest:
            return float(value)
        nearer = _is_number(value) and 0 < value < lowest
        why = "; a target nearer than min_rr is never taken." if nearer else "."
        message = f"rr_target was {value!r}{why}"
        allowed = (f"{lowest:g} to 100",)
        self.refuse("options.rr_target", "out_of_bounds", message, allowed, f"{max(lowest, 1):g}")
        return None

    def _read_extra(self, terms: SetupTerms | None) -> dict[str, float | str]:
        given = self._read_mapping("extra")
        params = {**self._find_params(terms), **RUN_PARAMS}
        self._refuse_unknown_keys("extra.", given, tuple(params))
        admitted: dict[str, float | str] = {}
        for key, value in given.items():
            whole = key != "max_trades_total" or _is_whole(value)
            if key in params and whole and params[key].admits(value):
                admitted[key] = value
            elif key in params:
                message = f"{key} was {value!r}."
                default = params[key].default
                suggestion = str(default) if params[key].admits(default) else None
                self.refuse(
                    f"extra.{key}", "out_of_bounds", message, params[key].allowed, suggestion
                )
        return admitted

    def _find_params(self, terms: SetupTerms | None) -> dict[str, Param]:
        if terms:
            return dict(terms.params)

        # An unknown setup must not hide a wrong key: judge it by what any setup lets change.
        return {
            key: param
            for known in self.offer.setups.values()
            for key, param in known.params.items()
        }


_OF_WATCH = frozenset({"watch", "mode", "start", "end", "last"})
_FIELDS = (
    *("setup_id", "symbol", "timeframe", "start", "end", "last", "at", "mode"),
    *("options", "extra", "watch"),
)


def _trades_between(symbol: Symbol, first: date, last: date) -> bool:
    """Say whether the symbol trades on any day of the span; weekends have no bars to miss."""
    days = range((last - first).days + 1)
    return symbol.week == "24x7" or any((first + timedelta(n)).weekday() < 5 for n in days)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))
