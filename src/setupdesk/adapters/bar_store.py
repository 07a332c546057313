"""The bar store: every data set as memory-mapped columns, each version for ever.

``<folder>/<SYMBOL>/<TIMEFRAME>/manifest.json`` names the current version; the sub-folder
of its fingerprint holds the columns, and the same bars as ``bars.parquet``: the archive, from
which lost columns are made again. An import writes a new version beside the old ones, so
that a run can be repeated on the very bars that it saw.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setupdesk.adapters.folder_sync import sync_folder
from setupdesk.core.errors import BarsDisagreeError, InvalidImportError, MissingBarsError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.data_set import Facts, Manifest, Saved, Source
from setupdesk.market.days import from_ms
from setupdesk.market.overlap import find_overlap, lay_over

_COLUMNS = ("time", "open", "high", "low", "close", "volume")
_MANIFEST = "manifest.json"
_ARCHIVE = "bars.parquet"
_DRAFT = ".draft-"


@dataclass(frozen=True, slots=True)
class BarStore:
    """All bars of the desk, under one folder."""

    folder: Path

    def save(
        self,
        symbol: str,
        bars: Bars,
        facts: Facts,
        *,
        replaces: bool = False,
        zone: str = "UTC",
    ) -> Saved:
        """Add *bars* to the data set of *symbol*, or put them in its place, all or nothing.

        Real bars replace simulated ones; the reverse raises ``InvalidImportError``. Bars that
        contradict most of the stored ones raise ``BarsDisagreeError``, unless they replace
        them. *zone* is that of the market, whose dates are named.
        """
        if not len(bars):
            raise InvalidImportError(facts.source_file, "it has no bars.")
        folder = self._folder(symbol, bars.timeframe)
        folder.mkdir(parents=True, exist_ok=True)
        for parent in (folder.parent, self.folder):
            sync_folder(parent)
        with _locked(folder):
            current = self.find_manifest(symbol, bars.timeframe)
            if current is None:
                manifest = _describe(symbol, bars, facts, (_describe_source(bars, facts),))
                _publish(folder, bars, manifest)
                return Saved(manifest=manifest, outcome="created", added=len(bars), disagreeing=0)
            if facts.simulated and not current.simulated:
                reason = f"real bars of {current.symbol} {current.timeframe} are stored already."
                raise InvalidImportError(facts.source_file, reason)
            if replaces or current.simulated:
                return _replace(folder, current, bars, facts)
            stored = self.load(symbol, bars.timeframe, current.fingerprint)
            return _merge(folder, current, stored, bars, facts, zone)

    def load(self, symbol: str, timeframe: Timeframe, fingerprint: str | None = None) -> Bars:
        """Map the current version into memory, or the one named by *fingerprint*.

        Raises ``MissingBarsError`` when it is not in the store.
        """
        folder = self._folder(symbol, timeframe)
        if fingerprint is None:
            fingerprint = _fingerprint_of(self.find_manifest(symbol, timeframe))
        version = folder / fingerprint
        manifest = _read_manifest(version) if re.fullmatch("[0-9a-f]{64}", fingerprint) else None
        if manifest is None:
            raise MissingBarsError(symbol, timeframe, fingerprint or "any period")
        if not all((version / f"{name}.npy").exists() for name in _COLUMNS):
            _rebuild(version, manifest)
        return Bars(timeframe, manifest.tick, *(_map(version, name) for name in _COLUMNS))

    def load_times(self, symbol: str, timeframe: Timeframe, fingerprint: str) -> Ints:
        """Map when the bars of a version open, in UTC milliseconds, and read nothing else of it.

        Raises ``MissingBarsError`` when they are not in the store; nothing is made again.
        """
        try:
            return _map(self._folder(symbol, timeframe) / fingerprint, "time")
        except FileNotFoundError:
            raise MissingBarsError(symbol, timeframe, fingerprint) from None

    def find_manifest(self, symbol: str, timeframe: Timeframe) -> Manifest | None:
        """Find the current version of a data set."""
        return _read_manifest(self._folder(symbol, timeframe))

    def find_versions(self, symbol: str, timeframe: Timeframe) -> list[Manifest]:
        """List every version of a data set that is kept, the newest first."""
        folders = self._folder(symbol, timeframe).glob("[0-9a-f]*/")
        found = [manifest for folder in folders if (manifest := _read_manifest(folder))]
        return sorted(found, key=lambda each: each.imported_at, reverse=True)

    def delete(self, symbol: str, timeframe: Timeframe) -> int:
        """Remove a data set with every version and give how many there were.

        What is half removed by a crash is gone for readers, and is removed by the next call.
        """
        folder = self._folder(symbol, timeframe)
        if not folder.exists():
            return 0
        with _locked(folder):
            versions = [each for each in folder.iterdir() if each.is_dir()]
            # The manifest goes first: from then on nobody finds the data set.
            (folder / _MANIFEST).unlink(missing_ok=True)
            sync_folder(folder)
            for version in versions:
                shutil.rmtree(version)
            sync_folder(folder)
        # The folder stays, empty but for the lock: another import may be waiting for it.
        return len(versions)

    def find_source(self, symbol: str, timeframe: Timeframe) -> Manifest | None:
        """Find the data set from which *timeframe* is made: itself, or else the finest one."""
        own = self.find_manifest(symbol, timeframe)
        if own is not None:
            return own
        finer = (other for other in Timeframe if other.minutes < timeframe.minutes)
        found = (self.find_manifest(symbol, other) for other in finer)
        return next((manifest for manifest in found if manifest is not None), None)

    def manifests(self) -> list[Manifest]:
        """List every data set, by symbol and timeframe."""
        folders = sorted(self.folder.glob("*/*/"))
        found = [manifest for folder in folders if (manifest := _read_manifest(folder))]
        return sorted(found, key=lambda each: (each.symbol, each.timeframe.minutes))

    def _folder(self, symbol: str, timeframe: Timeframe) -> Path:
        return self.folder / symbol / timeframe.value


def _replace(folder: Path, current: Manifest, bars: Bars, facts: Facts) -> Saved:
    manifest = _describe(current.symbol, bars, facts, (_describe_source(bars, facts),))
    if (manifest.fingerprint, manifest.seed) == (current.fingerprint, current.seed):
        return _unchanged(current)
    _publish(folder, bars, manifest)
    return Saved(manifest=manifest, outcome="replaced", added=len(bars), disagreeing=0)


def _merge(  # noqa: PLR0913, PLR0917 (both sides, and what is known of them)
    folder: Path, current: Manifest, stored: Bars, bars: Bars, facts: Facts, zone: str
) -> Saved:
    if stored.tick != bars.tick:
        reason = (
            f"the stored bars count in ticks of {stored.tick:g}, these in {bars.tick:g}. "
            f"Give --replace to put these in their place."
        )
        raise InvalidImportError(facts.source_file, reason)
    overlap = find_overlap(stored, bars)
    disagreeing, days = len(overlap.disagreeing), overlap.days(zone)
    if overlap.is_other_series:
        named = [day.isoformat() for day in days]
        cause = overlap.cause
        raise BarsDisagreeError(facts.source_file, disagreeing, overlap.shared, named, cause)
    merged = lay_over(stored, bars)
    if merged.fingerprint() == current.fingerprint:
        return _unchanged(current)
    counted = replace(facts, quality={**facts.quality, "disagreeing": disagreeing})
    if overlap.cause:
        says = f"{disagreeing:,} of its bars were stored with other prices before. {overlap.cause}"
        counted = replace(counted, warnings=(*facts.warnings, says))
    sources = (*current.sources, _describe_source(overlap.brought, counted))
    manifest = _describe(current.symbol, merged, counted, sources, current.fingerprint)
    _publish(folder, merged, manifest)
    return Saved(
        manifest=manifest,
        outcome="merged",
        added=len(bars) - overlap.shared,
        disagreeing=disagreeing,
        disagreeing_days=tuple(days),
        other_volume=overlap.other_volume,
        cause=overlap.cause,
    )


def _unchanged(current: Manifest) -> Saved:
    return Saved(manifest=current, outcome="unchanged", added=0, disagreeing=0)


def _describe_source(bars: Bars, facts: Facts) -> Source:
    return Source(
        source_file=facts.source_file,
        source_format=facts.source_format,
        source_sha256=facts.source_sha256,
        clock=facts.clock,
        clock_found=facts.clock_found,
        imported_at=facts.imported_at,
        rows=len(bars),
        first=from_ms(int(bars.time[0])),
        last=from_ms(int(bars.time[-1])),
        warnings=facts.warnings,
    )


def _describe(
    symbol: str,
    bars: Bars,
    facts: Facts,
    sources: tuple[Source, ...],
    merged_into: str | None = None,
) -> Manifest:
    return Manifest(
        symbol=symbol,
        timeframe=bars.timeframe,
        tick=bars.tick,
        rows=len(bars),
        first=from_ms(int(bars.time[0])),
        last=from_ms(int(bars.time[-1])),
        source_file=facts.source_file,
        source_format=facts.source_format,
        source_sha256=facts.source_sha256,
        clock=facts.clock,
        simulated=facts.simulated,
        seed=facts.seed,
        fingerprint=bars.fingerprint(),
        merged_into=merged_into,
        imported_at=facts.imported_at,
        quality=dict(facts.quality),
        warnings=tuple(dict.fromkeys(said for each in sources for said in each.warnings)),
        sources=sources,
    )


def _fingerprint_of(manifest: Manifest | None) -> str:
    return manifest.fingerprint if manifest else ""


def _read_manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.from_json(json.loads((folder / _MANIFEST).read_bytes()))
    except FileNotFoundError:
        return None


def _map(version: Path, name: str) -> NDArray[Any]:
    # Python 3.11 fails now and then where two threads parse such headers (python/cpython#106905).
    with _ONE_HEADER:
        mapped = np.load(version / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    # A plain view: slicing a np.memmap costs ten times as much as slicing an array.
    return mapped.view(np.ndarray)


_ONE_HEADER = Lock()


def _publish(folder: Path, bars: Bars, manifest: Manifest) -> None:
    version = folder / manifest.fingerprint
    # A version that is there already holds the same bars: it was current once.
    if not version.exists():
        _write_version(folder, bars, manifest)
    _replace_file(folder / _MANIFEST, _to_bytes(manifest))


def _write_version(folder: Path, bars: Bars, manifest: Manifest) -> None:
    # Drafts that a crash left behind: nobody else writes here while we hold the lock.
    for leftover in folder.glob(f"{_DRAFT}*"):
        shutil.rmtree(leftover)
    draft = folder / f"{_DRAFT}{manifest.fingerprint}"
    draft.mkdir()
    # The archive is packed while the disk takes the columns.
    with ThreadPoolExecutor(1) as aside:
        archive = aside.submit(_parquet().write_parquet, bars)
        _write_columns(draft, bars)
    _write_synced(draft / _ARCHIVE, lambda file: file.write(archive.result()))
    _write_synced(draft / _MANIFEST, lambda file: file.write(_to_bytes(manifest)))
    sync_folder(draft)
    draft.rename(folder / manifest.fingerprint)
    sync_folder(folder)


def _write_columns(folder: Path, bars: Bars) -> None:
    for name in _COLUMNS:
        column = np.ascontiguousarray(getattr(bars, name))
        draft = folder / f".{os.getpid()}-{name}.npy"
        _write_synced(draft, partial(np.save, arr=column))
        draft.replace(folder / f"{name}.npy")


def _rebuild(version: Path, manifest: Manifest) -> None:
    try:
        raw = (version / _ARCHIVE).read_bytes()
    except FileNotFoundError:
        raise MissingBarsError(manifest.symbol, manifest.timeframe, manifest.fingerprint) from None
    bars = _parquet().read_parquet(raw, manifest.timeframe, manifest.tick)
    if bars.fingerprint() != manifest.fingerprint:
        raise MissingBarsError(manifest.symbol, manifest.timeframe, manifest.fingerprint)
    # No lock: whoever else does the same writes the same bytes.
    _write_columns(version, bars)
    sync_folder(version)


def _parquet() -> ModuleType:
    # Polars starts threads when it is imported, and the executor, which forks, must have none.
    from setupdesk.adapters import bar_files

    return bar_files


def _to_bytes(manifest: Manifest) -> bytes:
    return json.dumps(manifest.to_json(), indent=2).encode()


def _replace_file(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    _write_synced(draft, lambda file: file.write(content))
    draft.replace(path)
    sync_folder(path.parent)


def _write_synced(path: Path, write: Callable[[Any], object]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Two imports of one data set would otherwise each merge into the same old version.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
