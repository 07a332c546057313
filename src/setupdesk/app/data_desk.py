"""The data desk: takes bars in, and says what it has, how good it is and what is in it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, get_args

from setupdesk.app.level_days import LevelDays
from setupdesk.app.ports import BarStore, Calendar, Clock, ReadBars, WriteBars
from setupdesk.app.simulation_order import read_simulation
from setupdesk.core.errors import (
    InvalidImportError,
    InvalidRequestError,
    MissingBarsError,
    NotFoundError,
)
from setupdesk.core.offer import Coverage, SessionCount
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.comparison import compare
from setupdesk.market.data_set import ExportForm, Facts, ImportedBars, Manifest, describe_file
from setupdesk.market.days import day_of, from_ms, to_ms
from setupdesk.market.levels import find_levels, summarize_levels
from setupdesk.market.quality import Quality, measure_quality
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session, count_with_bars, fits
from setupdesk.market.synthetic import simulate_bars

log = logging.getLogger(__name__)

_LOOKED_AT = 5
"""So many bars of a file are shown before it is imported."""


@dataclass(frozen=True, slots=True)
class DataDesk:
    """Every way in and out for bars. A file that is refused changes nothing."""

    catalogue: Catalogue
    read_bars: ReadBars
    bar_store: BarStore
    clock: Clock
    calendar: Calendar
    write_bars: WriteBars
    _measured: dict[tuple[str, str], Quality] = field(default_factory=dict, repr=False)
    """By symbol and fingerprint: bars that have one never change."""

    def import_bars(  # noqa: PLR0913 - all that a user may say of a file
        self,
        raw: bytes,
        file_name: str,
        symbol: str,
        timeframe: str,
        clock: str | None = None,
        *,
        accept_clock: bool = False,
        stamped_at: Literal["open", "close"] | None = None,
        source: str | None = None,
        folder: bool = False,
        replace: bool = False,
        dry_run: bool = False,
        by: str | None = None,
        note_stage: Callable[[str], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Import the bars of a file, or of a *folder* as a zip archive.

        The same file a second time changes nothing. A bar that has not closed yet is left out
        and counted. Wall times of which nobody said the clock
        raise ``ClockNeededError`` with a proposal, bars that look stamped at their close raise
        ``StampingNeededError``; *accept_clock* takes either, but no clock that is unsure, which
        raises ``ClockUnsureError``. Bars that contradict those that are stored raise
        ``BarsDisagreeError``; *replace* takes them all the same, and the log says *by* whom.
        A *dry_run* stores nothing, and so compares with nothing: it says what the file is, with
        its first bars.
        """
        known, size = self._find(symbol), _find_size(timeframe)
        note_stage("parsing")
        imported = self.read_bars(
            raw,
            file_name,
            known,
            size,
            clock,
            accept_clock=accept_clock,
            reference=self._find_reference(known, size) if clock is None else None,
            stamped_at=stamped_at,
            source=source,
            folder=folder,
            catalogue=self.catalogue,
        )
        now = self.clock()
        imported = _leave_out_open(imported, now)
        facts = Facts(
            source_file=imported.source_file,
            source_format=imported.source_format,
            source_sha256=imported.source_sha256,
            imported_at=now,
            clock=imported.clock,
            clock_found=imported.clock_found,
            seed=imported.seed,
            quality=imported.quality,
            warnings=imported.warnings,
        )
        skipped = [each._asdict() for each in imported.skipped]
        if dry_run:
            return _describe_look(known, imported.bars, facts) | {"skipped": skipped}
        note_stage("storing")
        saved = self._save(known, imported.bars, facts, replaces=replace)
        if replace:
            log.info("bars replaced", extra={"symbol": known.name, "timeframe": size, "user": by})
        return saved | {"skipped": skipped}

    def simulate_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Store M1 bars of the simulated market for ``{symbol, start, end, seed}``."""
        order = read_simulation(payload, self.catalogue)
        bars = simulate_bars(order.symbol, order.first, order.last, order.seed)
        facts = Facts(
            source_file="simulated market",
            source_format="simulated",
            source_sha256="",
            imported_at=self.clock(),
            seed=order.seed,
            quality={},
        )
        return self._save(order.symbol, bars, facts)

    def data_sets(self) -> list[dict[str, Any]]:
        """List the stored bars, each with its figure of quality."""
        return [self._describe(manifest) for manifest in self.bar_store.manifests()]

    def data_set(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Describe one data set: its manifest, its figure of quality, its kept versions."""
        manifest = self._find_stored(symbol, timeframe)
        versions = self.bar_store.find_versions(manifest.symbol, manifest.timeframe)
        return self._describe(manifest) | {"versions": [each.to_json() for each in versions]}

    def quality(self, symbol: str, timeframe: str | None) -> list[dict[str, Any]]:
        """Measure a data set, or all of a symbol, and compare each with its finer ones."""
        known = self._find(symbol)
        stored = [each for each in self.bar_store.manifests() if each.symbol == known.name]
        chosen = stored if timeframe is None else [self._find_stored(symbol, timeframe)]
        if not chosen:
            raise NotFoundError("data set", known.name)
        return [self._report(known, manifest, stored) for manifest in chosen]

    def coverage(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Give as columns how many bars each session should have, and how many of them it has."""
        manifest = self._find_stored(symbol, timeframe)
        covers = self._measure(self._find(symbol), manifest).sessions
        return {
            "symbol": manifest.symbol,
            "timeframe": manifest.timeframe,
            "simulated": manifest.simulated,
            "fingerprint": manifest.fingerprint,
            "days": [one.day.isoformat() for one in covers],
            "present": [one.present for one in covers],
            "expected": [one.expected for one in covers],
        }

    def export_bars(self, symbol: str, timeframe: str, form: str) -> bytes:
        """Write a data set as a file; importing that file gives the very same bars."""
        forms: tuple[ExportForm, ...] = get_args(ExportForm)
        wanted = next((known for known in forms if known == form), None)
        if wanted is None:
            raise _refuse("form", form, forms)
        manifest = self._find_stored(symbol, timeframe)
        return self.write_bars(self._load(manifest), wanted, manifest.seed)

    def delete_bars(self, symbol: str, timeframe: str, by: str) -> dict[str, Any]:
        """Delete a data set with all its versions, as *by* wants it. Nothing brings them back."""
        known, size = self._find(symbol), _find_size(timeframe)
        count = self.bar_store.delete(known.name, size)
        if not count:
            raise NotFoundError("data set", f"{known.name} {size}")
        log.info("bars deleted", extra={"symbol": known.name, "timeframe": size, "user": by})
        return {"symbol": known.name, "timeframe": size, "versions": count}

    def levels(
        self, symbol: str, timeframe: str, window: str, start: str | None, end: str | None
    ) -> dict[str, Any]:
        """Follow a named window of a symbol through its sessions: rows by day, and a summary."""
        known, size = self._find(symbol), _find_size(timeframe)
        if window not in known.windows:
            raise _refuse("window", window, tuple(known.windows))
        if not fits(known.windows[window], size):
            smaller = tuple(each for each in Timeframe if fits(known.windows[window], each))
            raise _refuse("timeframe", size, smaller)
        command = f"setupdesk data levels {known.name} {size} --window {window}"
        asked = LevelDays.read(start, end, command)
        source = self.bar_store.find_source(known.name, size)
        if source is None:
            raise NotFoundError("data set", f"{known.name} {size}")
        stored = self._load(source)
        coverage = _find_coverage(stored, known)
        sessions = self._find_sessions(known, stored, *asked.within(coverage))
        count = SessionCount(len(sessions), count_with_bars(stored.time, sessions))
        if not count.with_bars:
            what = f"{known.name} {size}"
            problem = asked.explain_emptiness(known, what, coverage, count, command)
            raise InvalidRequestError([problem])
        bars = resample(stored, size, known.week, known.roll).closed()
        days = find_levels(bars, known.windows[window], sessions)
        return {
            "symbol": known.name,
            "timeframe": size,
            "window": window,
            "bars_timeframe": source.timeframe,
            "bars_fingerprint": source.fingerprint,
            "simulated": source.simulated,
            "days": [day.to_json() for day in days],
            "summary": summarize_levels(days),
        }

    def _describe(self, manifest: Manifest) -> dict[str, Any]:
        symbol = self.catalogue.find(manifest.symbol)
        try:
            found = None if symbol is None else self._measure(symbol, manifest)
        except (InvalidRequestError, MissingBarsError):
            # Bars that are lost, or older than the calendar, are listed all the same.
            found = None
        said = {"figure": None, "hole": None} if found is None else found.to_figure()
        return manifest.to_json() | said

    def _report(self, symbol: Symbol, manifest: Manifest, stored: list[Manifest]) -> dict[str, Any]:
        found = {
            "symbol": manifest.symbol,
            "timeframe": manifest.timeframe,
            "simulated": manifest.simulated,
            "fingerprint": manifest.fingerprint,
            "clock": manifest.clock,
            "imported": dict(manifest.quality),
        }
        finer = [each for each in stored if each.timeframe.minutes < manifest.timeframe.minutes]
        compared = [self._compare(symbol, manifest, other) for other in finer]
        return found | self._measure(symbol, manifest).to_json() | {"compared": compared}

    def _measure(self, symbol: Symbol, manifest: Manifest) -> Quality:
        key = (symbol.name, manifest.fingerprint)
        known = self._measured.get(key)
        if known is None:
            bars = self._load(manifest)
            known = measure_quality(bars, symbol, self._find_sessions(symbol, bars))
            self._measured[key] = known
        return known

    def _compare(self, symbol: Symbol, manifest: Manifest, other: Manifest) -> dict[str, Any]:
        # Only the span that both have: beyond it there is nothing to disagree on.
        bars = self._load(manifest)
        fine = resample(self._load(other), manifest.timeframe, symbol.week, symbol.roll).closed()
        first = max(int(bars.time[0]), int(fine.time[0]))
        last = min(int(bars.time[-1]), int(fine.time[-1]))
        ours, theirs = (each.between(first, last + 1) for each in (bars, fine))
        sessions = self._find_sessions(symbol, ours) if len(ours) else []
        found = compare(ours, theirs, symbol, sessions)
        return {
            "timeframe": other.timeframe,
            "source_file": other.source_names,
            **found.to_json(),
        }

    def _find_sessions(
        self, symbol: Symbol, bars: Bars, first: date | None = None, last: date | None = None
    ) -> list[Session]:
        # Of those sessions that the bars reach into.
        coverage = _find_coverage(bars, symbol)
        first, last = first or coverage.first, last or coverage.last
        after = int(bars.time[-1]) + bars.timeframe.milliseconds
        found = self.calendar.sessions(symbol, first, last) if first <= last else []
        return [one for one in found if one.closes_ms > bars.time[0] and one.opens_ms < after]

    def _find_stored(self, symbol: str, timeframe: str) -> Manifest:
        known, size = self._find(symbol), _find_size(timeframe)
        manifest = self.bar_store.find_manifest(known.name, size)
        if manifest is None:
            raise NotFoundError("data set", f"{known.name} {size}")
        return manifest

    def _load(self, manifest: Manifest) -> Bars:
        return self.bar_store.load(manifest.symbol, manifest.timeframe, manifest.fingerprint)

    def _find(self, name: str) -> Symbol:
        return self.catalogue.need(name)

    def _find_reference(self, symbol: Symbol, timeframe: Timeframe) -> Bars | None:
        # Simulated bars know nothing of the market; a doubted clock proves no other.
        stored = self.bar_store.manifests()
        near = sorted(
            (
                each
                for each in stored
                if each.symbol == symbol.name and not each.simulated and not each.warnings
            ),
            key=lambda each: abs(each.timeframe.minutes - timeframe.minutes),
        )
        return self.bar_store.load(symbol.name, near[0].timeframe) if near else None

    def _save(
        self, symbol: Symbol, bars: Bars, facts: Facts, *, replaces: bool = False
    ) -> dict[str, Any]:
        saved = self.bar_store.save(symbol.name, bars, facts, replaces=replaces, zone=symbol.zone)
        return (
            self._describe(saved.manifest) | saved.to_json() | {"file": describe_file(bars, facts)}
        )


def _describe_look(symbol: Symbol, bars: Bars, facts: Facts) -> dict[str, Any]:
    first = bars.between(int(bars.time[0]), int(bars.time[min(_LOOKED_AT, len(bars)) - 1]) + 1)
    prices = {name: getattr(first, name) for name in ("open", "high", "low", "close")}
    return {
        "symbol": symbol.name,
        "timeframe": bars.timeframe,
        "outcome": "checked",
        "file": describe_file(bars, facts),
        "first_bars": [
            {"at": from_ms(int(at)).isoformat()}
            | {name: round(float(column[row] * bars.tick), 10) for name, column in prices.items()}
            for row, at in enumerate(first.time)
        ],
    }


def _leave_out_open(imported: ImportedBars, now: datetime) -> ImportedBars:
    # A bar that has not closed has prices that are still to change, and would stand as finished.
    bars = imported.bars
    newest = from_ms(int(bars.time[-1]))
    if newest > now:
        reason = f"its last bar opens at {newest:%Y-%m-%d %H:%M} UTC, in the future."
        raise InvalidImportError(imported.source_file, reason)
    closed = bars.between(int(bars.time[0]), to_ms(now) - bars.timeframe.milliseconds + 1)
    count = len(bars) - len(closed)
    if not count:
        return imported
    if not len(closed):
        reason = f"its only bar, of {newest:%Y-%m-%d %H:%M} UTC, has not closed yet."
        raise InvalidImportError(imported.source_file, reason)
    return replace(imported, bars=closed, quality={**imported.quality, "not_closed": count})


def _find_size(timeframe: str) -> Timeframe:
    size = find_timeframe(timeframe)
    if size is None:
        raise NotFoundError("timeframe", timeframe, tuple(Timeframe))
    return size


def _find_coverage(bars: Bars, symbol: Symbol) -> Coverage:
    first, last = (day_of(int(bars.time[row]), symbol.zone) for row in (0, -1))
    return Coverage(first, last)


def _refuse(field_name: str, value: str, allowed: Sequence[str]) -> InvalidRequestError:
    # A timeframe is a text, but shows itself as Python's.
    message = f"The {field_name} was {str(value)!r}; it can be {', '.join(allowed)}."
    problem = Problem(field=field_name, code="not_allowed", message=message, allowed=tuple(allowed))
    return InvalidRequestError([problem])
