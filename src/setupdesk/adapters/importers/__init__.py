"""Importers: files of other programs become bars, or are refused with every reason.

``READERS`` knows the formats. A new one is a file beside this and a line there.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal

from setupdesk.adapters.importers import (
    bi5,
    binance,
    columnar,
    csv_with_header,
    dukascopy,
    histdata,
    json_candles,
    lean,
    mt4,
    mt5,
    own,
    tickstory,
    tradingview,
    yfinance,
)
from setupdesk.adapters.importers.checking import check_rows
from setupdesk.adapters.importers.clocks import Declared, apply_clock, settle
from setupdesk.adapters.importers.joining import Part, join_parts
from setupdesk.adapters.importers.rows import NotReadableError, Reader
from setupdesk.adapters.importers.unpacking import unpack, unpack_folder
from setupdesk.core.errors import InvalidImportError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock_check import check_clock, check_declared
from setupdesk.market.data_set import ImportedBars, Skipped
from setupdesk.market.file_names import check_names
from setupdesk.market.scale import warn_of_spikes

READERS: tuple[Reader, ...] = (
    *(own.CSV, columnar.OWN),
    *(columnar.FREQTRADE, columnar.FEATHER, columnar.PARQUET),
    *(json_candles.FREQTRADE, json_candles.OANDA),
    *(mt4.HISTORY, bi5.READER),
    *(mt4.CSV, histdata.READER, binance.READER, lean.READER),
    *(yfinance.READER, mt5.EXPORT, mt5.SCRIPT, tickstory.READER),
    *(dukascopy.CSV, dukascopy.NODE, mt5.PYTHON, tradingview.READER),
    csv_with_header.READER,
)
"""The formats, most particular first: the first that recognises a file reads it."""


def read_bars(  # noqa: PLR0913 - all that a user may say of a file
    raw: bytes,
    file_name: str,
    symbol: Symbol,
    timeframe: Timeframe,
    clock: str | None = None,
    *,
    accept_clock: bool = False,
    reference: Bars | None = None,
    stamped_at: Literal["open", "close"] | None = None,
    source: str | None = None,
    folder: bool = False,
    catalogue: Iterable[Symbol] = (),
) -> ImportedBars:
    """Read the file *raw* as bars of *symbol*; *source* names the format if it is known.

    A *folder* comes as one zip archive of its files, and *file_name* is its path. Names of
    files that tell of another symbol of the *catalogue* are warned of.
    *reference* is a series of the symbol in UTC, which helps to find the clock of the file.
    Raises ``InvalidImportError`` that names every mistake, where it is and what to do, and
    ``ClockNeededError`` with a proposal for wall times of which nobody said the clock,
    ``ClockUnsureError`` where that must be said, or ``StampingNeededError`` for bars that look
    stamped at their close.
    """
    declared = Declared(
        clock=clock, accept_clock=accept_clock, stamped_at=stamped_at, reference=reference
    )
    if not folder:
        files, path = [(file_name, raw)], ""
    else:
        files, path = _unpack_folder(raw, file_name), file_name
    return read_folder(
        files, symbol, timeframe, declared, source=source, folder=path, catalogue=catalogue
    )


def read_folder(  # noqa: PLR0913 - all that a user may say of a folder
    files: Iterable[tuple[str, bytes]],
    symbol: Symbol,
    timeframe: Timeframe,
    declared: Declared | None = None,
    *,
    source: str | None = None,
    folder: str = "",
    catalogue: Iterable[Symbol] = (),
) -> ImportedBars:
    """Read several files, each with its path below *folder*, as one data set.

    They may overlap where they agree. Raises as ``read_bars`` does.
    """
    given = sorted(files)

    # The digest of a large file takes a while, so another thread takes it.
    with ThreadPoolExecutor(1) as aside:
        digest = aside.submit(_fingerprint, given, folder)
        imported = _read(
            given, symbol, timeframe, declared or Declared(), source, folder, catalogue
        )
    return replace(imported, source_sha256=digest.result())


def _read(  # noqa: PLR0913, PLR0917 (as above)
    given: Sequence[tuple[str, bytes]],
    symbol: Symbol,
    timeframe: Timeframe,
    declared: Declared,
    source: str | None,
    folder: str,
    catalogue: Iterable[Symbol],
) -> ImportedBars:
    name = _name(given, folder)
    skipped: list[Skipped] = []
    parts = [
        _read_part(content, path, folder, timeframe, source)
        for path, content in _unpack_all(given, folder, skipped)
    ]
    if not parts:
        raise InvalidImportError(name, "It holds no files of bars.")
    misnamed = check_names([part.file_name for part in parts], symbol, catalogue)
    rows = None
    try:
        rows = join_parts(parts)
        timed = apply_clock(rows, symbol, timeframe, declared)
        bars, quality = check_rows(timed.rows, symbol, timeframe)
    except NotReadableError as mistake:
        if rows is not None and len(parts) > 1:
            _blame_one(parts, symbol, timeframe)
        raise InvalidImportError(name, str(mistake)) from mistake
    bars, found = settle(timed, bars, name, symbol, declared)
    check = check_clock if declared.clock is None else check_declared
    return ImportedBars(
        bars=bars,
        source_format=parts[0].source_format,
        source_file=name,
        source_sha256="",
        quality={**quality, **rows.left_out},
        clock=timed.clock.name,
        clock_found=found,
        seed=rows.seed,
        skipped=tuple(Skipped(_shorten(each.file, folder), each.reason) for each in skipped),
        warnings=(
            *misnamed,
            *timed.warnings,
            *check(bars, symbol, timed.clock),
            *warn_of_spikes(bars),
        ),
    )


def _unpack_all(
    files: Iterable[tuple[str, bytes]], folder: str, skipped: list[Skipped]
) -> Iterator[tuple[str, bytes]]:
    for path, raw in files:
        try:
            yield from unpack(raw, path, skipped=skipped)
        except NotReadableError as mistake:
            raise InvalidImportError(_shorten(path, folder), str(mistake)) from mistake


def _read_part(
    content: bytes, path: str, folder: str, timeframe: Timeframe, source: str | None
) -> Part:
    name = _shorten(path, folder)
    try:
        reader = _find_reader(content, path, source)
        rows = reader.read(content, path, timeframe)
    except NotReadableError as mistake:
        raise InvalidImportError(name, str(mistake)) from mistake
    return Part(file_name=name, source_format=reader.name, rows=rows)


def _blame_one(parts: Sequence[Part], symbol: Symbol, timeframe: Timeframe) -> None:
    # A line number means little where there are many files, so the file at fault is sought.
    for part in parts:
        try:
            check_rows(part.rows, symbol, timeframe)
        except NotReadableError as mistake:
            reasons = [reason for reason in mistake.reasons if reason.startswith("Line ")]
            if reasons:
                raise InvalidImportError(part.file_name, " ".join(reasons)) from mistake


def _find_reader(content: bytes, file_name: str, source: str | None) -> Reader:
    known = ", ".join(reader.name for reader in READERS)
    if source is not None:
        wanted = _plain(source)
        named = next((reader for reader in READERS if _plain(reader.name) == wanted), None)
        if named is None:
            raise NotReadableError(f"{source!r} is not a format. Formats: {known}.")
        return named
    reader = next((reader for reader in READERS if reader.recognises(content, file_name)), None)
    if reader is None and not content:
        raise NotReadableError("It is empty: 0 bytes. Download or export it again.")
    if reader is None:
        raise NotReadableError(f"Its format is not known. Formats: {known}. {_ADVICE}")
    return reader


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _unpack_folder(raw: bytes, folder: str) -> list[tuple[str, bytes]]:
    try:
        return unpack_folder(raw, folder)
    except NotReadableError as mistake:
        raise InvalidImportError(folder, str(mistake)) from mistake


def _shorten(path: str, folder: str) -> str:
    # Folders above the one that was given are no news to its owner.
    return path.removeprefix(f"{folder.rpartition('/')[0]}/") if folder else path


def _name(files: Sequence[tuple[str, bytes]], folder: str) -> str:
    if len(files) == 1:
        return _shorten(files[0][0], folder)
    return f"{folder.rpartition('/')[2] or 'The folder'} ({len(files)} files)"


def _fingerprint(files: Sequence[tuple[str, bytes]], folder: str) -> str:
    # Of several files, that of what sha256sum prints of them inside their folder.
    digests = [(name, hashlib.sha256(raw).hexdigest()) for name, raw in files]
    if len(digests) == 1:
        return digests[0][1]
    listing = "".join(f"{digest}  {_shorten(name, folder)}\n" for name, digest in digests)
    return hashlib.sha256(listing.encode()).hexdigest()


_ADVICE = "The first line must name the columns: time,open,high,low,close[,volume]."
