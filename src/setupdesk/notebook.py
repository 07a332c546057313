"""The Python API for notebooks and scripts: load bars, test setups on them, get tables.

Everything happens in the caller's own process; nothing is written to a ledger.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal, Self

import polars as pl

from setupdesk.adapters import clock
from setupdesk.adapters.bar_files import to_table
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.importers import read_bars
from setupdesk.app.means import find_means
from setupdesk.app.scope import cut, find_earlier, find_total, find_warm_up, resolve
from setupdesk.core.errors import MissingBarsError, NotFoundError
from setupdesk.core.offer import Coverage, Offer, SessionCount
from setupdesk.core.request import Request, parse_request
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe
from setupdesk.engine.batch import History, Variant, run_batch
from setupdesk.engine.costs import with_dearer_spread
from setupdesk.engine.look_ahead import check_look_ahead
from setupdesk.engine.report import build_report
from setupdesk.engine.result import Result
from setupdesk.engine.statistics import Statistics, summarize
from setupdesk.market.bars import Bars
from setupdesk.market.coverage import mark_holed
from setupdesk.market.days import day_of
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session, find_rows
from setupdesk.settings import load_settings
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule

_OPTIONS = ("rr_target", "max_trades")

_TRADE = (
    *("number", "day", "side", "level", "signal_at", "entry_at", "exit_at"),
    *("signal_local", "entry_local", "exit_local", "entry", "stop", "target", "exit", "risk"),
    *("lots", "r", "r_pessimistic", "r_optimistic", "costs_r", "mae_r", "mfe_r"),
    *("exit_reason", "ambiguous", "resolved", "bars_held", "candidate"),
)
_CANDIDATE = (
    *("number", "day", "side", "level", "level_price", "started_at", "known_at", "known_local"),
    *("extreme", "verdict", "detail"),
)
_SESSION = ("day", "skipped", "known_at", "size")
_POINT = ("trade", "at", "r")
"""The columns of the tables, which stand there without rows too."""


@dataclass(frozen=True, slots=True)
class LoadedBars:
    """Closed bars of one symbol: open times in UTC milliseconds, prices in ticks."""

    symbol: Symbol
    bars: Bars
    finer: Bars | None = None
    """Finer bars of the same days, which settle what these leave open."""

    @property
    def frame(self) -> pl.DataFrame:
        """Give a table ``ts`` (open, UTC), ``open high low close`` (points), ``volume``."""
        return to_table(self.bars)


@dataclass(frozen=True)
class Backtest:
    """What a setup did, in polars tables; ``to_pandas`` gives the same for pandas."""

    result: Result
    """Columns and records, as the engine gives them."""

    statistics: Statistics
    report: dict[str, Any]
    """The JSON that the desk stores of a result: figures, sentences, trades, evidence, and the
    look-ahead check; not where the bars came from."""

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Give a row for each trade: times in UTC, prices in points, results in R."""
        return _to_frame(self.report["trades"], _TRADE)

    @cached_property
    def candidates(self) -> pl.DataFrame:
        """Give a row for each place where the setup triggered, with its verdict."""
        rows = [
            {name: value for name, value in row.items() if name != "evidence"}
            for row in self.report["candidates"]
        ]
        return _to_frame(rows, _CANDIDATE)

    @cached_property
    def sessions(self) -> pl.DataFrame:
        """Give a row for each session: its levels in points, or why it was skipped."""
        rows = [
            {name: value for name, value in row.items() if name != "levels"} | row["levels"]
            for row in self.report["sessions"]
        ]
        return _to_frame(rows, _SESSION)

    @cached_property
    def equity(self) -> pl.DataFrame:
        """Give the sum of R after each trade."""
        return _to_frame(self.report["equity"], _POINT)

    def to_pandas(self, table: Literal["trades", "candidates", "sessions", "equity"]) -> Any:
        """Give one of the tables as a ``pandas.DataFrame``."""
        from pandas import DataFrame

        frame: pl.DataFrame = getattr(self, table)
        return DataFrame(frame.to_dict(as_series=False))

    def __repr__(self) -> str:
        return f"Backtest({self.report['verdict']['sentence']})"


def load_bars(
    symbol: str,
    timeframe: str,
    file: str | Path | None = None,
    *,
    file_clock: str | None = None,
    source: str | None = None,
) -> LoadedBars:
    """Load bars of *symbol*: those that the desk has stored, or those of a *file*.

    The file may be of any format that ``setupdesk data import`` takes; *file_clock* is the clock
    of its times and *source* its format, where they are not found. Coarser bars are made from
    finer ones that are stored. Raises ``MissingBarsError``, ``InvalidImportError``,
    ``ClockNeededError``, and ``NotFoundError`` for a symbol or a timeframe that there is not.
    """
    settings = load_settings()
    known, size = _find_symbol(symbol), find_timeframe(timeframe)
    if size is None:
        raise NotFoundError("timeframe", timeframe)
    if file is not None:
        path = Path(file)
        raw = path.read_bytes()
        return LoadedBars(
            known, read_bars(raw, path.name, known, size, file_clock, source=source).bars
        )
    store = BarStore(settings.bars)
    found = store.find_source(known.name, size)
    if found is None:
        raise MissingBarsError(known.name, size, "any day")
    stored = store.load(known.name, found.timeframe, found.fingerprint)
    bars = resample(stored, size, known.week, known.roll).closed()
    return LoadedBars(known, bars, None if found.timeframe is size else stored)


def backtest(
    setup_id: str,
    loaded: LoadedBars,
    start: str | date | None = None,
    end: str | date | None = None,
    **chosen: Any,
) -> Backtest:
    """Test a setup on *loaded* bars, from *start* to *end*, both inclusive; on all if not said.

    *chosen* are what a request may choose: ``rr_target``, ``max_trades`` (per session),
    ``max_trades_total``, ``account``, ``risk_percent``, ``fill_rules``, and the params of the
    setup. Raises ``InvalidRequestError`` with every Problem at once.

    >>> backtest("IB_raid_v1", load_bars("GER40", "M15"), "2025-05-01", "2025-10-03")
    """
    bench, symbol = _Bench.open(loaded), loaded.symbol
    variant, history = bench.set_up(bench.ask(setup_id, start, end, chosen))
    result = variant.run(history)
    statistics = summarize(
        result,
        symbol.zone,
        risk=variant.means.risk_percent / 100,
        dearer=variant.run(replace(history, symbol=with_dearer_spread(symbol, times=2))),
    )
    report = build_report(result, statistics, tick=symbol.tick, zone=symbol.zone)

    def run(bars: Bars, sessions: Sequence[Session]) -> Result:
        return variant.run(replace(history, bars=bars, sessions=sessions))

    checked = check_look_ahead(run, result, history.bars, history.sessions)
    return Backtest(result, statistics, report | {"look_ahead": checked.to_json()})


def try_variants(
    setup_id: str,
    loaded: LoadedBars | Sequence[LoadedBars],
    start: str | date | None = None,
    end: str | date | None = None,
    **chosen: Any,
) -> pl.DataFrame:
    """Test a setup with every combination of what is *chosen*, on one symbol or on several.

    A list of values is tried one by one: ``rr_target=[1, 2, 3], stop_buffer=[0, 0.05]`` are six
    variants. Gives a row for each: trades, expectancy with its interval, total R, profit factor,
    max drawdown, and the deflated figure, which allows for the number of variants. On both cores;
    raises as ``backtest`` does.
    """
    listed = {name: list(dict.fromkeys(_list(values))) for name, values in chosen.items()}
    for name, values in listed.items():
        if not values:
            raise ValueError(f"{name} is an empty list: there is nothing to try")
    choices = [dict(zip(listed, values, strict=True)) for values in product(*listed.values())]
    rows = []
    for one in [loaded] if isinstance(loaded, LoadedBars) else loaded:
        bench = _Bench.open(one)
        pairs = [bench.set_up(bench.ask(setup_id, start, end, choice)) for choice in choices]
        for row in run_batch([pairs[0][1]], [variant for variant, _ in pairs]):
            brief, luck = asdict(row.brief), row.luck
            low, high = brief.pop("expectancy_interval") or (None, None)
            brief.pop("win_rate_interval")
            figures = {**brief, "low_r": low, "high_r": high, "deflated": luck.deflated_sharpe}
            rows.append({"symbol": row.symbol, **choices[row.variant], **figures})
    return pl.DataFrame(rows, infer_schema_length=None)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What a request for some bars is judged by, and turned into a run with."""

    loaded: LoadedBars
    rules: Mapping[str, Rule]
    calendar: ExchangeCalendar
    offer: Offer

    @classmethod
    def open(cls, loaded: LoadedBars) -> Self:
        if not isinstance(loaded, LoadedBars):
            raise TypeError(f"load the bars first: load_bars({loaded!r}, 'M15')")
        settings = load_settings()
        rules = {rule.id: rule for rule in load_registry()}
        calendar = ExchangeCalendar(settings.cache)
        offer = _offer(loaded, rules, load_catalogue(settings.symbols), calendar)
        return cls(loaded, rules, calendar, offer)

    def ask(
        self,
        setup_id: str,
        start: str | date | None,
        end: str | date | None,
        chosen: Mapping[str, Any],
    ) -> Request:
        payload = _write_payload(setup_id, self.loaded, start, end, chosen)
        return parse_request(payload, self.offer)

    def set_up(self, request: Request) -> tuple[Variant, History]:
        setup, symbol = resolve(self.rules[request.setup_id], request), self.loaded.symbol
        assert request.start and request.end  # noqa: S101, PT018 - a backtest has both
        sessions = tuple(self.calendar.sessions(symbol, request.start, request.end))
        bars = cut(self.loaded.bars, symbol, sessions, find_warm_up(setup, symbol))
        history = History(
            symbol=symbol,
            bars=bars,
            sessions=mark_holed(bars, sessions),
            earlier=find_earlier(setup, symbol, self.calendar, sessions[0].day),
            fine=self.loaded.finer,
        )
        return Variant(
            setup=setup, max_trades_total=find_total(request), means=find_means(request)
        ), history


def _list(values: Any) -> list[Any]:
    return (
        list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    )


def _write_payload(
    setup_id: str,
    loaded: LoadedBars,
    start: str | date | None,
    end: str | date | None,
    chosen: Mapping[str, Any],
) -> dict[str, Any]:
    coverage = _find_coverage(loaded)
    return {
        "setup_id": setup_id,
        "symbol": loaded.symbol.name,
        "timeframe": loaded.bars.timeframe,
        "start": _write_day(start or coverage.first),
        "end": _write_day(end or coverage.last),
        "options": {key: value for key, value in chosen.items() if key in _OPTIONS},
        "extra": {key: value for key, value in chosen.items() if key not in _OPTIONS},
    }


def _offer(
    loaded: LoadedBars, rules: Mapping[str, Rule], catalogue: Catalogue, calendar: ExchangeCalendar
) -> Offer:
    def count_sessions(symbol: Symbol, _: Timeframe, first: date, last: date) -> SessionCount:
        sessions = calendar.sessions(symbol, first, last)
        rows, stops = find_rows(loaded.bars.time, sessions)
        return SessionCount(len(sessions), int((rows < stops).sum()))

    terms = {setup_id: rule.terms for setup_id, rule in rules.items()}
    return Offer(catalogue, terms, lambda *_: _find_coverage(loaded), count_sessions, clock.today)


def _find_coverage(loaded: LoadedBars) -> Coverage:
    times, zone = loaded.bars.time, loaded.symbol.zone
    return Coverage(day_of(int(times[0]), zone), day_of(int(times[-1]), zone))


def _find_symbol(name: str) -> Symbol:
    return load_catalogue(load_settings().symbols).need(name)


def _write_day(day: str | date) -> str:
    return day.date().isoformat() if isinstance(day, datetime) else str(day)


def _to_frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pl.DataFrame:
    # Without rows there are no types to find, but the columns are there all the same.
    schema = None if rows else dict.fromkeys(columns, pl.String)
    frame = pl.DataFrame(rows, schema=schema, infer_schema_length=None)
    moments = [name for name in frame.columns if name.endswith("_at") or name == "at"]
    days = [name for name in frame.columns if name == "day"]
    return frame.with_columns(
        pl.col(moments).cast(pl.String).str.to_datetime(time_zone="UTC", strict=False),
        pl.col(days).cast(pl.String).str.to_date(),
    )
